package csmart

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/csmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
)

const password = "hush-hush"

// bench is a pretend domain with a customer, a product and an order, and a source of
// it, in virtual time.
type bench struct {
	*testing.T
	sim *csmart.Server
	s   *Source
	// account, stol and order are ids.
	account, stol, order string
}

// within runs a test. configure may change the settings; nil changes nothing.
func within(t *testing.T, o csmart.Options, configure func(*Config), test func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		zone := time.FixedZone("UTC+1", 3600)
		b := &bench{T: t, sim: csmart.New(csmart.Config{Domain: "meble", Email: "biuro@meble.pl", Password: password, Options: o, Zone: zone})}
		b.account = b.sim.AddAccount(csmart.Account{Name: "Meble Nowak", TaxNo: "5250000000", Type: "firma"})
		b.stol = b.sim.AddProduct(csmart.Product{Code: "STOL-120", Name: "Stol 120", Unit: "szt"})
		b.order = b.create("ZS/45/2026", csmart.Item{Product: b.stol, Code: "STOL-120", Name: "Stol 120", Quantity: "1230.500", Unit: "szt", Price: "500.00"})
		network := pipe.New()
		stop := network.Serve(b.sim)
		defer stop()
		transport := &http.Transport{DialContext: network.Dial}
		defer transport.CloseIdleConnections()
		c := Config{Address: "http://127.0.0.1/app/api.php", Domain: "meble", Email: "biuro@meble.pl", Password: password, Zone: zone, Tasks: TaskConfig{Kinds: []erp.Kind{erp.Task}}}
		if configure != nil {
			configure(&c)
		}
		var err error
		if b.s, err = New(c, Deps{HTTP: &http.Client{Transport: transport}}); err != nil {
			t.Fatal(err)
		}
		test(t, b)
	})
}

func (b *bench) create(number string, items ...csmart.Item) string {
	return b.sim.Create(csmart.Order{Number: number, Status: "nowe", Date: "2026-11-20", Delivery: "2026-12-04", Account: b.account, AccountName: "Meble Nowak", TaxNo: "5250000000", Items: items})
}

// read gives the orders as text, and what was read.
func (b *bench) read() (string, erp.OrderRead) {
	b.Helper()
	r, err := b.s.ReadOrders(b.Context(), erp.Ask{})
	if err != nil {
		b.Fatal(err)
	}
	var out []string
	for _, o := range r.Orders {
		text := fmt.Sprintf("%s %s %s", o.Number, o.State, o.Due.Time.Format(time.DateOnly))
		for _, l := range o.Lines {
			text += fmt.Sprintf(", %s %s %s", l.Quantity, l.Unit, l.Product)
		}
		out = append(out, text)
	}
	return strings.Join(out, "; "), r
}

// told gives problems as text.
func told(problems []erp.Problem) string {
	var out []string
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%s: %s (%s %s %v)", p.Where, p.What, p.Order, p.Line, p.Lost))
	}
	return strings.Join(out, "\n")
}

func TestWorkedExample(t *testing.T) {
	for name, o := range map[string]csmart.Options{
		"plain": {}, "numbers for names": {NumericKeys: true}, "mark": {BOM: true}, "comma": {Comma: true}, "Polish dates": {PolishDates: true}, "unknown changes": {NoModified: true},
		"no codes": {NoCode: true}, "no line ids": {NoLineID: true}, "null": {Falsy: "null"}, "false": {Falsy: "false"}, "0": {Falsy: "0"}, "0 quoted": {Falsy: `"0"`}, "list": {Falsy: "[]"},
		"all": {NumericKeys: true, BOM: true, Comma: true, PolishDates: true, NoModified: true, NoCode: true, NoLineID: true, EmptyText: true, Falsy: "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, o, nil, func(t *testing.T, b *bench) {
				text, r := b.read()
				if text != "ZS/45/2026 open 2026-12-04, 1230.5 szt STOL-120" || len(r.Problems) > 0 || !r.Complete {
					t.Fatalf("%s, %+v", text, r)
				}
				d := r.Orders[0]
				if d.ID != b.order || !d.Due.Day || d.Ordered != erp.DayOf(2026, 11, 20) || d.Customer.Code != "5250000000" || d.Customer.Name != "Meble Nowak" || d.Currency != "PLN" || d.Word != "nowe" || (d.Revision == "") != o.NoModified {
					t.Errorf("%+v", d)
				}
				l := d.Lines[0]
				if l.ProductName != "Stol 120" || l.Factor.String() != "1" || l.Price == nil || l.Price.String() != "500" || l.Loose != o.NoLineID || l.ID == "" {
					t.Errorf("%+v", l)
				}
			})
		})
	}
}

