package replay

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const head = "time,source,tag,value,quality,source_time\n"

func TestReadSaysWhereTheMistakeIs(t *testing.T) {
	for _, c := range []struct{ trace, want string }{
		{"", "t.csv:1:1: the trace has no header"},
		{"a,b\n", `t.csv:1:1: the header is "a,b"`},
		{head + "yesterday,plc,40001,5,good,\n", `t.csv:2:1: "yesterday" is not a time`},
		{head + "2026-01-05T06:00:00Z,,40001,5,good,\n", "t.csv:2:22: the source is empty"},
		{head + "2026-01-05T06:00:00Z,plc,,5,good,\n", "t.csv:2:26: the tag is empty"},
		{head + "2026-01-05T06:00:00Z,plc,40001,5,fine,\n", `t.csv:2:34: quality "fine"; allowed are good, uncertain and bad`},
		{head + "2026-01-05T06:00:00Z,plc,40001,5,good+old,\n", `t.csv:2:34: "old" after the quality`},
		{head + "2026-01-05T06:00:00Z,plc,40001,5,good,later\n", `t.csv:2:39: "later" is not a time`},
		{head + "2026-01-05T06:00:01Z,plc,40001,5\n2026-01-05T06:00:00Z,plc,40001,5\n", "t.csv:3:1: the time lies before"},
		{head + "2026-01-05T06:00:00Z,plc\n", "t.csv:2:1: 2 fields"},
		{head + "2026-01-05T06:00:00Z,plc,40001,\"5\n", "t.csv:2:35: "},
	} {
		_, err := Read(strings.NewReader(c.trace), "t.csv")
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.trace, err, c.want)
		}
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	tags := []connectors.Tag{{Address: `ns=3;s="DB"."Good"`, Bit: connectors.NoBit}, {Address: "a/b", Path: "n", Bit: 4}}
	at := time.Date(2026, 1, 5, 6, 0, 0, 123456789, time.UTC)
	values := []connectors.Value{
		connectors.Int(-5), connectors.Uint(1 << 63), connectors.Float64(0.1), connectors.Bool(true), connectors.String("true"),
		connectors.String("12"), connectors.String(`with "quotes", commas`), connectors.String(""), connectors.String(`"quoted"`),
		connectors.String("MOLD-HEAT"), connectors.String("007"),
	}
	var buf bytes.Buffer
	w := NewWriter(&buf)
	batch := connectors.Batch{Time: at, Link: connectors.LinkUp}
	for i, v := range values {
		batch.Samples = append(batch.Samples, connectors.Sample{Tag: i % 2, Value: v, Quality: connectors.Good, SourceTime: at, Retained: i == 3})
	}
	if err := w.Write("plc", tags, batch); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	rows, err := Read(&buf, "t.csv")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(values)+1 || rows[0].Tag != EventLink || rows[0].Value != "up" {
		t.Fatalf("%+v", rows)
	}
	for i, v := range values {
		r := rows[i+1]
		if got := value(r.Value); got.Text() != v.Text() || got.Kind() == connectors.KindString != (v.Kind() == connectors.KindString) {
			t.Errorf("%q came back as %q", v.Text(), got.Text())
		}
		if r.Tag != Label(tags[i%2]) || !r.Time.Equal(at) || !r.SourceTime.Equal(at) || r.Retained != (i == 3) {
			t.Errorf("row %d: %+v", i, r)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(head + "2026-01-05T06:00:00Z,plc,40001,5,good,2026-01-05T06:00:00Z\n")
	f.Add(head + "2026-01-05T06:00:00Z,gateway,!restart,10s\n")
	f.Add("\ufeff" + head + "2026-01-05T06:00:00Z,plc,\"a\"\"b\",\"x\ny\",bad+again,\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := Read(strings.NewReader(text), "t.csv")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "t.csv:") {
				t.Fatalf("an error without its place: %v", err)
			}
			return
		}
		for _, r := range rows {
			value(r.Value)
		}
	})
}
