package plant

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smartup"
)

// SalesUser and SalesFilial are what the pretend Smartup of the plant wants besides
// the secret of Prodsmart as its password.
const (
	SalesUser   = "gateway@plant"
	SalesFilial = "12"
)

const (
	// glance is how often the office and the workers look at the orders, readFor how
	// long a worker reads a production order before starting it.
	glance  = 250 * time.Millisecond
	readFor = 1500 * time.Millisecond
	// noteStep is by how many pieces the office's note may be behind.
	noteStep = 5
)

// office is the sales side of the plant: customers order in Smartup what machines
// make, and workers start the production orders that come of it.
type office struct {
	sales  *smartup.Server
	mes    *mes.Server
	listen net.Listener
	http   *http.Server
	jobs   []*job
}

// job is what one machine makes for customers, one order after the other.
type job struct {
	machine, product string
	quantity         int
	usual            mes.Work
	// deal is Smartup's number of the order under way, order Prodsmart's. seen is
	// when a worker first saw the order, begun that it was started.
	deal  string
	order int
	seen  time.Time
	begun bool
}

func openOffice(o Options, server *mes.Server, machines []mes.MachineSetup) (*office, error) {
	f := &office{mes: server, sales: smartup.New(smartup.Config{
		User: SalesUser, Password: o.Secret, ProjectCode: "trade", FilialID: SalesFilial,
		Options: smartup.Options{PerDay: map[string]int{smartup.Frequent: 100_000, smartup.Rare: 1000, smartup.Reference: 1000}},
	})}
	var err error
	if f.listen, err = net.Listen("tcp", orFree(o.Smartup)); err != nil {
		return nil, fmt.Errorf("pretend Smartup: %w; is another program using the port?", err)
	}
	for _, j := range []*job{{machine: "BEND-2", product: "BRACKET", quantity: 20}, {machine: "PACK-1", product: "CARTON", quantity: 60}} {
		for _, m := range machines {
			if m.Code == j.machine {
				j.usual = m.Work
			}
		}
		server.AddProduct(j.product, j.product, j.usual.Operation)
		f.jobs = append(f.jobs, j)
	}
	f.http = &http.Server{Handler: f.sales, ReadHeaderTimeout: 10 * time.Second}
	// What never is made: an order that a customer takes back, and goods that are
	// only traded.
	taken := f.order("BRACKET", "P", 7)
	f.order("GLOVES", "G", 12)
	return f, f.sales.SetStatus(taken, "C")
}

// order lets a customer order, and gives the deal's number.
func (f *office) order(product, kind string, quantity int) string {
	return f.sales.Create(smartup.Order{
		Status: "B#N", DeliveryDate: time.Now().AddDate(0, 0, 3), PersonCode: "c7", PersonName: "Bahor Savdo", FilialCode: "f1",
		Lines: []smartup.Line{{ProductCode: product, Quantity: strconv.Itoa(quantity), Kind: kind, Price: "1"}},
	})
}

// serve answers until close.
func (f *office) serve() { _ = f.http.Serve(f.listen) }

// close may be called on none.
func (f *office) close() {
	if f != nil {
		_ = f.http.Close() // the listener is closed either way
		_ = f.listen.Close()
	}
}

// work lets customers order, workers start and finish, and the office ship.
// Without more, no order begins that is not in Smartup yet.
func (f *office) work(now time.Time, more bool) error {
	var failed error
	for _, j := range f.jobs {
		if j.deal == "" && more {
			j.deal = f.order(j.product, "P", j.quantity)
		}
		if j.deal == "" {
			continue
		}
		order, ok := f.production(j.deal)
		switch {
		case !ok:
		case !j.begun:
			if j.order != order.ID {
				j.order, j.seen = order.ID, now
			}
			if now.Sub(j.seen) >= readFor {
				failed = errors.Join(failed, f.takeOver(j, func() (int, error) {
					return f.mes.StartOrder(order.ID, j.machine, mes.Work{Worker: j.usual.Worker, Operation: j.usual.Operation, Product: j.product})
				}))
				j.begun = true
			}
		case order.RunningStatus == "started" && order.Made[0] >= order.Lines[0].Ordered:
			failed = errors.Join(failed, f.takeOver(j, func() (int, error) { return f.mes.StartProduction(j.machine, j.usual) }), f.mes.CloseOrder(order.ID))
		case order.RunningStatus == "closed" && f.noted(j.deal) == int(order.Made[0]):
			failed = errors.Join(failed, f.sales.SetStatus(j.deal, "B#S"))
			j.deal, j.order, j.begun, j.quantity = "", 0, false, j.quantity+10
		}
	}
	return failed
}