func TestStates(t *testing.T) {
	within(t, csmart.Options{}, func(c *Config) { c.States = map[string][]string{"held": {"Na Hali"}, "closed": {"nowe"}} }, func(t *testing.T, b *bench) {
		for i, word := range []string{"Na hali", "ANULOWANE", "w  realizacji", "", "cokolwiek", "cokolwiek"} {
			b.sim.Create(csmart.Order{Number: fmt.Sprint(i), Status: word, Items: []csmart.Item{{Code: "A", Quantity: "1"}}})
		}
		_, r := b.read()
		var states []string
		for _, o := range r.Orders {
			states = append(states, o.State.String())
		}
		if got := strings.Join(states, " "); got != "closed held cancelled open open unknown unknown" {
			t.Error(got)
		}
		if len(r.Problems) > 0 || r.Orders[6].Word != "cokolwiek" {
			t.Errorf("%s, %+v", told(r.Problems), r.Orders[6])
		}
	})
	within(t, csmart.Options{}, func(c *Config) { c.NoState = "held" }, func(t *testing.T, b *bench) {
		b.sim.Edit(b.order, func(o *csmart.Order) { o.Status = "" })
		if text, _ := b.read(); !strings.Contains(text, " held ") {
			t.Error(text)
		}
	})
}

// Where no order has a status, the field is called otherwise, and the list is years of
// orders: none of them is made.
func TestNoOrderHasAStatus(t *testing.T) {
	for said, want := range map[string]string{"": " unknown ", "open": " open "} {
		within(t, csmart.Options{}, func(c *Config) { c.NoState, c.Fields = said, map[string][]string{"state": {"stan_zamowienia"}} }, func(t *testing.T, b *bench) {
			text, r := b.read()
			if !strings.Contains(text, want) || strings.Contains(told(r.Problems), "no order of the list has a status") != (said == "") {
				t.Errorf("%q: %s\n%s", said, text, told(r.Problems))
			}
		})
	}
}

func TestOrdersWithoutLines(t *testing.T) {
	within(t, csmart.Options{NoItems: true}, nil, func(t *testing.T, b *bench) {
		_, r := b.read()
		if len(r.Orders) != 1 || !r.Orders[0].Partial || !r.Complete || !strings.Contains(told(r.Problems), "nothing to make from it") || !strings.Contains(told(r.Problems), "ask the vendor for lines") {
			t.Errorf("%+v", r)
		}
	})
	within(t, csmart.Options{EmptyText: true}, nil, func(t *testing.T, b *bench) {
		bare := b.create("ZS/46/2026")
		b.sim.Edit(b.create("ZS/47/2026"), func(o *csmart.Order) { o.Status = "anulowane" })
		_, r := b.read()
		if len(r.Orders) != 3 || r.Orders[0].Partial || !r.Orders[1].Partial || r.Orders[2].State != erp.Cancelled || len(r.Problems) != 1 || r.Problems[0].Order != bare {
			t.Errorf("%+v", r)
		}
	})
}

func TestLines(t *testing.T) {
	within(t, csmart.Options{NoLineID: true}, func(c *Config) { c.Generic = "CUSTOM" }, func(t *testing.T, b *bench) {
		b.create("ZS/46/2026",
			csmart.Item{Code: "STOL-120", Quantity: "1", Unit: "szt"}, csmart.Item{Code: "STOL-120", Quantity: "2", Unit: "kpl"}, csmart.Item{Name: "Szyld 2 m", Quantity: "3"}, csmart.Item{Quantity: "-4"}, csmart.Item{Code: "STOL-120", Name: "Stol 120, dąb", Quantity: "5"})
		_, r := b.read()
		lines := r.Orders[1].Lines
		var got []string
		for _, l := range lines {
			got = append(got, fmt.Sprintf("%s=%s %q %s/%s %q", l.ID, l.Product, l.ProductName, l.Quantity, l.Factor, l.Note))
		}
		// An order's lines are counted from 1; the count alone would not be theirs for long.
		if text := strings.Join(got, ", "); text != `1=STOL-120 "Stol 120" 1/1 "", 2=STOL-120 "Stol 120" 2/0 "", 3=CUSTOM "Szyld 2 m" 3/1 "Szyld 2 m", 4= "" -4/1 "", 5=STOL-120 "Stol 120, dąb" 5/1 "Stol 120, dąb"` || !lines[0].Loose {
			t.Error(text)
		}
	})
}

