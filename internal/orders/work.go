package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// mostTasks bounds what is done between two reads of the source.
const mostTasks = 50

const (
	// mostFailed is how many orders Prodsmart may fail on, one after the other, before it
	// is taken as out of order as a whole.
	mostFailed = 3
	// mostSilent is how often in a row the requests about one order may end without any
	// answer before others are tried first.
	mostSilent = 3
	// longestRest is how long an order is left alone at most.
	longestRest = 15 * time.Minute
)

// work does what the rules ask for, until nothing is left or something fails that
// will fail again. An order that Prodsmart answers with an error of its own rests, and
// keeps no other.
func (s *source) work(ctx context.Context) error {
	var failed []error
	for n := 0; n < mostTasks && ctx.Err() == nil; {
		now := time.Now()
		list := slices.DeleteFunc(s.book.Next(now), func(t rules.Task) bool {
			return s.resting[t.Key].until.After(now) || t.Act == rules.Create && s.tries[t.Key].until.After(now)
		})
		if err := s.save(ctx); err != nil || len(list) == 0 {
			return errors.Join(append(failed, err)...)
		}
		progress := false
		for _, t := range list[:min(len(list), mostTasks-n)] {
			n++
			done, err := s.task(ctx, t)
			if saved := s.save(ctx); saved != nil {
				return saved
			}
			if err != nil {
				failed = append(failed, err)
				if !ofOne(err) {
					s.silence(t, err)
					return errors.Join(failed...)
				}
				s.letRest(t)
				if len(failed) >= mostFailed {
					return errors.Join(failed...)
				}
				progress = true
				continue
			}
			progress = progress || done
			if t.Act == rules.Find || t.Act == rules.Create && s.book.Unknown(t.Key) {
				break // what may be made depends on it
			}
			if t.Act != rules.Create {
				delete(s.resting, t.Key)
			}
		}
		if !progress {
			break
		}
	}
	return errors.Join(failed...)
}

// ofOne says that an error may concern the one order only: Prodsmart answered, and
// neither the account nor the number of requests is what it objects to.
func ofOne(err error) bool {
	var failed *prodsmart.Error
	if !errors.As(err, &failed) {
		return false
	}
	status := failed.Answer.Status
	return status >= 400 && status != 401 && status != 403 && status != 429
}

// restOf is until when an order is left alone, after so many failures in a row. silent
// are those that had no answer.
type restOf struct {
	until         time.Time
	fails, silent int
}

// letRest leaves an order alone, from a minute to longestRest. Others wait for a search
// whose outcome is not known: it rests a minute.
func (s *source) letRest(t rules.Task) {
	if s.resting == nil {
		s.resting = map[string]restOf{}
	}
	r := s.resting[t.Key]
	pause := min(time.Minute<<min(r.fails, 10), longestRest)
	if t.Act == rules.Find {
		pause = time.Minute
	}
	r.until = time.Now().Add(pause)
	r.fails++
	s.resting[t.Key] = r
}

// silence counts requests about an order that had no answer: it may be the line, or the
// order.
func (s *source) silence(t rules.Task, err error) {
	if verdict(err) == prodsmart.Unsent || prodsmart.AnswerOf(err).Status != 0 {
		return
	}
	if s.resting == nil {
		s.resting = map[string]restOf{}
	}
	r := s.resting[t.Key]
	r.silent++
	s.resting[t.Key] = r
	if r.silent%mostSilent == 0 {
		s.letRest(t)
	}
}

// task does one thing. done says that the book is another one now. The error says
// that Prodsmart can not be reached, or is busy; refusals are the book's.
func (s *source) task(ctx context.Context, t rules.Task) (done bool, err error) {
	client := t.Kind == rules.Client
	switch {
	case t.Act == rules.Find && client:
		return s.findClient(ctx, t)
	case t.Act == rules.Find:
		return s.find(ctx, t)
	case t.Act == rules.Create && client:
		return true, s.createClient(ctx, t)
	case t.Act == rules.Create:
		return true, s.create(ctx, t)
	case t.Act == rules.Attend && client:
		return true, s.attendClient(ctx, t)
	case t.Act == rules.Attend:
		return true, s.attend(ctx, t)
	case t.Act == rules.Tell:
		return true, s.tell(ctx, t)
	case t.Act == rules.Separate:
		return true, s.separate(ctx, t)
	}
	return false, nil
}

