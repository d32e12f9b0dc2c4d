package orders

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Owner says which side's stock of an article is the true one.
type Owner string

const (
	// NoOwner: stock is not mirrored.
	NoOwner Owner = "none"
	// SourceOwns: the source's stock is set in Prodsmart.
	SourceOwns Owner = "erp"
	// ProdsmartOwns: Prodsmart's stock is the true one; nothing is set there.
	ProdsmartOwns Owner = "prodsmart"
)

// Push is a stock to be set in Prodsmart.
type Push struct {
	Product string
	Amount  decimal.Decimal
}

// SetsStock says that the stock of an article at least is set in Prodsmart.
func (b *Book) SetsStock() bool {
	for _, owner := range b.settings.Owners {
		if owner == SourceOwns {
			return true
		}
	}
	return b.settings.StockOwner == SourceOwns
}

// StockDoubts tells what of a read of stock could not be read, or why none of it is
// used.
func (b *Book) StockDoubts(read erp.StockRead, at time.Time) {
	list := read.Problems
	if read.Skipped != "" {
		list = append(slices.Clone(list), erp.Problem{Where: "this stock is not used", What: read.Skipped})
	}
	b.problems("stock", list, at)
}

// Pushes are the stocks that are to be set in Prodsmart because the source's
// changed, where the source owns them. What was produced and not written back
// yet is added: without that a push between production and booking would take
// away fresh pieces. Report each with Pushed.
func (b *Book) Pushes(read erp.StockRead, at time.Time) []Push {
	if read.Skipped != "" {
		return nil
	}
	sums := map[string]decimal.Decimal{}
	for _, s := range read.Stock {
		owner, named := b.settings.Owners[s.Product]
		if !named {
			owner = b.settings.StockOwner
		}
		if owner == SourceOwns && s.Product != "" {
			product := b.settings.product(s.Product)
			sums[product] = sums[product].Add(s.Quantity)
		}
	}
	for _, product := range b.emptied(read, sums, at) {
		sums[product] = decimal.Decimal{}
	}
	for _, article := range read.Spoilt {
		delete(sums, b.settings.product(article))
	}
	for _, e := range b.entries {
		if e.Rebuilt && e.Seen.Produced.Sign() > 0 && b.unbooked(e).Sign() > 0 {
			delete(sums, e.Want.Product) // how much of it is booked is not known before an operator says so
		}
	}
	for _, e := range b.entries {
		if _, ours := sums[e.Want.Product]; ours && e.Kind == Production {
			sums[e.Want.Product] = sums[e.Want.Product].Add(b.unbooked(e))
		}
	}
	var out []Push
	for _, product := range sortedKeys(sums) {
		if _, known := b.catalog[product]; !known {
			continue // Prodsmart refuses the stock of a product it does not know
		}
		amount := sums[product]
		if amount.Sign() < 0 {
			b.once(at, "the stock of "+product+" is below zero in the source; 0 is set in Prodsmart")
			amount = decimal.Decimal{}
		}
		if old, pushed := b.head.Pushed[product]; !pushed || !old.Equal(amount) {
			out = append(out, Push{product, amount})
		}
	}
	return out
}

// wideAbsence is how long many articles must have no row before they count as sold out:
// a list that was cut short looks the same.
const wideAbsence = time.Hour

// emptied are the products whose stock was set, and of which the source has no row any
// more, in two reads at least.
func (b *Book) emptied(read erp.StockRead, sums map[string]decimal.Decimal, at time.Time) (gone []string) {
	if !soldOut(read) {
		return nil
	}
	absent, some := map[string]time.Time{}, 0
	for product, amount := range b.head.Pushed {
		if amount.Sign() <= 0 || !b.pushes(product) {
			continue
		}
		some++
		if _, there := sums[product]; !there {
			absent[product] = at
			if since, known := b.absent[product]; known {
				absent[product] = since
			}
		}
	}
	b.absent = absent
	needed := b.settings.MissedFor
	if len(absent) > fewOrders && len(absent)*100 > some*b.settings.MostShrunk {
		needed = wideAbsence
		b.once(at, "many articles have no stock in the source any more; if that stays so for an hour they count as sold out")
	} else {
		b.forgetOnce("many articles have no stock")
	}
	for _, product := range sortedKeys(absent) {
		if at.Sub(absent[product]) >= max(needed, 1) {
			gone = append(gone, product)
		}
	}
	return gone
}

// soldOut says that an article without a row in a read has no stock: the source shows
// only what is there, and each row was read.
func soldOut(read erp.StockRead) bool {
	return !read.Listed && len(read.Stock) > 0 && !slices.Contains(read.Spoilt, "")
}

// pushes says that the stock of a product is still set in Prodsmart.
func (b *Book) pushes(product string) bool {
	for article, owner := range b.settings.Owners {
		if b.settings.product(article) == product {
			return owner == SourceOwns
		}
	}
	return b.settings.StockOwner == SourceOwns
}

// unbooked is what an entry produced that is not in the source's stock yet:
// nothing where goods are not written back.
func (b *Book) unbooked(e *Entry) decimal.Decimal {
	if _, on := b.settings.Writes[erp.Produced]; !on {
		return decimal.Decimal{}
	}
	return decimal.Max(e.Seen.Produced.Sub(b.booked(e)), decimal.Decimal{})
}

// booked is what of an entry's goods certainly is in the source's stock.
func (b *Book) booked(e *Entry) decimal.Decimal {
	booked := e.Back.Written
	for _, w := range b.writes {
		if w.Owner == e.Key && w.Write.Kind == erp.Produced && (w.State != Confirmed || w.draft()) {
			booked = booked.Sub(w.Write.Delta)
		}
	}
	return booked
}

// Pushed reports that a stock was set in Prodsmart.
func (b *Book) Pushed(p Push) {
	if b.head.Pushed == nil {
		b.head.Pushed = map[string]decimal.Decimal{}
	}
	b.head.Pushed[p.Product] = p.Amount
	b.touchHead()
}
