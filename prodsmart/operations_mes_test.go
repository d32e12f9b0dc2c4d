package prodsmart

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// stage is one company in which every operation can be done.
type stage struct {
	*testing.T
	server *mes.Server
	client *Client
	// hostile says that requests fail now and then, and are made again.
	hostile bool
	n       int
}

// try does something, again and again while the line is bad.
func (s *stage) try(do func() error) {
	s.Helper()
	var err error
	for range 60 {
		if err = do(); err == nil {
			return
		}
		var failed *Error
		if !s.hostile || !errors.As(err, &failed) || failed.Answer.Verdict == Refused && failed.Answer.Status != 400 {
			break
		}
	}
	s.Fatal(err)
}

// code is a code that was not used before.
func (s *stage) code(what string) string {
	s.n++
	return fmt.Sprintf("%s-%d", what, s.n)
}

func some[T any](_ *stage, list []T, err error, fits func(T) bool) error {
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, fits) {
		return fmt.Errorf("it is not among %d records", len(list))
	}
	return nil
}

// partner makes a supplier or client.
func (s *stage) partner(r Partners) (p Partner) {
	s.try(func() (err error) {
		p, err = r.Create(s.Context(), Partner{Code: s.code("P"), Name: "Steel", Expires: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC),
			Contacts: []Contact{{Name: "Ana", Email: "a@example.test"}}, Addresses: []Address{{Code: "HQ", Address: "1 Street", Country: "PT", Default: Yes}}})
		return err
	})
	return p
}

func (s *stage) product() (p Product) {
	s.try(func() (err error) {
		p, err = s.client.Products().Create(s.Context(), Product{Code: s.code("PR"), Name: "Bolt", Families: []Reference{{Code: "FG"}},
			Operations: []ProductOperation{{Code: "OP10", Name: "Cut", Durations: []TaskDuration{{Duration: time.Minute, Ratio: NewDecimal(1)}}}}})
		return err
	})
	return p
}

func (s *stage) order() (o ProductionOrder) {
	s.try(func() (err error) {
		o, err = s.client.ProductionOrders().Create(s.Context(), ProductionOrder{Code: s.code("WO"), Start: time.Now(), Due: time.Now().Add(time.Hour),
			Products: []OrderProduct{{Product: "P1", Ordered: NewDecimal(10)}}, Workers: []Worker{{Number: "5"}}, Active: Yes})
		return err
	})
	return o
}

// orderIsKept has an order changed of which lists and Get show different fields.
func (s *stage) orderIsKept(id int64) {
	s.Helper()
	r := s.client.ProductionOrders()
	planned := `{"serial-number":"S1","custom-fields":[{"Colour":"red"}],"material-staging-complete":true,"location":"SITE1","workers-assigned":[{"number":5}]}`
	if err := s.server.EditOrder(int(id), json.RawMessage(planned)); err != nil {
		s.Fatal(err)
	}
	var listed, o ProductionOrder
	s.try(func() error {
		list, err := r.List(s.Context(), ProductionOrderQuery{Workers: true}, 1)
		for _, x := range list {
			if x.ID == id {
				listed = x
			}
		}
		return err
	})
	if _, err := r.Update(s.Context(), listed); !errors.Is(err, ErrNotRead) || listed.SerialNumber != "S1" {
		s.Errorf("one of a list was updated: %v; its serial number is %q", err, listed.SerialNumber)
	}
	s.try(func() (err error) { o, err = r.Get(s.Context(), id); return err })
	o.KeepSerial(listed)
	o.Description = "turned"
	s.try(func() (err error) { o, err = r.Update(s.Context(), o); return err })
	if o.SerialNumber != "S1" {
		s.Errorf("the serial number of the answer is %q", o.SerialNumber)
	}
	for _, x := range s.server.Orders() {
		if int64(x.ID) == id && (x.Description != "turned" || x.SerialNumber != "S1" || len(x.Custom) != 1 || !x.Staged || x.Location != "SITE1" || len(x.Workers) != 1) {
			s.Errorf("it became %+v", x)
		}
	}
}

