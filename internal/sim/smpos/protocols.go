package smpos

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// mostProtocols is how many one answer lists.
const mostProtocols = 100

// wall is local wall time written as if it were seconds of UTC: so journals have
// it, unlike digests and stamps.
func wall(at time.Time) int64 {
	_, offset := at.Zone()
	return at.Unix() + int64(offset)
}

// record writes a receipt into the journal; at is local.
func (p *protocol) record(l sale, num int, at time.Time) {
	t := wall(at)
	if len(p.journal) == 0 {
		p.journal = append(p.journal, map[string]any{"op": 127, "logId": 6, "data": p.num}, map[string]any{"op": 38, "dateTime": t, "InfoType": 18, "info": "1.12.21(201)"},
			map[string]any{"op": 50, "dateTime": t}, map[string]any{"op": 48, "dateTime": t, "opId": 0})
	}
	kind := 0
	if l.refund {
		kind = 1
	}
	p.journal = append(p.journal,
		map[string]any{"op": 32, "dateTime": t, "chkType": kind},
		map[string]any{"op": 1, "code": l.code, "qnty": l.qnty, "price": l.price},
		map[string]any{"op": 10, "sum": l.sum(), "data": 0, "cashBox": 1},
		map[string]any{"op": 34, "code": l.code, "qnty": l.qnty, "price": l.price, "discount": 0, "sum": l.sum(), "flags": 1, "tax": l.tax, "dep": l.dep},
		map[string]any{"op": 33, "dateTime": t, "num": num},
	)
}

func (s *Server) protocol(id int64) *protocol {
	for _, d := range s.devices {
		for _, p := range d.shifts {
			if p.id == id {
				return p
			}
		}
	}
	return nil
}

// digest is the head of a protocol.
func (p *protocol) digest(results bool) map[string]any {
	m := map[string]any{"ID": p.id, "deviceID": p.device, "sectionID": p.section, "size": 400 + 120*len(p.journal), "updateDT": p.updated, "closed": p.closed, "dateBeg": p.begun.Unix()}
	if p.current() {
		m["isCurrent"] = true
	} else {
		m["dateEnd"] = p.ended.Unix()
	}
	if results {
		m["results"] = p.results()
	}
	return m
}

// results are the sums of a shift.
func (p *protocol) results() map[string]any {
	counts := map[string]int{}
	totals := map[string]any{}
	for name, refund := range map[string]bool{"sale": false, "refund": true} {
		var count int
		var paid int64
		groups, deps := make([]int64, 8), make([]int64, 16)
		for _, l := range p.sales {
			if l.refund == refund {
				count, paid = count+1, paid+l.sum()
				groups[l.tax-1] += l.sum()
				deps[l.dep-1] += l.sum()
			}
		}
		if count > 0 {
			counts[name] = count
			totals[name] = map[string]any{"count": count, "discount": 0, "surplus": 0, "payments": []int64{paid, 0, 0, 0, 0}, "amountByTaxGroup": groups, "amountByDep": deps}
		}
	}
	return map[string]any{"totCheckCount": counts, "prtNum": p.num, "prn1": map[string]any{"totals": totals}}
}

func (s *Server) getProtocols(in request) reply {
	d := s.device(in.DeviceID)
	if d == nil {
		return refusal(forbidden, fmt.Sprintf("no rights to device %d", in.DeviceID))
	}
	most := mostProtocols
	if in.RecCnt != nil && *in.RecCnt > 0 && *in.RecCnt < most {
		most = *in.RecCnt
	}
	var found []*protocol
	for _, p := range d.shifts {
		if p.between(in) {
			found = append(found, p)
		}
	}
	if s.config.Options.NewestFirst {
		slices.Reverse(found)
	}
	list := []any{}
	for _, p := range found[:min(most, len(found))] {
		list = append(list, p.digest(bool(in.WithResults)))
	}
	return reply{body: map[string]any{"protocols": list}}
}

func (s *Server) getProtocol(in request) reply {
	id := in.PrtID
	if s.config.Options.OnlyPvt {
		id = nil
	}
	if in.PvtID != nil {
		id = in.PvtID
	}
	if id == nil {
		return refusal(badParameter, "the protocol is not named")
	}
	p := s.protocol(*id)
	if p == nil {
		return refusal(notFound, fmt.Sprintf("protocol %d is not found", *id))
	}
	if in.ObjDT != nil && int64(*in.ObjDT) >= p.updated {
		return reply{status: notChanged}
	}
	name := "prt"
	if s.config.Options.TableNames {
		name = "pvt"
	}
	body := map[string]any{"objDT": strconv.FormatInt(p.updated, 10), name + "Digest": p.digest(true)}
	if in.WithSales {
		body[name+"Sales"] = byPrinter(p.sales)
	}
	if in.WithDetails {
		body[name+"Details"] = p.journal
	}
	return reply{body: body}
}

// named is the protocol of a command that takes prtID alone.
func (s *Server) named(in request) (*protocol, reply) {
	if in.PrtID == nil {
		return nil, refusal(badParameter, "prtID is missing")
	}
	p := s.protocol(*in.PrtID)
	if p == nil {
		return nil, refusal(notFound, fmt.Sprintf("protocol %d is not found", *in.PrtID))
	}
	return p, reply{}
}

func (s *Server) getState(in request) reply {
	p, bad := s.named(in)
	if p == nil {
		return bad
	}
	return reply{body: map[string]any{"closed": p.closed}}
}

// setState opens or closes a protocol: its sales count as current, or no more.
func (s *Server) setState(in request) reply {
	p, bad := s.named(in)
	switch {
	case p == nil:
		return bad
	case in.Closed == nil:
		return refusal(badParameter, "closed is missing")
	case p.current():
		return refusal(failed, "the shift is not over")
	}
	if sec := s.section(p.section); p.closed != bool(*in.Closed) && sec != nil {
		sec.sold, p.updated = s.stamp(), s.stamp()
		if s.config.Options.ClosingBooks {
			s.book(p, map[bool]int64{true: 1, false: -1}[bool(*in.Closed)])
		}
	}
	p.closed = bool(*in.Closed)
	return reply{body: map[string]any{"closed": p.closed}}
}