// takeOver begins something on a machine, and then ends what was open before, so
// that every piece has a record to go to.
func (f *office) takeOver(j *job, begin func() (int, error)) error {
	id, err := begin()
	if err != nil {
		return err
	}
	m, _ := f.mes.Machine(j.machine)
	end := time.Now()
	for _, p := range m.Productions {
		if p.Open() && p.ID != id {
			err = errors.Join(err, f.mes.EditProduction(p.ID, mes.ProductionEdit{End: &end}))
		}
	}
	return err
}

// production is the production order of a deal.
func (f *office) production(deal string) (mes.OrderState, bool) {
	for _, o := range f.mes.Orders() {
		if strings.Contains(o.Code, "-"+deal+"-") {
			return o, true
		}
	}
	return mes.OrderState{}, false
}

// noted is how many pieces the note on a deal tells of.
func (f *office) noted(deal string) int {
	for _, o := range f.sales.Orders() {
		if o.DealID != deal {
			continue
		}
		var made, of int
		if _, err := fmt.Sscanf(o.Note, "PS %d/%d", &made, &of); err == nil {
			return made
		}
	}
	return 0
}

// Sale is one order of the pretend Smartup with what became of it.
type Sale struct {
	Deal     string `json:"deal"`
	Product  string `json:"product"`
	Quantity string `json:"quantity"`
	Status   string `json:"status"`
	Note     string `json:"note"`
	// Codes are the production orders that were made of it; Ordered, Made and
	// Running are the first one's.
	Codes   []string `json:"codes"`
	Ordered float64  `json:"ordered"`
	Made    float64  `json:"made"`
	Running string   `json:"running"`
	// Problem is what is not as it should be.
	Problem string `json:"problem,omitempty"`
}

// Sales compares the orders of the pretend Smartup with Prodsmart's.
func (p *Plant) Sales() []Sale {
	var out []Sale
	orders := p.mes.Orders()
	for _, o := range p.office.sales.Orders() {
		s := Sale{Deal: o.DealID, Product: o.Lines[0].ProductCode, Quantity: o.Lines[0].Quantity, Status: o.Status, Note: o.Note}
		for _, made := range orders {
			if !strings.Contains(made.Code, "-"+o.DealID+"-") {
				continue
			}
			if s.Codes = append(s.Codes, made.Code); len(s.Codes) == 1 {
				s.Ordered, s.Made, s.Running = made.Lines[0].Ordered, made.Made[0], made.RunningStatus
			}
		}
		s.Problem = s.wrong(o.Lines[0].Kind == "P" && o.Status != "C", p.office.noted(o.DealID))
		out = append(out, s)
	}
	return out
}

// wrong says what is not as it should be with an order that is made here, or is not.
func (s Sale) wrong(here bool, noted int) string {
	switch behind := int(s.Made) - noted; {
	case !here && len(s.Codes) > 0:
		return "it should not be made"
	case here && len(s.Codes) != 1:
		return fmt.Sprintf("%d production orders", len(s.Codes))
	case here && strconv.FormatFloat(s.Ordered, 'f', -1, 64) != s.Quantity:
		return "another quantity"
	case here && (behind < 0 || behind >= noteStep || behind > 0 && s.Running == "closed"):
		return "the note is not right"
	}
	return ""
}

// SalesDiffer is the number of orders that are not as they should be.
func SalesDiffer(sales []Sale) int {
	n := 0
	for _, s := range sales {
		if s.Problem != "" {
			n++
		}
	}
	return n
}

// WriteSales prints the orders for people.
func WriteSales(w io.Writer, sales []Sale) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "Smartup\tproduct\twanted\tstatus\tproduction order\tmade\trunning\tnote in Smartup\t")
	for _, s := range sales {
		code, made := "none", ""
		if len(s.Codes) > 0 {
			code, made = strings.Join(s.Codes, " "), strconv.FormatFloat(s.Made, 'f', -1, 64)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Deal, s.Product, s.Quantity, s.Status, code, made, s.Running, s.Note, s.Problem)
	}
	return t.Flush()
}