func (s *stage) movement() (m Movement) {
	s.try(func() (err error) {
		m, err = s.client.InventoryMovements().Create(s.Context(), Movement{Product: "P1", Type: "in", Quantity: NewDecimal(5), At: time.Now()})
		return err
	})
	return m
}

func (s *stage) trade(create func(TradeOrder) (TradeOrder, error), list func(code string) ([]TradeOrder, error)) (o TradeOrder) {
	code := s.code("CO")
	s.try(func() error {
		_, err := create(TradeOrder{Code: code, Partner: Reference{Code: "P"}, Products: []TradeProduct{{Code: "P1", Quantity: NewDecimal(3), Due: time.Now()}}})
		return err
	})
	s.try(func() error {
		all, err := list(code)
		for _, x := range all {
			if x.Code == code {
				o = x
				return nil
			}
		}
		return errors.Join(err, errors.New("it is not listed"))
	})
	return o
}

// operationTests do each of Operations once.
func operationTests() map[string]func(s *stage) {
	tests := map[string]func(s *stage){
		"authorization.create": func(s *stage) {
			s.try(func() error { _, err := s.client.CreateAuthorization(s.Context()); return err })
		},
		"authorization.get": func(s *stage) {
			s.try(func() error {
				if _, err := s.client.CreateAuthorization(s.Context()); err != nil {
					return err
				}
				a, err := s.client.Authorization(s.Context())
				if err == nil && (a.Token.IsZero() || !slices.Contains(a.Scopes, "productions_write")) {
					s.Errorf("%v", a.Scopes)
				}
				return err
			})
		},
		"authorization.delete": func(s *stage) {
			s.try(func() error { return s.client.DeleteAuthorization(s.Context()) })
			s.try(func() error { _, err := s.client.Downtimes(s.Context(), DowntimeQuery{}); return err })
		},
		"changes.take": func(s *stage) {
			s.order()
			s.try(func() error { _, err := s.client.Changes(s.Context(), "c-1", true); return err })
		},
	}
	partners := map[string]func(*stage) Partners{
		"suppliers": func(s *stage) Partners { return s.client.Suppliers() }, "clients": func(s *stage) Partners { return s.client.Clients() },
	}
	for name, of := range partners {
		tests[name+".create"] = func(s *stage) {
			if p := s.partner(of(s)); p.ID == 0 || !p.Expires.IsZero() {
				s.Errorf("%+v", p)
			}
		}
		tests[name+".list"] = func(s *stage) {
			p := s.partner(of(s))
			s.try(func() error {
				list, err := of(s).List(s.Context(), PartnerQuery{Code: p.Code}, 1)
				return some(s, list, err, func(x Partner) bool { return x.ID == p.ID })
			})
		}
		tests[name+".get"] = func(s *stage) {
			p := s.partner(of(s))
			s.try(func() error {
				got, err := of(s).Get(s.Context(), p.ID)
				if err == nil && (got.Code != p.Code || got.Addresses[0].Default != Yes) {
					s.Errorf("%+v", got)
				}
				return err
			})
		}
		tests[name+".update"] = func(s *stage) {
			p := s.partner(of(s))
			if _, err := of(s).Update(s.Context(), p); !errors.Is(err, ErrNotRead) {
				s.Errorf("it was not read: %v", err)
			}
			s.try(func() (err error) { p, err = of(s).Get(s.Context(), p.ID); return err })
			p.Name, p.Contacts = "Iron", nil
			if _, err := of(s).Update(s.Context(), p); !errors.Is(err, ErrNotRead) || len(p.Unread) != 1 {
				s.Errorf("01/02/2027 may be two days: %v, %q", err, p.Unread)
			}
			p.Expires = time.Date(2027, 2, 28, 0, 0, 0, 0, time.UTC)
			s.try(func() error { _, err := of(s).Update(s.Context(), p); return err })
			s.try(func() error {
				got, err := of(s).Get(s.Context(), p.ID)
				if err == nil && (got.Name != "Iron" || len(got.Contacts) != 0 || len(got.Addresses) != 1 || got.Expires.Format(time.DateOnly) != "2027-02-28") {
					s.Errorf("%+v", got)
				}
				return err
			})
		}
		tests[name+".delete"] = func(s *stage) {
			p := s.partner(of(s))
			s.try(func() error { return of(s).Delete(s.Context(), p.ID) })
			bound := s.partner(of(s))
			s.server.Bind(name, fmt.Sprint(bound.ID))
			var failed *Error
			for range 60 {
				if err := of(s).Delete(s.Context(), bound.ID); errors.As(err, &failed) && failed.Answer.Verdict == Refused {
					break
				}
			}
			if failed == nil || failed.Answer.Status != 412 {
				s.Errorf("%v", failed)
			}
		}
	}
	addTradeTests(tests)
	addOrderTests(tests)
	addProductTests(tests)
	addRecordTests(tests)
	return tests
}

