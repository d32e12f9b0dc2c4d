package gateway

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/reconcile"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

const (
	// postsPage is how many posts are taken from the store at a time, mostPosts
	// how many of a machine at most.
	postsPage = 5000
	mostPosts = 20_000
	// postsBefore is how many posts before the period are looked at, for the
	// count and the downtime that it begins with.
	postsBefore = 50
	// mostRecords is how many records of ours are kept of one list; more than the
	// pages hold, unless they are larger than documented.
	mostRecords = 4 * mostPages * prodsmart.PageSize
)

// read reads both lists. What is not asked for is not kept: filters may not
// work, and records of other machines are nobody's business here. A record that
// names no machine may be of ours, so that what is known of ours is a part; so are
// productions without a number, whose readings can not be told apart.
func (c *comparer) read(ctx context.Context, r *reading) error {
	ours := map[string]bool{}
	for _, code := range c.machines {
		ours[code] = true
	}
	since := r.from.Add(c.terms.Offset - c.margin)
	// Whether a downtime that is open passes a filter of ends is not documented.
	spans := []prodsmart.Span{{EndAfter: since}, {StartAfter: since}}
	for _, span := range spans {
		part, err := collect(ctx, c, r, &r.downtimes, func(d prodsmart.Downtime) bool {
			r.partDowntimes = r.partDowntimes || len(d.Machines) == 0 ||
				slices.ContainsFunc(d.Machines, func(m prodsmart.Reference) bool { return m.Code == "" })
			return slices.ContainsFunc(d.Machines, func(m prodsmart.Reference) bool { return ours[m.Code] })
		}, func(ctx context.Context, page int) ([]prodsmart.Downtime, error) {
			return c.lists.Downtimes(ctx, prodsmart.DowntimeQuery{Span: span, Page: page})
		})
		if err != nil {
			return err
		}
		r.partDowntimes = r.partDowntimes || part
	}
	queries := []prodsmart.ProductionQuery{{Checked: prodsmart.CheckedIn}, {Checked: prodsmart.CheckedOut, Span: prodsmart.Span{EndAfter: since}}}
	for _, query := range queries {
		part, err := collect(ctx, c, r, &r.productions, func(p prodsmart.Production) bool {
			r.partProductions = r.partProductions || p.Machine.Code == "" || p.ID == 0 && ours[p.Machine.Code]
			return ours[p.Machine.Code]
		}, func(ctx context.Context, page int) ([]prodsmart.Production, error) {
			query.Page = page
			return c.lists.Productions(ctx, query)
		})
		if err != nil {
			return err
		}
		r.partProductions = r.partProductions || part
	}
	r.downtimes, r.productions = once(r.downtimes), once(r.productions)
	c.mention(r)
	// While pages are read a production that is checked out moves the others up,
	// and one of them is passed over.
	for _, open := range c.snapshot().Open {
		r.partProductions = r.partProductions || !slices.ContainsFunc(r.productions, func(p prodsmart.Production) bool { return p.ID == open.ID })
	}
	return nil
}

// mention puts into the log what can not be read of our records, unless it is what
// it was the last time.
func (c *comparer) mention(r *reading) {
	records, first := 0, ""
	note := func(unread []string) {
		if len(unread) == 0 {
			return
		}
		if records++; records == 1 {
			first = unread[0]
		}
	}
	for i := range r.downtimes {
		note(r.downtimes[i].Unread)
	}
	for i := range r.productions {
		note(r.productions[i].Unread)
	}
	if first != c.unread && first != "" {
		c.log.Warn("records of Prodsmart's lists can not be read whole, what is missing is not compared", "records", records, "first", first)
	}
	c.unread = first
}

// collect reads the pages of one query; each is an errand. It says whether there
// are more than are read.
func collect[T prodsmart.Record](ctx context.Context, c *comparer, r *reading, into *[]T, fits func(T) bool,
	fetch func(ctx context.Context, page int) ([]T, error)) (part bool, err error) {
	pages := prodsmart.Pages(mostPages, fits, func(page int) (records []T, err error) {
		_, ended := c.uplink.Errand(ctx, uplink.ReadErrand, func(ctx context.Context) prodsmart.Answer {
			r.requests++
			records, err = fetch(ctx, page)
			return prodsmart.AnswerOf(err)
		})
		return records, errors.Join(ended, err)
	})
	for record, err := range pages {
		if errors.Is(err, prodsmart.ErrMorePages) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if len(*into) == mostRecords {
			return true, nil
		}
		*into = append(*into, record)
	}
	return false, nil
}

