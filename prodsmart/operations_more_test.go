package prodsmart

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

func addTradeTests(tests map[string]func(s *stage)) {
	sale := func(s *stage) TradeOrder {
		r := s.client.SalesOrders()
		return s.trade(func(o TradeOrder) (TradeOrder, error) { return r.Create(s.Context(), o) },
			func(string) ([]TradeOrder, error) { return r.List(s.Context(), SalesOrderQuery{Partner: "P"}, 1) })
	}
	purchase := func(s *stage) TradeOrder {
		r := s.client.PurchaseOrders()
		return s.trade(func(o TradeOrder) (TradeOrder, error) { return r.Create(s.Context(), o) },
			func(code string) ([]TradeOrder, error) {
				return r.List(s.Context(), PurchaseOrderQuery{Code: code}, 1)
			})
	}
	changed := func(s *stage, o TradeOrder, update func(TradeOrder) (TradeOrder, error), get func() (TradeOrder, error)) {
		if _, err := update(o); !errors.Is(err, ErrNotRead) {
			s.Errorf("one of a list was updated: %v", err)
		}
		s.try(func() (err error) { o, err = get(); return err })
		o.Observations = "changed"
		s.try(func() error { _, err := update(o); return err })
		s.try(func() error {
			got, err := get()
			if err == nil && (got.Observations != "changed" || got.Products[0].Quantity != NewDecimal(3) || got.Partner.Code != "P") {
				s.Errorf("%+v", got)
			}
			return err
		})
	}
	tests["sales-orders.create"] = func(s *stage) { sale(s) }
	tests["sales-orders.list"] = func(s *stage) { sale(s) }
	tests["sales-orders.get"] = func(s *stage) {
		o := sale(s)
		s.try(func() error { _, err := s.client.SalesOrders().Get(s.Context(), o.ID); return err })
	}
	tests["sales-orders.update"] = func(s *stage) {
		o := sale(s)
		changed(s, o, func(o TradeOrder) (TradeOrder, error) { return s.client.SalesOrders().Update(s.Context(), o) },
			func() (TradeOrder, error) { return s.client.SalesOrders().Get(s.Context(), o.ID) })
	}
	tests["sales-orders.delete"] = func(s *stage) {
		o := sale(s)
		s.gone(func() error { return s.client.SalesOrders().Delete(s.Context(), o.ID) })
	}
	tests["purchase-orders.create"] = func(s *stage) { purchase(s) }
	tests["purchase-orders.list"] = func(s *stage) { purchase(s) }
	tests["purchase-orders.get"] = func(s *stage) {
		o := purchase(s)
		s.try(func() error { _, err := s.client.PurchaseOrders().Get(s.Context(), o.ID); return err })
	}
	tests["purchase-orders.update"] = func(s *stage) {
		o := purchase(s)
		changed(s, o, func(o TradeOrder) (TradeOrder, error) { return s.client.PurchaseOrders().Update(s.Context(), o) },
			func() (TradeOrder, error) { return s.client.PurchaseOrders().Get(s.Context(), o.ID) })
	}
	tests["purchase-orders.delete"] = func(s *stage) {
		o := purchase(s)
		s.gone(func() error { return s.client.PurchaseOrders().Delete(s.Context(), o.ID) })
	}
}

// gone deletes something. A Prodsmart that answers 400 to what is not there any more
// may have lost the first answer.
func (s *stage) gone(del func() error) {
	s.Helper()
	lost := false
	s.try(func() error {
		err := del()
		var failed *Error
		if errors.As(err, &failed) {
			if lost && failed.Answer.Status == 400 {
				return nil
			}
			lost = lost || failed.Answer.Verdict == Ambiguous
		}
		return err
	})
}

