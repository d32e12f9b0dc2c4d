package smartup

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smartup"
)

func writing() Config {
	c := account()
	c.Write = WriteConfig{Kinds: []erp.Kind{erp.Note, erp.Status, erp.Produced, erp.Consumed}, Goods: Movement, ProductionWarehouse: "PROD", FinishedWarehouse: "FG", MaterialWarehouse: "RAW"}
	return c
}

func write(kind erp.Kind) erp.Write {
	return erp.Write{Kind: kind, Stage: erp.Started, ID: "PS1Z-1", Order: "642", Line: "9001", Code: "SU-642-1", Product: "P-100", Ordered: decimal.NewFromInt(500),
		Produced: decimal.NewFromInt(480), Delta: decimal.NewFromInt(94), At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
}

func send(t *testing.T, s *Source, w erp.Write) error {
	t.Helper()
	w, err := s.Prepare(t.Context(), w)
	if err != nil {
		return err
	}
	_, err = s.Write(t.Context(), w)
	return err
}

func TestNoteKeepsWhatPeopleWrote(t *testing.T) {
	for name, appends := range map[string]bool{"replaces": false, "appends": true} {
		t.Run(name, func(t *testing.T) {
			c := writing()
			c.Write.NoteAppends = appends
			within(t, c, smartup.Options{NoteAppends: appends}, func(t *testing.T, sim *smartup.Server, s *Source) {
				o := worked()
				o.Note = "call first"
				sim.Create(o)
				for range 2 {
					if err := send(t, s, write(erp.Note)); err != nil {
						t.Fatal(err)
					}
				}
				if got := sim.Orders()[0].Note; got != "call first PS 480/500 22.11" {
					t.Errorf("%q", got)
				}
				w := write(erp.Note)
				w.Produced = w.Ordered
				err := send(t, s, w)
				if got := sim.Orders()[0].Note; !appends && (err != nil || got != "call first PS 500/500 22.11") {
					t.Errorf("%q, %v", got, err)
				} else if appends && !erp.Is(err, erp.Refused) {
					t.Errorf("45 bytes: %q, %v", got, err)
				}
			})
		})
	}
	within(t, writing(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		o := worked()
		o.Note = strings.Repeat("x", 30)
		sim.Create(o)
		if err := send(t, s, write(erp.Note)); !erp.Is(err, erp.Refused) || sim.Orders()[0].Note != o.Note {
			t.Errorf("%v, %q", err, sim.Orders()[0].Note)
		}
	})
}

func TestStatusGoesOnlyItsWay(t *testing.T) {
	within(t, writing(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.Create(worked())
		if err := send(t, s, write(erp.Status)); err != nil || sim.Orders()[0].Status != "B#E" {
			t.Fatalf("%v", err)
		}
		late, err := s.Prepare(t.Context(), write(erp.Status))
		if err != nil {
			t.Fatal(err)
		}
		if err := sim.SetStatus("642", "B#S"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(t.Context(), late); !erp.Is(err, erp.Refused) || sim.Orders()[0].Status != "B#S" {
			t.Errorf("a shipped order went back: %v", err)
		}
	})
}

func TestUnclearWritesAreFound(t *testing.T) {
	objects := map[erp.Kind]string{erp.Note: "order", erp.Status: "order", erp.Produced: "movement", erp.Consumed: "writeoff"}
	for kind, object := range objects {
		for fault, done := range map[smartup.FaultKind]bool{smartup.Commit500: true, smartup.DropAfter: true, smartup.Page: true, smartup.HalfAnswer: true, smartup.Status500: false, smartup.DropBefore: false} {
			t.Run(string(kind)+" "+string(fault), func(t *testing.T) {
				within(t, writing(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
					sim.Create(worked())
					w, err := s.Prepare(t.Context(), write(kind))
					if err != nil {
						t.Fatal(err)
					}
					// Each is looked at once more before it is sent.
					sim.AddFaultAfter(smartup.Fault{Kind: fault, Object: object}, 1)
					if _, err := s.Write(t.Context(), w); !erp.Is(err, erp.Unclear) {
						t.Fatalf("%v", err)
					}
					if _, found, err := s.Look(t.Context(), w); err != nil || found != done {
						t.Fatalf("found %v, %v", found, err)
					}
					if _, err := s.Write(t.Context(), w); err != nil {
						t.Fatal(err)
					}
					if n := len(sim.Documents(object)); object != "order" && n != 1 {
						t.Errorf("%d documents", n)
					}
				})
			})
		}
	}
}

func TestDocuments(t *testing.T) {
	within(t, writing(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.AddFaultAfter(smartup.Fault{Kind: smartup.PartlyRefused, Object: "movement"}, 1)
		if err := send(t, s, write(erp.Produced)); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "not enough stock") {
			t.Errorf("%v", err)
		}
		down := write(erp.Produced)
		down.Delta = decimal.NewFromInt(-1)
		if err := send(t, s, down); !erp.Is(err, erp.Refused) {
			t.Errorf("a negative document: %v", err)
		}
		if n := len(sim.Documents("movement")); n != 0 {
			t.Errorf("%d documents", n)
		}
	})
	c := writing()
	c.Write.Goods = Stocktaking
	within(t, c, smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.SetBalance([]smartup.Balance{{Warehouse: "FG", Product: "P-100", Quantity: "31", Condition: "F"}})
		if err := send(t, s, write(erp.Produced)); err != nil {
			t.Fatal(err)
		}
		d := sim.Documents("stocktaking")
		item := d[0].Body["stocktaking_items"].([]any)[0].(map[string]any)
		if len(d) != 1 || d[0].Status != "D" || d[0].ExternalID != "PS1Z-1" || item["quantity"] != "125" {
			t.Errorf("%+v", d)
		}
	})
}

