package prodsmart

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// pretend is a pretend Prodsmart with a history: 40 downtimes of saw, a minute
// each at every tenth minute, the last of them open, and as many production
// records, with 2 pieces and 1 of scrap in each; another machine has the like.
func pretend(t *testing.T, zone *time.Location, o mes.Options) (*mes.Server, *Client) {
	t.Helper()
	o.Limit = 100_000 // it is not what is looked at here
	var mu sync.Mutex
	now := hour(0)
	move := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	setup := func(code string) mes.MachineSetup {
		return mes.MachineSetup{Code: code, Waste: []string{"SCRAP"}, Types: []mes.TypeSetup{{Name: "STOP"}}}
	}
	s, err := mes.New(mes.Config{Key: testKey, Secret: testSecret, Zone: zone, Profile: mes.Profile{Options: o},
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}, Machines: []mes.MachineSetup{setup("saw"), setup("press")}})
	if err != nil {
		t.Fatal(err)
	}
	address, err := s.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, "http://"+address, func(cfg *Config) { cfg.Zone = zone })
	t.Cleanup(func() {
		c.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	post := func(machine string, service Service, body []byte) {
		expect(t, c.Send(t.Context(), Post{Machine: machine, Service: service, Body: body}), Accepted)
	}
	for i := range 40 {
		for _, machine := range []string{"saw", "press"} {
			if _, err := s.FinishProductions(machine); err != nil {
				t.Fatal(err)
			}
			if _, err := s.StartProduction(machine, mes.Work{Worker: 5, Order: "WO-" + strconv.Itoa(i%2), Operation: "OP10", Product: "P1"}); err != nil {
				t.Fatal(err)
			}
			post(machine, CounterService, CounterBody(int64(2*i+2), []Waste{{"SCRAP", int64(i + 1)}}, nil))
			post(machine, StartStopService, StartStopBody("STOP", false))
		}
		move(time.Minute)
		if i < 39 {
			post("saw", StartStopService, StartStopBody("STOP", true))
			post("press", StartStopService, StartStopBody("STOP", true))
		}
		move(9 * time.Minute)
	}
	return s, c
}

// However Prodsmart writes its lists, and whether or not its filters work, what
// is read is what is there.
func TestListsOfThePretendProdsmart(t *testing.T) {
	zone := time.FixedZone("", -5*3600)
	for name, o := range map[string]mes.Options{
		"documented":     {},
		"absent end":     {OpenEnd: mes.OpenEndAbsent},
		"far end":        {OpenEnd: mes.OpenEndFarFuture},
		"text numbers":   {ListNumbers: mes.ListNumbersString, ListParameters: mes.ListParametersNameValue},
		"seconds":        {ListTimes: mes.ListTimesSeconds, TimeSpent: mes.TimeSpentClock},
		"newest first":   {ListOrder: mes.ListNewestFirst, PageBeyond: mes.PageBeyondRepeat},
		"filters fail":   {KnownFilter: mes.KnownFilterIgnore, PageBeyond: mes.PageBeyondRepeat},
		"filters strict": {UnknownFilter: mes.UnknownFilterReject},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := pretend(t, zone, o)
			machine, _ := s.Machine("saw")
			span := Span{StartAfter: hour(1), StartBefore: hour(20)}
			checkDowntimes(t, c, machine, span)
			checkProductions(t, c, machine, span)
		})
	}
}

func checkDowntimes(t *testing.T, c *Client, machine mes.Machine, span Span) {
	t.Helper()
	var got, want []string
	q := DowntimeQuery{Span: span, Machine: "saw"}
	for d, err := range Pages(9, q.Fits, func(page int) ([]Downtime, error) {
		q.Page = page
		return c.Downtimes(t.Context(), q)
	}) {
		if err != nil || len(d.Unread) != 0 {
			t.Fatal(err, d.Unread)
		}
		if len(d.Machines) != 1 || !d.Open && d.Spent != time.Minute {
			t.Errorf("%+v", d)
		}
		got = append(got, fmt.Sprint(d.ID, d.Type, d.Start.UTC(), d.End.UTC(), d.Open, d.Order, d.Product))
	}
	for _, d := range machine.Downtimes {
		if !d.Start.Before(span.StartAfter) {
			want = append(want, fmt.Sprint(d.ID, d.Type, d.Start.UTC(), d.End.UTC(), d.Open(), d.Order, d.Product))
		}
	}
	same(t, got, want)
}

func checkProductions(t *testing.T, c *Client, machine mes.Machine, span Span) {
	t.Helper()
	for _, checked := range []Checked{CheckedAny, CheckedIn, CheckedOut} {
		var got, want []string
		q := ProductionQuery{Span: span, Machine: "saw", Order: "WO-1", Checked: checked}
		for p, err := range Pages(9, q.Fits, func(page int) ([]Production, error) {
			q.Page = page
			return c.Productions(t.Context(), q)
		}) {
			if err != nil || len(p.Unread) != 0 || len(p.Waste) != 1 {
				t.Fatal(err, p.Unread, p.Waste)
			}
			got = append(got, fmt.Sprint(p.ID, p.Order.Code, p.Operation, p.Product, p.Worker.Number, p.Quantity, p.Waste[0].Waste.Code, p.Waste[0].Quantity,
				p.Start.UTC(), p.End.UTC(), p.Open))
		}
		for _, p := range machine.Productions {
			if p.Start.Before(span.StartAfter) || p.Order != "WO-1" || checked != CheckedAny && (checked == CheckedIn) != p.Open() {
				continue
			}
			want = append(want, fmt.Sprint(p.ID, p.Order, p.Operation, p.Product, strconv.Itoa(p.Worker), NewDecimal(int64(p.Quantity)), "SCRAP",
				NewDecimal(int64(p.Waste["SCRAP"])), p.Start.UTC(), p.End.UTC(), p.Open()))
		}
		same(t, got, want)
	}
}

// same compares two sets, each without repetitions.
func same(t *testing.T, got, want []string) {
	t.Helper()
	left := map[string]bool{}
	for _, s := range want {
		left[s] = true
	}
	for _, s := range got {
		if !left[s] {
			t.Errorf("%s is too much", s)
		}
		delete(left, s)
	}
	for s := range left {
		t.Errorf("%s is missing", s)
	}
	if len(want) == 0 {
		t.Error("nothing to compare")
	}
}