// once keeps each record once; the newest reading of it.
func once[T prodsmart.Record](list []T) []T {
	at := map[string]int{}
	var out []T
	for _, r := range list {
		if j, seen := at[r.Key()]; seen {
			out[j] = r
			continue
		}
		at[r.Key()] = len(out)
		out = append(out, r)
	}
	return out
}

// inputs puts both sides of each machine together.
func (c *comparer) inputs(ctx context.Context, r *reading) ([]reconcile.Input, error) {
	first, err := c.store.Posts(ctx, store.Query{Limit: 1})
	if err != nil || len(first) == 0 {
		return nil, err // nothing was ever told
	}
	horizon := first[0].Time
	if c.blind.After(horizon) {
		horizon = c.blind
	}
	var out []reconcile.Input
	for _, code := range c.machines {
		told := r.told[code]
		in := reconcile.Input{
			Machine: code, From: later(r.from, horizon), To: r.to, Margin: c.margin, Zone: c.zone,
			PartDowntimes: r.partDowntimes, PartProductions: r.partProductions,
			Told: reconcile.Told{Counted: told.Counted, Count: told.Count, Type: told.Stop.Type, Since: told.Stop.Since, At: told.At},
		}
		var unread [2]int
		in.Downtimes, unread[0] = reconcile.DowntimesOf(code, r.downtimes)
		in.Productions, unread[1] = reconcile.ProductionsOf(code, r.productions)
		in.PartDowntimes = in.PartDowntimes || unread[0] > 0
		in.PartProductions = in.PartProductions || unread[1] > 0
		in.PostsFrom = in.From
		for _, p := range in.Productions {
			if oldest := later(r.to.Add(-sight), horizon); p.Start.Before(in.PostsFrom) {
				in.PostsFrom = later(p.Start.Add(-c.terms.Offset-2*c.margin), oldest)
			}
		}
		var since time.Time
		if in.Posts, since, err = c.posts(ctx, code, in.PostsFrom, horizon); err != nil {
			return nil, err
		}
		in.PostsFrom, in.From = later(in.PostsFrom, since), later(in.From, since)
		out = append(out, in)
	}
	return out, nil
}

// posts are those of a machine since a time, and some before it; the newest if
// there are very many. What was told before since is not known, or was nothing.
func (c *comparer) posts(ctx context.Context, machine string, from, horizon time.Time) (out []reconcile.Post, since time.Time, err error) {
	list, err := c.store.Posts(ctx, store.Query{Machine: machine, From: horizon, To: from, Newest: true, Limit: postsBefore})
	if err != nil {
		return nil, since, err
	}
	q := store.Query{Machine: machine, From: from, Limit: postsPage}
	for {
		page, err := c.store.Posts(ctx, q)
		if err != nil {
			return nil, since, err
		}
		list = append(list, page...)
		list = slices.Delete(list, 0, max(0, len(list)-mostPosts))
		if len(page) < postsPage {
			break
		}
		q.After = page[len(page)-1].ID
	}
	list, since = inOrder(list)
	for _, p := range list {
		out = append(out, reconcile.Post{Time: p.Time, Took: p.Took, Service: p.Service, Verdict: p.Verdict, Body: string(p.Body)})
	}
	if len(out) > 0 {
		since = out[0].Time
	}
	return out, since, nil
}

// inOrder gives the newest posts whose times are in the order in which they were
// sent, and the time of the last one before them, zero if there is none. A clock
// that was set back puts others between each other.
func inOrder(list []store.PostEntry) ([]store.PostEntry, time.Time) {
	start, highest := 0, int64(0)
	for i, p := range list {
		if p.ID < highest {
			start = i + 1
		}
		highest = max(highest, p.ID)
	}
	if start == 0 {
		return list, time.Time{}
	}
	return list[start:], list[start-1].Time
}

// open are the productions of the gateway's machines that counters are booked
// on.
func (c *comparer) open(r *reading) []OpenProduction {
	var out []OpenProduction
	for i := range r.productions {
		if p := &r.productions[i]; p.Open {
			out = append(out, OpenProduction{Machine: p.Machine.Code, Order: p.Order.Code, Operation: p.Operation, ID: p.ID, Since: p.Start})
		}
	}
	slices.SortFunc(out, func(a, b OpenProduction) int {
		return cmp.Or(cmp.Compare(a.Machine, b.Machine), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// sorted gives differences in the order of their time.
func sorted(known map[string]reconcile.Difference) []reconcile.Difference {
	list := slices.Collect(maps.Values(known))
	slices.SortFunc(list, func(a, b reconcile.Difference) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key(), b.Key()))
	})
	return list
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
