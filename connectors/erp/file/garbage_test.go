package file

import (
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// TestMessagesAreBounded: whatever stands in a file, what is told of it fits where
// people read it, and names its place.
func TestMessagesAreBounded(t *testing.T) {
	wide := strings.Repeat("w", 60_000)
	for name, c := range map[string]struct {
		config  Config
		content string
		where   string
	}{
		"a state within an order": {Config{}, "order;line;product;quantity;state\n1;1;P;5;open\n1;2;P;5;" + wide + "\n", "f.csv:3:1"},
		"states":                  {Config{}, "order;line;product;quantity;state\n1;1;P;5;" + wide + "\n", ""},
		"two names":               {Config{}, "order;product;quantity;" + wide + ";" + wide + "\n1;P;5;a;b\n", "f.csv"},
		"the same column twice":   {Config{Columns: map[string][]string{"order": {"a"}, "product": {"b"}, "quantity": {"c"}, "due": {wide}}}, "a;b;c;" + wide + ";" + wide + "\n1;P;5\n", "f.csv:1:1"},
		"one column two ways":     {Config{}, "order;product;quantity;due;due" + strings.Repeat(" ", 60_000) + "\n1;P;5\n", "f.csv:1:1"},
		"a quantity":              {Config{}, "order;product;quantity\n1;P;" + wide + "\n", "f.csv:2:5"},
		"a date":                  {Config{}, "order;product;quantity;due\n1;P;5;" + wide + "\n", "f.csv:2:7"},
		"a yes or no":             {Config{}, "order;product;quantity;manufactured\n1;P;5;" + wide + "\n", "f.csv:2:7"},
		"a trailer":               {Config{Count: Trailer}, "order;product;quantity\n1;P;5\nTRAILER;" + wide + "\n", "f.csv:3:9"},
		"no header":               {Config{}, strings.Repeat(wide+";"+wide+"\n", 40), "f.csv:1:1"},
		"ten megabytes":           {Config{}, "order;product;quantity\n1;" + strings.Repeat("x", 10<<20) + ";5\n2;P;5\n", "f.csv:2:3"},
		"an element of XML":       {Config{}, "<" + wide + "/>", "f.csv"},
		"no XML":                  {Config{}, "<a><" + wide + "></b></a>", "f.csv:1:"},
		"no UTF-8":                {Config{Encoding: "utf-8"}, "order;product;quantity\r1;P\xff;5\r", "f.csv:2:3"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := newRules(c.config.defaults())
			if err != nil {
				t.Fatal(err)
			}
			res, err := r.parse(t.Context(), "f.csv", []byte(c.content), -1)
			if err != nil {
				t.Fatal(err)
			}
			placed := c.where == ""
			for _, p := range res.problems {
				if len(p.Where)+len(p.What) > 1500 {
					t.Errorf("%d bytes are told: %.100s: %.300s", len(p.Where)+len(p.What), p.Where, p.What)
				}
				placed = placed || strings.HasPrefix(p.Where, c.where)
			}
			for _, o := range res.orders {
				placed = placed || o.State == erp.Unknown
			}
			if !placed && len(res.unknown) == 0 {
				t.Errorf("nothing is told at %s: %+.500v", c.where, res.problems)
			}
		})
	}
}

// TestDiscoverOfGarbage: the columns of any file are described in bounded words.
func TestDiscoverOfGarbage(t *testing.T) {
	wide, long := strings.Repeat("w", 60_000), strings.Repeat("x", 10<<20)
	for name, content := range map[string]string{
		"wide names":        wide + ";order;" + wide + "y\na;1;" + wide + "\n",
		"wide states":       "order;state\n" + strings.Repeat("1;a"+wide+"\n2;b"+wide+"\n", 30),
		"ten megabytes":     "order;product\n1;" + long + "\n2;P\n",
		"nothing but that":  long,
		"a thousand names":  strings.Repeat("name;", 999) + "\n" + strings.Repeat("v;", 999) + "\n",
		"more cells":        "a;b\n1;2;3;4;5;6\n",
		"fewer cells":       "order;product;quantity\n1\n\n;\n",
		"no UTF-8":          "order;product\n\xff;\xfe\xfd\n",
		"zero bytes":        "order;product\n1;\x00\n",
		"quotes":            "order;product\n\"1;\"\"\n\"",
		"half a workbook":   "PK\x03\x04" + wide,
		"wide elements":     "<OperationsSchedule><OperationsRequest><ID>1</ID><" + wide + ">x</" + wide + "></OperationsRequest></OperationsSchedule>",
		"half an XML":       "<OperationsSchedule><ID>" + wide,
		"negative":          "order;product;quantity\n-1;P;-5\n",
		"the same twice":    "order;order;order\n1;2;3\n",
		"header only":       "order;product;quantity\n",
		"separators only":   ";;;;\n;;;;\n",
		"ends of lines":     "\r\r\n\n\r",
		"a byte order mark": "\ufeff",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t, Config{})
			p.drop("a.csv", content)
			fields, suggest, err := p.source.Discover(t.Context())
			if err != nil {
				if text := err.Error(); len(text) > 1000 || !strings.Contains(text, "a.csv") {
					t.Errorf("%d bytes: %.500s", len(text), text)
				}
				return
			}
			if len(fields) > 1000 || len(suggest) > 64<<10 {
				t.Errorf("%d fields, %d bytes are suggested: %.500s", len(fields), len(suggest), suggest)
			}
			for _, f := range fields {
				if size := len(f.Path) + len(strings.Join(f.Samples, "")); size > 1000 {
					t.Errorf("%d bytes of one column: %.300v", size, f)
				}
			}
		})
	}
}
