package repzo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

const ordersPath = "/proforma"

// mark is what a caller keeps of a read: the latest change that was seen, of Repzo's
// clock.
type mark struct {
	Updated time.Time `json:"updated"`
}

// ReadOrders reads the orders that changed since the mark, whatever their state, and
// those that are open if there is no mark or a full read is asked for. That of the open
// ones is complete unless FullDays bounds it, converted ones are open too, or the list moved
// meanwhile.
func (s *Source) ReadOrders(ctx context.Context, ask erp.Ask) (erp.OrderRead, error) {
	began := time.Now().UTC()
	if err := s.poll("read orders"); err != nil {
		return erp.OrderRead{}, err
	}
	var m mark
	if json.Unmarshal([]byte(ask.Mark), &m) != nil {
		m = mark{}
	}
	full := ask.Full || m.Updated.IsZero()
	s.readSince = time.Time{}
	if !m.Updated.IsZero() {
		s.readSince = m.Updated.AddDate(0, 0, -1)
	}
	b := &bundle{source: s}
	if !m.Updated.IsZero() {
		if err := b.changes(ctx, m.Updated.Add(-s.Overlap)); err != nil {
			return erp.OrderRead{}, err
		}
	}
	if full {
		if err := b.open(ctx, began); err != nil {
			return erp.OrderRead{}, err
		}
	}
	out, err := s.decode(ctx, b.records)
	if err != nil {
		return erp.OrderRead{}, err
	}
	out.Problems = append(b.notes, out.Problems...)
	out.Complete = out.Complete && full && !b.torn && s.FullDays == 0 && !s.IgnoreConverted
	out.Torn = b.torn
	if out.Mark = ask.Mark; b.torn {
		return out, nil
	}
	for _, r := range b.records {
		// A change that is later than now is an error of a clock, and is not believed.
		if at := updated(r); at.After(m.Updated) && !at.After(began) {
			m.Updated = at
		}
	}
	if m.Updated.IsZero() {
		return out, nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		return erp.OrderRead{}, &erp.Error{Fault: erp.Garbled, Doing: "read orders", Err: err}
	}
	out.Mark = string(text)
	return out, nil
}

// bundle is what the lists of one read gave.
type bundle struct {
	source  *Source
	records []web.Value
	notes   []erp.Problem
	torn    bool
	// since is from when changes were asked for; zero if they were not.
	since time.Time
}

func (b *bundle) add(ctx context.Context, doing string, query url.Values) ([]web.Value, error) {
	got, err := b.source.list(ctx, doing, ordersPath, query)
	if err != nil {
		return nil, err
	}
	b.notes, b.torn = append(b.notes, got.notes...), b.torn || got.torn
	return got.records, nil
}

// changes asks for what changed since a moment, of all states. Whether the list shows
// disabled orders is not known: they are asked for until one was seen.
func (b *bundle) changes(ctx context.Context, since time.Time) error {
	s := b.source
	b.since = since
	doing := "read orders changed since " + since.Format(time.DateTime)
	query := url.Values{"from_updatedAt": {s.moment(since)}}
	got, err := b.add(ctx, doing, query)
	if err != nil {
		return err
	}
	for _, r := range got {
		if gone, _ := r.Get("disabled").Bool(); gone == erp.Yes {
			s.disabledSeen = true
		}
	}
	if !s.disabledSeen {
		query.Set("disabled", "true")
		more, err := b.add(ctx, doing, query)
		if err != nil {
			return err
		}
		got = append(got, more...)
	}
	older := 0
	for _, r := range got {
		if at := updated(r); !at.IsZero() && at.Before(since) {
			older++
			continue
		}
		b.records = append(b.records, r)
	}
	if older > 0 {
		b.notes = append(b.notes, erp.Problem{Where: "proforma, from_updatedAt", What: "the list shows orders that did not change since: each read costs as many calls as one of everything; check updated_unit"})
	}
	return nil
}

