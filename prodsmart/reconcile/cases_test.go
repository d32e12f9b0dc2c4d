package reconcile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// expected is what a case says of a difference.
type expected struct {
	Kind       Kind       `json:"kind"`
	Cause      Cause      `json:"cause"`
	Confidence Confidence `json:"confidence"`
	ID         int64      `json:"id"`
	Usual      bool       `json:"usual"`
	Subject    string     `json:"subject"`
}

func read(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestCases compares what lies in the folders of testdata/cases.
func TestCases(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("testdata", "cases", "*"))
	if err != nil || len(folders) < 20 {
		t.Fatalf("%d cases, %v", len(folders), err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			var in Input
			var want []expected
			read(t, filepath.Join(folder, "input.json"), &in)
			read(t, filepath.Join(folder, "want.json"), &want)
			got := []expected{}
			found := Compare(Agree(Terms{}, []Input{in}), in)
			keys := map[string]bool{}
			for _, d := range found {
				got = append(got, expected{d.Kind, d.Cause, d.Confidence, d.ID, d.Usual, d.Subject})
				if keys[d.Key()] || d.Machine != "M1" || d.At.IsZero() || !strings.HasSuffix(d.Text, ".") {
					t.Errorf("%+v", d)
				}
				keys[d.Key()] = true
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// TestClocks measures the difference of the clocks over several machines, and
// believes no single edit.
func TestClocks(t *testing.T) {
	var in Input
	read(t, filepath.Join("testdata", "cases", "in-step", "input.json"), &in)
	hour := *in.shifted(-time.Hour)
	if terms := Agree(Terms{}, []Input{hour}); !terms.Measured || terms.Offset != time.Hour+time.Second {
		t.Errorf("an hour ahead: %+v", terms)
	}
	if terms := Agree(Terms{}, []Input{in, hour}); terms.Measured && terms.Offset > time.Minute {
		t.Errorf("one machine of two is off: %+v", terms)
	}
	one := in
	one.Posts, one.Downtimes = in.Posts[1:3], hour.Downtimes[:1]
	if terms := Agree(Terms{}, []Input{one}); terms.Measured {
		t.Errorf("two moments are enough: %+v", terms)
	}
	if terms := Agree(Terms{Offset: time.Hour, Measured: true}, []Input{one}); terms.Offset != time.Hour {
		t.Errorf("what was measured is forgotten: %+v", terms)
	}
}

// TestNames learns that Prodsmart lists a type under another name, and knows a
// reclassification from that.
func TestNames(t *testing.T) {
	in := newPlant(4, 0).run(12)
	for i := range in.Downtimes {
		if in.Downtimes[i].Type == "JAM" {
			in.Downtimes[i].Type = "Stau"
		}
	}
	terms := Agree(Terms{}, []Input{in})
	if found := Compare(terms, in); terms.Names["JAM"] != "Stau" || len(terms.Names) != 1 || len(found) > 0 {
		t.Errorf("%+v, %+v", terms, found)
	}
	if again := Agree(terms, nil); again.Names["JAM"] != "Stau" {
		t.Errorf("the name is forgotten: %+v", again)
	}
}

// FuzzCompare feeds both sides with nonsense: no panic, texts that can be shown,
// and the same answer again.
func FuzzCompare(f *testing.F) {
	folders, _ := filepath.Glob(filepath.Join("testdata", "cases", "*", "input.json"))
	for _, path := range folders {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, data := range []string{
		`{"machine":"M1","from":"0001-01-01T00:00:00Z","to":"9999-12-31T23:59:59Z","posts":[{"time":"9999-12-31T23:59:59Z","took":9223372036854775807,"service":"startstop","verdict":"accepted","body":"{\"type\":\"A\",\"running\":0}"}],
			"downtimes":[{"id":1,"type":"A","start":"9999-12-31T23:59:59Z"},{"id":1,"start":"0001-01-01T00:00:00Z","end":"0001-01-01T00:00:00Z"}]}`,
		`{"machine":"M1","margin":-1,"posts":[{"service":"counter","verdict":"accepted","body":"{\"count\":-9223372036854775808,\"waste\":[{\"quantity\":9223372036854775807}]}"},
			{"service":"counter","verdict":"ambiguous","body":"{\"count\":9223372036854775807}"}],"told":{"counted":true,"count":-1,"at":"2026-01-01T00:00:00Z"},
			"productions":[{"id":1,"quantity":"-1e60","waste":{"":"1e-60"},"end":"2026-01-01T00:00:00Z"},{"id":1,"quantity":"","waste_unknown":true}]}`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var in Input
		if json.Unmarshal(data, &in) != nil || len(in.Posts)+len(in.Downtimes)+len(in.Productions) > 60 {
			return
		}
		found := Compare(Agree(Terms{}, []Input{in}), in)
		for _, d := range found {
			if !utf8.ValidString(d.Text) || d.Text == "" || d.Key() == "" {
				t.Errorf("%+v", d)
			}
		}
		if again := Compare(Agree(Terms{}, []Input{in}), in); !reflect.DeepEqual(found, again) {
			t.Errorf("%+v, then %+v", found, again)
		}
	})
}
