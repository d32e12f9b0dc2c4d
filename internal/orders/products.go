package orders

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

const (
	// mostProducts are made in one turn.
	mostProducts = 20
	// productPause is how long a product that was made, or can not be, is left alone, and
	// articlesPause the least time between two readings of the system's articles.
	productPause  = 24 * time.Hour
	articlesPause = 6 * time.Hour
	// articlesRest is the same after one that failed.
	articlesRest = 10 * time.Minute
)

// makeProducts makes the products that lines wait for: with code, name and families, and
// without operations, which only people know. Products that are there are never written.
func (s *source) makeProducts(ctx context.Context) error {
	if !s.config.Products {
		return nil
	}
	var failed []error
	made := 0
	for _, l := range s.book.Lacking() {
		if now := time.Now(); made == mostProducts || s.productRest[l.Code].After(now) {
			continue
		}
		made++
		l, err := s.described(ctx, l)
		created := false
		if err == nil {
			created, err = s.plant.product(ctx, l)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errLater) {
			continue
		}
		// What nobody refused is tried again with the next turn.
		if err != nil && verdict(err) != prodsmart.Refused && !errors.Is(err, errNoArticle) {
			failed = append(failed, fmt.Errorf("product %s: %w", l.Code, err))
			break
		}
		s.productRest[l.Code] = time.Now().Add(productPause)
		if created || err != nil {
			s.book.ProductMade(l, err, time.Now())
		}
	}
	return errors.Join(errors.Join(failed...), s.save(ctx))
}

// errNoArticle says that the system itself does not offer an article to be made.
var errNoArticle = errors.New("it is retired in the source; make it in Prodsmart by hand if it is wanted")

// errLater says that the system's list of articles has to be read before.
var errLater = errors.New("its name is not known yet")

// described completes an article by what the system's list of articles says of it. That
// list is read for articles without a name, and at most every articlesPause.
func (s *source) described(ctx context.Context, l rules.Lacking) (rules.Lacking, error) {
	reader, ok := s.system.(erp.ProductReader)
	if ok && l.Name == "" && s.system.Capabilities().Products && !s.articlesNext.After(time.Now()) {
		read, err := reader.ReadProducts(ctx, erp.Ask{Full: true})
		if err != nil {
			s.articlesNext = time.Now().Add(articlesRest)
			return l, err
		}
		s.articlesNext = time.Now().Add(articlesPause)
		s.articles = map[string]erp.Product{}
		for _, p := range read.Products {
			s.articles[p.Code] = p
		}
	}
	if ok && l.Name == "" && s.articles == nil && s.system.Capabilities().Products {
		return l, errLater
	}
	if p, known := s.articles[l.Code]; known {
		if p.Active == erp.No {
			return l, errNoArticle
		}
		if l.Name == "" {
			l.Name = p.Name
		}
		if len(l.Families) == 0 {
			l.Families = p.Families
		}
	}
	if l.Name == "" {
		l.Name = l.Code
	}
	return l, nil
}

// product makes a product if there is none of its code.
func (p *plant) product(ctx context.Context, l rules.Lacking) (created bool, err error) {
	defer p.asked.Store(true) // lines wait for it
	err = p.once(ctx, true, func(ctx context.Context) error {
		_, err := p.client.Products().Get(ctx, l.Code)
		return err
	})
	if !prodsmart.Gone(err) {
		return false, err
	}
	if err := p.families(ctx, l.Families); err != nil {
		return false, err
	}
	product := prodsmart.Product{Code: l.Code, Name: l.Name}
	for _, code := range l.Families {
		product.Families = append(product.Families, prodsmart.Reference{Code: code})
	}
	err = p.once(ctx, true, func(ctx context.Context) error {
		_, err := p.client.Products().Create(ctx, product)
		return err
	})
	return err == nil, err
}

// families makes those that are not there, with their code as name.
func (p *plant) families(ctx context.Context, codes []string) error {
	if len(codes) == 0 {
		return nil
	}
	list, err := all(ctx, p, prodsmart.FamilyQuery{}, true, p.client.ProductFamilies().List)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, f := range list {
		there[f.Code] = true
	}
	var missing []prodsmart.Family
	for _, code := range codes {
		if !there[code] {
			missing = append(missing, prodsmart.Family{Code: code, Name: code})
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return p.once(ctx, true, func(ctx context.Context) error { return p.client.ProductFamilies().Create(ctx, missing...) })
}
