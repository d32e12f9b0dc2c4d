package orders

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Mirror runs all sources. Its methods may be called by anybody at any time; Run
// is called once.
type Mirror struct {
	plant   *plant
	sources []*source
}

// Deps is what a Mirror works with.
type Deps struct {
	// Client is nil in a dry run: then nothing is known of Prodsmart, and every
	// source is in shadow mode.
	Client *prodsmart.Client
	Gate   Gate
	View   View
	Keeper Keeper
	// ProductsEvery is the time between two readings of Prodsmart's products; 0 is
	// 15 min.
	ProductsEvery time.Duration
	// PerMinute bounds the requests to Prodsmart in any minute, StocksPerMinute those of
	// them that set a stock; 0 is as many as Gate lets through.
	PerMinute, StocksPerMinute int
}

// New makes a Mirror; nothing happens before Run.
func New(d Deps, sources []Config) *Mirror {
	if d.ProductsEvery <= 0 {
		d.ProductsEvery = 15 * time.Minute
	}
	m := &Mirror{plant: &plant{client: d.Client, gate: d.Gate, view: d.View, all: newPace(d.PerMinute), stocks: newPace(d.StocksPerMinute), every: d.ProductsEvery, owners: map[string]string{}, reading: make(chan struct{}, 1)}}
	for _, c := range sources {
		m.sources = append(m.sources, newSource(c, m.plant, d.Keeper))
	}
	return m
}

// Run works until ctx ends, and has ended all it began when it returns.
func (m *Mirror) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, s := range m.sources {
		all.Go(func() { s.run(ctx) })
	}
	all.Wait()
}

// Status is how each source is.
func (m *Mirror) Status() []Status {
	var out []Status
	for _, s := range m.sources {
		out = append(out, s.snapshot())
	}
	return out
}

// find is the source with a name. The error names those there are.
func (m *Mirror) find(name string) (*source, error) {
	i := slices.IndexFunc(m.sources, func(s *source) bool { return s.config.Name == name })
	if i >= 0 {
		return m.sources[i], nil
	}
	var names []string
	for _, s := range m.sources {
		names = append(names, s.config.Name)
	}
	return nil, fmt.Errorf("there is no source %q; there are: %s", name, strings.Join(names, ", "))
}

// ask lets a source's own goroutine do something with its book.
func (m *Mirror) ask(ctx context.Context, name string, do func(b *rules.Book) error) error {
	s, err := m.find(name)
	if err != nil {
		return err
	}
	a := ask{do, make(chan error, 1)}
	select {
	case s.asks <- a:
	case <-ctx.Done():
		return fmt.Errorf("%s is busy: %w", name, ctx.Err())
	}
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s is busy: %w", name, ctx.Err())
	}
}

// Sync reads a source's orders now instead of when they are due, and the products of
// Prodsmart unless that was less than a minute ago.
func (m *Mirror) Sync(ctx context.Context, name string) error {
	s, err := m.find(name)
	if err != nil {
		return err
	}
	return m.ask(ctx, name, func(*rules.Book) error {
		s.nextOrders, s.nextStock, s.nextFull = time.Time{}, time.Time{}, time.Time{}
		s.plant.asked.Store(true)
		return nil
	})
}

// Hint says that something changed in a source's system: its changes are read soon, a
// while after the last read at the earliest. It does not wait. A name that there is not
// is nothing.
func (m *Mirror) Hint(name string) {
	s, err := m.find(name)
	if err != nil {
		return
	}
	s.hinted.Store(true)
	select {
	case s.wake <- struct{}{}:
	default: // it is about to look
	}
}

// Book is a copy of a source's book.
type Book struct {
	Entries   []rules.Entry
	Documents []rules.Document
	Writes    []rules.Outgoing
}

// Book gives a copy of a source's book.
func (m *Mirror) Book(ctx context.Context, name string) (out Book, err error) {
	err = m.ask(ctx, name, func(b *rules.Book) error {
		out = Book{b.Entries(), b.Documents(), b.Writes()}
		return nil
	})
	return out, err
}

// Resolve takes over an operator's decision: about the source as a whole (release,
// believe), about an entry, by its code or key, or about a write-back, by its id.
func (m *Mirror) Resolve(ctx context.Context, name, what, option string) error {
	return m.ask(ctx, name, func(b *rules.Book) error {
		now := time.Now()
		switch {
		case what == "" && option == "release":
			if !b.Release(now) {
				return fmt.Errorf("%s is not held", name)
			}
			return nil
		case what == "" && option == "believe":
			b.Believe(now)
			return nil
		case what == "":
			return fmt.Errorf("%q can not be said about a source; say one of: release, believe", option)
		}
		if slices.ContainsFunc(b.Writes(), func(o rules.Outgoing) bool { return strings.EqualFold(o.Write.ID, what) }) {
			return b.ResolveWrite(what, option, now)
		}
		switch found := b.Find(what); len(found) {
		case 0:
			return fmt.Errorf("%s has no order or write-back %q", name, what)
		case 1:
			return b.Resolve(found[0].Key, option, now)
		default:
			var names []string
			for _, e := range found {
				names = append(names, e.Name())
			}
			return fmt.Errorf("%q has %d lines; say which one: %s", what, len(found), strings.Join(names, ", "))
		}
	})
}
