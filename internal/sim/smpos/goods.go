package smpos

import (
	"encoding/json"
	"fmt"
	"slices"
)

type chain struct {
	id   int64
	name string
}

// section is a shop or warehouse: one directory of goods with quantities.
type section struct {
	id, chain int64
	name      string
	goods     []Goods
	// changed is the stamp of the directory and its quantities, sold that of the
	// current sales.
	changed, sold int64
}

func (sec *section) find(code int64) *Goods {
	for i := range sec.goods {
		if sec.goods[i].Code == code {
			return &sec.goods[i]
		}
	}
	return nil
}

// AddChain makes a network of shops.
func (s *Server) AddChain(name string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &chain{s.id(), name}
	s.chains = append(s.chains, c)
	return c.id
}

// AddSection makes a shop of a chain.
func (s *Server) AddSection(chain int64, name string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec := &section{id: s.id(), chain: chain, name: name, changed: s.stamp(), sold: s.stamp()}
	s.sections = append(s.sections, sec)
	return sec.id
}

// RemoveSection takes a shop away, as when the account loses its right to it.
func (s *Server) RemoveSection(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sections = slices.DeleteFunc(s.sections, func(sec *section) bool { return sec.id == id })
}

// section gives a shop by its identity; nil if there is none.
func (s *Server) section(id int64) *section {
	for _, sec := range s.sections {
		if sec.id == id {
			return sec
		}
	}
	return nil
}

// SetGoods adds records to a directory, or replaces those with their codes, as
// people do in the cabinet. Missing tax groups and departments are 1.
func (s *Server) SetGoods(sectionID int64, list ...Goods) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec := s.section(sectionID)
	for _, g := range list {
		g.Tax, g.Dep = max(g.Tax, 1), max(g.Dep, 1)
		if old := sec.find(g.Code); old != nil {
			*old = g
		} else {
			sec.goods = append(sec.goods, g)
		}
	}
	sec.changed = s.stamp()
}

// DeleteGoods takes records out of a directory.
func (s *Server) DeleteGoods(sectionID int64, codes ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec := s.section(sectionID)
	sec.goods = slices.DeleteFunc(sec.goods, func(g Goods) bool { return slices.Contains(codes, g.Code) })
	sec.changed = s.stamp()
}

// Book adds to the quantity of an article, in thousandths: a delivery, or below
// zero a write-off. It says whether there is such an article.
func (s *Server) Book(sectionID, code, thousandths int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec := s.section(sectionID)
	g := sec.find(code)
	if g == nil {
		return false
	}
	g.Qnty += thousandths
	sec.changed = s.stamp()
	return true
}

// Quantity is the book quantity of an article in thousandths; 0 if there is none.
func (s *Server) Quantity(sectionID, code int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sec := s.section(sectionID); sec != nil {
		if g := sec.find(code); g != nil {
			return g.Qnty
		}
	}
	return 0
}

// Directory gives a copy of a shop's goods.
func (s *Server) Directory(sectionID int64) []Goods {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.section(sectionID).goods)
}

func (s *Server) getChains(request) reply {
	list := []any{}
	for _, c := range s.chains {
		list = append(list, map[string]any{"ID": c.id, "name": c.name})
	}
	return reply{body: map[string]any{"chains": list}}
}

func (s *Server) getSections(in request) reply {
	if !s.hasChain(in.ChainID) {
		return refusal(forbidden, fmt.Sprintf("no rights to chain %d", in.ChainID))
	}
	list := []any{}
	for _, sec := range s.sections {
		if sec.chain == in.ChainID {
			list = append(list, map[string]any{"ID": sec.id, "name": sec.name})
		}
	}
	return reply{body: map[string]any{"sections": list}}
}

func (s *Server) hasChain(id int64) bool {
	return slices.ContainsFunc(s.chains, func(c *chain) bool { return c.id == id })
}

// within gives a section to a command, and says whether what the client has is
// still true.
func (s *Server) within(in request, stamp func(*section) int64, do func(*section) reply) reply {
	sec := s.section(in.SectionID)
	if sec == nil {
		return refusal(forbidden, fmt.Sprintf("no rights to section %d", in.SectionID))
	}
	if stamp != nil && in.ObjDT != nil && int64(*in.ObjDT) >= stamp(sec) {
		return reply{status: notChanged}
	}
	return do(sec)
}

func changed(sec *section) int64 { return sec.changed }

func (s *Server) getGoods(in request) reply {
	return s.within(in, changed, func(sec *section) reply {
		list := []any{}
		for _, g := range sec.goods {
			if !s.config.Options.EmitQty {
				list = append(list, g)
				continue
			}
			list = append(list, short(g))
		}
		return reply{body: map[string]any{"objDT": sec.changed, "goods": list}}
	})
}

