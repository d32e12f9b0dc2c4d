package orders

import (
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// notThere begins the reason of a line whose product Prodsmart does not have.
const notThere = "the product is not in Prodsmart: "

// Lacking is an article that is made here, and that Prodsmart does not have.
type Lacking struct {
	// Code is the article's code there and here. Name is empty if no line says it.
	Code, Name string
	Families   []string
}

// Lacking are the articles that lines wait for, by code. Those for which the
// configuration names a product of another code are not among them: that one is for
// people to make.
func (b *Book) Lacking() []Lacking {
	found := map[string]Lacking{}
	look := func(l erp.Line, due time.Time) {
		code := b.settings.article(l)
		if code == "" || code != strings.TrimSpace(l.Product) {
			return
		}
		made, _, _ := b.settings.selected(l, b.catalog) // else it may be trading goods
		if _, why, _ := b.lacks(l, code, b.settings.quantity(l), due); !made || why != notThere+code {
			return
		}
		one := found[code]
		one.Code = code
		if one.Name == "" {
			one.Name = strings.TrimSpace(l.ProductName)
		}
		if len(one.Families) == 0 {
			one.Families = slices.Clone(l.Groups)
		}
		found[code] = one
	}
	for _, e := range b.those(func(e *Entry) bool { return e.ID == 0 && e.Status == Waiting }) {
		if e.Kind != Client {
			look(e.Raw, e.Want.Due)
			continue
		}
		for _, l := range e.Lines {
			look(l.Raw, l.Due)
		}
	}
	var out []Lacking
	for _, code := range sortedKeys(found) {
		out = append(out, found[code])
	}
	return out
}

// ProductMade reports that a product was made in Prodsmart, or why it was not.
func (b *Book) ProductMade(l Lacking, err error, at time.Time) {
	if err != nil {
		b.say(at, nil, true, "product %s was not made in Prodsmart: %s", l.Code, oneLine(err.Error(), 300))
		return
	}
	b.say(at, nil, true, "product %s (%s) was made in Prodsmart, without operations: add its operations there", l.Code, oneLine(l.Name, 80))
}
