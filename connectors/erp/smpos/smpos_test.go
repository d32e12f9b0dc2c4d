package smpos

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smpos"
)

const password = `hush"hush`

// bench is a pretend cabinet with two kiosks and a till in each, and a source of
// it, in virtual time.
type bench struct {
	*testing.T
	sim              *smpos.Server
	s                *Source
	chain, one, two  int64
	tillOne, tillTwo int64
}

// within runs a test. configure may change the settings; nil changes nothing.
func within(t *testing.T, o smpos.Options, configure func(*bench, *Config), test func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, sim: smpos.New(smpos.Config{Login: "user@mail.com", Password: password, Options: o})}
		network := pipe.New()
		b.chain = b.sim.AddChain("Bakery")
		b.one, b.two = b.sim.AddSection(b.chain, "Kiosk 1"), b.sim.AddSection(b.chain, "Kiosk 2")
		b.tillOne, b.tillTwo = b.sim.AddDevice(b.one, "Android", true), b.sim.AddDevice(b.two, "Lenovo", true)
		b.sim.SetGoods(b.one, smpos.Goods{Code: 10, Name: "Bakery", IsFolder: true}, smpos.Goods{Code: 120, Name: "Croissant", Qnty: 38000, FolderCode: 10, BarCode: 9007199254740993})
		b.sim.Sell(b.tillOne, 120, 23000)
		stop := network.Serve(b.sim)
		defer stop()
		transport := &http.Transport{DialContext: network.Dial}
		defer transport.CloseIdleConnections()
		c := account(Section{ID: b.one, Name: "kiosk1"})
		if configure != nil {
			configure(b, &c)
		}
		var err error
		if b.s, err = New(c, Deps{HTTP: &http.Client{Transport: transport}}); err != nil {
			t.Fatal(err)
		}
		test(t, b)
	})
}

func account(sections ...Section) Config {
	return Config{Address: "http://127.0.0.1/api", Login: "user@mail.com", Password: password, Sections: sections, PerMinute: 600}
}

func both(b *bench, c *Config) { c.Sections = append(c.Sections, Section{ID: b.two, Name: "kiosk2"}) }

// stock reads it, and gives the quantities as "place/code quantity".
func (b *bench) stock() (string, erp.StockRead) {
	b.Helper()
	r, err := b.s.ReadStock(b.Context(), erp.Ask{})
	if err != nil {
		b.Fatal(err)
	}
	var rows []string
	for _, s := range r.Stock {
		rows = append(rows, fmt.Sprintf("%s/%s %s", s.Place, s.Product, s.Quantity))
	}
	return strings.Join(rows, ", "), r
}

func TestWorkedExample(t *testing.T) {
	for name, o := range map[string]smpos.Options{"as documented": {}, "qty in samples": {EmitQty: true}, "blanks": {Blanks: true}, "quoted": {Quoted: true}, "1 for true": {DivNumber: true}, "HTTP errors": {HTTPErrors: true}} {
		t.Run(name, func(t *testing.T) {
			within(t, o, nil, func(t *testing.T, b *bench) {
				rows, r := b.stock()
				if rows != "kiosk1/120 15" || len(r.Problems) != 0 || r.Skipped != "" {
					t.Fatalf("%s, %+v", rows, r)
				}
				if got := r.Stock[0]; got.Name != "Croissant" || got.Barcode != "9007199254740993" || !got.AsOf.Equal(time.Now()) || got.Min != nil {
					t.Errorf("%+v", got)
				}
				if left := b.s.Left()[0]; left.Used != 4 || left.PerDay != 0 || b.s.Stretch() != 1 {
					t.Errorf("%+v", left)
				}
			})
		})
	}
}

// TestRawDocument is the worked example as it goes over the wire, without the
// pretend cabinet.
func TestRawDocument(t *testing.T) {
	r, err := answered(t, map[string]string{
		"GETGOODS":     `{"req":"GETGOODS","status":0,"objDT":1678645018,"goods":[{"code":120,"barCode":0,"price":4600,"qty":38000,"name":"Croissant","div":1,"tax":1,"dep":1,"folderCode":10}]}`,
		"GETGOODSQNTY": `{"req":"GETGOODSQNTY","status":0,"objDT":1678645018,"qntyArr":[{"code":120,"qnty":38000}]}`,
		"GETSALES":     `{"req":"GETSALES","status":0,"objDT":"1678645020","sales":[{"code":120,"qnty":23000}]}`,
	})
	if err != nil || len(r.Stock) != 1 || len(r.Problems) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := r.Stock[0]; got.Product != "120" || got.Name != "Croissant" || got.Place != "kiosk1" || got.Quantity.String() != "15" || got.Barcode != "" {
		t.Errorf("%+v", got)
	}
}

