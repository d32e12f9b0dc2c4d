package repzo

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/repzo"
)

func writing() Config {
	return Config{Write: WriteConfig{Kinds: []erp.Kind{erp.Meta, erp.Status, erp.Produced, erp.Task}, Status: map[erp.Stage]string{erp.Started: "IN", erp.Completed: "DONE"}, Warehouse: "W1",
		Reason: "Production", TaskClient: "c", TaskLocation: "l", TaskCategory: "g", TaskCalendar: "k"}}
}

// writes runs a test with an order, and the reason that stock corrections have.
func writes(t *testing.T, c Config, o repzo.Options, test func(t *testing.T, d *company, order string)) {
	within(t, c, o, func(t *testing.T, d *company) {
		d.AddReason("Production")
		test(t, d, d.approved("50"))
	})
}

func write(kind erp.Kind, order string) erp.Write {
	return erp.Write{Kind: kind, Stage: erp.Started, ID: "PS1Z-1", Order: order, Code: "RZ-PRO-1032-1602-1", Product: "010-UNI-UN0058", Ordered: decimal.NewFromInt(1200),
		Produced: decimal.NewFromInt(480), Delta: decimal.NewFromInt(480), Text: "480 of 1200 produced", At: time.Now()}
}

func (d *company) send(t *testing.T, w erp.Write) (erp.Receipt, error) {
	t.Helper()
	w, err := d.s.Prepare(t.Context(), w)
	if err != nil {
		return erp.Receipt{}, err
	}
	return d.s.Write(t.Context(), w)
}

func TestMarksOnTheLatestVersion(t *testing.T) {
	writes(t, writing(), repzo.Options{}, func(t *testing.T, d *company, order string) {
		if _, err := d.Edit(order, func(o *repzo.Order) { o.Meta = map[string]string{"theirs": "x"} }); err != nil {
			t.Fatal(err)
		}
		second := write(erp.Meta, order)
		second.Code, second.Produced, second.Stage = "RZ-PRO-1032-1602-2", decimal.NewFromInt(7), erp.Completed
		for _, w := range []erp.Write{write(erp.Meta, order), second, write(erp.Meta, order)} {
			if _, err := d.send(t, w); err != nil {
				t.Fatal(err)
			}
		}
		o, _ := d.Order(order)
		for key, want := range map[string]string{"theirs": "x", "prodsmart_order": "RZ-PRO-1032-1602-1, RZ-PRO-1032-1602-2", "prodsmart_produced": "480, 7", "prodsmart_state": "started, completed"} {
			if o.Version != 2 || o.Meta[key] != want {
				t.Errorf("%s: %q", key, o.Meta[key])
			}
		}
		w := write(erp.Meta, order)
		w.Order = "000000000000000000000000"
		if _, err := d.send(t, w); !erp.Is(err, erp.Gone) {
			t.Error(err)
		}
	})
}

func TestOurWritesAreNoChanges(t *testing.T) {
	for name, o := range dialects() {
		t.Run(name, func(t *testing.T) {
			writes(t, writing(), o, func(t *testing.T, d *company, order string) {
				before := d.read(t, erp.Ask{})
				time.Sleep(time.Hour)
				for _, kind := range []erp.Kind{erp.Meta, erp.Status, erp.Produced} {
					w := write(kind, order)
					if o.Documentation {
						w.Place = "Main" // these warehouses have no code
					}
					if _, err := d.send(t, w); err != nil {
						t.Fatal(kind, err)
					}
					// The documented order does not show its custom status: setting it again does no harm.
					if _, done, err := d.s.Look(t.Context(), w); err != nil || !done && !(o.Documentation && kind == erp.Status) {
						t.Error(kind, done, err)
					}
				}
				stored, _ := d.Order(order)
				after := d.read(t, erp.Ask{Mark: before.Mark})
				if stored.CustomStatus != d.started || stored.Meta["prodsmart_produced"] != "480" || after.Mark == before.Mark || !reflect.DeepEqual(before.Orders, after.Orders) {
					t.Errorf("%+v, %+v", stored, after)
				}
			})
		})
	}
}

