package reconcile

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// TestWasteThatIsNotKnown: what can not be read of a production's waste makes
// all of its waste unknown, and its pieces stay what they are.
func TestWasteThatIsNotKnown(t *testing.T) {
	number := prodsmart.NewDecimal
	w := prodsmart.Reference{Code: "W"}
	written := func(text string) prodsmart.Decimal {
		d, err := prodsmart.ParseDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	huge, half := written(strings.Repeat("1", 64)), written("0.5")
	for name, row := range map[string]struct {
		waste   []prodsmart.ProducedWaste
		unknown bool
		want    prodsmart.Decimal
	}{
		"twice":                {[]prodsmart.ProducedWaste{{Waste: w, Quantity: number(3)}, {Waste: w, Quantity: half}}, false, written("3.5")},
		"all":                  {[]prodsmart.ProducedWaste{{Waste: w, Quantity: number(7)}}, false, number(7)},
		"no quantity":          {[]prodsmart.ProducedWaste{{Waste: w}}, true, prodsmart.Decimal{}},
		"no quantity, and one": {[]prodsmart.ProducedWaste{{Waste: w}, {Waste: w, Quantity: number(7)}}, true, number(7)},
		"one, and no quantity": {[]prodsmart.ProducedWaste{{Waste: w, Quantity: number(7)}, {Waste: w}}, true, number(7)},
		"no code":              {[]prodsmart.ProducedWaste{{Quantity: number(7)}}, true, prodsmart.Decimal{}},
		"beyond all digits":    {[]prodsmart.ProducedWaste{{Waste: w, Quantity: huge}, {Waste: w, Quantity: half}}, true, prodsmart.Decimal{}},
	} {
		t.Run(name, func(t *testing.T) {
			var in Input
			read(t, filepath.Join("testdata", "cases", "waste-taken-out", "input.json"), &in)
			p := in.Productions[0]
			list, unread := ProductionsOf("M1", []prodsmart.Production{{ID: p.ID, Machine: prodsmart.Reference{Code: "M1"},
				Quantity: number(100), Waste: row.waste, Start: p.Start, End: p.End}})
			if unread != 0 || len(list) != 1 || list[0].WasteUnknown != row.unknown {
				t.Fatalf("%d unread, %+v", unread, list)
			}
			if got := list[0].Waste["W"]; !row.want.IsZero() && got != row.want {
				t.Errorf("%s of W", got)
			}
			if row.unknown {
				in.Productions = list
				if found := Compare(Terms{}, in); len(found) > 0 {
					t.Errorf("found %+v", found)
				}
				list[0].Quantity = number(90)
				if found := Compare(Terms{}, in); len(found) != 1 || found[0].Kind != FewerPieces {
					t.Errorf("of fewer pieces: %+v", found)
				}
			}
		})
	}
}

// TestTypeThatIsNotKnown: a downtime whose type can not be read was not
// reclassified by anybody.
func TestTypeThatIsNotKnown(t *testing.T) {
	var in Input
	read(t, filepath.Join("testdata", "cases", "in-step", "input.json"), &in)
	for i := range in.Downtimes {
		in.Downtimes[i].Type = ""
	}
	terms := Agree(Terms{}, []Input{in})
	if found := Compare(terms, in); len(found) > 0 || len(terms.Names) > 0 {
		t.Errorf("%+v, found %+v", terms, found)
	}
}

// TestTextsOfOneLine: what people write in Prodsmart does nothing to the lines in
// which it is shown.
func TestTextsOfOneLine(t *testing.T) {
	var in Input
	read(t, filepath.Join("testdata", "cases", "in-step", "input.json"), &in)
	in.Downtimes[0].Type = "a\x00\u202eb\r\nc\x1b[31m" + strings.Repeat("x", 5000)
	found := Compare(Terms{}, in)
	if len(found) != 1 || found[0].Kind != TypeChanged || !strings.Contains(found[0].Text, "is a b c [31mxxx") || len(found[0].Text) > 1010 ||
		strings.ContainsFunc(found[0].Text, unicode.IsControl) {
		t.Errorf("found %+v", found)
	}
}