// answered is what ReadStock makes of answers, by command.
func answered(t *testing.T, bodies map[string]string) (erp.StockRead, error) {
	t.Helper()
	s, err := New(account(Section{ID: 53, Name: "kiosk1"}), Deps{HTTP: client(bodies)})
	if err != nil {
		t.Fatal(err)
	}
	return s.ReadStock(t.Context(), erp.Ask{})
}

// TestShiftClosesBetweenReads: whenever a shift is posted, what is left is the same.
func TestShiftClosesBetweenReads(t *testing.T) {
	for _, at := range []struct {
		req   string
		after int
	}{{"GETSALES", 0}, {"GETGOODSQNTY", 0}, {"GETSALES", 1}, {"GETGOODS", 0}} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			within(t, smpos.Options{}, nil, func(t *testing.T, b *bench) {
				b.sim.Meanwhile(at.req, at.after, func() { b.sim.CloseShift(b.tillOne) })
				if rows, r := b.stock(); rows != "kiosk1/120 15" || r.Skipped != "" {
					t.Errorf("%s, %+v", rows, r)
				}
			})
		})
	}
	within(t, smpos.Options{}, nil, func(t *testing.T, b *bench) {
		for i := range 3 {
			b.sim.Meanwhile("GETGOODSQNTY", i, func() { b.sim.CloseShift(b.tillOne) })
			if i > 0 {
				b.sim.Meanwhile("GETSALES", 2*i, func() { b.sim.Sell(b.tillOne, 120, 1000) })
			}
		}
		if rows, r := b.stock(); rows != "" || !strings.Contains(r.Skipped, "section kiosk1, goods 120") {
			t.Errorf("%s, %+v", rows, r)
		}
		if rows, r := b.stock(); rows != "kiosk1/120 13" || r.Skipped != "" {
			t.Errorf("in the next read: %s, %+v", rows, r)
		}
		b.sim.Meanwhile("GETGOODSQNTY", 0, func() { b.sim.Sell(b.tillOne, 120, 2000) })
		if rows, _ := b.stock(); rows != "kiosk1/120 11" {
			t.Errorf("what is sold meanwhile counts: %s", rows)
		}
	})
}

// TestChangesAreAskedFor: unchanged lists are not sent again, and no change is
// missed, not even one in the second of the one before.
func TestChangesAreAskedFor(t *testing.T) {
	within(t, smpos.Options{}, nil, func(t *testing.T, b *bench) {
		b.stock()
		b.sim.Sell(b.tillOne, 120, 1000) // in the same second
		if rows, _ := b.stock(); rows != "kiosk1/120 14" {
			t.Fatalf("a sale in the second of the last one: %s", rows)
		}
		for range 3 {
			time.Sleep(2 * time.Minute)
			b.stock()
		}
		before := len(b.sim.Calls())
		rows, r := b.stock()
		calls := b.sim.Calls()[before:]
		if rows != "kiosk1/120 14" || !r.Stock[0].AsOf.Equal(time.Now()) || len(calls) != 3 {
			t.Errorf("%s, %+v, %d calls", rows, r, len(calls))
		}
		for _, c := range calls {
			if c.Status != 4 {
				t.Errorf("%s was sent whole again: %s", c.Req, c.Body)
			}
		}
		b.sim.Refund(b.tillOne, 120, 1000)
		b.sim.Book(b.one, 120, 5000)
		if rows, _ := b.stock(); rows != "kiosk1/120 20" {
			t.Errorf("after a change: %s", rows)
		}
		before = len(b.sim.Calls())
		if _, err := b.s.ReadStock(t.Context(), erp.Ask{Full: true}); err != nil {
			t.Fatal(err)
		}
		for _, c := range b.sim.Calls()[before:] {
			if strings.Contains(c.Body, "objDT") {
				t.Errorf("everything was asked for: %s", c.Body)
			}
		}
	})
}

