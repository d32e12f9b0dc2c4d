package file

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/assemble"
)

// when is a date for comparing.
func when(w erp.When) string {
	switch {
	case w.IsZero():
		return "-"
	case w.Day:
		return w.Time.Format(time.DateOnly)
	}
	return w.Time.Format("2006-01-02T15:04Z07:00")
}

// tell is orders and problems as text, one in a line.
func tell(orders []erp.Order, problems []erp.Problem) string {
	var b strings.Builder
	for _, o := range orders {
		fmt.Fprintf(&b, "%s %s due %s", assemble.Key(o.Company, o.ID), o.State, when(o.Due))
		if o.Partial {
			b.WriteString(" partial")
		}
		for _, l := range o.Lines {
			fmt.Fprintf(&b, " | %s: %s %s %s", l.ID, l.Quantity, l.Unit, l.Product)
			switch {
			case l.Factor.IsZero():
				b.WriteString(" x?")
			case l.Factor.String() != "1":
				fmt.Fprintf(&b, " x%s", l.Factor)
			}
		}
		b.WriteByte('\n')
	}
	for _, p := range problems {
		lost := ""
		if p.Lost {
			lost = " LOST"
		}
		fmt.Fprintf(&b, "! %s%s [%s/%s] %s\n", p.Where, lost, p.Order, p.Line, p.What)
	}
	return b.String()
}

