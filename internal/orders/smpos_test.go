package orders_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/smpos"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	sim "github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smpos"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// kiosk is a pretend SM POS with one shop, one till and one article, 120, which
// Prodsmart calls P-100; 20 to 60 are kept in stock.
type kiosk struct {
	server  *sim.Server
	http    *http.Client
	section int64
	till    int64
}

func newKiosk(t *testing.T) *kiosk {
	k := &kiosk{server: sim.New(sim.Config{Login: "plant@example.org", Password: "hush-hush"})}
	network := pipe.New()
	t.Cleanup(network.Serve(k.server))
	transport := &http.Transport{DialContext: network.Dial}
	t.Cleanup(transport.CloseIdleConnections)
	k.http = &http.Client{Transport: transport}
	k.section = k.server.AddSection(k.server.AddChain("Kiosks"), "kiosk1")
	k.till = k.server.AddDevice(k.section, "till 1", true)
	k.server.SetGoods(k.section, sim.Goods{Code: 120, Name: "Bun", Price: 100, Qnty: 38000})
	return k
}

func (k *kiosk) configure(c *orders.Config) {
	c.Name, c.Settings.Source, c.Settings.Target = "su1", "su1", rules.Replenish
	c.Settings.Products = map[string]string{"120": "P-100"}
	c.Settings.Replenishment.Needs = []rules.Need{{Article: "120", Pool: "shops", Places: []string{"kiosk1"}, Min: dec("20"), Max: dec("60"), Lead: 3 * time.Hour}}
	c.Settings.Writes = map[erp.Kind]rules.WriteRule{erp.Produced: {On: rules.OnClose}}
	c.StockEvery = 5 * time.Minute
	c.Open = func(kept string, keep func(string) error) (erp.Source, error) {
		return smpos.New(smpos.Config{Address: "http://127.0.0.1/api", Login: "plant@example.org", Password: "hush-hush", Sections: []smpos.Section{{ID: k.section, Name: "kiosk1"}},
			Write: smpos.WriteConfig{Kinds: []erp.Kind{erp.Produced}}}, smpos.Deps{HTTP: k.http, Kept: kept, Keep: keep})
	}
}

// A shift closes between two reads, again and again: nothing is ordered for stock that
// is there. What is really missing is ordered once, made, and booked in the shop.
func TestShiftClosesBetweenReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKiosk(t)
		r := newRig(t, k.configure)
		for n := range 20 {
			k.server.Sell(k.till, 120, 14000) // 24 are left: the minimum is 20
			req := []string{"GETGOODSQNTY", "GETSALES"}[n%2]
			k.server.Meanwhile(req, n%3, func() { k.server.CloseShift(k.till) })
			r.wait(time.Hour)
			k.server.CloseShift(k.till)
			k.server.Book(k.section, 120, 14000)
		}
		r.want("")
		k.server.Sell(k.till, 120, 22000)
		r.wait(time.Hour)
		r.want("SU-shops-120-0001 44xP-100 notstarted made 0")
		r.made("SU-shops-120-0001", 44)
		r.must(r.server.CloseOrder(r.one("SU-shops-120-0001").ID))
		r.wait(3 * time.Hour)
		if q := k.server.Quantity(k.section, 120); q != 38000+44000 {
			t.Errorf("the shop's books say %d", q)
		}
		r.wait(24 * time.Hour)
		r.want("SU-shops-120-0001 44xP-100 closed made 44")
		r.down()
		r.golden()
	})
}