func TestStatusOfAPersonIsNotReplaced(t *testing.T) {
	c := writing()
	c.Write.Replace = []string{"OK"}
	writes(t, c, repzo.Options{Populate: true}, func(t *testing.T, d *company, order string) {
		person, allowed, standard := d.AddStatus("Urgent", "URG", false), d.AddStatus("Checked", "OK", false), d.AddStatus("New", "NEW", true)
		for _, may := range []string{"", allowed, standard, d.finished, d.started} {
			_ = d.Label(order, may)
			if _, err := d.send(t, write(erp.Status, order)); err != nil {
				t.Errorf("%s: %v", may, err)
			}
			if o, _ := d.Order(order); o.CustomStatus != d.started {
				t.Errorf("%s: %+v", may, o)
			}
		}
		late, err := d.s.Prepare(t.Context(), write(erp.Status, order))
		if err != nil {
			t.Fatal(err)
		}
		_ = d.Label(order, person)
		if _, err := d.s.Write(t.Context(), late); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "URG") {
			t.Error(err)
		}
		_ = d.Label(order, "")
		_ = d.Reject(order)
		if _, err := d.send(t, write(erp.Status, order)); !erp.Is(err, erp.Refused) {
			t.Error(err)
		}
		if o, _ := d.Order(order); o.CustomStatus != "" {
			t.Errorf("%+v", o)
		}
	})
}

func TestCorrectionsOfStock(t *testing.T) {
	writes(t, writing(), repzo.Options{}, func(t *testing.T, d *company, order string) {
		d.SetStock(d.main, d.chips, decimal.NewFromInt(35))
		r, err := d.send(t, write(erp.Produced, order))
		if err != nil || r.Key == "" || !strings.Contains(r.Says, "processed") {
			t.Fatal(r, err)
		}
		less := write(erp.Produced, order)
		less.ID, less.Delta = "PS1Z-2", decimal.RequireFromString("-12.5")
		if _, err := d.send(t, less); err != nil || d.Stock()[0].Quantity.String() != "502.5" {
			t.Errorf("%+v, %v", d.Stock(), err)
		}
		unknown := write(erp.Produced, order)
		unknown.Product = "nobody"
		if _, err := d.send(t, unknown); !erp.Is(err, erp.Refused) {
			t.Error(err)
		}
		unknown = write(erp.Produced, order)
		unknown.Place = "W9"
		if _, err := d.send(t, unknown); !erp.Is(err, erp.Refused) || len(d.Documents("/adjust-inventory")) != 2 {
			t.Error(err)
		}
	})
	writes(t, writing(), repzo.Options{Approval: true}, func(t *testing.T, d *company, order string) {
		first, err := d.s.Prepare(t.Context(), write(erp.Produced, order))
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.s.Write(t.Context(), first)
		if err != nil || !r.Draft || !strings.Contains(r.Says, "when it is processed") {
			t.Error(r, err)
		}
		// Sent again, it is the same document; with other contents it is another one.
		if again, err := d.s.Write(t.Context(), first); err != nil || again.Key != r.Key || len(d.Documents("/adjust-inventory")) != 1 {
			t.Error(again, err)
		}
		other := first
		other.Delta = decimal.NewFromInt(7)
		if _, err := d.s.Write(t.Context(), other); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "another one") {
			t.Error(err)
		}
		_ = d.Process(r.Key, true)
		if r, there, err := d.s.Look(t.Context(), first); err != nil || !there || r.Draft {
			t.Error(r, there, err)
		}
		second := write(erp.Produced, order)
		second.ID = "PS1Z-2"
		second, _ = d.s.Prepare(t.Context(), second)
		if r, err = d.s.Write(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		_ = d.Process(r.Key, false)
		if _, _, err := d.s.Look(t.Context(), second); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "somebody refused it") {
			t.Error(err)
		}
	})
}

