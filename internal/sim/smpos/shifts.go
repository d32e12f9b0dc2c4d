package smpos

import (
	"fmt"
	"slices"
	"time"
)

// device is a till.
type device struct {
	id, chain, section int64
	name               string
	auto               bool
	lastConnect        int64
	// offline says that the till is not heard; waiting is what it will say then.
	offline bool
	waiting []func()
	shifts  []*protocol
}

// protocol is the journal of one shift.
type protocol struct {
	id, device, section int64
	num                 int
	begun, ended        time.Time // ended is zero while it is the current one
	updated             int64
	closed              bool
	sales               []sale
	journal             []map[string]any
}

// sale is a receipt with one article.
type sale struct {
	code, qnty, price int64
	tax, dep          int64
	refund            bool
}

func (p *protocol) current() bool { return p.ended.IsZero() }

// net is what was sold, less what came back, by code.
func (p *protocol) net() map[int64]int64 {
	out := map[int64]int64{}
	for _, l := range p.sales {
		if l.refund {
			out[l.code] -= l.qnty
		} else {
			out[l.code] += l.qnty
		}
	}
	return out
}

// AddDevice makes a till in a shop. auto says that the end of its shift takes what
// was sold off the quantities.
func (s *Server) AddDevice(sectionID int64, name string, auto bool) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec := s.section(sectionID)
	d := &device{id: s.id(), chain: sec.chain, section: sec.id, name: name, auto: auto}
	s.devices = append(s.devices, d)
	return d.id
}

func (s *Server) device(id int64) *device {
	for _, d := range s.devices {
		if d.id == id {
			return d
		}
	}
	return nil
}

// Disconnect takes a till off the network: what it sells is not known until
// Connect.
func (s *Server) Disconnect(deviceID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.device(deviceID).offline = true
}

// Connect brings a till back; what it did meanwhile is known at once.
func (s *Server) Connect(deviceID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.device(deviceID)
	waiting := d.waiting
	d.offline, d.waiting = false, nil
	for _, do := range waiting {
		do()
	}
	d.lastConnect = s.stamp()
}

// heard lets a till do something, now or when it is back.
func (s *Server) heard(d *device, do func(at time.Time)) {
	if d.offline {
		made := s.config.Now()
		d.waiting = append(d.waiting, func() { do(made) })
		return
	}
	do(s.config.Now())
	d.lastConnect = s.stamp()
}

// Sell sells so many thousandths of an article at a till; a shift begins with the
// first receipt. Tills sell what is not there too.
func (s *Server) Sell(deviceID, code, thousandths int64) {
	s.receipt(deviceID, code, thousandths, false)
}

// Refund takes goods back at a till.
func (s *Server) Refund(deviceID, code, thousandths int64) {
	s.receipt(deviceID, code, thousandths, true)
}

func (s *Server) receipt(deviceID, code, thousandths int64, refund bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.device(deviceID)
	s.heard(d, func(at time.Time) {
		sec := s.section(d.section)
		if sec == nil {
			return
		}
		l := sale{code: code, qnty: thousandths, tax: 1, dep: 1, refund: refund}
		if g := sec.find(code); g != nil {
			l.price, l.tax, l.dep = g.Price, g.Tax, g.Dep
		}
		p := d.shift(at, s.id)
		p.sales = append(p.sales, l)
		p.record(l, len(p.sales), at.In(s.config.Zone))
		p.updated, sec.sold = s.stamp(), s.stamp()
	})
}

// shift is the current shift; one begins if there is none.
func (d *device) shift(at time.Time, id func() int64) *protocol {
	if n := len(d.shifts); n > 0 && d.shifts[n-1].current() {
		return d.shifts[n-1]
	}
	p := &protocol{id: id(), device: d.id, section: d.section, num: len(d.shifts) + 1, begun: at}
	d.shifts = append(d.shifts, p)
	return p
}

// CloseShift ends a till's shift. Where the till was made so, the server takes what
// was sold off the quantities; otherwise the protocol stays open and counts as
// current sales.
func (s *Server) CloseShift(deviceID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.device(deviceID)
	s.heard(d, func(at time.Time) {
		if n := len(d.shifts); n == 0 || !d.shifts[n-1].current() {
			return
		}
		p := d.shifts[len(d.shifts)-1]
		p.ended, p.updated = at, s.stamp()
		p.journal = append(p.journal, map[string]any{"op": 127, "logId": 3, "data": len(p.sales)}, map[string]any{"op": 51, "dateTime": wall(at.In(s.config.Zone))})
		if d.auto {
			s.book(p, 1)
			p.closed = true
		}
	})
}