func addOrderTests(tests map[string]func(s *stage)) {
	tests["production-orders.create"] = func(s *stage) {
		if o := s.order(); o.ID == 0 || o.RunningStatus != "notstarted" || o.Active != Yes {
			s.Errorf("%+v", o)
		}
	}
	tests["production-orders.get"] = func(s *stage) {
		o := s.order()
		s.try(func() error {
			got, err := s.client.ProductionOrders().Get(s.Context(), o.ID)
			if err == nil && (got.Code != o.Code || got.Products[0].Ordered != NewDecimal(10)) {
				s.Errorf("%+v", got)
			}
			return err
		})
	}
	tests["production-orders.update"] = func(s *stage) {
		o := s.order()
		s.try(func() error {
			got, err := s.client.ProductionOrders().Edit(s.Context(), o.ID, func(o *ProductionOrder) error { o.Notes = "changed"; return nil })
			if err == nil && got.Notes != "changed" {
				s.Errorf("%+v", got)
			}
			return err
		})
		s.orderIsKept(o.ID)
	}
	tests["production-orders.delete"] = func(s *stage) {
		o := s.order()
		s.try(func() error { return s.client.ProductionOrders().Delete(s.Context(), o.ID) })
	}
	tests["production-orders.list"] = func(s *stage) {
		o := s.order()
		s.try(func() error {
			list, err := s.client.ProductionOrders().List(s.Context(), ProductionOrderQuery{RunningStatus: "notstarted", Workers: true}, 1)
			return some(s, list, err, func(x ProductionOrder) bool { return x.ID == o.ID && len(x.Workers) == 1 })
		})
	}
	tests["production-orders.notify"] = func(s *stage) {
		o := s.order()
		s.try(func() error { return s.client.ProductionOrders().Notify(s.Context(), o.ID, "short", "long") })
		s.try(func() error {
			got, err := s.client.ProductionOrders().Get(s.Context(), o.ID)
			if err == nil && got.Notes == "" {
				s.Errorf("%+v", got)
			}
			return err
		})
	}
	tests["production-orders.activate"] = func(s *stage) {
		o := s.order()
		s.try(func() error { return s.client.ProductionOrders().Activate(s.Context(), o.ID) })
	}
}