func TestOrdersAreReadWithOneCall(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		began := time.Now()
		for range 12 { // an hour
			b.read()
			time.Sleep(5 * time.Minute)
		}
		for what, want := range map[string]int{"Login": 1, "SalesOrders": 12, "Products": 1, "Accounts": 0} {
			if n := b.sim.Count(what, "", began); n != want {
				t.Errorf("%s: %d calls, not %d", what, n, want)
			}
		}
		for _, c := range b.sim.Calls() {
			if c.Method != http.MethodPost {
				t.Errorf("%+v", c)
			}
		}
	})
	within(t, csmart.Options{}, func(c *Config) { c.Get = true }, func(t *testing.T, b *bench) {
		b.read()
		if calls := b.sim.Calls(); calls[0].Method != http.MethodPost || calls[1].Method != http.MethodGet {
			t.Errorf("%+v", calls)
		}
	})
}

func TestCustomersThatOrdersDoNotDescribe(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.sim.Edit(b.order, func(o *csmart.Order) { o.AccountName, o.TaxNo = "", "" })
		person := b.sim.AddAccount(csmart.Account{Name: "Jan Kowalski", Type: "osoba"})
		b.sim.Create(csmart.Order{Number: "2", Status: "nowe", Account: person, Items: []csmart.Item{{Code: "STOL-120", Quantity: "1"}}})
		_, r := b.read()
		if one, two := r.Orders[0].Customer, r.Orders[1].Customer; one != (erp.Customer{Code: "5250000000", Name: "Meble Nowak", Person: erp.No}) || two != (erp.Customer{Code: person, Name: "Jan Kowalski", Person: erp.Yes}) {
			t.Errorf("%+v %+v", one, two)
		}
		time.Sleep(2 * time.Hour)
		b.read()
		if n := b.sim.Count("Accounts", "List", time.Now()); n != 1 {
			t.Errorf("%d reads of customers", n)
		}
	})
}

func TestListsThatCanNotBeRead(t *testing.T) {
	fail := func(b *bench, module string, kind csmart.FaultKind) {
		b.sim.AddFault(csmart.Fault{Kind: kind, Module: module, Times: 9})
	}
	// Codes that stand in the orders need no products.
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		fail(b, "Products", csmart.Status500)
		if text, r := b.read(); !strings.Contains(text, "1230.5 szt STOL-120") || !strings.Contains(told(r.Problems), "Products: the list can not be read") {
			t.Errorf("%s, %s", text, told(r.Problems))
		}
	})
	// Codes that do not would be missing for the moment.
	within(t, csmart.Options{NoCode: true}, nil, func(t *testing.T, b *bench) {
		fail(b, "Products", csmart.Status500)
		if _, err := b.s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Unavailable) {
			t.Error(err)
		}
		b.sim.ClearFaults()
		b.read()
		time.Sleep(2 * time.Hour)
		fail(b, "Products", csmart.Status500)
		if text, r := b.read(); !strings.Contains(text, "STOL-120") || !strings.Contains(told(r.Problems), "those of the last read count") {
			t.Errorf("%s, %s", text, told(r.Problems))
		}
	})
	// A user who may not see products will not see them at the next read.
	within(t, csmart.Options{NoCode: true}, nil, func(t *testing.T, b *bench) {
		fail(b, "Products", csmart.Failed)
		if text, r := b.read(); text != "ZS/45/2026 open 2026-12-04, 1230.5 szt " || !strings.Contains(told(r.Problems), "lines that have no code of their own wait") {
			t.Errorf("%s, %s", text, told(r.Problems))
		}
	})
}

func TestTokens(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.read()
		b.sim.Revoke()
		b.read()
		if n := b.sim.Count("Login", "", time.Now()); n != 2 {
			t.Errorf("%d logins", n)
		}
		b.sim.AddFault(csmart.Fault{Kind: csmart.Expired, Module: orders, Times: 2})
		if _, err := b.s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Denied) || !strings.Contains(err.Error(), "Nieprawidłowy token") {
			t.Error(err)
		}
		b.read()
	})
	within(t, csmart.Options{}, func(c *Config) { c.Password = "wrong-one" }, func(t *testing.T, b *bench) {
		_, err := b.s.ReadOrders(t.Context(), erp.Ask{})
		if !erp.Is(err, erp.Denied) || !strings.Contains(err.Error(), "check domain, email and password") || strings.Contains(err.Error(), "wrong-one") {
			t.Error(err)
		}
		if n := len(b.sim.Calls()); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestAnswersThatAreNone(t *testing.T) {
	for kind, want := range map[csmart.FaultKind]erp.Fault{
		csmart.Status500: erp.Unavailable, csmart.TooMany: erp.Unavailable, csmart.DropBefore: erp.Unavailable, csmart.Failed: erp.Refused, csmart.Page: erp.Garbled,
		csmart.Warning: erp.Garbled, csmart.Empty: erp.Garbled, csmart.HalfAnswer: erp.Garbled, csmart.WrongTypes: erp.Garbled,
	} {
		within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
			b.sim.AddFault(csmart.Fault{Kind: kind, Module: orders})
			if _, err := b.s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, want) {
				t.Errorf("%s: %v", kind, err)
			}
			if text, r := b.read(); text == "" || !r.Complete {
				t.Errorf("%s: then %s, %+v", kind, text, r)
			}
		})
	}
}