// short spells the quantities of a record as the sample does.
func short(g Goods) any {
	text, err := json.Marshal(g)
	if err != nil {
		return g
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		return g
	}
	// Numbers of the record are put back exactly: some do not fit a float.
	m["barCode"], m["date1"], m["date2"], m["qty"] = g.BarCode, g.Date1, g.Date2, g.Qnty
	delete(m, "qnty")
	prices := []any{}
	for _, p := range g.AddPrices {
		prices = append(prices, map[string]any{"qty": p.Qnty, "price": p.Price})
	}
	if len(prices) > 0 {
		m["addPrices"] = prices
	}
	return m
}

func (s *Server) getQuantities(in request) reply {
	return s.within(in, changed, func(sec *section) reply {
		list := []any{}
		for _, g := range sec.goods {
			list = append(list, map[string]any{"code": g.Code, "qnty": g.Qnty})
		}
		return reply{body: map[string]any{"objDT": sec.changed, "qntyArr": list}}
	})
}

// records reads the list of a write.
func records(in request) ([]json.RawMessage, []int64, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(in.Goods, &list); err != nil {
		return nil, nil, fmt.Errorf("goods is no list")
	}
	codes := make([]int64, len(list))
	for i, raw := range list {
		var r struct {
			Code *int64 `json:"code"`
		}
		if err := json.Unmarshal(raw, &r); err != nil || r.Code == nil {
			return nil, nil, fmt.Errorf("goods[%d] has no code", i)
		}
		codes[i] = *r.Code
	}
	return list, codes, nil
}

// store takes over a changed directory, or refuses all of it.
func (s *Server) store(sec *section, goods []Goods, err error) reply {
	if err != nil && !s.config.Options.StrictPartly {
		return refusal(badParameter, err.Error())
	}
	sec.goods, sec.changed = goods, s.stamp()
	if err != nil {
		return refusal(badParameter, err.Error())
	}
	return reply{body: map[string]any{"objDT": sec.changed}}
}

func (s *Server) putGoods(in request) reply {
	return s.within(in, nil, func(sec *section) reply {
		list, _, err := records(in)
		if err != nil {
			return refusal(badParameter, err.Error())
		}
		var goods []Goods
		for _, raw := range list {
			g, err := s.config.Options.overlay(Goods{Tax: 1, Dep: 1}, raw)
			if err != nil {
				return refusal(badParameter, err.Error())
			}
			goods = append(goods, g)
		}
		return s.store(sec, goods, nil)
	})
}

func (s *Server) updateGoods(in request) reply {
	return s.within(in, nil, func(sec *section) reply {
		list, codes, err := records(in)
		if err != nil {
			return refusal(badParameter, err.Error())
		}
		goods := slices.Clone(sec.goods)
		var missing error
		for i, raw := range list {
			at := slices.IndexFunc(goods, func(g Goods) bool { return g.Code == codes[i] })
			if at < 0 {
				if in.Strict {
					missing = fmt.Errorf("there is no code %d", codes[i])
				}
				continue
			}
			if goods[at], err = s.config.Options.overlay(goods[at], raw); err != nil {
				return refusal(badParameter, err.Error())
			}
		}
		return s.store(sec, goods, missing)
	})
}

func (s *Server) addGoods(in request) reply {
	return s.within(in, nil, func(sec *section) reply {
		list, codes, err := records(in)
		if err != nil {
			return refusal(badParameter, err.Error())
		}
		goods := slices.Clone(sec.goods)
		var twice error
		for i, raw := range list {
			if slices.ContainsFunc(goods, func(g Goods) bool { return g.Code == codes[i] }) {
				if in.Strict {
					twice = fmt.Errorf("there is a code %d", codes[i])
				}
				continue
			}
			g, err := s.config.Options.overlay(Goods{Tax: 1, Dep: 1}, raw)
			if err != nil {
				return refusal(badParameter, err.Error())
			}
			goods = append(goods, g)
		}
		return s.store(sec, goods, twice)
	})
}

func (s *Server) deleteGoods(in request) reply {
	return s.within(in, nil, func(sec *section) reply {
		var codes []int64
		if err := json.Unmarshal(in.Goods, &codes); err != nil {
			return refusal(badParameter, "goods is no list of codes")
		}
		var missing error
		for _, c := range codes {
			if in.Strict && sec.find(c) == nil {
				missing = fmt.Errorf("there is no code %d", c)
			}
		}
		goods := slices.DeleteFunc(slices.Clone(sec.goods), func(g Goods) bool { return slices.Contains(codes, g.Code) })
		return s.store(sec, goods, missing)
	})
}
