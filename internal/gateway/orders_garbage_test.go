package gateway

import (
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// The kinds of garbage.
const (
	wrongType      = "a wrong type"
	missing        = "a missing field"
	tenMegabytes   = "a text of 10 MB"
	longKey        = "a key of 10 MB"
	sixtyKilobytes = "texts of 60 kB" // longer than any code, and short enough to be believed
	notUTF8        = "no UTF-8"
	negative       = "a negative quantity"
	twice          = "a key twice"
	halfAnAnswer   = "half an answer"
)

func kindsOfGarbage() []string {
	return []string{wrongType, missing, notUTF8, negative, twice, sixtyKilobytes, halfAnAnswer, tenMegabytes, longKey}
}

var (
	long = strings.Repeat("x", 10<<20)
	wide = strings.Repeat("y", 60_000)
)

// The longest text that people are shown of one thing, and the longest record that is
// kept of one, in bytes.
const (
	longestShown = 1000
	longestKept  = 16 << 10
)

// Of the n-th kind, good orders have the number firstGood + n, the bad one firstBad + n.
const (
	firstGood = 100
	firstBad  = 200
)

// mall is a live gateway between a pretend Prodsmart and one business system of each
// kind.
type mall struct {
	*running
	server  *mes.Server
	dir     string
	log     *logged
	systems map[string]pretender
}

func newMall(t *testing.T) *mall {
	t.Helper()
	m := &mall{dir: t.TempDir(), log: &logged{}}
	var err error
	m.server, err = mes.New(mes.Config{Key: "key", Secret: "secret", Profile: mes.Profile{Options: mes.Options{Limit: -1}}, Machines: []mes.MachineSetup{{Code: "M1"}, {Code: "M2"}}})
	if err != nil {
		t.Fatal(err)
	}
	address, err := m.server.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.server.Close() })
	products := []string{"P-100"}
	for i := range kindsOfGarbage() {
		products = append(products, fmt.Sprint(firstGood+i))
	}
	products = append(products, fmt.Sprint(firstBad+slices.Index(kindsOfGarbage(), negative)))
	client, err := prodsmart.New(prodsmart.Config{URL: "http://" + address, Insecure: true, Key: prodsmart.NewSecret("key"), Secret: prodsmart.NewSecret("secret")})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, code := range products {
		if _, err := client.Products().Create(t.Context(), prodsmart.Product{Code: code, Name: code, Operations: []prodsmart.ProductOperation{{Code: "OP", Name: "OP"}}}); err != nil {
			t.Fatal(err)
		}
	}
	m.systems = map[string]pretender{
		"smartup": newSmartup(t), "repzo": newRepzo(t), "csmart": newCSMART(t), "smpos": newKiosk(t, products[1:]), "file": newDrop(t), "sql": newDatabase(t), "rest": newREST(t),
	}
	m.up(t, address)
	return m
}

