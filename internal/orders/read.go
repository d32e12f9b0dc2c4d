package orders

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// read reads what is due of the business system. What fails is tried again when it
// is due the next time; Prodsmart's side does not wait for it.
func (s *source) read(ctx context.Context) {
	now := time.Now()
	s.heed()
	caps := s.system.Capabilities()
	if caps.Orders && s.config.Settings.Target != rules.Replenish && !s.nextOrders.After(now) {
		s.unread["orders"] = s.readOrders(ctx)
	}
	if reader, ok := s.system.(erp.StockReader); ok && caps.Stock && s.config.StockEvery > 0 && !s.nextStock.After(now) {
		if s.saving() {
			s.nextStock = now.Add(s.stretched(s.config.StockEvery))
			return
		}
		s.unread["stock"] = s.readStock(ctx, reader)
	}
}

// longestPause is what failures in a row lengthen the pause between two reads to, unless
// it is longer anyway.
const longestPause = 15 * time.Minute

// after is when something is to be read again: the budget may stretch it, failures in a
// row do, which fails counts, and an error may name a moment.
func (s *source) after(every time.Duration, fails *int, err error) time.Time {
	if *fails++; err == nil {
		*fails = 0
	}
	pause := every << min(max(*fails-1, 0), 10)
	at := time.Now().Add(s.stretched(max(every, min(pause, longestPause))))
	var e *erp.Error
	if errors.As(err, &e) && e.Until.After(at) {
		at = e.Until
	}
	return at
}

// stretched is a pause as the budget of calls allows it.
func (s *source) stretched(pause time.Duration) time.Duration {
	m, ok := s.system.(erp.Metered)
	if !ok {
		return pause
	}
	if n := m.Stretch(); n > 0 {
		return pause * time.Duration(n)
	}
	return max(pause, time.Hour)
}

// hintPause is the least time between two reads because of hints.
const hintPause = 30 * time.Second

// heed lets the next read come soon if the system said that something changed. What
// fails is not tried earlier because of it.
func (s *source) heed() {
	if !s.hinted.Swap(false) || s.unread["orders"] != nil {
		return
	}
	if at := s.askedAt.Add(s.stretched(hintPause)); at.Before(s.nextOrders) {
		s.nextOrders = at
	}
}

// readOrders reads orders and takes them over.
func (s *source) readOrders(ctx context.Context) error {
	reader, ok := s.system.(erp.OrderReader)
	if !ok {
		return nil
	}
	now := time.Now()
	s.askedAt = now
	ask := erp.Ask{Mark: s.book.Mark(), Full: s.config.FullEvery > 0 && !s.nextFull.After(now)}
	read, err := reader.ReadOrders(ctx, ask)
	s.nextOrders = s.after(s.config.Every, &s.ordersFailed, err)
	if err != nil {
		return fmt.Errorf("read of orders: %w", err)
	}
	if ask.Full && !read.Torn {
		s.nextFull = now.Add(s.config.FullEvery)
	}
	s.book.Observe(read, now)
	s.mu.Lock()
	s.status.LastRead = now
	s.mu.Unlock()
	if err := s.save(ctx); err != nil {
		return err
	}
	if kept, ok := s.system.(erp.Acknowledged); ok {
		if err := kept.Kept(ctx, read.Mark); err != nil {
			return fmt.Errorf("read of orders: %w", err)
		}
	}
	return s.confirm(ctx)
}

// confirm asks for documents one by one: those that complete reads miss, and those
// that no read has shown for long.
func (s *source) confirm(ctx context.Context) error {
	finder, ok := s.system.(erp.Finder)
	if !ok || !s.system.Capabilities().ByID {
		return nil
	}
	now := time.Now()
	list := s.book.Doubtful(now)
	doubtful := len(list)
	if s.config.Unseen > 0 && !s.nextUnseen.After(now) {
		list = append(list, s.unseen(now)...)
	}
	var found []rules.Found
	var gone []rules.Document
	var failed error
	for i, d := range list {
		if i >= doubtful {
			s.asked++
		}
		o, problems, err := finder.FindOrder(ctx, d.Company, d.ID)
		switch {
		case err == nil:
			found = append(found, rules.Found{Order: o, Problems: problems})
		case erp.Is(err, erp.Gone):
			gone = append(gone, d)
		default:
			s.book.Unanswered(d, now)
			if failed == nil {
				failed = fmt.Errorf("look for order %s: %w", d.ID, err)
			}
		}
		if err != nil && !erp.Is(err, erp.Gone) && !erp.Is(err, erp.Garbled) && !erp.Is(err, erp.Refused) {
			s.nextUnseen = now.Add(time.Hour)
			break // it will be the same for the others
		}
	}
	if len(found)+len(gone) > 0 {
		s.book.Asked(found, gone, time.Now())
	}
	return errors.Join(failed, s.save(ctx))
}

// unseen are the documents that no read has shown for long, as many as may be asked for
// today; those that were not there are asked for once more an hour later.
func (s *source) unseen(now time.Time) []rules.Document {
	if day := now.UTC().Format(time.DateOnly); s.askedOn != day {
		s.askedOn, s.asked = day, 0
	}
	s.nextUnseen = now.Add(time.Hour)
	if s.saving() {
		return nil
	}
	list := s.book.Expected(now.Add(-s.config.Unseen), now)
	if most := s.config.UnseenPerDay; most > 0 {
		list = list[:min(len(list), max(most-s.asked, 0))]
	}
	return list
}

// saving says that there are hardly any calls left today.
func (s *source) saving() bool {
	m, ok := s.system.(erp.Metered)
	return ok && m.Stretch() == 0
}

// readStock reads stock, for replenishment and for Prodsmart's own.
func (s *source) readStock(ctx context.Context, reader erp.StockReader) error {
	replenish := s.config.Settings.Target == rules.Replenish
	ask := erp.Ask{Mark: s.stockMark, Free: replenish}
	read, err := reader.ReadStock(ctx, ask)
	s.nextStock = s.after(s.config.StockEvery, &s.stockFailed, err)
	if err != nil {
		return fmt.Errorf("read of stock: %w", err)
	}
	s.stockMark = read.Mark
	now := time.Now()
	if replenish {
		s.book.Stocked(read, now)
		s.mu.Lock()
		s.status.LastRead = now
		s.mu.Unlock()
	} else {
		s.book.StockDoubts(read, now)
	}
	if s.config.Shadow || s.plant.client == nil {
		return nil
	}
	if replenish && s.book.SetsStock() && s.system.Capabilities().Booked {
		// What is booked lies there too, and is no stock to sell.
		if read, err = reader.ReadStock(ctx, erp.Ask{Mark: s.stockMark}); err != nil {
			return fmt.Errorf("read of stock: %w", err)
		}
	}
	for _, push := range s.book.Pushes(read, now) {
		err := s.plant.stock(ctx, push)
		if err != nil {
			return fmt.Errorf("stock of %s in Prodsmart: %w", push.Product, err)
		}
		s.book.Pushed(push)
	}
	return nil
}
