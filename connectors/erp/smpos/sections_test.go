package smpos

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smpos"
)

func TestTillsOffTheNetwork(t *testing.T) {
	tills := func(b *bench, c *Config) { c.Chain, c.Sections[0].Tills = b.chain, []int64{b.tillOne} }
	within(t, smpos.Options{}, tills, func(t *testing.T, b *bench) {
		heard := time.Now()
		time.Sleep(time.Hour)
		if _, r := b.stock(); !r.Stock[0].AsOf.Equal(heard) || len(r.Problems) > 0 {
			t.Errorf("%+v", r)
		}
		b.sim.Connect(b.tillOne)
		if _, r := b.stock(); !r.Stock[0].AsOf.Equal(time.Now()) {
			t.Errorf("%+v", r)
		}
	})
	within(t, smpos.Options{}, func(b *bench, c *Config) { tills(b, c); c.Sections[0].Tills[0] = b.tillTwo }, func(t *testing.T, b *bench) {
		_, r := b.stock()
		if time.Since(r.Stock[0].AsOf) < 24*time.Hour || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Where, fmt.Sprintf("till %d", b.tillTwo)) {
			t.Errorf("a till that was never heard: %+v", r)
		}
	})
}

func TestSeveralSections(t *testing.T) {
	within(t, smpos.Options{}, both, func(t *testing.T, b *bench) {
		b.sim.SetGoods(b.two, smpos.Goods{Code: 120, Name: "Kruasan", Qnty: 5500, BarCode: 9007199254740993}, smpos.Goods{Code: 7, Name: "Napkins", Qnty: 1000})
		rows, r := b.stock()
		if rows != "kiosk1/120 15, kiosk2/7 1, kiosk2/120 5.5" || r.Stock[2].Name != "Croissant" {
			t.Errorf("the same barcode is the same article: %s, %+v", rows, r)
		}
		b.sim.SetGoods(b.two, smpos.Goods{Code: 120, Name: "Shovel", Qnty: 5000})
		time.Sleep(time.Hour)
		if rows, r := b.stock(); rows != "kiosk1/120 15, kiosk2/7 1, kiosk2/120 5" || r.Stock[2].Name != "Shovel" {
			t.Errorf("another article: %s, %+v", rows, r)
		}
		p, err := b.s.ReadProducts(t.Context(), erp.Ask{})
		if err != nil || len(p.Products) != 2 || len(p.Problems) != 1 || !strings.Contains(p.Problems[0].What, `"Shovel"`) || !p.Complete {
			t.Errorf("%+v, %v", p, err)
		}
		b.sim.DeleteGoods(b.two, 120)
		if rows, r := b.stock(); rows != "kiosk1/120 15, kiosk2/7 1" || len(r.Problems) > 0 {
			t.Errorf("a code that is gone: %s, %+v", rows, r)
		}
		b.sim.RemoveSection(b.two)
		if r, err := b.s.ReadStock(t.Context(), erp.Ask{}); !erp.Is(err, erp.Denied) || len(r.Stock) > 0 || !strings.Contains(err.Error(), "kiosk2") {
			t.Errorf("sums without a section are wrong: %+v, %v", r, err)
		}
	})
}

func TestFoldersAndProducts(t *testing.T) {
	within(t, smpos.Options{}, func(_ *bench, c *Config) { c.Folders = []int64{10} }, func(t *testing.T, b *bench) {
		b.sim.SetGoods(b.one, smpos.Goods{Code: 17, Name: "Sweet", IsFolder: true, FolderCode: 10}, smpos.Goods{Code: 18, Name: "Round", IsFolder: true, FolderCode: 19}, smpos.Goods{Code: 19, Name: "Trip", IsFolder: true, FolderCode: 18},
			smpos.Goods{Code: 121, Name: "Eclair", Qnty: 3000, FolderCode: 17, BarCodeEx: "12345678901234567890"}, smpos.Goods{Code: 29, Name: "Juice", Qnty: 103000}, smpos.Goods{Code: 30, Name: "Lost", Qnty: 1, FolderCode: 18})
		if rows, _ := b.stock(); rows != "kiosk1/120 15, kiosk1/121 3" {
			t.Error(rows)
		}
		r, err := b.s.ReadProducts(t.Context(), erp.Ask{})
		if err != nil || len(r.Products) != 2 || !r.Complete {
			t.Fatalf("%+v, %v", r, err)
		}
		if got := r.Products[1]; got.Code != "121" || got.Name != "Eclair" || !slices.Equal(got.Families, []string{"Sweet", "Bakery"}) || !slices.Equal(got.Barcodes, []string{"12345678901234567890"}) || got.Active != erp.Yes || got.Manufactured != erp.Unsaid {
			t.Errorf("%+v", got)
		}
	})
}

func TestDiscover(t *testing.T) {
	within(t, smpos.Options{}, func(_ *bench, c *Config) { c.Sections = nil }, func(t *testing.T, b *bench) {
		fields, suggest, err := b.s.Discover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{fmt.Sprintf("chain: %d # Bakery", b.chain), fmt.Sprintf("- id: %d\n      name: \"Kiosk 1\"", b.one), fmt.Sprintf("till %d Android: heard 2000-01-01 00:00 UTC, its shifts are booked at their end", b.tillOne), "Lenovo: never heard"} {
			if !strings.Contains(suggest, want) {
				t.Errorf("%q is not in\n%s", want, suggest)
			}
		}
		i := slices.IndexFunc(fields, func(f erp.Field) bool { return f.Path == "code" })
		if i < 0 || fields[i].Means != "product" || fields[i].Type != "number" || fields[i].Seen != 2 || fields[i].Of != 2 || !slices.Contains(fields[i].Samples, "120") {
			t.Errorf("%+v", fields)
		}
		b.sim.AddFault(smpos.Fault{Kind: smpos.Failed, Req: "GETDEVLIST"})
		if _, _, err := b.s.Discover(t.Context()); !erp.Is(err, erp.Unavailable) {
			t.Error(err)
		}
	})
}