func addProductTests(tests map[string]func(s *stage)) {
	tests["products.create"] = func(s *stage) { s.product() }
	tests["products.get"] = func(s *stage) {
		p := s.product()
		s.try(func() error {
			got, err := s.client.Products().Get(s.Context(), p.Code)
			if err == nil && (got.Operations[0].Durations[0].Duration != time.Minute || got.Families[0].Code != "FG") {
				s.Errorf("%+v", got)
			}
			return err
		})
	}
	tests["products.update"] = func(s *stage) {
		p := s.product()
		if _, err := s.client.Products().Update(s.Context(), p); !errors.Is(err, ErrNotRead) {
			s.Errorf("it was not read: %v", err)
		}
		s.try(func() (err error) { p, err = s.client.Products().Get(s.Context(), p.Code); return err })
		if _, err := s.client.Products().Update(s.Context(), p); !errors.Is(err, ErrNotRead) {
			s.Errorf("its components were not read: %v", err)
		}
		s.try(func() error {
			return s.client.SetBOM(s.Context(), p.Code, Component{Product: "M1", Quantity: NewDecimal(2)})
		})
		code := p.Code
		s.try(func() error {
			got, err := s.client.Products().Edit(s.Context(), code, func(p *Product) error {
				p.Name, p.Code, p.Section = "Nut", p.Code+"-2", Reference{Name: "Cut"}
				return nil
			})
			if err == nil && (got.Name != "Nut" || len(got.Operations) != 1 || got.Section.label() != "Cut") {
				s.Errorf("%+v", got)
			}
			if Gone(err) && s.hostile {
				return nil // it was renamed, and the answer lost
			}
			return err
		})
		s.try(func() error {
			for listed, err := range s.client.Products().All(s.Context(), ProductQuery{}) {
				if err != nil {
					return err
				}
				if listed.Code == code+"-2" {
					if !listed.Original.says("components") {
						s.Errorf("it lost its components: %s", listed.Original.raw)
					}
					return nil
				}
			}
			return errors.New("it is not listed")
		})
	}
	tests["products.delete"] = func(s *stage) {
		p := s.product()
		s.try(func() error { return s.client.Products().Delete(s.Context(), p.Code) })
	}
	tests["products.list"] = func(s *stage) {
		p := s.product()
		s.try(func() error {
			list, err := s.client.Products().List(s.Context(), ProductQuery{Family: "FG"}, 1)
			return some(s, list, err, func(x Product) bool { return x.Code == p.Code })
		})
	}
	tests["bom.set"] = func(s *stage) {
		p := s.product()
		s.try(func() error {
			return s.client.SetBOM(s.Context(), p.Code, Component{Product: "M1", Quantity: NewDecimal(2), Operation: "OP10"}, Component{Product: "M2", Quantity: NewDecimal(1)})
		})
	}
	tests["stock.set"] = func(s *stage) {
		p := s.product()
		s.try(func() error { return s.client.SetStock(s.Context(), p.Code, NewDecimal(35), time.Now()) })
	}
	tests["stock.get"] = func(s *stage) {
		p := s.product()
		s.try(func() error { return s.client.SetStock(s.Context(), p.Code, NewDecimal(35), time.Time{}) })
		s.try(func() error {
			got, err := s.client.Stock(s.Context(), p.Code, "A")
			if err == nil && (got.Amount != NewDecimal(35) || len(got.Lots) != 1) {
				s.Errorf("%+v", got)
			}
			return err
		})
	}
	family := func(s *stage) Family {
		f := Family{s.code("F"), "Finished"}
		s.try(func() error { return s.client.ProductFamilies().Create(s.Context(), f) })
		return f
	}
	tests["product-families.create"] = func(s *stage) { family(s) }
	tests["product-families.list"] = func(s *stage) {
		f := family(s)
		s.try(func() error {
			list, err := s.client.ProductFamilies().List(s.Context(), FamilyQuery{}, 1)
			return some(s, list, err, func(x Family) bool { return x == f })
		})
	}
	tests["product-families.delete"] = func(s *stage) {
		f := family(s)
		s.gone(func() error { return s.client.ProductFamilies().Delete(s.Context(), f.Code) })
	}
}