// moment is a time in the unit of the company's filters.
func (s *Source) moment(at time.Time) string {
	if s.UpdatedUnit == "s" {
		return strconv.FormatInt(at.Unix(), 10)
	}
	return strconv.FormatInt(at.UnixMilli(), 10)
}

// open asks for all that may be open. What was converted is not: there are years of it.
func (b *bundle) open(ctx context.Context, began time.Time) error {
	s := b.source
	var words []string
	for _, word := range slices.Sorted(maps.Keys(s.States)) {
		if s.States[word] == erp.Open || s.States[word] == erp.Held {
			words = append(words, word)
		}
	}
	text, err := json.Marshal(words)
	if err != nil {
		return &erp.Error{Fault: erp.Misconfigured, Doing: "read open orders", Err: err}
	}
	query := url.Values{"status": {string(text)}, "latest": {"true"}, "conversion_status": {"not_converted"}}
	if s.FullDays > 0 {
		query.Set("from_createdAt", s.moment(began.AddDate(0, 0, -s.FullDays)))
	}
	seen := map[string]bool{}
	for _, r := range b.records {
		key, _ := id(r.Get("_id"))
		seen[key] = true
	}
	got, err := b.add(ctx, "read open orders", query)
	if err != nil {
		return err
	}
	b.records = append(b.records, got...)
	for _, r := range got {
		key, _ := id(r.Get("_id"))
		if at := updated(r); !b.since.IsZero() && at.After(b.since) && at.Before(began) && !seen[key] {
			b.notes = append(b.notes, erp.Problem{Where: "proforma, from_updatedAt", What: "an order changed, but the read of changes does not show it: changes are seen only by full reads; check updated_unit"})
			break
		}
	}
	return nil
}

// updated is when a record changed; zero if it does not say.
func updated(r web.Value) time.Time {
	t, err := r.Get("updatedAt", "UpdatedAt").Text()
	if err != nil {
		return time.Time{}
	}
	return momentOf(t).UTC()
}

// FindOrder asks for one order by its _id, or one that it once had, or by its serial
// number.
func (s *Source) FindOrder(ctx context.Context, _, key string) (erp.Order, []erp.Problem, error) {
	doing := "look for order " + web.Shorten(key, 60)
	versions, err := s.versions(ctx, doing, key)
	if err != nil {
		return erp.Order{}, nil, err
	}
	got, err := s.decode(ctx, versions)
	if err != nil {
		return erp.Order{}, nil, err
	}
	if len(got.Orders) != 1 {
		return erp.Order{}, nil, &erp.Error{Fault: erp.Garbled, Doing: doing, What: "the order was found, but can not be read"}
	}
	o := got.Orders[0]
	if o.ID != key && !slices.Contains(o.Aliases, key) {
		o.Aliases = append(o.Aliases, key)
	}
	return o, got.Problems, nil
}

// versions are the records of an order, the latest version at least.
func (s *Source) versions(ctx context.Context, doing, key string) ([]web.Value, error) {
	number := s.numbers[key]
	v, _, err := s.get(ctx, doing, ordersPath+"/"+url.PathEscape(key), nil)
	switch {
	case erp.Is(err, erp.Gone) && number == "" && !isKey(key):
		number = key
	case erp.Is(err, erp.Gone) && number != "" && !s.SeparateVersions:
	case err != nil:
		return nil, err
	default:
		v = single(v)
		if found, _ := id(v); found != key {
			return nil, &erp.Error{Fault: erp.Garbled, Doing: doing, What: "another order was answered than the one that was asked for"}
		}
		if latest, _ := v.Get("latest").Bool(); latest != erp.No || s.SeparateVersions {
			return []web.Value{v}, nil
		}
		number = numberOf(v)
	}
	return s.byNumberOf(ctx, doing, number)
}

// isKey says that a text is a key of Repzo's, 24 hexadecimal digits.
func isKey(text string) bool {
	return len(text) == 24 && strings.Trim(text, "0123456789abcdefABCDEF") == ""
}

