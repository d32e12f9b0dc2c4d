package orders

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// produced is the quantity made so far, over all products of the order.
func produced(o prodsmart.ProductionOrder) decimal.Decimal {
	var sum decimal.Decimal
	for _, p := range o.Products {
		sum = sum.Add(number(p.Produced))
	}
	return sum
}

func number(d prodsmart.Decimal) decimal.Decimal {
	n, err := decimal.NewFromString(d.String())
	if err != nil {
		return decimal.Decimal{}
	}
	return n
}

// amount is a quantity as Prodsmart takes it.
func amount(d decimal.Decimal) prodsmart.Decimal {
	n, err := prodsmart.ParseDecimal(d.String())
	if err != nil {
		return prodsmart.Decimal{}
	}
	return n
}

// product is the order's product of this entry.
func (c *change) product() *prodsmart.OrderProduct {
	i := slices.IndexFunc(c.order.Products, func(p prodsmart.OrderProduct) bool { return p.Product == c.applied.Product })
	if i < 0 && len(c.order.Products) == 1 {
		i = 0
	}
	if i < 0 {
		return nil
	}
	c.order.Products = slices.Clone(c.order.Products)
	return &c.order.Products[i]
}

// quantity takes over another quantity.
func (c *change) quantity() {
	want, before := c.e.Want.Quantity, c.applied.Quantity
	if want.Equal(before) || want.Sign() <= 0 { // what can not be made of the line is told as it is
		return
	}
	p := c.product()
	if p == nil {
		c.attention(Asking, "the source wants %s instead of %s, but the product %s is not in the production order any more", want, before, c.applied.Product)
		c.ask = &Question{What: c.reason, Options: []string{"keep"}, About: "quantity " + want.String()}
		c.answered("keep", func() { c.applied.Quantity = want })
		return
	}
	more := want.GreaterThan(before)
	switch {
	case c.phase == closed && more && c.b.settings.Reopen:
		extra := want.Sub(before)
		c.extra, c.applied.Quantity, c.status = &extra, want, Over
		c.say("%s more after it was closed: ordered anew", extra)
	case c.phase == closed:
		c.applied.Quantity = want
		c.attention(Over, "the quantity went from %s to %s after the production order was closed", before, want)
	case c.phase == idle || more:
		c.setQuantity(p, want)
	case want.LessThan(number(p.Produced)):
		c.applied.Quantity = want
		c.attention(Mirrored, "the source wants %s instead of %s, but %s are made already: the quantity stays", want, before, p.Produced)
	case c.b.settings.ApplyLess:
		c.setQuantity(p, want)
	default:
		c.lower(p, want)
	}
}

func (c *change) setQuantity(p *prodsmart.OrderProduct, want decimal.Decimal) {
	before := c.applied.Quantity
	p.Ordered, c.applied.Quantity, c.put = amount(want), want, true
	c.say("quantity %s instead of %s", want, before)
	if c.phase == started {
		c.notify("Quantity changed in the ERP: %s instead of %s.", want, before)
	}
}

// lower asks before it takes pieces away from an order that was started.
func (c *change) lower(p *prodsmart.OrderProduct, want decimal.Decimal) {
	about := "quantity " + want.String()
	if old := c.e.Ask; old != nil && old.About == about {
		c.ask = old
		c.answered("apply", func() { c.setQuantity(p, want) })
		c.answered("keep", func() { c.applied.Quantity = want; c.say("the quantity stays %s by an operator's decision", p.Ordered) })
		if c.ask != nil {
			c.attention(Asking, "%s", c.e.Reason)
		}
		return
	}
	what := fmt.Sprintf("the source wants %s instead of %s, the order was started and %s are made", want, c.applied.Quantity, p.Produced)
	c.ask = &Question{What: what, Options: []string{"apply", "keep"}, About: about}
	c.attention(Asking, "%s: apply or keep?", what)
	c.notify("The ERP wants less: %s instead of %s. A decision is pending.", want, c.applied.Quantity)
}

// answered acts upon what the operator said.
func (c *change) answered(option string, do func()) {
	if old := c.e.Ask; old != nil && c.ask != nil && old.About == c.ask.About && old.Answer == option {
		c.ask, c.status, c.reason, c.alert = nil, Mirrored, "", false
		do()
	}
}
