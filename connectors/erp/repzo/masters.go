package repzo

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// master is a warehouse, unit, status, reason, category or group.
type master struct {
	id, code, name, kind string
	// factor is zero where there is none.
	factor   decimal.Decimal
	standard bool
}

// masters is a list of them as it was last read.
type masters struct {
	at   time.Time
	list []master
}

// names gives a list of masters, which is read again when it is old. An old one is
// better than none when the system can not be read.
func (s *Source) names(ctx context.Context, path string, query url.Values) ([]master, error) {
	kept, known := s.lists[path]
	if known && time.Since(kept.at) < s.MastersFor {
		return kept.list, nil
	}
	if query == nil {
		query = url.Values{}
	}
	got, err := s.list(ctx, "read the list "+path, path, query)
	if err != nil {
		if known && (erp.Is(err, erp.Exhausted) || erp.Is(err, erp.Unavailable)) {
			return kept.list, nil
		}
		return nil, err
	}
	kept = masters{at: time.Now()}
	for _, r := range got.records {
		m := master{}
		for _, f := range []struct {
			to    *string
			names []string
		}{{&m.id, []string{"_id"}}, {&m.code, []string{"code"}}, {&m.name, []string{"name"}}, {&m.kind, []string{"type"}}} {
			if t, err := r.Get(f.names...).Text(); err == nil {
				*f.to = t
			}
		}
		if f, err := r.Get("factor").Decimal(erp.Point); err == nil {
			m.factor = f
		}
		standard, err := r.Get("is_default").Bool()
		m.standard = err == nil && standard == erp.Yes
		// Statuses of payments, transfers and the like are no statuses of orders.
		model := field(r, "model")
		if path == "/custom-status" && model != "" && model != "proformas" {
			continue
		}
		if gone, _ := r.Get("disabled").Bool(); path == "/warehouse" && gone == erp.Yes {
			continue
		}
		if m.id != "" {
			kept.list = append(kept.list, m)
		}
	}
	s.lists[path] = kept
	return kept.list, nil
}

// byID is the master with an id.
func byID(list []master, id string) (master, bool) {
	i := slices.IndexFunc(list, func(m master) bool { return m.id == id })
	if i < 0 {
		return master{id: id}, false
	}
	return list[i], true
}

// is says whether a configured text names the master: by id, code or name.
func (m master) is(text string) bool {
	return text != "" && (text == m.id || text == m.code || text == m.name)
}

// called is what people call the master.
func (m master) called() string {
	for _, t := range []string{m.code, m.name} {
		if t != "" {
			return t
		}
	}
	return m.id
}

// one is the only master that a configured text names. setting and what name it in
// the error.
func (s *Source) one(ctx context.Context, doing, path, what, text string) (master, error) {
	list, err := s.names(ctx, path, nil)
	if err != nil {
		return master{}, err
	}
	var found []master
	for _, m := range list {
		if m.is(text) {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		how := "Repzo has no %s %q"
		if len(found) > 1 {
			how = "Repzo has several of the %s %q; configure its id"
		}
		return master{}, refused(doing, how, what, text)
	}
	return found[0], nil
}

// article is a variant as orders and stock refer to it.
type article struct {
	variant, product, code string
	families               []string
}

// catalogue is what is remembered of the variants, by id.
type catalogue struct {
	at       time.Time
	variants map[string]article
}

// look is the article of a variant; a nil catalogue has none.
func (c *catalogue) look(variant string) (article, bool) {
	if c == nil {
		return article{}, false
	}
	a, ok := c.variants[variant]
	return a, ok
}

// knows says that the catalogue has a variant.
func (c *catalogue) knows(variant string) bool {
	_, known := c.look(variant)
	return known
}

// old says that the catalogue is not there, or older than an age.
func (c *catalogue) old(age time.Duration) bool { return c == nil || time.Since(c.at) >= age }

// freshen reads the catalogue if it is older than an age. An old one is better than
// none when the system can not be read.
func (s *Source) freshen(ctx context.Context, age time.Duration) error {
	if !s.goods.old(age) {
		return nil
	}
	_, err := s.ReadProducts(ctx, erp.Ask{})
	if s.goods != nil && (erp.Is(err, erp.Exhausted) || erp.Is(err, erp.Unavailable)) {
		return nil
	}
	return err
}

// code is the first of the configured sources of codes that has one.
func (s *Source) code(of func(object, field string) string) string {
	for _, name := range s.Codes {
		if t := of(splitCode(name)); t != "" {
			return t
		}
	}
	return ""
}

// field is a field of a record, or a key of its metadata; empty if it is no text.
func field(r web.Value, name string) string {
	if len(name) > len(metaField) && name[:len(metaField)] == metaField {
		r, name = r.Get("integration_meta"), name[len(metaField):]
	}
	t, err := r.Get(name).Text()
	if err != nil {
		return ""
	}
	return t
}