// TestUnclearWritesAreFound is row 13 of the catalogue: whatever became of a write, it
// is done once in the end.
func TestUnclearWritesAreFound(t *testing.T) {
	paths := map[erp.Kind]string{erp.Meta: "/update-integration-meta", erp.Status: "/proforma", erp.Produced: "/adjust-inventory", erp.Task: "/workorder"}
	for kind, path := range paths {
		for fault, done := range map[repzo.FaultKind]bool{repzo.Commit500: true, repzo.DropAfter: true, repzo.Page: true, repzo.HalfAnswer: true, repzo.Status500: false, repzo.DropBefore: false} {
			for _, again := range []string{"409", "first", "again"} {
				t.Run(string(kind)+" "+string(fault)+" "+again, func(t *testing.T) {
					writes(t, writing(), repzo.Options{DuplicateSync: again}, func(t *testing.T, d *company, order string) {
						w, err := d.s.Prepare(t.Context(), write(kind, order))
						if err != nil {
							t.Fatal(err)
						}
						method := map[bool]string{true: "PUT", false: "POST"}[kind == erp.Status]
						d.AddFault(repzo.Fault{Kind: fault, Path: path, Method: method})
						if _, err := d.s.Write(t.Context(), w); !erp.Is(err, erp.Unclear) {
							t.Fatalf("%v", err)
						}
						_, found, err := d.s.Look(t.Context(), w)
						if err != nil || found != done {
							t.Fatalf("found %v, %v", found, err)
						}
						if !found || again != "again" {
							if _, err := d.s.Write(t.Context(), w); err != nil {
								t.Fatal(err)
							}
						}
						if _, found, err := d.s.Look(t.Context(), w); err != nil || !found {
							t.Errorf("found %v, %v", found, err)
						}
						if n := len(d.Documents(path)); n != 1 && (kind == erp.Produced || kind == erp.Task) {
							t.Errorf("%d documents", n)
						}
						if kind == erp.Produced && d.Stock()[0].Quantity.String() != "480" {
							t.Errorf("%+v", d.Stock())
						}
					})
				})
			}
		}
	}
}

func TestRefusedWritesAreNotUnclear(t *testing.T) {
	writes(t, writing(), repzo.Options{}, func(t *testing.T, d *company, order string) {
		w, err := d.s.Prepare(t.Context(), write(erp.Produced, order))
		if err != nil {
			t.Fatal(err)
		}
		d.AddFault(repzo.Fault{Kind: repzo.Unsuccessful, Method: http.MethodPost})
		if _, err := d.s.Write(t.Context(), w); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "being maintained") {
			t.Error(err)
		}
		d.AddFault(repzo.Fault{Kind: repzo.TooMany, Method: http.MethodPost})
		if _, err := d.s.Write(t.Context(), w); !erp.Is(err, erp.Unavailable) {
			t.Error(err)
		}
		if n := len(d.Documents("/adjust-inventory")); n != 0 {
			t.Error(n)
		}
	})
	writes(t, Config{}, repzo.Options{}, func(t *testing.T, d *company, order string) {
		if _, err := d.send(t, write(erp.Meta, order)); !erp.Is(err, erp.Refused) {
			t.Error("it was not switched on", err)
		}
	})
}

const secret = "whsec_aHVzaC1odXNoLWh1c2g="

func TestWebhooksAreHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hints atomic.Int32
		door, err := Hook(secret, func() { hints.Add(1) })
		if err != nil {
			t.Fatal(err)
		}
		network := pipe.New()
		stop := network.Serve(door)
		defer stop()
		transport := &http.Transport{DialContext: network.Dial}
		defer transport.CloseIdleConnections()
		sim := repzo.New(repzo.Config{Key: "k"})
		if err := sim.Subscribe("http://gateway/hook", secret, &http.Client{Transport: transport}); err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { sim.Deliver(ctx) })
		id := sim.Create(repzo.Order{})
		synctest.Wait()
		if err := sim.Approve(id); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := hints.Load(); n != 2 {
			t.Errorf("%d hints", n)
		}
		end()
		all.Wait()
	})
}

