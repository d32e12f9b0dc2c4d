package file

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

func (p *plant) out(id string) string { return filepath.Join(p.config.Out, id+".csv") }

func newOut(t *testing.T) (*plant, erp.Write) {
	p := newPlant(t, Config{Decimal: "comma"})
	p.config.Out = filepath.Join(t.TempDir(), "out")
	p.restart()
	return p, erp.Write{
		Kind: erp.Produced, ID: "PS1A-1", Order: "A;1", Line: "10", Number: "A-1", Code: "X-1-1", Product: "P", Unit: "kg",
		Ordered: decimal.RequireFromString("480"), Produced: decimal.RequireFromString("12.5"), Delta: decimal.RequireFromString("2.5"), At: p.now,
	}
}

func TestWriteBack(t *testing.T) {
	p, w := newOut(t)
	if c := p.source.Capabilities(); len(c.Writes) != 1 || c.Writes[0] != erp.Produced {
		t.Errorf("%+v", c)
	}
	p.read() // makes the folders
	if _, done, err := p.source.Look(t.Context(), w); done || err != nil {
		t.Errorf("it was done before it was sent: %v", err)
	}
	w, err := p.source.Prepare(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.source.Write(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(p.out(w.ID))
	const want = "id;company;order;line;number;production_order;product;quantity;unit;produced;ordered;location;at\r\nPS1A-1;;\"A;1\";10;A-1;X-1-1;P;2,5;kg;12,5;480;;2026-11-23T08:00:00Z\r\n"
	if string(raw) != want || err != nil {
		t.Errorf("%q, %v", raw, err)
	}
	if err := os.Remove(p.out(w.ID)); err != nil { // the other side took it
		t.Fatal(err)
	}
	if _, done, err := p.source.Look(t.Context(), w); !done || err != nil {
		t.Errorf("what was taken is not known any more: %v", err)
	}
	if _, err := p.source.Write(t.Context(), w); err != nil || exists(p.out(w.ID)) {
		t.Errorf("it was sent twice: %v", err)
	}
	for _, bad := range []erp.Write{{Kind: erp.Note, ID: "A"}, {Kind: erp.Produced, ID: "../a"}, {Kind: erp.Produced}} {
		if _, err := p.source.Write(t.Context(), bad); !erp.Is(err, erp.Refused) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	p.now = time.Now().Add(40 * 24 * time.Hour)
	p.read()
	if exists(filepath.Join(p.config.Folder, "archive", "sent", "PS1A-1.csv")) {
		t.Error("the copy is kept for ever")
	}
}

// TestWriteBackCrashes ends the process before each step of a write: the file
// comes exactly once, whether the other side takes it at once or not.
func TestWriteBackCrashes(t *testing.T) {
	for _, taken := range []bool{false, true} {
		steps := 0
		for whole := false; !whole; {
			crash := steps + 1
			p, w := newOut(t)
			p.read()
			n, files := 0, 0
			p.source.in.before = func(string, string) error {
				if n++; n >= crash {
					return errors.New("the process ended")
				}
				return nil
			}
			_, err := p.source.Write(t.Context(), w)
			whole, steps = err == nil, n
			if err != nil && !erp.Is(err, erp.Unclear) {
				t.Errorf("a crash at step %d: %v", crash, err)
			}
			take := func() {
				if taken && exists(p.out(w.ID)) {
					files++
					if err := os.Remove(p.out(w.ID)); err != nil {
						t.Fatal(err)
					}
				}
			}
			take()
			p.restart()
			_, done, err := p.source.Look(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			if !done {
				if _, err := p.source.Write(t.Context(), w); err != nil {
					t.Fatal(err)
				}
			}
			take()
			if !taken && exists(p.out(w.ID)) {
				files++
			}
			if _, done, err := p.source.Look(t.Context(), w); files != 1 || !done || err != nil || exists(p.out(w.ID)+".tmp") {
				t.Errorf("a crash at step %d, taken %v: %d files, done %v, %v", crash, taken, files, done, err)
			}
		}
		if steps < 4 {
			t.Errorf("there were only %d steps", steps)
		}
	}
}