// book takes the sales of a protocol off the quantities, or with -1 puts them back.
func (s *Server) book(p *protocol, sign int64) {
	sec := s.section(p.section)
	if sec == nil {
		return
	}
	for code, n := range p.net() {
		if g := sec.find(code); g != nil {
			g.Qnty -= sign * n
		}
	}
	sec.changed, sec.sold = s.stamp(), s.stamp()
}

// MoveDevice puts a till into another shop of its chain, from the next shift on.
func (s *Server) MoveDevice(deviceID, sectionID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.device(deviceID).section = sectionID
}

// Sold is the current sales of an article in thousandths.
func (s *Server) Sold(sectionID, code int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current(sectionID)[code]
}

// current are the sales of all protocols of a shop that are not closed.
func (s *Server) current(sectionID int64) map[int64]int64 {
	out := map[int64]int64{}
	for _, d := range s.devices {
		for _, p := range d.shifts {
			if p.section != sectionID || p.closed {
				continue
			}
			for code, n := range p.net() {
				out[code] += n
			}
		}
	}
	return out
}

func (s *Server) getSales(in request) reply {
	return s.within(in, func(sec *section) int64 { return sec.sold }, func(sec *section) reply {
		list := []any{}
		net := s.current(sec.id)
		for _, code := range sortedCodes(net) {
			list = append(list, map[string]any{"code": code, "qnty": net[code]})
		}
		return reply{body: map[string]any{"objDT": sec.sold, "sales": list}}
	})
}

func sortedCodes(m map[int64]int64) []int64 {
	codes := make([]int64, 0, len(m))
	for c := range m {
		codes = append(codes, c)
	}
	slices.Sort(codes)
	return codes
}

func (s *Server) getDevices(in request) reply {
	if !s.hasChain(in.ChainID) {
		return refusal(forbidden, fmt.Sprintf("no rights to chain %d", in.ChainID))
	}
	list := []any{}
	for _, d := range s.devices {
		if d.chain != in.ChainID {
			continue
		}
		m := map[string]any{"ID": d.id, "name": d.name, "autoProcessPrt": d.auto}
		if d.lastConnect != 0 {
			m["lastConnect"] = d.lastConnect
		}
		list = append(list, m)
	}
	return reply{body: map[string]any{"devices": list}}
}

// getPeriod sums whole shifts by their begin, or by their end.
func (s *Server) getPeriod(in request) reply {
	d := s.device(in.DeviceID)
	if d == nil {
		return refusal(forbidden, fmt.Sprintf("no rights to device %d", in.DeviceID))
	}
	var list []sale
	for _, p := range d.shifts {
		if p.between(in) {
			list = append(list, p.sales...)
		}
	}
	body := map[string]any{"objDT": s.stamp(), "perSales": byPrinter(list)}
	return reply{body: body}
}

// between says whether a protocol is in the period that is asked for.
func (p *protocol) between(in request) bool {
	at := p.begun.Unix()
	if in.ByPrtCloseTime {
		if p.current() {
			return false
		}
		at = p.ended.Unix()
	}
	return (in.FromDT == nil || at >= int64(*in.FromDT)) && (in.ToDT == nil || at <= int64(*in.ToDT))
}

// byPrinter sums sales and refunds by article; all are of the first printer.
func byPrinter(list []sale) map[string]any {
	out := map[string]any{}
	for name, refund := range map[string]bool{"sale": false, "refund": true} {
		sums := map[int64]*sale{}
		var order []int64
		for _, l := range list {
			if l.refund != refund {
				continue
			}
			if sums[l.code] == nil {
				sums[l.code] = &sale{code: l.code, tax: l.tax, dep: l.dep}
				order = append(order, l.code)
			}
			sums[l.code].qnty += l.qnty
			sums[l.code].price += l.sum()
		}
		rows := []any{}
		for _, code := range order {
			l := sums[code]
			rows = append(rows, map[string]any{"code": code, "qnty": l.qnty, "sum": l.price, "discount": 0, "tax": l.tax, "dep": l.dep})
		}
		if len(rows) > 0 {
			out[name] = rows
		}
	}
	if len(out) == 0 {
		return map[string]any{}
	}
	return map[string]any{"prn1": out}
}

// sum is what a line costs, in hundredths.
func (l sale) sum() int64 { return (l.qnty*l.price + 500) / 1000 }