// find looks for an order whose create had no clear answer.
func (s *source) find(ctx context.Context, t rules.Task) (bool, error) {
	found := func(list []prodsmart.ProductionOrder) bool { return s.book.Holds(t.Key, list) }
	list, err := s.plant.around(ctx, t, found)
	if err != nil {
		return false, fmt.Errorf("search for %s, whose creation had no clear answer: %w", t.Code, err)
	}
	return s.book.Found(t.Key, list, time.Now()), nil
}

func (s *source) findClient(ctx context.Context, t rules.Task) (bool, error) {
	list, _, err := s.plant.sales(ctx)
	if err != nil {
		return false, fmt.Errorf("search for client order %s, whose creation had no clear answer: %w", t.Code, err)
	}
	return s.book.Found(t.Key, list, time.Now()), nil
}

// create makes an order; the intent is on disk before the request leaves.
func (s *source) create(ctx context.Context, t rules.Task) error {
	order, ok := s.book.Create(t.Key, time.Now())
	if !ok {
		return nil
	}
	if err := s.save(ctx); err != nil {
		return err
	}
	var made prodsmart.ProductionOrder
	err := s.plant.once(ctx, true, func(ctx context.Context) (err error) {
		made, err = s.plant.client.ProductionOrders().Create(ctx, order)
		return err
	})
	return s.created(t, made, err, "production order "+order.Code)
}