// company starts a pretend Prodsmart for a test of operations.
func company(t *testing.T, profile string) *stage {
	t.Helper()
	strict := profile == "strict" // only the spelling of the documentation
	if strict {
		profile = "documented"
	}
	p, err := mes.ProfileNamed(profile)
	if err != nil {
		t.Fatal(err)
	}
	if strict {
		p.Options.StrictPaths = mes.PathsStrict
	}
	p.Options.Limit, p.Options.Foreign = -1, mes.Foreign{}
	for i := range p.Faults {
		p.Faults[i].Delay = min(p.Faults[i].Delay, 20*time.Millisecond)
	}
	server, err := mes.New(mes.Config{Key: testKey, Secret: testSecret, Profile: p, Channels: []mes.ChannelSetup{{Name: "c-1", Type: "PRODUCTION_ORDER"}},
		Machines: []mes.MachineSetup{{Code: "A 32", InProduction: true, Types: []mes.TypeSetup{{Name: "STOP"}}, Parameters: []mes.ParameterSetup{{Name: "t", Code: "T"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	address, err := server.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, "http://"+address, func(cfg *Config) { cfg.Timeout = time.Second })
	t.Cleanup(func() {
		c.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return &stage{T: t, server: server, client: c, hostile: profile == "hostile"}
}

// TestOperations does each documented operation against the pretend Prodsmart, in
// all its profiles.
func TestOperations(t *testing.T) {
	tests := operationTests()
	for _, profile := range []string{"documented", "strict", "lenient", "hostile"} {
		for _, o := range Operations() {
			t.Run(profile+"/"+o.Name, func(t *testing.T) {
				if tests[o.Name] == nil {
					t.Fatal("nothing tests this operation")
				}
				tests[o.Name](company(t, profile))
			})
		}
	}
	if len(tests) != len(Operations()) || len(tests) != 56 {
		t.Errorf("%d tests for %d operations", len(tests), len(Operations()))
	}
}

// TestOperationsPage holds docs/prodsmart-operations.md to the operations there are.
func TestOperationsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Operations of Prodsmart\n\nAll that are documented, with their paths below the prefix as they are spelled there. Any path can be\nreplaced in the configuration, below `prodsmart.paths`. Each is made from the command line with\n`prodsmart-gateway api`, and tested against a pretend Prodsmart that reads its documentation strictly, one that\ntakes everything, and one whose line fails in every way.\n\n" +
		"| Operation | Request | `prodsmart.paths` | If the answer was lost, repeat | Tested in |\n|---|---|---|---|---|\n")
	tests := operationTests()
	for _, o := range Operations() {
		tested := ""
		if tests[o.Name] != nil {
			tested = "`TestOperations/.../" + o.Name + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s %s` | `%s` | %s | %s |\n", o.Name, o.Method, o.Path, o.Endpoint, o.Repeat, tested)
	}
	path := filepath.Join("..", "docs", "prodsmart-operations.md")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil || strings.ReplaceAll(string(page), "\r\n", "\n") != b.String() {
		t.Errorf("the page is not that of the operations: %v; run UPDATE_GOLDEN=1 go test -run TestOperationsPage ./prodsmart", err)
	}
}
