package orders_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/file"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// fileOffice exports all its open orders into a drop folder every two hours.
type fileOffice struct {
	*testing.T
	folder string
	orders map[string]*paper
	next   int
	wrote  time.Time
	files  int
	// broken is until when exports are spoiled.
	broken bool
	r      *rand.Rand
}

// paper is an order of the file office.
type paper struct {
	lines []line
	ids   []int
	next  int
	due   time.Time
	state string
}

func newFileOffice(t *testing.T, folder string) *fileOffice {
	return &fileOffice{T: t, folder: folder, orders: map[string]*paper{}, r: rand.New(rand.NewPCG(5, 5))}
}

func (o *fileOffice) config() orders.Config {
	s := rules.Defaults("csv")
	s.Prefix, s.MostCancelled, s.Keep = "FI-", 20, 15*24*time.Hour
	return orders.Config{
		Name: "csv", Settings: s, Every: 5 * time.Minute,
		Open: func(string, func(string) error) (erp.Source, error) {
			return file.New(file.Config{Folder: o.folder, Ready: file.Renamed, Content: file.Snapshot, Count: file.Trailer, Decimal: "comma", Zone: time.UTC})
		},
	}
}

func (o *fileOffice) act(r *rand.Rand) {
	ids := make([]string, 0, len(o.orders))
	for id := range o.orders {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if len(ids) == 0 || r.IntN(10) < 6 {
		o.create(r)
	} else {
		o.change(r, o.orders[ids[max(0, len(ids)-1-r.IntN(40))]])
	}
	if time.Since(o.wrote) >= 2*time.Hour {
		o.export(o.broken)
	}
}

func (o *fileOffice) create(r *rand.Rand) {
	o.next++
	p := &paper{due: time.Now().AddDate(0, 0, 2+r.IntN(8)), state: "open"}
	for range 1 + r.IntN(3) {
		p.add(r)
	}
	o.orders[fmt.Sprint(70000+o.next)] = p
}

func (p *paper) add(r *rand.Rand) {
	product, quantity := randomLine(r)
	p.next++
	p.lines, p.ids = append(p.lines, line{product, quantity + ".5"}), append(p.ids, p.next)
}

func (o *fileOffice) change(r *rand.Rand, p *paper) {
	if p.state == "cancelled" {
		return
	}
	switch i := r.IntN(len(p.lines)); r.IntN(8) {
	case 0, 1, 2:
		_, quantity := randomLine(r)
		p.lines[i].quantity = quantity + ".25"
	case 3, 4:
		p.due = p.due.AddDate(0, 0, 1)
	case 5:
		p.add(r)
	case 6:
		if len(p.lines) > 1 {
			p.lines, p.ids = slices.Delete(p.lines, i, i+1), slices.Delete(p.ids, i, i+1)
		}
	case 7:
		p.state = "cancelled" // it is in no export any more
	}
}

// export writes what is open. A spoiled one ends in the middle, or holds garbage.
func (o *fileOffice) export(spoiled bool) {
	o.wrote = time.Now()
	o.files++
	var b strings.Builder
	b.WriteString("order;line;product;quantity;due\n")
	rows := 0
	ids := make([]string, 0, len(o.orders))
	for id := range o.orders {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		p := o.orders[id]
		if p.state == "cancelled" {
			continue
		}
		for i, l := range p.lines {
			fmt.Fprintf(&b, "%s;%d;%s;%s;%s\n", id, p.ids[i], l.product, strings.ReplaceAll(l.quantity, ".", ","), p.due.Format(time.DateOnly))
			rows++
		}
	}
	fmt.Fprintf(&b, "TRAILER;%d\n", rows)
	text := b.String()
	if spoiled {
		switch o.r.IntN(3) {
		case 0:
			text = text[:len(text)*2/3]
		case 1:
			text = strings.Repeat("\xff\x00garbage;", 5000)
		case 2:
			text = ""
		}
	}
	path := filepath.Join(o.folder, fmt.Sprintf("export-%05d.csv", o.files))
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		o.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		o.Fatal(err)
	}
}

func (o *fileOffice) trouble(*rand.Rand) { o.broken = true }

// mend also brings the next export.
func (o *fileOffice) mend() {
	o.broken = false
	o.export(false)
}

func (o *fileOffice) wants() map[string]document {
	out := map[string]document{}
	for id, p := range o.orders {
		d := document{state: erp.Open, lines: slices.Clone(p.lines), ever: p.next}
		if p.state == "cancelled" {
			d.state = erp.Cancelled
		}
		out[id] = d
	}
	return out
}

func (o *fileOffice) overspent() string { return "" }
