package file

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

func (p *plant) discover() string {
	p.Helper()
	fields, suggest, err := p.source.Discover(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%s %s %d/%d %q %s\n", f.Path, f.Type, f.Seen, f.Of, f.Samples, f.Means)
	}
	return b.String() + suggest
}

func TestDiscover(t *testing.T) {
	for _, c := range []struct {
		name, file, content, want string
		config                    Config
	}{
		{
			name: "known and unknown columns", file: "a.csv",
			content: "Orders of today\nAuftrag;Artikelnr;Bestellt;Menge;Liefertermin;Status;Express\nA-1;P1;rot;1.200,5;25/11/2026;offen;ja\nA-2;P2;;3;26/11/2026;Montage;nein\n",
			want: `Auftrag text 2/2 ["A-1" "A-2"] order
Artikelnr text 2/2 ["P1" "P2"] product
Bestellt text 1/2 ["rot"] 
Menge number 2/2 ["1.200,5" "3"] quantity
Liefertermin date 2/2 ["25/11/2026" "26/11/2026"] due
Status text 2/2 ["offen" "Montage"] state
Express yes/no 2/2 ["ja" "nein"] 
# from a.csv
columns:
  order: ["Auftrag"]
  product: ["Artikelnr"]
  quantity: ["Menge"]
  due: ["Liefertermin"]
  state: ["Status"]
# not used: "Bestellt" (text: rot)
# not used: "Express" (yes/no: ja, nein)
decimal: comma
dates: ["dd/mm/yyyy"]
# states: {open: [], held: [], closed: [], cancelled: []} # in none of them: "Montage"
`,
		},
		{
			name: "nothing is known", file: "a.txt", content: "Foo,Bar\n1,2\n",
			want: `Foo number 1/1 ["1"] 
Bar number 1/1 ["2"] 
# from a.txt
columns:
  order: [] # write the name of its column
  product: [] # write the name of its column
  quantity: [] # write the name of its column
# not used: "Foo" (number: 1)
# not used: "Bar" (number: 2)
`,
		},
		{
			name: "doubts", file: "a.csv", content: "order;product;qty;menge;due\n1;P;1.234;5;03/04/2026\n",
			want: `order number 1/1 ["1"] order
product text 1/1 ["P"] product
qty number 1/1 ["1.234"] quantity
menge number 1/1 ["5"] quantity
due date 1/1 ["03/04/2026"] due
# from a.csv
columns:
  order: ["order"]
  product: ["product"]
  quantity: ["qty"]
  # or this one: quantity: ["menge"]
  due: ["due"]
# decimal: comma or point? "1.234" could be thousands or a fraction
# dates: ["dd/mm/yyyy"] # or mm/dd/yyyy? "03/04/2026" fits both
`,
		},
		{
			name: "no header", file: "a.csv", content: "1;P;5\n", config: Config{NoHeader: true, Columns: map[string][]string{"order": {"#1"}, "product": {"#2"}, "quantity": {"#3"}}},
			want: `#1 number 1/1 ["1"] order
#2 text 1/1 ["P"] product
#3 number 1/1 ["5"] quantity
# from a.csv
columns:
  order: ["#1"]
  product: ["#2"]
  quantity: ["#3"]
`,
		},
		{
			name: "a workbook", file: "a.xlsx", content: book(t, orders),
			want: `Order text 7/7 ["1001" "A-7" "A-8" "A-9"] order
Line number 7/7 ["10" "20"] line
Article text 7/7 ["00123" "P-2"] product
`,
		},
		{
			name: "B2MML", file: "a.xml", content: operations,
			want: `ID text 4/5 ["PO-1" "PO-2" "PO-3" "PO-4"] order
Version text 1/5 ["3"] revision
Description text 1/5 ["first & best"] note
OperationsType text 2/5 ["Production" "Maintenance"] 
`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlant(t, c.config)
			p.drop(c.file, c.content)
			got := p.discover()
			if !strings.HasPrefix(got, c.want) || strings.Contains(c.want, "# from") && got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			p.want(".", c.file)
		})
	}
}

func TestDiscoverLooksAtTheLatestFile(t *testing.T) {
	p := newPlant(t, Config{Ready: Renamed})
	if _, _, err := p.source.Discover(t.Context()); !erp.Is(err, erp.Gone) {
		t.Error(err)
	}
	p.drop("a.csv", one)
	p.take()
	p.take1()
	if got := p.discover(); !strings.Contains(got, "order number 1/1") {
		t.Errorf("the archive: %s", got)
	}
	p.drop("b.xlsx", book(t, func(f *excelize.File) error { return table(f, "Sheet1", []any{"later"}, []any{"word"}) }))
	if got := p.discover(); !strings.HasPrefix(got, "later text") {
		t.Errorf("%s", got)
	}
	p.now = p.now.Add(time.Second)
	p.drop("c.csv", "\xff\xfex")
	if _, _, err := p.source.Discover(t.Context()); !erp.Is(err, erp.Garbled) || !strings.Contains(err.Error(), filepath.Join(p.config.Folder, "c.csv")) {
		t.Error(err)
	}
}