// What a draft says is in no stock before people post it; a second count goes on from
// the first.
func TestDraftsAreNoStockYet(t *testing.T) {
	for goods, posted := range map[string]string{Movement: "C", Stocktaking: "P"} {
		c := writing()
		c.Write.Goods, c.ExcludeWarehouses, c.Conditions = goods, []string{"FG"}, []string{"F"}
		within(t, c, smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
			sim.SetBalance([]smartup.Balance{{Warehouse: "FG", Product: "P-100", Quantity: "31", Condition: "B"}})
			w := write(erp.Produced)
			w.Unposted = decimal.NewFromInt(6)
			w, err := s.Prepare(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.Write(t.Context(), w)
			if err != nil || !r.Draft {
				t.Fatalf("%s: %+v, %v", goods, r, err)
			}
			item := sim.Documents(goods)[0].Body[goods+"_items"].([]any)[0].(map[string]any)
			if goods == Stocktaking && (item["quantity"] != "131" || item["balance_quantity"] != "31") {
				t.Errorf("%v", item)
			}
			if r, there, err := s.Look(t.Context(), w); !r.Draft || !there || err != nil {
				t.Errorf("%s: %+v, %v, %v", goods, r, there, err)
			}
			sim.Post(goods, w.ID, posted)
			if r, there, err := s.Look(t.Context(), w); r.Draft || !there || err != nil {
				t.Errorf("%s posted: %+v, %v, %v", goods, r, there, err)
			}
		})
	}
}

// A document that people cancelled, that is of another product, or of an order before the
// store was lost, is in the way of its external id, and none of it counts as done.
func TestDocumentsInTheWay(t *testing.T) {
	c := writing()
	c.Write.Goods = Stocktaking
	within(t, c, smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.SetBalance([]smartup.Balance{{Warehouse: "FG", Product: "P-100", Quantity: "31", Condition: "F"}})
		if !s.Capabilities().Counts {
			t.Error("a stocktaking counts")
		}
		w, err := s.Prepare(t.Context(), write(erp.Produced))
		if err == nil {
			_, err = s.Write(t.Context(), w)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(t.Context(), w); err != nil || len(sim.Documents(Stocktaking)) != 1 {
			t.Errorf("sent again: %v", err)
		}
		inTheWay := func(what string, err error) {
			t.Helper()
			var e *erp.Error
			if !errors.As(err, &e) || e.Fault != erp.Refused || !e.Renew || !strings.Contains(e.Error(), what) || len(sim.Documents(Stocktaking)) != 1 {
				t.Errorf("%v", err)
			}
		}
		again := w
		again.Code = "another order"
		_, err = s.Write(t.Context(), again)
		inTheWay("its note is", err)
		again.Product = "P-200"
		_, _, err = s.Look(t.Context(), again)
		inTheWay("of product P-100", err)
		sim.Post(Stocktaking, w.ID, "C")
		_, _, err = s.Look(t.Context(), w)
		inTheWay("cancelled", err)
	})
	within(t, writing(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		w, err := s.Prepare(t.Context(), write(erp.Produced))
		if err == nil {
			_, err = s.Write(t.Context(), w)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.Delta = decimal.NewFromInt(7)
		if w, err = s.Prepare(t.Context(), w); err == nil {
			_, err = s.Write(t.Context(), w)
		}
		if !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "it is another one, of ") {
			t.Error(err)
		}
	})
}

// Rows of warehouses that do not count spoil nothing.
func TestExcludedRows(t *testing.T) {
	c := account()
	c.ExcludeWarehouses = []string{"SCRAP"}
	within(t, c, smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.SetBalance([]smartup.Balance{{Warehouse: "SCRAP", Product: "P-100", Quantity: "", Condition: "F"}, {Warehouse: "SCRAP", Quantity: "1", Condition: "F"}, {Warehouse: "FG", Product: "P-100", Quantity: "3", Condition: "F"}})
		r, err := s.ReadStock(t.Context(), erp.Ask{})
		if err != nil || len(r.Problems)+len(r.Spoilt) != 0 || len(r.Stock) != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