// TestAKnownSignature takes the example that the makers of Svix publish.
func TestAKnownSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hints := 0
		door, err := Hook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", func() { hints++ })
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(time.Unix(1614265330, 0)))
		for i, body := range []string{`{"test": 2432232314}`, `{"test": 2432232315}`} {
			r := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
			r.Header.Set("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
			r.Header.Set("svix-timestamp", "1614265330")
			r.Header.Set("svix-signature", "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
			w := httptest.NewRecorder()
			door.ServeHTTP(w, r)
			if w.Code != []int{204, 401}[i] || hints != 1 {
				t.Errorf("%s: %d, %d hints", body, w.Code, hints)
			}
		}
	})
}

func TestForgedWebhooksAreNot(t *testing.T) {
	hints := 0
	door, err := Hook(secret, func() { hints++ })
	if err != nil {
		t.Fatal(err)
	}

	const good = "v1,x"
	for name, c := range map[string]struct {
		method, id, stamp, signature, body string
		want                               int
	}{
		"get":      {"GET", "msg_1", "now", good, "{}", 405},
		"unsigned": {"POST", "msg_1", "now", "", "{}", 401},
		"forged":   {"POST", "msg_1", "now", "v1,AAAA v2,BBBB", "{}", 401},
		"no id":    {"POST", "", "now", good, "{}", 401},
		"old":      {"POST", "msg_1", "-301", good, "{}", 401},
		"future":   {"POST", "msg_1", "301", good, "{}", 401},
		"no time":  {"POST", "msg_1", "soon", good, "{}", 401},
		"large":    {"POST", "msg_1", "now", good, strings.Repeat("x", largestHook+1), 413},
	} {
		r := httptest.NewRequest(c.method, "/hook", strings.NewReader(c.body))
		if n, err := strconv.Atoi(c.stamp); err == nil || c.stamp == "now" {
			c.stamp = strconv.FormatInt(time.Now().Unix()+int64(n), 10)
		}
		r.Header.Set("svix-id", c.id)
		r.Header.Set("svix-timestamp", c.stamp)
		r.Header.Set("svix-signature", c.signature)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		if w.Code != c.want || hints != 0 {
			t.Errorf("%s: %d, %d hints", name, w.Code, hints)
		}
	}
	for _, bad := range []string{"", "whsec_", "whsec_!", "whsec_AA=="} {
		if _, err := Hook(bad, func() {}); err == nil {
			t.Errorf("%q is a secret", bad)
		}
	}
}

// A machine that stands has a job that is done when it runs again, however the line is.
func TestMachineThatStands(t *testing.T) {
	for _, kind := range []repzo.FaultKind{"", repzo.DropAfter, repzo.DropBefore, repzo.Status500} {
		writes(t, writing(), repzo.Options{}, func(t *testing.T, d *company, _ string) {
			w := erp.Write{Kind: erp.Task, Stage: erp.Stopped, ID: "PSD7-1", Line: "stop-7", Code: "M1", Text: "M1 stands since 10:15: JAM", At: time.Now()}
			deliver := func() string {
				t.Helper()
				for range 10 {
					p, err := d.s.Prepare(t.Context(), w)
					if err != nil {
						continue
					}
					r, err := d.s.Write(t.Context(), p)
					if err == nil {
						return r.Key
					}
					if r, done, err := d.s.Look(t.Context(), p); err == nil && done {
						return r.Key
					}
				}
				t.Fatal("it is never delivered")
				return ""
			}
			key := deliver()
			jobs := d.Documents("/workorder")
			if len(jobs) != 1 || jobs[0].Body["name"] != w.Text || jobs[0].Body["status"] != "open" {
				t.Fatalf("%+v", jobs)
			}
			if kind != "" {
				d.AddFault(repzo.Fault{Kind: kind, Path: "/workorder"})
			}
			w.Stage, w.ID, w.Text, w.Earlier, w.Before = erp.Runs, "PSD7-2", "M1 stood from 10:15 to 11:00: JAM", key, erp.Stopped
			deliver()
			if jobs := d.Documents("/workorder"); len(jobs) != 1 || jobs[0].Body["status"] != "done" || jobs[0].Body["description"] != w.Text {
				t.Errorf("%s: %+v", kind, jobs)
			}
		})
	}
}