func addRecordTests(tests map[string]func(s *stage)) {
	for service, body := range map[Service][]byte{
		CounterService: CounterBody(5, nil, nil), ParametersService: ParametersBody([]Parameter{{Name: "t", Code: "T", Value: "1"}}), StartStopService: StartStopBody("STOP", false),
	} {
		tests["machines."+service.String()] = func(s *stage) {
			s.try(func() error {
				a := s.client.Send(s.Context(), Post{Machine: "A 32", Service: service, Body: body})
				if a.Verdict == Accepted || s.hostile && a.Verdict == Refused && a.Status == 400 {
					return nil // what is refused had been applied
				}
				return &Error{Answer: a}
			})
		}
	}
	record := func(s *stage) Production {
		var got Production
		s.try(func() error {
			list, err := s.client.Productions(s.Context(), ProductionQuery{})
			if err == nil && len(list) == 0 {
				return errors.New("there is no record")
			}
			if err == nil {
				got = list[0]
			}
			return err
		})
		return got
	}
	tests["productions.list"] = func(s *stage) { record(s) }
	tests["productions.update"] = func(s *stage) {
		p := record(s)
		s.try(func() error {
			change, err := p.Change()
			if err != nil {
				return err
			}
			change.Product, change.Operation = "P1", "OP10" // nobody said what was made
			change.Quantity, change.End, change.Lot, change.Finished = NewDecimal(7), p.Start.Add(time.Minute), "L", Yes
			change.Parameters = []Value{{Name: "heat", JSON: json.RawMessage("25")}}
			got, err := s.client.UpdateProduction(s.Context(), p.ID, change)
			if err == nil && (got.Quantity != NewDecimal(7) || got.Operation != "OP10" || got.Product != "P1" || got.Worker.Number != p.Worker.Number || got.Open) {
				s.Errorf("%+v", got)
			}
			if err == nil {
				change, err = got.Change() // the answer shows all there is
			}
			if err == nil {
				change.Quantity = NewDecimal(8)
				got, err = s.client.UpdateProduction(s.Context(), p.ID, change)
			}
			if err == nil && (got.Quantity != NewDecimal(8) || got.Lot != "L" || got.Operation != "OP10" || len(got.Parameters) != 1 || string(got.Parameters[0].JSON) != "25" || !got.End.Equal(p.Start.Add(time.Minute).Truncate(time.Second))) {
				s.Errorf("%+v", got)
			}
			return err
		})
	}
	tests["productions.delete"] = func(s *stage) {
		p := record(s)
		s.gone(func() error { return s.client.DeleteProduction(s.Context(), p.ID) })
	}
	tests["downtimes.list"] = func(s *stage) {
		if err := s.server.WorkerStops("A 32", "STOP", 1); err != nil {
			s.Fatal(err)
		}
		s.try(func() error {
			list, err := s.client.Downtimes(s.Context(), DowntimeQuery{})
			return some(s, list, err, func(d Downtime) bool { return d.Open })
		})
	}
	tests["punchclocks.list"] = func(s *stage) {
		id := s.server.AddPunch(7, true, time.Now())
		s.server.AddPunch(8, false, time.Now())
		s.try(func() error {
			list, err := s.client.PunchClocks().List(s.Context(), PunchQuery{Worker: "7", After: time.Now().Add(-time.Hour)}, 1)
			return some(s, list, err, func(p Punch) bool { return p.ID == int64(id) && p.In == Yes && p.Worker.Number == "7" })
		})
	}
	tests["inventory-movements.create"] = func(s *stage) { s.movement() }
	tests["inventory-movements.get"] = func(s *stage) {
		m := s.movement()
		s.try(func() error {
			got, err := s.client.InventoryMovements().Get(s.Context(), m.ID)
			if err == nil && (got.Quantity != NewDecimal(5) || got.Type != "in") {
				s.Errorf("%+v", got)
			}
			return err
		})
	}
	tests["inventory-movements.update"] = func(s *stage) {
		m := s.movement()
		m.Quantity, m.Comment = NewDecimal(6), "counted"
		s.try(func() error {
			got, err := s.client.InventoryMovements().Update(s.Context(), m)
			if err == nil && (got.Quantity != NewDecimal(6) || got.Comment != "counted" || got.Product != "P1") {
				s.Errorf("%+v", got)
			}
			return err
		})
	}
	tests["inventory-movements.delete"] = func(s *stage) {
		m := s.movement()
		s.gone(func() error { return s.client.InventoryMovements().Delete(s.Context(), m.ID) })
	}
	tests["inventory-movements.list"] = func(s *stage) {
		m := s.movement()
		s.try(func() error {
			list, err := s.client.InventoryMovements().List(s.Context(), MovementQuery{Product: "P1", Type: "in"}, 1)
			return some(s, list, err, func(x Movement) bool { return x.ID == m.ID })
		})
	}
	tests["worker-labor-time.list"] = func(s *stage) {
		if _, err := s.server.StartProduction("A 32", mes.Work{Worker: 5}); err != nil {
			s.Fatal(err)
		}
		s.try(func() error {
			list, err := s.client.LaborTime().List(s.Context(), LaborTimeQuery{Start: time.Now().Add(-time.Hour), End: time.Now().Add(time.Hour)}, 1)
			return some(s, list, err, func(l LaborTime) bool { return l.Worker.Number == fmt.Sprint(5) && l.Presence == time.Hour })
		})
	}
}
