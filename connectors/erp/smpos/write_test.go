package smpos

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smpos"
)

func writing(_ *bench, c *Config) { c.Write.Kinds = []erp.Kind{erp.Produced} }

func produced(pieces string) erp.Write {
	return erp.Write{Kind: erp.Produced, Stage: erp.Completed, ID: "PS1Z-1", Code: "SM-kiosk1-120-0001", Product: "120", Delta: decimal.RequireFromString(pieces)}
}

// send prepares and writes.
func (b *bench) send(w erp.Write) (erp.Write, erp.Receipt, error) {
	b.Helper()
	w, err := b.s.Prepare(b.Context(), w)
	if err != nil {
		return w, erp.Receipt{}, err
	}
	r, err := b.s.Write(b.Context(), w)
	return w, r, err
}

func (b *bench) quantity(want int64) {
	b.Helper()
	if got := b.sim.Quantity(b.one, 120); got != want {
		b.Errorf("the quantity is %d, want %d", got, want)
	}
}

// TestWorkedWrite: the shift of another till was posted meanwhile; what was made is
// added to what is there.
func TestWorkedWrite(t *testing.T) {
	within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
		second := b.sim.AddDevice(b.one, "second", true)
		b.sim.Sell(second, 120, 7000)
		b.stock()
		b.sim.CloseShift(second)
		b.quantity(31000)
		_, r, err := b.send(produced("94"))
		b.quantity(125000)
		if err != nil || !strings.Contains(r.Says, "125 instead of 31") {
			t.Errorf("%+v, %v", r, err)
		}
		if rows, _ := b.stock(); rows != "kiosk1/120 102" {
			t.Errorf("current sales are kept apart: %s", rows)
		}
		for _, c := range b.sim.Calls() {
			switch c.Req {
			case "PUTGOODS", "DELGOODS", "SETPRTSTATE", "ADDGOODS":
				t.Errorf("%s is never sent", c.Req)
			case "UPDGOODS":
				if strings.Contains(c.Body, "price") || strings.Contains(c.Body, `"qty"`) {
					t.Error(c.Body)
				}
			}
		}
	})
}

func TestUnclearWritesAreFound(t *testing.T) {
	for fault, done := range map[smpos.FaultKind]bool{
		smpos.Commit500: true, smpos.CommitFail: true, smpos.DropAfter: true, smpos.Page: true, smpos.Empty: true, smpos.HalfAnswer: true, smpos.NoStatus: true,
		smpos.Status500: false, smpos.Failed: false, smpos.Query: false, smpos.Busy: false, smpos.DropBefore: false,
	} {
		t.Run(string(fault), func(t *testing.T) {
			within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
				b.sim.AddFault(smpos.Fault{Kind: fault, Req: "UPDGOODS"})
				w, _, err := b.send(produced("94"))
				if !erp.Is(err, erp.Unclear) || strings.Contains(err.Error(), "hush") {
					t.Fatal(err)
				}
				if _, found, err := b.s.Look(t.Context(), w); err != nil || found != done {
					t.Fatalf("found %v, %v", found, err)
				}
				if !done {
					if _, _, err := b.send(produced("94")); err != nil {
						t.Fatal(err)
					}
				}
				b.quantity(132000)
			})
		})
	}
}