// TestListsAreReadWholeNowAndThen: a change that the cabinet did not stamp is seen
// within FullEvery.
func TestListsAreReadWholeNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := answers{
			"GETGOODS": `{"status":0,"objDT":5,"goods":[{"code":120,"name":"C"}]}`, "GETSALES": `{"status":0,"objDT":5,"sales":[]}`, "GETGOODSQNTY": `{"status":0,"objDT":5,"qntyArr":[{"code":120,"qnty":38000}]}`,
			"GETGOODS 5": `{"status":4}`, "GETSALES 5": `{"status":4}`, "GETGOODSQNTY 5": `{"status":4}`,
		}
		s, err := New(account(Section{ID: 53, Name: "kiosk1"}), Deps{HTTP: client(a)})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"38", "38", "38", "38", "40"} {
			r, err := s.ReadStock(t.Context(), erp.Ask{})
			if err != nil || len(r.Stock) != 1 || r.Stock[0].Quantity.String() != want {
				t.Errorf("read %d: %+v, %v, want %s", i, r, err, want)
			}
			if i == 1 {
				a["GETGOODSQNTY"] = `{"status":0,"objDT":5,"qntyArr":[{"code":120,"qnty":40000}]}`
			}
			time.Sleep(20 * time.Minute)
		}
	})
}