func parse(t *testing.T, c Config, name, content string, demanded int) result {
	t.Helper()
	c = c.defaults()
	c.Folder = "x"
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	r, err := newRules(c)
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.parse(t.Context(), name, []byte(content), demanded)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestTextFiles(t *testing.T) {
	whole := Config{Content: Snapshot}
	for _, c := range []struct {
		name, content string
		config        Config
		// want are the lines of tell; of problems the beginnings of place and text.
		want     []string
		complete bool
		refused  bool
	}{
		{
			name:    "German export",
			content: "Auftrag;Pos;Artikelnummer;Bezeichnung;Menge;ME;Liefertermin;Status\r\nA-1;10;P-100;Br\xf6tchen;1.200,50;kg;25.11.2026;offen\r\nA-1;20;P-200;Brot;7;St;26.11.2026;offen\r\n\r\nA-2;10;P-100;Br\xf6tchen;3,5;kg;;storniert\r\n",
			config:  whole, complete: true,
			want: []string{"A-1 open due 2026-11-25 | 10: 1200.5 kg P-100 x? | 20: 7 St P-200 x?", "A-2 cancelled due - | 10: 3.5 kg P-100 x?"},
		},
		{
			name:    "comma, point, quotes, a note of two lines, repeated header",
			content: "order,line,product,quantity,note\n1,1,P,\"1,200.5\",\"two\nlines, \"\"quoted\"\"\"\norder,line,product,quantity,note\n1,2,Q,3,\n",
			config:  whole, complete: true,
			want: []string{"1 open due - | 1: 1200.5  P | 2: 3  Q"},
		},
		{
			name:    "title rows above the header, tabs",
			content: "Open orders\t\t\nprinted 22.11.2026\t\t\n\nOrder\tProduct\tQty\n7\tP\t5\n",
			want:    []string{"7 open due - partial | P: 5  P"},
		},
		{
			name: "an ambiguous number, a number with a unit and an empty one cost their rows only", config: whole, complete: true,
			content: "order;line;product;quantity\n1;1;P;1.234\n1;2;P;5\n2;1;P;480 pcs\n3;1;P;\n4;1;P;-3\n",
			want: []string{
				"1 open due - partial | 2: 5  P", "4 open due - | 1: -3  P",
				"! f.csv:2:7 LOST [1/1] order 1, quantity: \"1.234\" is no number: it could be thousands", "! f.csv:4:7 LOST [2/1] order 2, quantity: \"480 pcs\" is no number", "! f.csv:5:7 LOST [3/1] order 3, quantity: it is empty",
			},
		},
		{
			name: "a row without an order leaves the snapshot incomplete", config: whole,
			content: "order;product;quantity\n1;P;1\n;P;2\n",
			want:    []string{"1 open due - | P: 1  P", "! f.csv:3:1 LOST [/] order: it is empty"},
		},
		{
			name: "a quote that is never closed costs its row", config: whole, complete: true,
			content: "order;product;quantity;note\n1;P;1;a\n2;P;1;\"12 inch\n3;P;1;c\n",
			want:    []string{"1 open due - | P: 1  P", "3 open due - | P: 1  P", "! f.csv:3:7 LOST [2/] a quote opens here"},
		},
		{
			name: "cut off in a quote", config: whole, refused: true,
			content: "order;product;quantity;note\n1;P;1;a\n2;P;1;\"half a no",
			want:    []string{"! f.csv:3:7 LOST [/] the file is cut off"},
		},
		{
			name: "cut off in a row", refused: true,
			content: "order;product;quantity;note\n1;P;1;a\n2;P;1",
			want:    []string{"! f.csv:3:5 LOST [/] the file is cut off"},
		},
		{
			name: "a right trailer", config: Config{Content: Snapshot, Count: Trailer}, complete: true,
			content: "order;product;quantity\n1;P;1\n2;P;1\nTRAILER;2\n",
			want:    []string{"1 open due - | P: 1  P", "2 open due - | P: 1  P"},
		},
		{
			name: "a wrong trailer", config: Config{Content: Snapshot, Count: Trailer}, refused: true,
			content: "order;product;quantity\n1;P;1\ntrailer;2\n", want: []string{"! f.csv:3:1 LOST [/] the trailer says 2 rows, there are 1"},
		},
		{
			name: "no trailer", config: Config{Content: Snapshot, Count: Trailer}, refused: true,
			content: "order;product;quantity\n1;P;1\n", want: []string{"! f.csv LOST [/] the last row is no trailer"},
		},
		{
			name: "rows behind the trailer", config: Config{Count: Trailer}, refused: true,
			content: "order;product;quantity\n1;P;1\nTRAILER;1\n2;P;1\n", want: []string{"! f.csv:4:1 LOST [/] a row follows behind the trailer at 3:1"},
		},
		{
			name: "nothing is open, and the trailer says so", config: Config{Content: Snapshot, Count: Trailer}, complete: true,
			content: "order;product;quantity\nTRAILER;0\n",
		},
		{
			name: "nothing is open, and nobody says so", config: whole,
			content: "order;product;quantity\n", want: []string{"! f.csv [/] the snapshot has no rows"},
		},
		{name: "empty", refused: true, want: []string{"! f.csv LOST [/] the file is empty"}},
		{
			name: "no column is an order", refused: true, content: "Foo;Bar;Menge\n1;2;3\n",
			want: []string{"! f.csv:1:1 LOST [/] no column is known to be order; the row that looks most like a header has \"Foo\", \"Bar\", \"Menge\""},
		},
		{
			name: "two columns could be the quantity", refused: true, content: "order;product;qty;menge\n1;2;3;4\n",
			want: []string{"! f.csv:1:1 LOST [/] the columns \"qty\" and \"menge\" could both be quantity"},
		},
		{
			name: "the plant names its columns", config: Config{Content: Snapshot, Columns: map[string][]string{"order": {"Foo"}, "product": {"#2"}, "quantity": {"menge"}, "factor": {"VPE"}}}, complete: true,
			content: "Foo;Bar;qty;Menge;VPE\n1;P;9;3;24\n2;P;9;3;0\n", want: []string{"1 open due - | P: 3  P x24", "! f.csv:3:9 LOST [2/] order 2, factor: it has to be above 0"},
		},
		{
			name: "no header", config: Config{Content: Snapshot, NoHeader: true, Columns: map[string][]string{"order": {"#1"}, "product": {"#2"}, "quantity": {"#3"}}}, complete: true,
			content: "1|P|5\n2|P|6\n", want: []string{"1 open due - | P: 5  P", "2 open due - | P: 6  P"},
		},
		{
			name: "the separator says it, a wrong date, a year that can not be", config: whole, complete: true,
			content: "sep=|\norder|product|quantity|due\n1|P|5|11/25/2026\n2|P|5|25.11.0202\n3|P|5|2026-11-25 18:00\n",
			want:    []string{"3 open due 2026-11-25T18:00Z | P: 5  P", "! f.csv:3:7 LOST [1/] order 1, due: \"11/25/2026\" is no date in one of the ways", "! f.csv:4:7 LOST [2/] order 2, due: \"25.11.0202\": the year 202 can"},
		},
		{
			name: "a line twice with other values: nothing is certain in a snapshot", config: whole, complete: true,
			content: "order;line;product;quantity\n1;1;P;5\n1;1;P;6\n1;2;P;5\n1;2;P;5\n",
			want:    []string{"1 open due - partial | 2: 5  P", "! f.csv:3:1 LOST [1/1] order 1, line 1: the file has the line twice with different", "! f.csv:5:1 [1/2] order 1, line 2: the row stands in the file twice"},
		},
		{
			name: "a line twice in changes: the later one", config: Config{WholeOrders: true},
			content: "order;line;product;quantity\n1;1;P;5\n1;1;P;6\n", want: []string{"1 open due - | 1: 6  P", "! f.csv:3:1 [1/1] order 1, line 1: the file has the line twice (also at 2:1)"},
		},
		{
			name: "without lines an article may come twice", config: whole, complete: true,
			content: "order;product;quantity\n1;P;5\n1;P;6\n", want: []string{"1 open due - | P: 5  P | P~2: 6  P"},
		},
		{
			name: "lines in different states", config: whole, complete: true,
			content: "order;line;product;quantity;state\n1;1;P;5;open\n1;2;P;5;cancelled\n2;1;P;5;open\n2;2;P;5;delivered\n3;1;P;5;cancelled\n3;2;P;5;closed\n4;1;P;5;whatever\n5;1;P;5;\n6;1;P;1;Freigegeben\n",
			want: []string{
				"1 open due - | 1: 5  P", "2 open due - partial | 1: 5  P", "3 closed due - | 2: 5  P", "4 unknown due - | 1: 5  P", "5 open due - | 1: 5  P", "6 open due - | 1: 1  P",
				"! f.csv:5:1 [2/2] order 2 is open, its line 2 is closed (\"delivered\"): the line is left as it is",
			},
		},
		{
			name: "a cancelled line of an order of which not all is told", content: "order;line;product;quantity;state\n1;1;P;5;open\n1;2;P;5;cancelled\n",
			want: []string{"1 open due - partial | 1: 5  P", "! f.csv:3:1 [1/2] order 1: the line 2 is cancelled, but not all lines"},
		},
		{
			name: "strict", config: Config{Content: Snapshot, Strict: true}, refused: true, content: "order;product;quantity\n1;P;5\n2;P;x\n",
			want: []string{"! f.csv LOST [/] 1 of 2 rows can not be read, and strict is on", "! f.csv:3:5 LOST [2/] order 2, quantity: \"x\" is no number"},
		},
		{
			name: "too many rows", config: Config{MaxRows: 2}, refused: true, content: "order;product;quantity\n1;P;5\n2;P;5\n3;P;5\n",
			want: []string{"! f.csv:4:1 LOST [/] the file has more than 2 rows"},
		},
		{
			name: "a huge cell costs its row", config: Config{MaxCell: 50, Content: Snapshot}, complete: true, content: "order;product;quantity\n1;P;" + strings.Repeat("9", 1000) + "\n2;P;5\n",
			want: []string{"2 open due - | P: 5  P", "! f.csv:2:5 LOST [1/] a cell is longer than 50 bytes"},
		},
		{
			name: "companies, and what can be done without", config: whole, complete: true,
			content: "company;order;product;quantity;price;order date;manufactured\nX;1;P;5;cheap;soon;perhaps\nY;1;P;5;1,5;2026-11-01;yes\n",
			want: []string{
				"X/1 open due - | P: 5  P", "Y/1 open due - | P: 5  P", "! f.csv:2:15 [X/1/] order 1, ordered: \"soon\" is no date", "! f.csv:2:20 [X/1/] manufactured: \"perhaps\" is neither", "! f.csv:2:9 [X/1/] order 1, price: \"cheap\" is no number",
			},
		},
		{
			name: "letters that could not be read cost a row only where they matter", config: Config{Content: Snapshot, Encoding: "utf-8"}, complete: true,
			content: "order;product;quantity;note\n1;P;5;St\xfcck\n2;P\xfc;5;\n",
			want:    []string{"1 open due - | P: 5  P", "! f.csv [/] some bytes are not valid UTF-8, the first in line 2", "! f.csv:3:3 LOST [2/] order 2, product: \"P\ufffd\" has letters that could not be read"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := parse(t, c.config, "f.csv", c.content, -1)
			compare(t, tell(res.orders, res.problems), c.want)
			if res.complete != c.complete || res.refused != c.refused {
				t.Errorf("complete %v, refused %v; want %v, %v", res.complete, res.refused, c.complete, c.refused)
			}
		})
	}
}

// compare wants the same orders, and problems that begin alike.
func compare(t *testing.T, got string, want []string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if got == "" {
		lines = nil
	}
	ok := len(lines) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = lines[i] == want[i] || strings.HasPrefix(want[i], "!") && strings.HasPrefix(lines[i], want[i])
	}
	if !ok {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestCountFile(t *testing.T) {
	const content = "order;product;quantity\n1;P;1\n2;P;1\n"
	c := Config{Content: Snapshot, Count: CountFile}
	if res := parse(t, c, "f.csv", content, 2); !res.complete || len(res.orders) != 2 {
		t.Error(tell(res.orders, res.problems))
	}
	res := parse(t, c, "f.csv", content, 3)
	if res.complete || !res.refused {
		t.Error("a file with too few rows was taken")
	}
	compare(t, tell(res.orders, res.problems), []string{"! f.csv LOST [/] the count file says 3 rows, there are 2"})
}

func TestUnknownColumns(t *testing.T) {
	res := parse(t, Config{Info: []string{"Route"}, Ignore: []string{"Internal"}}, "f.csv", "order;product;quantity;Route;Colour;Internal;\n1;P;5;North;red;x;\n", -1)
	if fmt.Sprint(res.unknown) != "[Colour]" || res.orders[0].Info["Route"] != "North" {
		t.Errorf("unknown %q, info %q", res.unknown, res.orders[0].Info)
	}
}
