package assemble

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

func line(id, product, quantity string, s erp.State) Line {
	return Line{Line: erp.Line{ID: id, Product: product, Quantity: decimal.RequireFromString(quantity)}, State: s, Word: s.String()}
}

// told are the lines of an order.
func told(o erp.Order) string {
	var out []string
	for _, l := range o.Lines {
		out = append(out, l.ID+" "+l.Quantity.String())
	}
	return fmt.Sprintf("%s %v: %s", o.State, o.Partial, strings.Join(out, ", "))
}

func TestStates(t *testing.T) {
	for want, states := range map[string][]erp.State{
		"open false: 0 1, 1 1":       {erp.Open, erp.Open},
		"open true: 1 1; odd 0":      {erp.Held, erp.Open},
		"open false: 1 1; gone 0":    {erp.Cancelled, erp.Open},
		"held true: 0 1; odd 1":      {erp.Held, erp.Closed},
		"closed false: 1 1; gone 0":  {erp.Cancelled, erp.Closed},
		"cancelled false: 0 1, 1 1":  {erp.Cancelled, erp.Cancelled},
		"unknown true: 1 1; odd 0":   {erp.Closed, erp.Unknown},
		"open true: 0 1; odd 1, odd": {erp.Open, erp.Unknown, erp.Closed},
	} {
		var all Orders
		d, _ := all.Draft("", "1")
		for i, s := range states {
			d.Add(line(fmt.Sprint(i), "P", "1", s), false)
		}
		o, odd, cancelled := d.Finish()
		got := told(o)
		for _, l := range odd {
			got += "; odd " + l.ID
		}
		for _, l := range cancelled {
			got += "; gone " + l.ID
		}
		if got = strings.Replace(got, "; odd 2", ", odd", 1); got != want {
			t.Errorf("%v: %s, not %s", states, got, want)
		}
	}
}

func TestLinesWithoutIDs(t *testing.T) {
	var all Orders
	d, fresh := all.Draft("12", "1")
	if again, twice := all.Draft("12", "1"); !fresh || twice || again != d || d.Key != "12/1" || all.Find("12/1") != d || all.Find("1") != nil || all.Len() != 1 {
		t.Errorf("%+v", d)
	}
	for _, l := range []Line{line("", "A", "1", erp.Open), line("", "A", "1", erp.Open), line("A~3", "B", "2", erp.Open), line("", "A", "3", erp.Open), {Line: erp.Line{ProductName: "Sign"}, State: erp.Open}} {
		if added, _, what := d.Add(l, false); what != New || added.ID == "" || added.Loose != (l.ID == "") {
			t.Errorf("%+v, %d", added, what)
		}
	}
	if o, _, _ := d.Finish(); told(o) != "open false: A 1, A~2 1, A~3 2, A~4 3, Sign 0" {
		t.Error(told(o))
	}
}

func TestLinesThatComeTwice(t *testing.T) {
	var all Orders
	d, _ := all.Draft("", "1")
	d.Add(line("1", "A", "1", erp.Open), false)
	d.Add(line("2", "B", "1", erp.Open), false)
	if _, _, what := d.Add(line("1", "A", "1.0", erp.Open), false); what != Same {
		t.Error(what)
	}
	if _, before, what := d.Add(line("1", "A", "2", erp.Open), true); what != Later || before.Quantity.String() != "1" {
		t.Error(before, what)
	}
	if o, _, _ := d.Finish(); told(o) != "open false: 1 2, 2 1" {
		t.Error(told(o))
	}
	if _, _, what := d.Add(line("1", "A", "2", erp.Held), false); what != Torn {
		t.Error(what)
	}
	if o, _, _ := d.Finish(); told(o) != "open true: 2 1" {
		t.Error(told(o))
	}
	d.Restart("", "1")
	if !d.Empty() || d.Key != "1" || d.Order.Partial {
		t.Errorf("%+v", d)
	}
}

// TestDue: an order is due with its first line.
func TestDue(t *testing.T) {
	var all Orders
	d, _ := all.Draft("", "1")
	for i, day := range []int{0, 9, 7} {
		l := line(fmt.Sprint(i), "A", "1", erp.Open)
		if day > 0 {
			l.Due = erp.DayOf(2026, 11, day)
		}
		d.Add(l, false)
	}
	if o, _, _ := d.Finish(); o.Due != erp.DayOf(2026, 11, 7) {
		t.Error(o.Due)
	}
}