// TestOtherPeopleAtTheSameTime: what somebody else does between reading and
// writing is not overwritten, and what can not be told apart is a person's.
func TestOtherPeopleAtTheSameTime(t *testing.T) {
	within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
		w, err := b.s.Prepare(t.Context(), produced("94"))
		if err != nil {
			t.Fatal(err)
		}
		b.sim.CloseShift(b.tillOne)
		if _, err := b.s.Write(t.Context(), w); !erp.Is(err, erp.Unavailable) || b.sim.Count("UPDGOODS", time.Now()) != 0 {
			t.Fatalf("a plan that is too old: %v", err)
		}
		b.quantity(15000)
		if _, _, err := b.send(w); err != nil {
			t.Fatal(err)
		}
		b.quantity(109000)
	})
	within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
		b.sim.Meanwhile("GETGOODSQNTY", 2, func() { b.sim.CloseShift(b.tillOne) })
		_, r, err := b.send(produced("94"))
		b.quantity(109000)
		if err != nil || !strings.Contains(r.Says, "23 of them were sold") {
			t.Errorf("a shift is posted between write and check: %+v, %v", r, err)
		}
	})
	within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
		b.sim.Meanwhile("UPDGOODS", 0, func() { b.sim.CloseShift(b.tillOne) })
		w, r, err := b.send(produced("94"))
		if err != nil || !strings.Contains(r.Doubt, "take 23 off the quantity") {
			t.Errorf("a shift is posted between look and write: %+v, %v", r, err)
		}
		if r, done, err := b.s.Look(t.Context(), w); err != nil || !done || r.Doubt == "" {
			t.Errorf("%+v, %v, %v", r, done, err)
		}
	})
	within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
		b.sim.Meanwhile("GETGOODSQNTY", 2, func() { b.sim.Book(b.one, 120, 5000) })
		w, _, err := b.send(produced("94"))
		if !erp.Is(err, erp.Unclear) {
			t.Fatal(err)
		}
		if _, done, err := b.s.Look(t.Context(), w); done || !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "had 38 of goods 120, was to get 132, and has 137") {
			t.Errorf("%v, %v", done, err)
		}
	})
	within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
		// The shift that is posted is as large as what was added.
		b.sim.AddFault(smpos.Fault{Kind: smpos.DropAfter, Req: "UPDGOODS"})
		w, _, err := b.send(produced("23"))
		b.sim.CloseShift(b.tillOne)
		b.quantity(38000)
		if _, done, err2 := b.s.Look(t.Context(), w); done || !erp.Is(err, erp.Unclear) || !erp.Is(err2, erp.Refused) {
			t.Errorf("it looks as before: %v, %v, %v", err, done, err2)
		}
	})
	within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
		for i := range 3 {
			b.sim.Meanwhile("GETGOODSQNTY", i, func() { b.sim.Refund(b.tillOne, 120, 1000) })
		}
		if _, err := b.s.Prepare(t.Context(), produced("94")); !erp.Is(err, erp.Unavailable) {
			t.Errorf("sales that fall: %v", err)
		}
	})
	within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
		w, err := b.s.Prepare(t.Context(), produced("94"))
		if err != nil {
			t.Fatal(err)
		}
		b.sim.AddFault(smpos.Fault{Kind: smpos.Busy, Req: "GETGOODSQNTY", After: 1})
		if _, err := b.s.Write(t.Context(), w); !erp.Is(err, erp.Unclear) {
			t.Errorf("a write that could not be checked: %v", err)
		}
		if _, done, err := b.s.Look(t.Context(), w); err != nil || !done {
			t.Errorf("%v, %v", done, err)
		}
		b.sim.AddFault(smpos.Fault{Kind: smpos.Busy})
		if _, _, err := b.s.Look(t.Context(), w); !erp.Is(err, erp.Unavailable) {
			t.Error(err)
		}
	})
}

// TestTheOtherSpelling: a cabinet that ignores one name of the quantity gets the
// other, and nothing is added twice.
func TestTheOtherSpelling(t *testing.T) {
	within(t, smpos.Options{OnlyQty: true}, writing, func(t *testing.T, b *bench) {
		for want := range 2 {
			if _, _, err := b.send(produced("94")); err != nil {
				t.Fatal(err)
			}
			b.quantity(132000 + int64(want)*94000)
		}
	})
	within(t, smpos.Options{OnlyQty: true}, func(b *bench, c *Config) { writing(b, c); c.Write.Quantity = "qty" }, func(t *testing.T, b *bench) {
		if _, _, err := b.send(produced("0.5")); !erp.Is(err, erp.Refused) {
			t.Errorf("half a piece: %v", err)
		}
		b.sim.SetGoods(b.one, smpos.Goods{Code: 120, Name: "Croissant", Qnty: 38000, Div: true})
		if _, _, err := b.send(produced("0.5")); !erp.Is(err, erp.Refused) {
			t.Errorf("the directory is 15 minutes old at most: %v", err)
		}
		time.Sleep(time.Hour)
		if _, _, err := b.send(produced("0.5")); err != nil {
			t.Error(err)
		}
		b.quantity(38500)
	})
	// A cabinet that takes everything and does nothing, and one that knows neither name.
	for answer, how := range map[string]string{`{"status":0,"objDT":1}`: "takes UPDGOODS", `{"status":3,"message":"bad"}`: "refuses the UPDGOODS"} {
		c := account(Section{ID: 53, Name: "kiosk1"})
		writing(nil, &c)
		s, err := New(c, Deps{HTTP: client(answers{"GETGOODS": `{"status":0,"objDT":1,"goods":[{"code":120,"name":"C"}]}`, "GETGOODSQNTY": `{"status":0,"objDT":1,"qntyArr":[{"code":120,"qnty":5000}]}`, "GETSALES": `{"status":0,"objDT":1,"sales":[]}`, "UPDGOODS": answer})})
		if err != nil {
			t.Fatal(err)
		}
		w, err := s.Prepare(t.Context(), produced("94"))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := s.Write(t.Context(), w); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), how) || !strings.Contains(err.Error(), "neither qnty nor qty does it") {
				t.Error(err)
			}
		}
	}
}

