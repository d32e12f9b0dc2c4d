package repzo

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strconv"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// mostPages bounds the pages of one read.
const mostPages = 2000

// sorted asks for records in the order of their keys, which is that of their creation.
const sorted = `[{"field":"_id","type":"asc"}]`

// read is one list, all of its pages.
type read struct {
	records []web.Value
	notes   []erp.Problem
	// torn says that the list changed while its pages were read: something may be
	// missing.
	torn bool
}

// list reads all pages of a list. It goes on after the last key that it has; if a
// company's lists do not obey that, they are read by page numbers from then on.
func (s *Source) list(ctx context.Context, doing, path string, query url.Values) (read, error) {
	if !s.PageNumbers && !s.numbered[path] {
		out, obeys, err := s.byKey(ctx, doing, path, query)
		if err != nil || obeys {
			return out, err
		}
		s.numbered[path] = true
	}
	return s.byNumber(ctx, doing, path, query)
}

// byKey reads pages after the last key. obeys is false if an answer was not in the order
// of keys, or not after the last one.
func (s *Source) byKey(ctx context.Context, doing, path string, query url.Values) (out read, obeys bool, err error) {
	query = maps.Clone(query)
	query.Set("sortBy", sorted)
	last := ""
	for n := range mostPages {
		p, err := s.page(ctx, doing, path, query)
		if err != nil {
			return read{}, true, err
		}
		if n == 0 && (p.last || p.total >= 0 && p.total == int64(len(p.records))) {
			return read{records: p.records, notes: p.notes}, true, nil // its order does not matter
		}
		before := last
		for _, r := range p.records {
			key, err := id(r.Get("_id"))
			if err != nil || key == "" {
				continue // it is told of as a record without a key
			}
			if key <= last {
				return read{}, false, nil
			}
			last = key
		}
		out.records, out.notes = append(out.records, p.records...), append(out.notes, p.notes...)
		if p.last || len(p.records) == 0 {
			return out, true, nil
		}
		if last == before {
			return read{}, false, nil // there is no key to go on after
		}
		query.Set("from__id", last)
	}
	return read{}, true, tooLong(doing)
}

// byNumber reads pages by their numbers, and drops what stands on two of them.
func (s *Source) byNumber(ctx context.Context, doing, path string, query url.Values) (read, error) {
	var out read
	query = maps.Clone(query)
	query.Set("sortBy", sorted)
	seen := map[string]bool{}
	total := int64(-1)
	for n := 1; n <= mostPages; n++ {
		query.Set("page", strconv.Itoa(n))
		p, err := s.page(ctx, doing, path, query)
		if err != nil {
			return read{}, err
		}
		if p.total >= 0 {
			out.torn = out.torn || total >= 0 && p.total != total
			total = p.total
		}
		fresh := 0
		for _, r := range p.records {
			switch key, err := id(r.Get("_id")); {
			case err != nil || key == "": // it is told of as a record without a key
			case seen[key]:
				out.torn = true // the list moved between two pages
				continue
			default:
				seen[key] = true
				fresh++
			}
			out.records = append(out.records, r)
		}
		out.notes = append(out.notes, p.notes...)
		if p.last || len(p.records) == 0 || fresh == 0 {
			out.torn = out.torn || total > int64(len(out.records))
			return out, nil
		}
	}
	return read{}, tooLong(doing)
}

func tooLong(doing string) error {
	return &erp.Error{Fault: erp.Garbled, Doing: doing, What: fmt.Sprintf("the list has more than %d pages", mostPages), Next: "set full_days, or a larger per_page"}
}

// page is one page of a list.
type page struct {
	records []web.Value
	notes   []erp.Problem
	// total is what the answer says the list has; -1 if it does not say.
	total int64
	// last says that the answer says that no page follows.
	last bool
}

// page reads one page, in whichever envelope it comes.
func (s *Source) page(ctx context.Context, doing, path string, query url.Values) (page, error) {
	query = maps.Clone(query)
	query.Set("per_page", strconv.Itoa(s.PerPage))
	asked := path
	if s.documented {
		asked = documentedPath(path)
	}
	v, notes, err := s.get(ctx, doing, asked, query)
	if erp.Is(err, erp.Gone) && documentedPath(path) != path && !s.documented {
		if v, notes, err = s.get(ctx, doing, documentedPath(path), query); err == nil {
			s.documented = true
		}
	}
	if err != nil {
		return page{}, err
	}
	list := v.Get("data", "result")
	if !list.IsList() {
		return page{}, &erp.Error{Fault: erp.Garbled, Doing: doing, What: `the answer has no list "data"`, Next: "nothing is concluded from it"}
	}
	p := page{records: list.Each(), notes: notes, total: -1}
	places := []web.Value{v, v.Get("paging", "pagination", "meta")}
	whole := func(names ...string) (int64, bool) {
		for _, place := range places {
			if n, err := place.Get(names...).Int(); err == nil && n >= 0 {
				return n, true
			}
		}
		return 0, false
	}
	if n, ok := whole("total_result", "total"); ok {
		p.total = n
	}
	pages, has := whole("total_pages", "pages")
	current, at := whole("current_page", "page")
	p.last = has && at && current >= pages
	return p, nil
}