// up starts the gateway with a source of each system, which is read when it is asked to.
func (m *mall) up(t *testing.T, address string) {
	t.Helper()
	for _, name := range []string{"PRODSMART_KEY", "PRODSMART_SECRET", "SMARTUP", "REPZO", "CSMART", "SMPOS"} {
		t.Setenv(name, strings.ToLower(strings.TrimPrefix(name, "PRODSMART_")))
	}
	text := fmt.Sprintf(`prodsmart: {mode: live, url: "http://%s", insecure: true, key: "${env:PRODSMART_KEY}", secret: "${env:PRODSMART_SECRET}", budget: 120, report_every: 1s}
orders:
  mode: live
  sources:
`, address)
	for _, name := range slices.Sorted(maps.Keys(m.systems)) {
		text += "    " + name + ": " + m.systems[name].settings() + "\n"
	}
	c := configured(t, m.dir, strings.Replace(twoMachines, "prodsmart: {mode: dry-run, report_every: 1s}", text, 1))
	c.Prodsmart.Budget, c.Orders.PerMinute = c.Prodsmart.Budget.Mul(c.Prodsmart.Budget), 0 // budgets are not what is looked at here
	c.Prodsmart.Follow.Every, c.Prodsmart.ReconcileEvery = time.Second, 0
	for i := range c.Orders.Sources {
		c.Orders.Sources[i].Every, c.Orders.Sources[i].StockEvery = time.Hour, time.Hour
		c.Orders.Sources[i].Rules.Replenishment.Quiet = 0
	}
	g, err := New(c, Options{Log: slog.New(slog.NewTextHandler(m.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	m.running = runNew(t, g)
	t.Cleanup(func() { m.stop(t) })
}

// sync has every source read now. A source that is asked a second time has done all
// that the first read asked for.
func (m *mall) sync(t *testing.T) {
	t.Helper()
	for name := range m.systems {
		eventually(t, "the source can not be asked: "+name, func() bool { return m.SyncOrders(t.Context(), name) == nil })
	}
}

// arrived gives the codes of the orders in Prodsmart.
func (m *mall) arrived() map[string]bool {
	codes := map[string]bool{}
	for _, o := range m.server.Orders() {
		codes[o.Code] = true
	}
	return codes
}

// shown is all that people are shown of a source: the journal with what it is about,
// as orders show has it, each line with its status, as orders list and the API have
// it, and why the last read failed.
func (m *mall) shown(t *testing.T, source string) (out []string) {
	t.Helper()
	list, err := m.store.Journal(t.Context(), store.Query{Machine: OrderJournal(source), Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		out = append(out, e.Subject+" "+e.Text)
	}
	book, err := m.OrderBook(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range book.Entries() {
		out = append(out, strings.Join([]string{e.Name(), e.Number, e.Raw.Product, e.Raw.Unit, e.Want.Product, string(e.Status), e.Reason}, " "))
	}
	for _, s := range m.Status().Orders {
		if s.Name == source {
			out = append(out, s.Problem)
		}
	}
	return out
}

// bounded checks that nothing of a source is large: what is shown of it, what is kept,
// and what stands beside its files.
func (m *mall) bounded(t *testing.T, source string) {
	t.Helper()
	for _, text := range m.shown(t, source) {
		if len(text) > longestShown {
			t.Errorf("%s: %d bytes are shown of one thing: %.300s", source, len(text), text)
		}
	}
	rows, err := m.store.Book(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if len(r.Key) > longestShown || len(r.Body) > longestKept {
			t.Errorf("%s: %d bytes are kept under %.100q, a key of %d", source, len(r.Body), r.Key, len(r.Key))
		}
	}
	drop, is := m.systems[source].(*drop)
	if !is {
		return
	}
	reasons, err := filepath.Glob(filepath.Join(drop.dir, "*", "*.reason.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range reasons {
		if info, err := os.Stat(path); err != nil || info.Size() > longestKept {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}

// TestGarbageOfEachSource: whatever one source gives, the orders of all others become
// production orders, and what is wrong with it is shown with its place.
func TestGarbageOfEachSource(t *testing.T) {
	sources := []string{"smartup", "repzo", "csmart", "smpos", "file", "sql", "rest"}
	if testing.Short() {
		sources = []string{"smartup", "file"}
	}
	for _, source := range sources {
		t.Run(source, func(t *testing.T) {
			m := newMall(t)
			for i, kind := range kindsOfGarbage() {
				t.Run(kind, func(t *testing.T) { m.garbage(t, source, kind, i) })
			}
			m.tidy(t)
		})
	}
}

// garbage has a source give garbage of the n-th kind while all others have an order.
func (m *mall) garbage(t *testing.T, source, kind string, n int) {
	want := map[string]string{}
	for name, system := range m.systems {
		if name != source || kind != halfAnAnswer {
			want[system.good(t, firstGood+n)] = name
		}
	}
	place := m.systems[source].spoil(t, kind, firstBad+n)
	if len(place) == 0 {
		t.Fatalf("%s has no garbage of this kind", source)
	}
	if kind == halfAnAnswer {
		defer m.systems[source].heal(t)
	}
	m.sync(t)
	eventually(t, "an order does not arrive beside "+kind+" of "+source, func() bool {
		m.sync(t)
		made := m.arrived()
		maps.DeleteFunc(want, func(code, _ string) bool { return made[code] })
		return len(want) == 0
	})
	var shown []string
	defer func() {
		for i := range shown {
			shown[i] = shown[i][:min(len(shown[i]), longestShown)]
		}
		if t.Failed() {
			t.Logf("%q is to be shown; this is:\n%s", place, strings.Join(shown, "\n"))
		}
	}()
	eventually(t, "nobody is shown the place of "+kind+" of "+source, func() bool {
		m.sync(t) // a need is one when two reads have it
		shown = m.shown(t, source)
		return slices.ContainsFunc(shown, func(text string) bool {
			return !slices.ContainsFunc(place, func(part string) bool { return !strings.Contains(text, part) })
		})
	})
	for name := range m.systems {
		m.bounded(t, name)
	}
}

// tidy checks what all the garbage left behind.
func (m *mall) tidy(t *testing.T) {
	t.Helper()
	for _, line := range m.log.with("") {
		if len(line) > 2*longestShown {
			t.Errorf("a line of the log has %d bytes: %.300s", len(line), line)
		}
	}
	for _, made := range m.server.Orders() {
		if len(made.Description)+len(made.Notes) > longestKept {
			t.Errorf("%s: %d bytes in Prodsmart", made.Code, len(made.Description)+len(made.Notes))
		}
	}
	size := int64(0)
	err := filepath.WalkDir(filepath.Join(m.dir, "data"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil || size > 8<<20 {
		t.Errorf("the store has %d bytes: %v", size, err)
	}
}