func TestSlowAnswersAreAskedForHalfAsOften(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.read()
		if n := b.s.Stretch(); n != 1 {
			t.Error(n)
		}
		b.sim.AddFault(csmart.Fault{Kind: csmart.Slow, Module: orders, Pause: 11 * time.Second})
		if b.read(); b.s.Stretch() != 2 {
			t.Error("a slow answer changes nothing")
		}
		if b.read(); b.s.Stretch() != 1 {
			t.Error("it stays slow")
		}
	})
}

func TestListsThatMayBeCutOff(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		for i := range 99 {
			b.create(fmt.Sprint(i), csmart.Item{Code: "STOL-120", Quantity: "1"})
		}
		if _, r := b.read(); r.Complete || len(r.Problems) > 0 {
			t.Errorf("%v, %s", r.Complete, told(r.Problems))
		}
		if _, r := b.read(); r.Complete || !strings.Contains(told(r.Problems), "exactly 100 orders again") {
			t.Errorf("%v, %s", r.Complete, told(r.Problems))
		}
		b.create("100", csmart.Item{Code: "STOL-120", Quantity: "1"})
		if _, r := b.read(); !r.Complete || len(r.Problems) > 0 {
			t.Errorf("%v, %s", r.Complete, told(r.Problems))
		}
	})
}

func TestProducts(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.sim.AddProduct(csmart.Product{Name: "Transport"})
		b.sim.AddProduct(csmart.Product{Code: "STOL-120", Name: "Stol 120 bis"})
		r, err := b.s.ReadProducts(t.Context(), erp.Ask{})
		if err != nil || len(r.Products) != 1 || !r.Complete || !strings.Contains(told(r.Problems), "stands twice: Stol 120 counts, Stol 120 bis does not") {
			t.Errorf("%+v, %v", r, err)
		}
		if p := r.Products[0]; p.Code != "STOL-120" || p.Unit != "szt" || p.Active != erp.Yes {
			t.Errorf("%+v", p)
		}
	})
}

func TestDiscover(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.sim.Edit(b.order, func(o *csmart.Order) { o.Status, o.Description = "Czeka na farbę", "call 600 700 800" })
		fields, suggest, err := b.s.Discover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`    number: "number" # 1 of 1`, `    line.product: "code"`, `    product.unit: "unit"`, `"Czeka na farbę" (1 orders)`, `    customer.tax_number: "nip"`, "# product.barcode: no field was found"} {
			if !strings.Contains(suggest, want) {
				t.Errorf("%q is not in\n%s", want, suggest)
			}
		}
		i := slices.IndexFunc(fields, func(f erp.Field) bool { return f.Path == "SalesOrders.due" || f.Means == "due" })
		if i < 0 || fields[i].Type != "date" || fields[i].Samples[0] != "2026-12-04" {
			t.Errorf("%+v", fields)
		}
		for _, f := range fields {
			if text := strings.Join(f.Samples, " "); strings.Contains(text, "Nowak") || strings.Contains(text, "600") || strings.Contains(text, "5250000000") {
				t.Errorf("%+v tells of a person", f)
			}
		}
	})
}

func TestSettings(t *testing.T) {
	good := Config{Domain: "meble", Email: "biuro@meble.pl", Password: password}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Config){
		"must look like https":        func(c *Config) { c.Address = "csmart.pl" },
		"must begin with https":       func(c *Config) { c.Address = "http://csmart.pl/app/api.php" },
		"a domain, the e-mail":        func(c *Config) { c.Email = "" },
		"products_for must be":        func(c *Config) { c.ProductsFor = time.Second },
		`"colour" is nothing that`:    func(c *Config) { c.Fields = map[string][]string{"colour": {"x"}} },
		`"due" is nothing`:            func(c *Config) { c.Fields = map[string][]string{"due": {""}} },
		"no way to write back":        func(c *Config) { c.Tasks.Kinds = []erp.Kind{erp.Produced} },
		"login_words must not be":     func(c *Config) { c.LoginWords = []string{"token", " "} },
		"none of open, held, closed":  func(c *Config) { c.States = map[string][]string{"x": {"y"}} },
		"no_state must be open or":    func(c *Config) { c.NoState = "closed" },
		"stands under closed and und": func(c *Config) { c.States = map[string][]string{"held": {"y"}, "closed": {"Y"}} },
	} {
		c := good
		change(&c)
		if err := c.Check(); !erp.Is(err, erp.Misconfigured) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %s", err, want)
		}
	}
}