// TestOneRefusalIsNoSpelling: goods that the cabinet refuses under both names leave the
// name that works alone, so that others are written at once.
func TestOneRefusalIsNoSpelling(t *testing.T) {
	within(t, smpos.Options{MostQnty: 200_000}, writing, func(t *testing.T, b *bench) {
		b.sim.SetGoods(b.one, smpos.Goods{Code: 121, Name: "Bread", Qnty: 150_000})
		w := produced("94")
		w.Product = "121"
		time.Sleep(time.Hour)
		if _, _, err := b.send(w); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "neither qnty nor qty") {
			t.Fatal(err)
		}
		calls := b.sim.Count("UPDGOODS", time.Now())
		if _, _, err := b.send(produced("94")); err != nil {
			t.Fatal(err)
		}
		b.quantity(132000)
		if n := b.sim.Count("UPDGOODS", time.Now()) - calls; n != 1 {
			t.Errorf("%d calls for goods that nobody refused", n)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
		b.sim.SetGoods(b.one, smpos.Goods{Code: 7, Name: "Folder", IsFolder: true})
		for name, spoil := range map[string]func(*erp.Write){
			"another kind": func(w *erp.Write) { w.Kind = erp.Note }, "another place": func(w *erp.Write) { w.Place = "nowhere" }, "no code": func(w *erp.Write) { w.Product = "P-100" },
			"an unknown code": func(w *erp.Write) { w.Product = "999" }, "a folder": func(w *erp.Write) { w.Product = "7" }, "nothing": func(w *erp.Write) { w.Delta = decimal.Zero },
			"too fine": func(w *erp.Write) { w.Delta = decimal.RequireFromString("1.0005") }, "too much": func(w *erp.Write) { w.Delta = decimal.New(1, 30) }, "below zero": func(w *erp.Write) { w.Delta = decimal.NewFromInt(-39) },
		} {
			w := produced("94")
			spoil(&w)
			if _, err := b.s.Prepare(t.Context(), w); !erp.Is(err, erp.Refused) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := b.s.Write(t.Context(), produced("94")); !erp.Is(err, erp.Refused) {
			t.Errorf("without a plan: %v", err)
		}
		if _, _, err := b.send(produced("-8")); err != nil {
			t.Error(err)
		}
		b.quantity(30000)
		w := produced("94")
		w.Plan = `{"section":"gone","code":120}`
		if _, _, err := b.s.Look(t.Context(), w); !erp.Is(err, erp.Refused) {
			t.Errorf("a section that is configured no more: %v", err)
		}
	})
	within(t, smpos.Options{}, func(b *bench, c *Config) { writing(b, c); c.Write.Negative = true }, func(t *testing.T, b *bench) {
		if _, _, err := b.send(produced("-39")); err != nil {
			t.Error(err)
		}
		b.quantity(-1000)
	})
	within(t, smpos.Options{NoNegative: true, HTTPErrors: true}, func(b *bench, c *Config) { writing(b, c); c.Write.Negative = true }, func(t *testing.T, b *bench) {
		if _, _, err := b.send(produced("-39")); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "below zero") {
			t.Errorf("the cabinet refuses it: %v", err)
		}
		b.quantity(38000)
	})
	within(t, smpos.Options{}, both, func(t *testing.T, b *bench) {
		if _, _, err := b.send(produced("94")); !erp.Is(err, erp.Refused) || len(b.sim.Calls()) != 0 {
			t.Errorf("writing is off: %v", err)
		}
	})
	within(t, smpos.Options{}, func(b *bench, c *Config) { both(b, c); writing(b, c); c.Write.DeliverTo = "kiosk2" }, func(t *testing.T, b *bench) {
		if _, _, err := b.send(produced("94")); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "section kiosk2 has no goods with code 120") {
			t.Errorf("%v", err)
		}
		w := produced("94")
		w.Place = "kiosk1"
		if _, _, err := b.send(w); err != nil {
			t.Error(err)
		}
		b.quantity(132000)
	})
}

func TestNothingIsWrittenWhenShiftsEnd(t *testing.T) {
	// The clock begins at 02:00 in the shops' zone.
	for end, near := range map[string]bool{"2h5m": true, "1h50m": true, "1h49m": false, "2h11m": false, "23h55m": false} {
		within(t, smpos.Options{}, func(b *bench, c *Config) {
			writing(b, c)
			d, err := time.ParseDuration(end)
			if err != nil {
				t.Fatal(err)
			}
			c.Write.ShiftEnds = []time.Duration{d}
		}, func(t *testing.T, b *bench) {
			_, _, err := b.send(produced("94"))
			if erp.Is(err, erp.Unavailable) != near || (err != nil) != near {
				t.Fatalf("a shift that ends at %s: %v", end, err)
			}
			if !near {
				return
			}
			time.Sleep(time.Until(err.(*erp.Error).Until) + time.Second)
			if _, _, err := b.send(produced("94")); err != nil {
				t.Errorf("then: %v", err)
			}
		})
	}
	within(t, smpos.Options{}, func(b *bench, c *Config) { writing(b, c); c.Write.ShiftEnds = []time.Duration{0} }, func(t *testing.T, b *bench) {
		time.Sleep(21*time.Hour + 55*time.Minute) // five minutes before midnight there
		if _, _, err := b.send(produced("94")); !erp.Is(err, erp.Unavailable) || fmt.Sprint(time.Until(err.(*erp.Error).Until)) != "15m0s" {
			t.Errorf("midnight: %v", err)
		}
	})
}
