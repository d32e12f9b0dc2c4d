package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// A file that another program has open can not be renamed on Windows.
func TestFilesInUseAreTriedAgain(t *testing.T) {
	p := newPlant(t, Config{Ready: Renamed, Content: Snapshot})
	p.drop("b.csv", strings.ReplaceAll(one, "1;1;", "2;1;"))
	p.now = p.now.Add(time.Second)
	p.drop("a.csv", one)
	used := true
	p.source.in.before = func(op, path string) error {
		if used && strings.HasSuffix(path, "a.csv") {
			return errors.New("it is being used by another process")
		}
		return nil
	}
	read := p.read()
	compare(t, tell(read.Orders, read.Problems), []string{"2 open due - | 1: 5  P", "! a.csv [/] it can not be taken yet: it is being used by another process"})
	p.mark = read.Mark
	used = false
	read = p.read()
	compare(t, tell(read.Orders, read.Problems), []string{"1 open due - | 1: 5  P"})
	p.mark, used = read.Mark, true // now it can not leave the work folder
	for range 3 {
		read = p.read()
		compare(t, tell(read.Orders, read.Problems), []string{"! a.csv [/] its orders are taken over, but it can not be moved out of the folder"})
		p.mark = read.Mark
	}
	p.want("archive", "b.csv")
	used = false
	if read = p.read(); len(read.Orders)+len(read.Problems) > 0 {
		t.Errorf("%s", tell(read.Orders, read.Problems))
	}
	p.want("archive", "a.csv b.csv")
}

func TestChangesWaitForAnOlderFileInUse(t *testing.T) {
	p := newPlant(t, Config{Ready: Renamed})
	p.drop("b.csv", one)
	p.now = p.now.Add(time.Second)
	p.drop("a.csv", strings.ReplaceAll(one, ";5", ";6"))
	used := true
	p.source.in.before = func(op, path string) error {
		if used && strings.HasSuffix(path, "b.csv") {
			return errors.New("it is being used by another process")
		}
		return nil
	}
	for range 59 {
		compare(t, tell(p.take().Orders, nil), nil)
	}
	p.want(".", "a.csv b.csv")
	for range 2 {
		p.now = p.now.Add(time.Minute)
		if read := p.take(); len(read.Orders) > 0 {
			compare(t, tell(read.Orders, nil), []string{"1 open due - partial | 1: 6  P"})
		}
	}
	p.want(".", "b.csv")
	used = false
	read := p.take()
	compare(t, tell(read.Orders, read.Problems), []string{"1 open due - partial | 1: 5  P", "! b.csv [/] it could not be taken before files that came later"})
}

func TestAFileThatGrowsAfterItWasReadIsReadAgain(t *testing.T) {
	p := newPlant(t, Config{Ready: Renamed})
	p.drop("a.csv", one)
	held, err := os.OpenFile(filepath.Join(p.config.Folder, "a.csv"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if read := p.take(); len(read.Orders) != 1 {
		t.Fatal("it was not read")
	}
	if _, err := held.WriteString("2;1;P;5\n"); err != nil {
		t.Fatal(err)
	}
	if read := p.take(); len(read.Orders) != 2 {
		t.Errorf("%s", tell(read.Orders, read.Problems))
	}
	p.take1()
	p.want("archive", "a.csv")
}

func TestFolderErrors(t *testing.T) {
	s, err := New(Config{Folder: filepath.Join(t.TempDir(), "missing")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Misconfigured) || !strings.Contains(err.Error(), "connect the share") {
		t.Error(err)
	}
	for _, c := range []Config{
		{}, {Folder: "x", Work: "x"}, {Folder: "x", Ready: "soon"}, {Folder: "x", Content: "all"}, {Folder: "x", Count: "yes"}, {Folder: "x", Decimal: "."}, {Folder: "x", Delimiter: ":"},
		{Folder: "x", Encoding: "latin-99"}, {Folder: "x", CodePage: "auto"}, {Folder: "x", Names: []string{"a/*.csv"}}, {Folder: "x", Dates: []string{"dd"}},
		{Folder: "x", Columns: map[string][]string{"colour": {"a"}}}, {Folder: "x", Columns: map[string][]string{"order": {"a"}, "line": {"A"}}},
		{Folder: "x", States: map[string][]string{"open": {"a"}, "held": {"A"}}}, {Folder: "x", States: map[string][]string{"lost": {"a"}}}, {Folder: "x", MaxRows: -1}, {Folder: "x", NoState: "closed"},
	} {
		if _, err := New(c); !erp.Is(err, erp.Misconfigured) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	p := newPlant(t, Config{MaxBytes: 20, Ready: Renamed})
	p.drop("a.csv", one)
	p.mark = "garbage"
	compare(t, tell(nil, p.take().Problems), []string{"! " + filepath.Join(p.config.Folder, "work") + " [/] the mark of the last read is not understood", "! a.csv LOST [/] the file has 36 bytes, at most 20 are read"})
	p.take1()
	p.want("error", "a.csv a.csv.reason.txt")
}

func TestAReadEndsWithItsContext(t *testing.T) {
	p := newPlant(t, Config{Ready: Renamed})
	p.drop("a.csv", "order;product;quantity\n"+strings.Repeat("1;P;5\n", 2000))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := p.source.ReadOrders(ctx, erp.Ask{}); !erp.Is(err, erp.Unavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if read := p.take(); len(read.Orders) != 1 {
		t.Error("the file is lost")
	}
}

func TestStrangeNamesAreLeftAlone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the file system has no such names")
	}
	p := newPlant(t, Config{Ready: Renamed})
	names := []string{"a\xff.csv", "a\nb.csv", strings.Repeat("x", 200) + ".csv", "a.csv.reason.txt"}
	for _, name := range names {
		p.drop(name, one)
	}
	if read := p.read(); len(read.Orders) > 0 || len(read.Problems) != len(names) {
		t.Errorf("%s", tell(read.Orders, read.Problems))
	}
	p.want("work", "")
}