// byNumberOf are the versions with a serial number, hidden ones if there are no others.
func (s *Source) byNumberOf(ctx context.Context, doing, number string) ([]web.Value, error) {
	for _, query := range []url.Values{{}, {"disabled": {"true"}}} {
		query.Set("serial_number.formatted", number)
		got, err := s.list(ctx, doing, ordersPath, query)
		if err != nil {
			return nil, err
		}
		var out []web.Value
		for _, r := range got.records {
			if numberOf(r) == number {
				out = append(out, r)
			}
		}
		if slices.ContainsFunc(out, func(r web.Value) bool { latest, _ := r.Get("latest").Bool(); return latest != erp.No }) {
			return out, nil
		}
	}
	return nil, &erp.Error{Fault: erp.Gone, Doing: doing, What: "Repzo has no order with the number " + web.Shorten(number, 60)}
}

// numberOf is the serial number of an order, a record or a text; empty if it has none.
func numberOf(r web.Value) string {
	for _, v := range []web.Value{r.Get("serial_number").Get("formatted"), r.Get("serial_number"), r.Get("serial")} {
		if t, err := v.Text(); err == nil && t != "" && len(t) <= 100 {
			return t
		}
	}
	return ""
}

// decode makes orders of records: versions of one document become one order. A record
// that can not be read costs nothing but itself.
func (s *Source) decode(ctx context.Context, records []web.Value) (erp.OrderRead, error) {
	if err := s.prepare(ctx, records); err != nil {
		return erp.OrderRead{}, err
	}
	out := erp.OrderRead{Complete: true}
	groups, keys := map[string][]*deed{}, []string(nil)
	for _, r := range records {
		d := &deed{source: s, record: r}
		ok := d.identify()
		if !ok {
			out.Problems, out.Complete = append(out.Problems, d.problems...), false
			continue
		}
		key := d.number
		if s.SeparateVersions || key == "" {
			key = d.id
		}
		if groups[key] == nil {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], d)
	}
	for _, key := range keys {
		for _, d := range s.latest(groups[key], &out) {
			if o, ok := d.order(); ok {
				out.Orders = append(out.Orders, o)
			}
			out.Problems = append(out.Problems, d.problems...)
		}
	}
	return out, nil
}

// latest is the version that counts of those of one document, with the others as its
// aliases. Two documents that only share their number stay two.
func (s *Source) latest(list []*deed, out *erp.OrderRead) []*deed {
	slices.SortStableFunc(list, func(a, b *deed) int {
		if a.superseded != b.superseded {
			return map[bool]int{true: 1, false: -1}[a.superseded]
		}
		return cmp.Or(cmp.Compare(b.version, a.version), b.updated.Compare(a.updated))
	})
	best := list[0]
	if best.superseded && !s.SeparateVersions {
		out.Problems = append(out.Problems, erp.Problem{Where: best.where, What: "it was superseded, but the later version is not in the answer", Order: best.id, Lost: true})
		return nil
	}
	result := []*deed{best}
	for _, d := range list[1:] {
		switch {
		case d.id == best.id || slices.Contains(best.aliases, d.id):
		case !d.superseded && d.version == best.version:
			out.Problems = append(out.Problems, erp.Problem{Where: d.where, What: fmt.Sprintf("order %s has the same number %s; they are taken as two orders", best.id, d.number), Order: d.id})
			result = append(result, d)
		default:
			best.aliases = append(best.aliases, d.id)
		}
	}
	if len(result) == 1 && best.number != "" && !s.SeparateVersions {
		best.aliases = append([]string{best.number}, best.aliases...)
		s.remember(best)
	}
	return result
}

// mostNumbers bounds what is remembered of serial numbers.
const mostNumbers = 50000

// remember keeps the number under all keys of the order.
func (s *Source) remember(d *deed) {
	if len(s.numbers) > mostNumbers {
		clear(s.numbers)
	}
	s.numbers[d.id] = d.number
	for _, a := range d.aliases {
		s.numbers[a] = d.number
	}
}
