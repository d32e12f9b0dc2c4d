package orders_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// TestTextsThatAreTooLong: a key that no system has costs its order or line, and takes
// away nothing that was made before; other texts are cut. Nothing large is kept or told.
func TestTextsThatAreTooLong(t *testing.T) {
	wide := strings.Repeat("ä", 30_000)
	p := planned(t, settings(nil), sale())
	o := sale()
	o.Number, o.Note, o.Customer.Name, o.Word, o.Info = "645", wide, wide, wide, map[string]string{"rep": wide, wide: "x"}
	o.Aliases = []string{wide, "old"}
	o.Lines[0].ProductName, o.Lines[0].Note = wide, wide
	for range 99 {
		o.Lines[0].Groups = append(o.Lines[0].Groups, wide)
	}
	// The known line comes back with garbage in its code; others have it elsewhere.
	spoilt := erp.Order{ID: "646", Number: "S-646", State: erp.Open, Due: o.Due, Lines: []erp.Line{
		{ID: "1", Product: wide, Quantity: dec("1"), Factor: dec("1")}, {ID: wide, Product: "P-1", Quantity: dec("1"), Factor: dec("1")},
		{ID: "3", Product: "P-1", Quantity: dec("1"), Unit: wide}, {ID: "4", Product: "P-1", Quantity: dec("1"), Factor: dec("1")}}}
	lost := sale()
	lost.Lines[0].Product = wide
	p.book.Observe(erp.OrderRead{Orders: []erp.Order{o, spoilt, {ID: wide, State: erp.Open}, {Company: wide, ID: "7", State: erp.Open}}}, p.now)
	p.book.Observe(erp.OrderRead{Orders: []erp.Order{lost, spoilt}}, p.now)
	told := ""
	for _, e := range p.book.Events() {
		if len(e.What)+len(e.Entry) > 700 {
			t.Errorf("%d bytes are told: %.200s", len(e.What), e.What)
		}
		told += e.What + "\n"
	}
	for _, want := range []string{"order S-646, line 1: its article has 60000 bytes, 200 are the most: the line is left out", "its key has", "order S-646, line 3: its unit has", "ää: its id has 60000 bytes", "order 7: its company has", "order 645, line 9646: its article has"} {
		if !strings.Contains(told, want) {
			t.Errorf("nobody is told %q:\n%s", want, told)
		}
	}
	kept := 0
	for _, r := range p.book.Changes() {
		kept += len(r.Key) + len(r.Data)
	}
	if kept > 60_000 {
		t.Errorf("%d bytes are kept", kept)
	}
	if e, _ := p.book.Entry(p.key); e.Want.State != erp.Open || e.Want.Product != "P-1" {
		t.Errorf("the line that came with garbage is taken for gone: %+.500v", e)
	}
	if made := p.book.Find("646"); len(made) != 1 || made[0].Line != "4" {
		t.Errorf("%d lines of the spoilt order are known", len(made))
	}
}

// TestVeryManyProblems: of a source that has nothing but garbage the first problems
// and words are told, and that there are more; the same again is told to nobody.
func TestVeryManyProblems(t *testing.T) {
	p := planned(t, settings(nil), sale())
	var read erp.OrderRead
	for i := range 20_000 {
		read.Problems = append(read.Problems, erp.Problem{Where: fmt.Sprint("order ", i), What: "what", Lost: true})
		read.Orders = append(read.Orders, erp.Order{ID: fmt.Sprint(i), Word: fmt.Sprint("word ", i)})
	}
	for n, most := range []int{1200, 0} {
		p.book.Observe(read, p.now)
		events := p.book.Events()
		if len(events) > most || n == 0 && len(events) < 1000 {
			t.Errorf("read %d: %d events", n, len(events))
		}
		told := ""
		for _, e := range events {
			told += e.What + "\n"
		}
		for _, want := range []string{"order 0: what", "more than 1000 problems", "more than 100 such states", `"word 1"`} {
			if n == 0 && !strings.Contains(told, want) {
				t.Errorf("nobody is told %q", want)
			}
		}
	}
}