func TestNothingIsReadFromBrokenAnswers(t *testing.T) {
	for kind, want := range map[smpos.FaultKind]erp.Fault{
		smpos.Status500: erp.Unavailable, smpos.TooMany: erp.Unavailable, smpos.Failed: erp.Unavailable, smpos.Query: erp.Unavailable, smpos.Busy: erp.Unavailable, smpos.DropBefore: erp.Unavailable,
		smpos.DropAfter: erp.Unavailable, smpos.Page: erp.Garbled, smpos.Empty: erp.Garbled, smpos.HalfAnswer: erp.Garbled, smpos.WrongTypes: erp.Garbled, smpos.NoStatus: erp.Garbled,
	} {
		for _, req := range []string{"GETSALES", "GETGOODSQNTY", "GETGOODS"} {
			t.Run(string(kind)+" "+req, func(t *testing.T) {
				within(t, smpos.Options{}, nil, func(t *testing.T, b *bench) {
					b.sim.AddFault(smpos.Fault{Kind: kind, Req: req})
					r, err := b.s.ReadStock(t.Context(), erp.Ask{})
					if !erp.Is(err, want) || len(r.Stock) > 0 {
						t.Fatalf("%+v, %v", r, err)
					}
					if text := err.Error(); strings.Contains(text, "hush") || !strings.Contains(text, req+" of section kiosk1") {
						t.Errorf("%q", text)
					}
					if rows, _ := b.stock(); rows != "kiosk1/120 15" {
						t.Errorf("then %s", rows)
					}
				})
			})
		}
	}
	within(t, smpos.Options{}, func(_ *bench, c *Config) { c.Timeout = 20 * time.Second }, func(t *testing.T, b *bench) {
		b.sim.AddFault(smpos.Fault{Kind: smpos.Slow, Pause: time.Hour})
		began := time.Now()
		if _, err := b.s.ReadStock(t.Context(), erp.Ask{}); !erp.Is(err, erp.Unavailable) || time.Since(began) != 20*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestPausesGrow(t *testing.T) {
	within(t, smpos.Options{}, nil, func(t *testing.T, b *bench) {
		b.sim.AddFault(smpos.Fault{Kind: smpos.Busy, Times: 6})
		var pauses []time.Duration
		for range 6 {
			_, err := b.s.ReadStock(t.Context(), erp.Ask{})
			e, ok := err.(*erp.Error)
			if !ok {
				t.Fatal(err)
			}
			pauses = append(pauses, time.Until(e.Until))
		}
		if got := fmt.Sprint(pauses); got != "[1m0s 2m0s 4m0s 8m0s 10m0s 10m0s]" {
			t.Error(got)
		}
		b.stock()
		b.sim.AddFault(smpos.Fault{Kind: smpos.Busy})
		if _, err := b.s.ReadStock(t.Context(), erp.Ask{}); time.Until(err.(*erp.Error).Until) != time.Minute {
			t.Errorf("after a success: %v", err)
		}
	})
}

func TestDeniedAndUnknownSections(t *testing.T) {
	for name, configure := range map[string]func(*bench, *Config){
		"password": func(_ *bench, c *Config) { c.Password = "wrong" },
		"section":  func(b *bench, c *Config) { both(b, c); c.Sections[1].ID = 1 },
	} {
		within(t, smpos.Options{}, configure, func(t *testing.T, b *bench) {
			r, err := b.s.ReadStock(t.Context(), erp.Ask{})
			if !erp.Is(err, erp.Denied) || len(r.Stock) > 0 || strings.Contains(err.Error(), "wrong") {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
		})
	}
	within(t, smpos.Options{}, writing, func(t *testing.T, b *bench) {
		c := b.s.Capabilities()
		if c.Orders || !c.Products || !c.Stock || len(c.Writes) != 1 || b.s.Close() != nil {
			t.Errorf("%+v", c)
		}
	})
	within(t, smpos.Options{}, func(_ *bench, c *Config) { c.Sections = nil }, func(t *testing.T, b *bench) {
		_, err := b.s.ReadStock(t.Context(), erp.Ask{})
		if _, err2 := b.s.ReadProducts(t.Context(), erp.Ask{}); !erp.Is(err, erp.Misconfigured) || !erp.Is(err2, erp.Misconfigured) || b.sim.Count("", time.Now()) != 0 {
			t.Errorf("%v, %v", err, err2)
		}
	})
}

func TestBudgetStopsAndResumes(t *testing.T) {
	within(t, smpos.Options{}, func(_ *bench, c *Config) { c.PerDay = 20 }, func(t *testing.T, b *bench) {
		for _, want := range []int{1, 1, 1, 1, 1, 0} {
			if b.stock(); b.s.Stretch() != want {
				t.Errorf("stretch %d after %d calls", b.s.Stretch(), b.sim.Count("", time.Now()))
			}
			time.Sleep(time.Minute)
		}
		for range 3 {
			if _, err := b.s.ReadStock(t.Context(), erp.Ask{}); !erp.Is(err, erp.Exhausted) || err.(*erp.Error).Until.Hour() != 22 {
				t.Fatalf("%v", err)
			}
		}
		if n := b.sim.Count("", time.Now()); n != 20 {
			t.Errorf("%d calls of 20", n)
		}
		time.Sleep(24 * time.Hour)
		b.stock()
	})
	kept := ""
	for i := range 3 {
		c := account(Section{ID: 53, Name: "kiosk1"})
		c.PerDay = 1
		s, err := New(c, Deps{HTTP: client(answers{}), Kept: kept, Keep: func(text string) error { kept = text; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReadStock(t.Context(), erp.Ask{}); erp.Is(err, erp.Exhausted) != (i > 0) {
			t.Errorf("start %d: %v", i, err)
		}
	}
	within(t, smpos.Options{}, func(_ *bench, c *Config) { c.PerMinute = 2 }, func(t *testing.T, b *bench) {
		began := time.Now()
		if b.stock(); time.Since(began) != time.Minute {
			t.Errorf("4 calls at 2 a minute took %s", time.Since(began))
		}
	})
}

func TestSettingsThatCanNotWork(t *testing.T) {
	shop := Section{ID: 53, Name: "kiosk1"}
	for name, spoil := range map[string]func(*Config){
		"plain":      func(c *Config) { c.Address = "http://smpos.example/api" },
		"no login":   func(c *Config) { c.Login = "" },
		"twice":      func(c *Config) { c.Sections = append(c.Sections, shop) },
		"no number":  func(c *Config) { c.Sections[0].ID = 0 },
		"tills":      func(c *Config) { c.Sections[0].Tills = []int64{4} },
		"per minute": func(c *Config) { c.PerMinute = -1 },
		"age":        func(c *Config) { c.DirectoryAge = time.Second },
		"notes":      func(c *Config) { c.Write.Kinds = []erp.Kind{erp.Note} },
		"deliver":    func(c *Config) { c.Write = WriteConfig{Kinds: []erp.Kind{erp.Produced}, DeliverTo: "nowhere"} },
		"spelling":   func(c *Config) { c.Write.Quantity = "quantity" },
		"shift":      func(c *Config) { c.Write.ShiftEnds = []time.Duration{25 * time.Hour} },
	} {
		c := account(shop)
		spoil(&c)
		if _, err := New(c, Deps{}); !erp.Is(err, erp.Misconfigured) || c.Check() == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Config{Login: "user@mail.com", Password: password}).Check(); err != nil {
		t.Error(err)
	}
}
