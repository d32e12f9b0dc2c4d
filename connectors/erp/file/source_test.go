package file

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// plant is a caller with a drop folder, a clock, and what it kept.
type plant struct {
	*testing.T
	config Config
	source *Source
	now    time.Time
	mark   string
}

func newPlant(t *testing.T, c Config) *plant {
	t.Helper()
	p := &plant{T: t, config: c, now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	p.config.Folder = t.TempDir()
	p.config.Clock = func() time.Time { return p.now }
	p.restart()
	return p
}

func (p *plant) restart() {
	p.Helper()
	s, err := New(p.config)
	if err != nil {
		p.Fatal(err)
	}
	p.source = s
}

func (p *plant) drop(name, content string) {
	p.Helper()
	path := filepath.Join(p.config.Folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		p.Fatal(err)
	}
	if err := os.Chtimes(path, p.now, p.now); err != nil {
		p.Fatal(err)
	}
}

// read reads once, ten seconds after the last time, without keeping the result.
func (p *plant) read() erp.OrderRead {
	p.Helper()
	p.now = p.now.Add(10 * time.Second)
	read, err := p.source.ReadOrders(p.Context(), erp.Ask{Mark: p.mark})
	if err != nil {
		p.Fatal(err)
	}
	return read
}

// take reads and keeps until a read gives orders or problems.
func (p *plant) take() erp.OrderRead {
	p.Helper()
	for range 3 {
		read := p.read()
		p.mark = read.Mark
		if len(read.Orders)+len(read.Problems) > 0 {
			return read
		}
	}
	p.Fatal("three reads gave nothing")
	return erp.OrderRead{}
}

// files are the names in a folder without their time stamps.
func (p *plant) files(dir string) string {
	p.Helper()
	entries, err := os.ReadDir(filepath.Join(p.config.Folder, dir))
	if err != nil {
		p.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		name := e.Name()
		if c, ok := parseName(name); ok {
			name = c.shown
		}
		if !e.IsDir() {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (p *plant) want(dir, names string) {
	p.Helper()
	if got := p.files(dir); got != names {
		p.Errorf("%s has %q, want %q", dir, got, names)
	}
}

// content is that of the only file in a folder whose name ends so.
func (p *plant) content(dir, end string) string {
	p.Helper()
	found, err := filepath.Glob(filepath.Join(p.config.Folder, dir, "*"+end))
	if err != nil || len(found) != 1 {
		p.Fatalf("%q, %v", found, err)
	}
	raw, err := os.ReadFile(found[0])
	if err != nil {
		p.Fatal(err)
	}
	return string(raw)
}

const one = "order;line;product;quantity\n1;1;P;5\n"

func TestAFileGoesThroughTheFolders(t *testing.T) {
	p := newPlant(t, Config{})
	p.drop("a.csv", one)
	if read := p.read(); len(read.Orders) > 0 {
		t.Error("a file was taken at first sight")
	}
	p.want(".", "a.csv")
	read := p.read()
	compare(t, tell(read.Orders, read.Problems), []string{"1 open due - partial | 1: 5  P"})
	p.want(".", "")
	p.want("work", "a.csv")
	again := p.read() // the result was not kept
	if tell(again.Orders, nil) != tell(read.Orders, nil) || again.Mark != read.Mark {
		t.Error("what was not kept did not come again")
	}
	p.mark = again.Mark
	if last := p.read(); len(last.Orders)+len(last.Problems) > 0 || last.Mark != p.mark || last.Complete {
		t.Errorf("what was kept came again: %+v", last)
	}
	p.want("work", "")
	p.want("archive", "a.csv")
	p.want("error", "")
}

func TestAFileThatIsBeingWrittenIsLeftAlone(t *testing.T) {
	p := newPlant(t, Config{})
	for i := range 5 {
		p.drop("a.csv", one[:20+i])
		p.drop("b.csv", one) // its time changes
		for _, name := range []string{"c.csv.tmp", "d.csv.part", "~$e.xlsx", ".f.csv", "g.csv.done", "h.csv~"} {
			if i == 0 {
				p.drop(name, one)
			}
		}
		if read := p.read(); len(read.Orders)+len(read.Problems) > 0 {
			t.Fatalf("%s", tell(read.Orders, read.Problems))
		}
	}
	if read := p.take(); len(read.Problems) != 1 || len(read.Orders) != 1 {
		t.Errorf("%s", tell(read.Orders, read.Problems))
	}
	p.take1()
	p.want(".", ".f.csv c.csv.tmp d.csv.part g.csv.done h.csv~ ~$e.xlsx")
}

// take1 keeps one read more.
func (p *plant) take1() { p.mark = p.read().Mark }

func TestMarkers(t *testing.T) {
	p := newPlant(t, Config{Ready: Marker})
	p.drop("a.csv", one)
	for range 70 {
		if read := p.read(); len(read.Orders) > 0 || len(read.Problems) > 0 && p.now.Minute() < 10 {
			t.Fatalf("%s", tell(read.Orders, read.Problems))
		}
	}
	compare(t, tell(nil, p.read().Problems), []string{"! a.csv [/] it waits for a.csv.done"})
	p.drop("a.csv.done", "")
	read := p.take()
	compare(t, tell(read.Orders, read.Problems), []string{"1 open due - partial | 1: 5  P"})
	p.want(".", "")
	p.want("work", "a.csv a.csv.done")
	p.take1()
	p.want("work", "")
	p.want("archive", "a.csv")
}

func TestRenamedFilesAreTakenAtOnce(t *testing.T) {
	p := newPlant(t, Config{Ready: Renamed})
	p.drop("a.csv", one)
	if read := p.read(); len(read.Orders) != 1 {
		t.Error("it was not taken")
	}
}

func TestCountFilesGoWithTheirFile(t *testing.T) {
	p := newPlant(t, Config{Content: Snapshot, Count: CountFile})
	p.drop("a.csv", one)
	p.read()
	p.read()
	p.want(".", "a.csv")
	p.drop("a.csv.count", "1\r\n")
	if read := p.take(); !read.Complete || len(read.Orders) != 1 {
		t.Errorf("%+v", read)
	}
	p.take1()
	p.want("work", "")
	p.want("archive", "a.csv a.csv.count")
	p.drop("a.csv", one)
	p.drop("a.csv.count", "2")
	if read := p.take(); read.Complete || len(read.Orders) > 0 || len(read.Problems) != 1 {
		t.Errorf("%+v", read)
	}
	p.take1()
	p.want("error", "a.csv a.csv.count a.csv.reason.txt")
}

func TestBadFilesGetAReason(t *testing.T) {
	p := newPlant(t, Config{})
	p.drop("bad.csv", "order;product;quantity\n1;P;x\n")
	p.drop("half.csv", "order;product;quantity\n2;P;x\n3;P;5\n")
	p.drop("none.csv", "hello\n")
	p.drop("new.xls", "\xd0\xcf\x11\xe0")
	p.drop("orders.pdf", "%PDF")
	p.read()
	read := p.read()
	p.mark = read.Mark
	p.take1()
	compare(t, tell(read.Orders, read.Problems), []string{
		"3 open due - partial | P: 5  P",
		"! new.xls [/] it is not taken: its name fits none of *.csv", "! orders.pdf [/] it is not taken",
		"! bad.csv:2:5 LOST [1/] order 1, quantity: \"x\" is no number", "! half.csv:2:5 LOST [2/] order 2, quantity", "! none.csv:1:1 LOST [/] no column is known to be order",
	})
	p.want("error", "bad.csv bad.csv.reason.txt none.csv none.csv.reason.txt")
	p.want("archive", "half.csv half.csv.reason.txt")
	const want = "half.csv, taken at 2026-11-23 08:00:20 +00:00\nIts 2 rows were taken over but for 1 that could not be read. Correct those and drop them again.\n\nhalf.csv:2:5: not taken over: order 2, quantity: \"x\" is no number\n"
	if got := p.content("archive", "half.csv.reason.txt"); got != want {
		t.Errorf("the reason is %q, want %q", got, want)
	}
}

func TestTheLatestSnapshotCounts(t *testing.T) {
	p := newPlant(t, Config{Content: Snapshot})
	p.drop("1.csv", one)
	p.now = p.now.Add(time.Second)
	p.drop("2.csv", strings.ReplaceAll(one, "1;1;", "2;1;"))
	p.now = p.now.Add(time.Second)
	p.drop("3.csv", "order;product;quantity\n3;P;5\n3;P") // cut off
	p.read()
	read := p.read()
	compare(t, tell(read.Orders, read.Problems), []string{"2 open due - | 1: 5  P", "! 3.csv:3:3 LOST [/] the file is cut off"})
	if !read.Complete {
		t.Error("the snapshot is not complete")
	}
	p.mark = read.Mark
	if again := p.read(); again.Complete {
		t.Error("a read of nothing is complete")
	}
	p.want("archive", "1.csv 1.csv.reason.txt 2.csv")
	p.want("error", "3.csv 3.csv.reason.txt")
	p.want("work", "")
}

func TestLaterChangesWin(t *testing.T) {
	for _, whole := range []bool{true, false} {
		p := newPlant(t, Config{WholeOrders: whole})
		p.drop("b.csv", "order;line;product;quantity;due\n1;1;P;5;2026-11-25\n1;2;P;6;2026-11-26\n2;1;P;1;\n")
		p.now = p.now.Add(time.Second)
		p.drop("a.csv", "order;line;product;quantity;due\n1;2;P;7;2026-11-20\n1;3;P;8;\n")
		read := p.take()
		want := "1 open due 2026-11-20 | 2: 7  P | 3: 8  P"
		if !whole {
			want = "1 open due 2026-11-20 partial | 1: 5  P | 2: 7  P | 3: 8  P"
		}
		two := "2 open due - | 1: 1  P"
		if !whole {
			two = "2 open due - partial | 1: 1  P"
		}
		compare(t, tell(read.Orders, read.Problems), []string{want, two})
	}
}

func TestOldFilesAreRemoved(t *testing.T) {
	p := newPlant(t, Config{Ready: Renamed, Keep: 24 * time.Hour, KeepErrors: 48 * time.Hour})
	p.drop("a.csv", one)
	p.drop("b.csv", "x")
	p.take()
	p.take1()
	if err := os.WriteFile(filepath.Join(p.config.Folder, "archive", "mine.csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.now = p.now.Add(23 * time.Hour)
	p.take1()
	p.want("archive", "a.csv mine.csv")
	p.now = p.now.Add(2 * time.Hour)
	p.take1()
	p.want("archive", "mine.csv")
	p.want("error", "b.csv b.csv.reason.txt")
	p.now = p.now.Add(24 * time.Hour)
	p.take1()
	p.want("error", "")
}

func TestUnknownColumnsAreToldOnce(t *testing.T) {
	p := newPlant(t, Config{Ready: Renamed})
	for i, want := range []int{1, 0} {
		p.drop(fmt.Sprint(i, ".csv"), "order;product;quantity;colour\n1;P;5;red\n")
		read := p.read()
		p.mark = read.Mark
		if len(read.Problems) != want || len(read.Orders) != 1 {
			t.Errorf("%s", tell(read.Orders, read.Problems))
		}
	}
}
