package prodsmart

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const (
	// PageSize is how many records a list gives at a time.
	PageSize = 25
	// maxList is how much of the answer of a list is read, unpacked. It is a
	// hundred times what a page of records takes.
	maxList = 8 << 20
)

// Span asks for records by their times. A zero bound is none; the bounds
// themselves are inside. A record that is open ends after any time.
type Span struct {
	StartAfter, StartBefore time.Time
	EndAfter, EndBefore     time.Time
}

// put writes the documented filters. They are widened to whole seconds, because
// no fractions are documented for them, and by one more, because it is not
// documented whether the bound itself is inside.
func (s Span) put(v url.Values) {
	putDate(v, "start-time-after", s.StartAfter, -time.Second)
	putDate(v, "start-time-before", s.StartBefore, 2*time.Second)
	putDate(v, "end-time-after", s.EndAfter, -time.Second)
	putDate(v, "end-time-before", s.EndBefore, 2*time.Second)
}

// fits lets a record pass whose time is not known.
func (s Span) fits(start, end time.Time, open bool) bool {
	if !start.IsZero() && (start.Before(s.StartAfter) || !s.StartBefore.IsZero() && start.After(s.StartBefore)) {
		return false
	}
	if open {
		return s.EndBefore.IsZero()
	}
	return end.IsZero() || !end.Before(s.EndAfter) && (s.EndBefore.IsZero() || !end.After(s.EndBefore))
}

// DowntimeQuery asks for downtimes. Its zero value asks for all.
type DowntimeQuery struct {
	Span
	// Page counts from 1; 0 is the first one too.
	Page int
	// Machine is a machine code; empty is any. It is not sent, because the
	// filter of that name is documented as a number although machines have
	// codes: only Fits looks at it.
	Machine string
}

// Fits says whether a downtime is what was asked for. Not all filters are known
// to work in Prodsmart, so what it lists may be more.
func (q DowntimeQuery) Fits(d Downtime) bool {
	return q.fits(d.Start, d.End, d.Open) &&
		(q.Machine == "" || slices.ContainsFunc(d.Machines, func(m Reference) bool { return m.Code == q.Machine }))
}

// Checked says whether production records are asked for that are open.
type Checked uint8

// The choices of Checked.
const (
	CheckedAny Checked = iota
	// CheckedIn: a worker is still at it.
	CheckedIn
	// CheckedOut: finished.
	CheckedOut
)

// ProductionQuery asks for production records. Its zero value asks for all.
type ProductionQuery struct {
	Span
	// Page counts from 1; 0 is the first one too.
	Page    int
	Checked Checked
	// Order is the code of a production order, and OrderID its number; empty and 0 are
	// any.
	Order   string
	OrderID int64
	// Worker is the number of a worker; empty is any.
	Worker string
	// RunningAfter asks for records that were not over by then; zero is any. Prodsmart
	// does not take it together with a Span, which only Fits looks at then.
	RunningAfter time.Time
	// WorkerNames asks for the names of the workers as well.
	WorkerNames bool
	// Machine is a machine code; empty is any. There is no such filter in
	// Prodsmart: only Fits looks at it.
	Machine string
}

// Fits says whether a record is what was asked for. Not all filters are known
// to work in Prodsmart, so what it lists may be more.
func (q ProductionQuery) Fits(p Production) bool {
	return q.fits(p.Start, p.End, p.Open) &&
		(q.Checked == CheckedAny || (q.Checked == CheckedIn) == p.Open) &&
		(q.Order == "" || q.Order == p.Order.Code) && (q.OrderID == 0 || q.OrderID == p.Order.ID) &&
		(q.Worker == "" || q.Worker == p.Worker.Number) &&
		(p.Open || p.End.IsZero() || !p.End.Before(q.RunningAfter)) && (q.Machine == "" || q.Machine == p.Machine.Code)
}

// Downtimes makes the one request for one page of the downtimes. What
// comes back is the page as Prodsmart gives it, also with records that the
// query did not ask for; see Pages. The error is an *Error: its Answer is
// judged like that of a post. No page is given together with an error.
func (c *Client) Downtimes(ctx context.Context, q DowntimeQuery) ([]Downtime, error) {
	filters := url.Values{}
	q.put(filters)
	return list(ctx, c, DowntimesEndpoint, filters, q.Page, decodeDowntime)
}

// Productions makes the one request for one page of the production
// records, as Downtimes does.
func (c *Client) Productions(ctx context.Context, q ProductionQuery) ([]Production, error) {
	filters := url.Values{}
	if q.RunningAfter.IsZero() {
		q.put(filters)
	}
	putDate(filters, "start-time", q.RunningAfter, -time.Second)
	putNumber(filters, "production-order-id", q.OrderID)
	putText(filters, "production-order-code", q.Order)
	putText(filters, "worker", q.Worker)
	if q.WorkerNames {
		filters.Set("worker-name", "true")
	}
	if q.Checked != CheckedAny {
		filters.Set("checked-out", strconv.FormatBool(q.Checked == CheckedOut))
	}
	return list(ctx, c, ProductionsEndpoint, filters, q.Page, decodeProduction)
}

// list makes the request for one page of a list.
func list[T any](ctx context.Context, c *Client, from Endpoint, filters url.Values, page int, decode func(json.RawMessage, *notes) T) ([]T, error) {
	filters.Set("page", strconv.Itoa(max(page, 1)))
	r, failed := c.perform(ctx, call{
		endpoint: from, method: http.MethodGet, path: c.paths[from], query: filters, auth: AuthToken, most: maxList,
	})
	if failed != nil {
		answer := failed.Answer
		answer.Text = c.clean("no access token: " + answer.Text)
		return nil, &Error{Endpoint: failed.Endpoint, Host: failed.Host, Answer: answer}
	}
	shown := r
	shown.body = r.body[:min(len(r.body), maxBody)]
	answer := c.judge(shown)
	if answer.Verdict != Accepted {
		return nil, &Error{Endpoint: from, Host: c.host, Answer: answer}
	}
	text := ""
	switch {
	case r.cut:
		text = fmt.Sprintf("the answer is larger than %d MiB, which no page of %d records is; it was not read to its end", maxList>>20, PageSize)
	case r.broken != nil:
		text = fmt.Sprintf("the answer broke off after %d bytes", len(r.body))
	case r.status == http.StatusNoContent:
		return nil, nil
	default:
		records, err := decodeRecords(r.body, c.zone, decode)
		if err == nil {
			return records, nil
		}
		text = err.Error() + "; it begins with: " + answer.Text
	}
	answer.Verdict, answer.Text = Ambiguous, c.clean(text)
	return nil, &Error{Endpoint: from, Host: c.host, Answer: answer}
}