// created takes over the outcome of a create.
func (s *source) created(t rules.Task, made prodsmart.ProductionOrder, err error, what string) error {
	now := time.Now()
	switch v := verdict(err); {
	case v == prodsmart.Accepted && made.ID != 0:
		delete(s.tries, t.Key)
		delete(s.resting, t.Key)
		s.book.Created(t.Key, made, now)
	case v == prodsmart.Accepted || v == prodsmart.Ambiguous:
		// Nobody knows; it is looked for before anything else is made, and not made again
		// and again.
		s.tries[t.Key] = restOf{until: time.Now().Add(min(time.Minute<<min(s.tries[t.Key].fails, 10), longestRest)), fails: s.tries[t.Key].fails + 1}
		return nil
	case v == prodsmart.Refused:
		s.book.NotCreated(t.Key, true, prodsmart.AnswerOf(err).Text, now)
	default:
		s.book.NotCreated(t.Key, false, "", now)
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// order reads one order, so that it can be written back whole.
func (s *source) order(ctx context.Context, id int64) (o prodsmart.ProductionOrder, err error) {
	err = s.plant.once(ctx, true, func(ctx context.Context) error {
		o, err = s.plant.client.ProductionOrders().Get(ctx, id)
		return err
	})
	if err != nil || s.plant.view == nil {
		return o, err
	}
	if known, ok := s.plant.view.Order(id); ok {
		o.KeepSerial(known)
	}
	return o, nil
}

// attend reads an order again, lets the rules decide on it, and does that.
func (s *source) attend(ctx context.Context, t rules.Task) error {
	fresh, err := s.order(ctx, t.ID)
	switch {
	case prodsmart.Gone(err):
		s.book.Deleted(t.Key, time.Now())
		return nil
	case err != nil:
		return fmt.Errorf("production order %s: %w", t.Code, err)
	}
	d := s.book.Decide(t.Key, fresh, time.Now())
	if err := s.save(ctx); err != nil {
		return err
	}
	err = s.plant.once(ctx, true, func(ctx context.Context) error {
		switch d.Do {
		case rules.Put:
			_, err := s.plant.client.ProductionOrders().Update(ctx, d.Order)
			return err
		case rules.Delete:
			return s.plant.client.ProductionOrders().Delete(ctx, t.ID)
		}
		return nil
	})
	return s.decided(t, d, err, "production order "+t.Code)
}

// decided takes over the outcome of a decision.
func (s *source) decided(t rules.Task, d rules.Decision, err error, what string) error {
	now := time.Now()
	var taken *prodsmart.NotTaken
	switch {
	case errors.As(err, &taken):
		s.book.Done(t.Key, d, now)
		s.book.Doubt(t.Key, taken.Error(), now)
	case err == nil, d.Do == rules.Delete && prodsmart.Gone(err):
		s.book.Done(t.Key, d, now)
	case verdict(err) == prodsmart.Refused:
		s.book.NotDone(t.Key, prodsmart.AnswerOf(err).Text, now)
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// tell sends a notice to the people at an order.
func (s *source) tell(ctx context.Context, t rules.Task) error {
	short, long, ok := s.book.Telling(t.Key, time.Now())
	if err := s.save(ctx); err != nil || !ok {
		return err
	}
	err := s.plant.once(ctx, true, func(ctx context.Context) error {
		return s.plant.client.ProductionOrders().Notify(ctx, t.ID, short, long)
	})
	now := time.Now()
	switch verdict(err) {
	case prodsmart.Accepted:
		s.book.Told(t.Key, false, "", now)
	case prodsmart.Refused:
		s.book.Told(t.Key, false, "refused: "+prodsmart.AnswerOf(err).Text, now)
	case prodsmart.Ambiguous:
		s.book.Told(t.Key, false, "no clear answer", now)
	default:
		s.book.Told(t.Key, true, "", now)
		return fmt.Errorf("notice at production order %s: %w", t.Code, err)
	}
	return nil
}

// separate deletes a second order that a repeated request made.
func (s *source) separate(ctx context.Context, t rules.Task) error {
	fresh, err := s.order(ctx, t.ID)
	switch {
	case prodsmart.Gone(err):
		s.book.Parted(t.Key, t.ID, false, time.Now())
		return nil
	case err != nil:
		return fmt.Errorf("production order %d, a second %s: %w", t.ID, t.Code, err)
	case !s.book.Twin(t.Key, fresh):
		s.book.Parted(t.Key, t.ID, false, time.Now())
		return nil
	}
	err = s.plant.once(ctx, true, func(ctx context.Context) error { return s.plant.client.ProductionOrders().Delete(ctx, t.ID) })
	switch {
	case err == nil || prodsmart.Gone(err):
		s.book.Parted(t.Key, t.ID, true, time.Now())
	case verdict(err) == prodsmart.Refused:
		s.book.Parted(t.Key, t.ID, false, time.Now())
	default:
		return fmt.Errorf("production order %d, a second %s: %w", t.ID, t.Code, err)
	}
	return nil
}

// createClient makes a client order, and its client before.
func (s *source) createClient(ctx context.Context, t rules.Task) error {
	order, customer, ok := s.book.CreateClient(t.Key, time.Now())
	if !ok {
		return nil
	}
	if err := s.plant.customer(ctx, customer); err != nil {
		s.book.NotCreated(t.Key, verdict(err) == prodsmart.Refused, prodsmart.AnswerOf(err).Text, time.Now())
		if verdict(err) == prodsmart.Refused {
			return nil
		}
		return fmt.Errorf("client %s: %w", customer.Code, err)
	}
	if err := s.save(ctx); err != nil {
		return err
	}
	var made prodsmart.TradeOrder
	err := s.plant.once(ctx, true, func(ctx context.Context) (err error) {
		made, err = s.plant.client.SalesOrders().Create(ctx, order)
		return err
	})
	return s.created(t, prodsmart.ProductionOrder{ID: made.ID, Code: made.Code}, err, "client order "+order.Code)
}

// attendClient does for a client order what attend does for a production order.
func (s *source) attendClient(ctx context.Context, t rules.Task) error {
	var fresh prodsmart.TradeOrder
	err := s.plant.once(ctx, true, func(ctx context.Context) (err error) {
		fresh, err = s.plant.client.SalesOrders().Get(ctx, t.ID)
		return err
	})
	switch {
	case prodsmart.Gone(err):
		s.book.Deleted(t.Key, time.Now())
		return nil
	case err != nil:
		return fmt.Errorf("client order %s: %w", t.Code, err)
	}
	d := s.book.DecideClient(t.Key, fresh, time.Now())
	if err := s.save(ctx); err != nil {
		return err
	}
	err = s.plant.once(ctx, true, func(ctx context.Context) error {
		switch d.Do {
		case rules.Put:
			_, err := s.plant.client.SalesOrders().Update(ctx, d.Sale)
			return err
		case rules.Delete:
			return s.plant.client.SalesOrders().Delete(ctx, t.ID)
		}
		return nil
	})
	return s.decided(t, d, err, "client order "+t.Code)
}

// writeBack works on write-backs, one after the other: what is not clear is looked
// up before anything else is sent.
func (s *source) writeBack(ctx context.Context) error {
	writer, ok := s.system.(erp.Writer)
	if !ok {
		return nil
	}
	counts, looked := s.system.Capabilities().Counts, map[string]bool{}
	for range mostTasks {
		o, look, ok := s.book.NextWrite(time.Now())
		if ctx.Err() != nil {
			return nil
		}
		if !ok {
			return s.drafts(ctx)
		}
		if !look && counts && !looked[o.Write.ID] {
			if err := s.lookAt(ctx, writer, s.book.DraftsBeside(o.Write)); err != nil {
				if ctx.Err() == nil { // it waits, others do not
					s.book.NotWrote(o.Write.ID, &erp.Error{Fault: erp.Unavailable, What: "what was written before can not be looked at: " + err.Error(), Err: err}, time.Now())
				}
				return errors.Join(err, s.save(ctx))
			}
			looked[o.Write.ID] = true
			continue
		}
		err := s.write(ctx, writer, o.Write, look)
		if saved := s.save(ctx); saved != nil {
			return saved
		}
		if err != nil {
			return fmt.Errorf("write-back %s (%s): %w", o.Write.ID, o.Write.Kind, err)
		}
	}
	return nil
}

// drafts looks whether people posted the documents that were written.
func (s *source) drafts(ctx context.Context) error {
	writer, ok := s.system.(erp.Writer)
	if !ok || s.saving() {
		return nil
	}
	return s.lookAt(ctx, writer, s.book.Drafts(time.Now()))
}

// lookAt finds out what became of documents that people have to post.
func (s *source) lookAt(ctx context.Context, writer erp.Writer, drafts []rules.Outgoing) error {
	for _, o := range drafts {
		r, there, err := writer.Look(ctx, o.Write)
		if erp.Is(err, erp.Refused) {
			s.book.Declined(o.Write.ID, err, time.Now())
			continue
		}
		if err != nil {
			return fmt.Errorf("look at the document %s: %w", o.Write.ID, err)
		}
		s.book.Posted(o.Write.ID, r, there, time.Now())
	}
	return s.save(ctx)
}

// write makes one write-back, or looks whether it was done.
func (s *source) write(ctx context.Context, writer erp.Writer, w erp.Write, look bool) error {
	if look {
		r, done, err := writer.Look(ctx, w)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.book.Unsure(w.ID, err, time.Now())
			return unlessSaidNo(err)
		}
		s.book.Looked(w.ID, r, done, time.Now())
		return nil
	}
	planned, err := writer.Prepare(ctx, w)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.book.NotWrote(w.ID, err, time.Now())
		return unlessSaidNo(err)
	}
	planned.ID = w.ID
	s.book.Leaving(planned, time.Now())
	if err := s.save(ctx); err != nil {
		return err
	}
	r, err := writer.Write(ctx, planned)
	switch {
	case err == nil:
		s.book.Wrote(w.ID, r, time.Now())
		return nil
	case ctx.Err() != nil:
		return err // it is looked up after the start
	case erp.Is(err, erp.Unclear):
		s.book.Unsure(w.ID, err, time.Now())
		return err
	}
	s.book.NotWrote(w.ID, err, time.Now())
	return unlessSaidNo(err)
}

// unlessSaidNo is an error that concerns more than the one write that it is about.
func unlessSaidNo(err error) error {
	if erp.Is(err, erp.Refused) || erp.Is(err, erp.Gone) {
		return nil
	}
	return err
}
