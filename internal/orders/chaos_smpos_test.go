package orders_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	sim "github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smpos"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// smposOffice is a shop with customers: five articles are kept in stock by what the
// plant makes.
type smposOffice struct {
	*kiosk
	// posted is what closed shifts took off the books, sold what the open one will, and
	// delivered what people booked, in thousandths by article.
	posted, sold, delivered map[int64]int64
}

func newSMPOSOffice(t *testing.T) *smposOffice {
	o := &smposOffice{kiosk: newKiosk(t), posted: map[int64]int64{}, sold: map[int64]int64{}, delivered: map[int64]int64{}}
	for _, code := range o.articles() {
		o.server.SetGoods(o.section, sim.Goods{Code: code, Name: "Bun " + strconv.FormatInt(code, 10), Price: 100, Qnty: 60000})
	}
	return o
}

func (o *smposOffice) articles() []int64 { return []int64{120, 121, 122, 123, 124} }

func (o *smposOffice) config() orders.Config {
	c := orders.Config{Settings: rules.Defaults("smpos")}
	o.configure(&c)
	c.Name, c.Settings.Source, c.Settings.Prefix, c.Settings.Keep = "smpos", "smpos", "SM-", 15*24*time.Hour
	c.Settings.Replenishment.Needs, c.StockEvery = nil, 10*time.Minute
	for i, code := range o.articles() {
		article := strconv.FormatInt(code, 10)
		c.Settings.Products[article] = goods()[i]
		c.Settings.Replenishment.Needs = append(c.Settings.Replenishment.Needs, rules.Need{
			Article: article, Pool: "shops", Places: []string{"kiosk1"}, Min: dec("40"), Max: dec("120"), Lot: dec("10"), Lead: 3 * time.Hour})
	}
	return c
}

func (o *smposOffice) act(r *rand.Rand) {
	code := o.articles()[r.IntN(5)]
	n := int64(1+r.IntN(8)) * 1000
	switch r.IntN(20) {
	case 0:
		o.server.CloseShift(o.till)
		for code, n := range o.sold {
			o.posted[code] += n
		}
		clear(o.sold)
	case 1:
		o.server.Refund(o.till, code, n)
		o.sold[code] -= n
	case 2:
		o.server.Book(o.section, code, n)
		o.delivered[code] += n
	default:
		o.server.Sell(o.till, code, n)
		o.sold[code] += n
	}
}

func (o *smposOffice) trouble(r *rand.Rand) {
	kinds := []sim.FaultKind{sim.Status500, sim.Commit500, sim.CommitFail, sim.DropBefore, sim.DropAfter, sim.Page, sim.HalfAnswer, sim.Busy, sim.WrongTypes, sim.NoStatus}
	o.server.AddFault(sim.Fault{Kind: kinds[r.IntN(len(kinds))], After: r.IntN(4), Times: 1 + r.IntN(40)})
}

func (o *smposOffice) mend() { o.server.ClearFaults() }

func (o *smposOffice) wants() map[string]document { return nil }

func (o *smposOffice) overspent() string { return "" }

// check compares the shop's books with what was made: each piece is booked once, but
// those that wait for a person; and no article has two orders that were not started.
func (o *smposOffice) check(w *world, orders map[string][]mes.OrderState) {
	w.Helper()
	parked := map[string]int64{}
	rows, _ := w.disks["smpos"].Rows(w.Context(), "smpos")
	book, err := rules.Open(rules.Defaults("smpos"), rows, nil)
	if err != nil {
		w.Fatal(err)
	}
	for _, o := range book.Writes() {
		if o.State == rules.Parked {
			w.count["parked"]++
			parked[o.Write.Product] += o.Write.Delta.Abs().IntPart() * 1000
		}
	}
	for _, code := range o.articles() {
		article := strconv.FormatInt(code, 10)
		waiting, made := 0, int64(0)
		for _, order := range orders["shops/"+article] {
			switch order.RunningStatus {
			case "notstarted":
				waiting++
			case "closed":
				made += int64(order.Made[0]) * 1000
			}
		}
		if _, touched := w.thrown["smpos shops/"+article+" "+order(article, o)]; waiting > 1 && !touched {
			w.Errorf("article %s: %d orders wait to be started%s", article, waiting, w.story("smpos", "shops/"+article))
		}
		want, have := 60000+made+o.delivered[code]-o.posted[code], o.server.Quantity(o.section, code)
		if off := want - have; off < -parked[article] || off > parked[article] {
			w.Errorf("article %s: the books say %d and should say %d; %d wait for a person%s", article, have, want, parked[article], w.story("smpos", "shops/"+article))
		}
	}
}

// order is the product of an article.
func order(article string, o *smposOffice) string { return o.config().Settings.Products[article] }
