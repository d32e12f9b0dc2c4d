package smpos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smpos"
)

// TestWeeksOfAShop: tills sell, take back and close shifts in between and in the
// midst of reads, deliveries come, calls fail in every way; every stock that is
// reported is true, and what was produced is there once.
func TestWeeksOfAShop(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			within(t, smpos.Options{OnlyQty: seed%2 == 1, HTTPErrors: seed%3 == 1}, writing, func(t *testing.T, b *bench) {
				wk := &week{bench: b, r: rand.New(rand.NewPCG(seed, 7)), books: 38000, sold: 23000}
				for range 7 * 24 * 4 {
					wk.quarter()
				}
				if wk.reads < 300 || wk.written < 20 {
					t.Errorf("only %d reads and %d writes ended well", wk.reads, wk.written)
				}
			})
		})
	}
}

// week keeps the shop's books in the test.
type week struct {
	*bench
	r *rand.Rand
	// books is what was there and what came, sold what was sold, in thousandths.
	books, sold    int64
	reads, written int
	// true are the stocks that there were since a reading began.
	true []int64
}

// quarter is a quarter of an hour in the shop.
func (wk *week) quarter() {
	time.Sleep(15 * time.Minute)
	kinds := []smpos.FaultKind{smpos.Status500, smpos.Commit500, smpos.CommitFail, smpos.DropBefore, smpos.DropAfter, smpos.Page, smpos.HalfAnswer, smpos.Busy, smpos.WrongTypes, smpos.NoStatus}
	if wk.r.IntN(5) == 0 {
		wk.sim.AddFault(smpos.Fault{Kind: kinds[wk.r.IntN(len(kinds))], After: wk.r.IntN(4), Times: 1 + wk.r.IntN(2)})
	}
	wk.office()
	if wk.r.IntN(3) == 0 {
		wk.sim.Meanwhile([]string{"GETSALES", "GETGOODSQNTY"}[wk.r.IntN(2)], wk.r.IntN(2), wk.office)
	}
	wk.read()
	// Writes that somebody disturbs are a person's; they have tests of their own.
	for range 20 {
		if r, err := wk.s.ReadStock(wk.Context(), erp.Ask{}); err == nil && r.Skipped == "" {
			break
		}
	}
	if wk.r.IntN(12) == 0 {
		wk.deliver(int64(1+wk.r.IntN(100)) * 1000)
	}
	wk.sim.ClearFaults()
}

// office is what people do at the tills and in the store room.
func (wk *week) office() {
	defer func() { wk.true = append(wk.true, wk.books-wk.sold) }()
	for range 1 + wk.r.IntN(3) {
		n := int64(1+wk.r.IntN(5)) * 1000
		switch wk.r.IntN(8) {
		case 0:
			wk.sim.CloseShift(wk.tillOne)
		case 1:
			wk.sim.Refund(wk.tillOne, 120, n)
			wk.sold -= n
		case 2:
			wk.sim.Book(wk.one, 120, n)
			wk.books += n
		default:
			wk.sim.Sell(wk.tillOne, 120, n)
			wk.sold += n
		}
	}
}

// read holds a reading against the books: it is what there was at one moment of it.
func (wk *week) read() {
	wk.true = []int64{wk.books - wk.sold}
	r, err := wk.s.ReadStock(wk.Context(), erp.Ask{})
	if err != nil || r.Skipped != "" {
		return
	}
	wk.reads++
	if len(r.Stock) != 1 || !slices.Contains(wk.true, r.Stock[0].Quantity.Shift(3).IntPart()) {
		wk.Errorf("%s: the stock is %v, true are %v", time.Now(), r.Stock, wk.true)
	}
}

// deliver writes goods back as the mirror does: prepare, write, look, until it is
// known to be done.
func (wk *week) deliver(thousandths int64) {
	w := erp.Write{Kind: erp.Produced, Product: "120", Delta: decimal.New(thousandths, -3)}
	look := false
	for range 50 {
		if look {
			_, done, err := wk.s.Look(wk.Context(), w)
			if done {
				break
			}
			look = err != nil
			continue
		}
		planned, err := wk.s.Prepare(wk.Context(), w)
		if err != nil {
			continue
		}
		w = planned
		if _, err = wk.s.Write(wk.Context(), w); err == nil {
			break
		}
		look = erp.Is(err, erp.Unclear)
	}
	wk.books += thousandths
	wk.written++
	if got := wk.sim.Quantity(wk.one, 120) - wk.sim.Sold(wk.one, 120); got != wk.books-wk.sold {
		wk.Fatalf("%s: %d thousandths were written back, and there are %d instead of %d", time.Now(), thousandths, got, wk.books-wk.sold)
	}
}
