package file

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// TestCrashes ends the process before every step on the disk, one after the
// other, and looks whether each order is told exactly once to a caller that
// keeps what it is told, with the mark, at once.
func TestCrashes(t *testing.T) {
	for _, c := range []struct {
		name   string
		config Config
		extra  []string
	}{
		{"stable", Config{}, nil}, {"marker", Config{Ready: Marker}, []string{markerEnd}}, {"count", Config{Count: CountFile}, []string{countEnd}},
		{"marker and count", Config{Ready: Marker, Count: CountFile}, []string{markerEnd, countEnd}},
		{"renamed snapshot", Config{Ready: Renamed, Content: Snapshot}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps := 1
			for crash := 1; crash <= steps; crash++ {
				steps = max(steps, crashAt(t, c.config, c.extra, crash))
			}
			if steps < 5 {
				t.Errorf("there were only %d steps", steps)
			}
			t.Logf("%d steps", steps)
		})
	}
}

// crashAt drops two files, ends the process at one step, and goes on with
// another. It gives the number of steps that there were.
func crashAt(t *testing.T, c Config, extra []string, crash int) (steps int) {
	p := newPlant(t, c)
	crashed := errors.New("the process ended")
	dead := false
	arm := func() {
		p.source.in.before = func(string, string) error {
			if steps++; dead || steps == crash {
				dead = true
				return crashed
			}
			return nil
		}
	}
	arm()
	told := map[string]int{}
	for _, f := range []struct{ name, content string }{{"a.csv", "order;line;product;quantity\n1;1;P;5\n1;2;P;x\n"}, {"b.csv", "order;line;product;quantity\n2;1;P;5\n2;2;P;x\n"}} {
		p.drop(f.name, f.content)
		for _, end := range extra {
			p.drop(f.name+end, "2")
		}
		for range 6 {
			p.now = p.now.Add(10 * time.Second)
			read, err := p.source.ReadOrders(t.Context(), erp.Ask{Mark: p.mark})
			if dead { // whatever it was about to say, nobody heard it
				dead, crash = false, -1
				p.restart()
				arm()
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range read.Orders {
				told[o.ID]++
			}
			p.mark = read.Mark
		}
	}
	if told["1"] != 1 || told["2"] != 1 {
		t.Errorf("a crash at step %d: orders were told %v times", crash, told)
	}
	p.want(".", "")
	p.want("work", "")
	archive := "a.csv a.csv.reason.txt b.csv b.csv.reason.txt"
	if slices.Contains(extra, countEnd) {
		archive = "a.csv a.csv.count a.csv.reason.txt b.csv b.csv.count b.csv.reason.txt"
	}
	p.want("archive", archive)
	p.want("error", "")
	return steps
}

// TestChaos lets an office drop lists of changes while the process ends at any
// step, results are lost before they are kept, and files are in use. At the end
// the caller has what the office last said, each file is in the archive, and no
// file that was kept came again.
func TestChaos(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 6))
		p := newPlant(t, Config{Ready: []Ready{Stable, Marker, Renamed}[seed%3], WholeOrders: seed%2 == 0, MaxRows: 20})
		c := chaos{plant: p, r: r, office: map[string]string{}, book: map[string]string{}, versions: map[string]int{}}
		for range 80 {
			switch r.IntN(4) {
			case 0, 1:
				c.drop()
			default:
				c.poll(10)
			}
		}
		for range 60 {
			c.poll(0)
		}
		if !maps.Equal(c.book, c.office) {
			t.Fatalf("seed %d: the caller has %v, the office said %v", seed, c.book, c.office)
		}
		p.want(".", "")
		p.want("work", "")
		p.want("error", "")
		if got := strings.Count(p.files("archive")+" ", ".csv "); got != c.files {
			t.Fatalf("seed %d: %d files in the archive, %d were dropped", seed, got, c.files)
		}
	}
}

// chaos is an office and a caller.
type chaos struct {
	*plant
	r            *rand.Rand
	office, book map[string]string // quantities by order and line
	versions     map[string]int    // of what the caller has: an older one must not come
	files        int
}

func (c *chaos) drop() {
	c.files++
	var b strings.Builder
	b.WriteString("order;line;product;quantity;note\n")
	order := fmt.Sprint(c.r.IntN(6))
	if c.config.WholeOrders {
		maps.DeleteFunc(c.office, func(k, _ string) bool { return strings.HasPrefix(k, order+"/") })
	}
	for range 1 + c.r.IntN(4) {
		line, quantity := fmt.Sprint(c.r.IntN(4)), fmt.Sprint(c.files)
		fmt.Fprintf(&b, "%s;%s;P;%s;\n", order, line, quantity)
		c.office[order+"/"+line] = quantity
	}
	name := fmt.Sprintf("f%d.csv", c.r.IntN(3)) // names come again
	if exists(c.config.Folder + "/" + name) {
		name = fmt.Sprintf("g%d.csv", c.files)
	}
	c.now = c.now.Add(time.Second)
	c.plant.drop(name, b.String())
	if c.config.Ready == Marker {
		c.plant.drop(name+markerEnd, "")
	}
}

// poll reads once; one of bad steps fails, in one of three ways.
func (c *chaos) poll(bad int) {
	c.now = c.now.Add(time.Duration(c.r.IntN(10)) * time.Second)
	n, at, end := 0, c.r.IntN(2*bad+1), c.r.IntN(2) == 0
	ended := false
	c.source.in.before = func(string, string) error {
		if n++; ended || bad > 0 && n == at {
			ended = end
			return errors.New("it is being used, or the process ended")
		}
		return nil
	}
	read, err := c.source.ReadOrders(c.Context(), erp.Ask{Mark: c.mark})
	if ended || err != nil {
		c.restart()
		return
	}
	if bad > 0 && c.r.IntN(4) == 0 {
		return // the caller could not keep it
	}
	for _, o := range read.Orders {
		if !o.Partial {
			maps.DeleteFunc(c.book, func(k, _ string) bool { return strings.HasPrefix(k, o.ID+"/") })
		}
		for _, l := range o.Lines {
			k := o.ID + "/" + l.ID
			v := int(l.Quantity.IntPart())
			if v <= c.versions[k] {
				c.Fatalf("%s came with %d after %d", k, v, c.versions[k])
			}
			c.versions[k] = v
			c.book[k] = l.Quantity.String()
		}
	}
	for _, p := range read.Problems {
		if p.Lost {
			c.Fatalf("%+v", p)
		}
	}
	c.mark = read.Mark
}
