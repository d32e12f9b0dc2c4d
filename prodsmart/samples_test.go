package prodsmart

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// sampleReaders say how each sample of the documentation is read, by the beginning
// of its file's name; the longest that fits counts. The samples are as they are
// printed there, but for missing and superfluous commas and brackets.
func sampleReaders() map[string]func(raw json.RawMessage, n *notes) any {
	return map[string]func(raw json.RawMessage, n *notes) any{
		"supplier":                reads(decodeDocument[Partner]),
		"client":                  reads(decodeDocument[Partner]),
		"sales-order":             reads(decodeSale),
		"purchase-order":          reads(decodeDocument[TradeOrder]),
		"production-order":        reads(decodeDocument[ProductionOrder]),
		"webhook-production":      reads(decodeDocument[ProductionOrder]),
		"change-production-order": reads(decodeDocument[ProductionOrder]),
		"product":                 reads(decodeDocument[Product]),
		"change-products":         reads(decodeDocument[Product]),
		"product-families":        reads(decodeFamily),
		"production-list":         reads(decodeProduction),
		"production-updated":      reads(decodeProduction),
		"production-deleted":      reads(decodeProduction),
		"change-productions":      reads(decodeProduction),
		"downtime":                reads(decodeDowntime),
		"webhook-downtime":        reads(decodeDowntime),
		"change-downtime":         reads(decodeDowntime),
		"punchclock":              reads(decodePunch),
		"webhook-punchclock":      reads(decodePunch),
		"change-punchclock":       reads(decodePunch),
		"movement":                reads(decodeDocument[Movement]),
		"stock-get":               reads(decodeStock),
		"change-stock":            reads(decodeStock),
		"labor-time":              reads(decodeLaborTime),
	}
}

func reads[T any](decode func(json.RawMessage, *notes) T) func(json.RawMessage, *notes) any {
	return func(raw json.RawMessage, n *notes) any { return decode(raw, n) }
}

var update = flag.Bool("update", os.Getenv("UPDATE_GOLDEN") != "", "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s\nwant:\n%s", path, got, want)
	}
}

func indented(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func samples(t testing.TB) map[string]json.RawMessage {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "samples", "*.json"))
	if err != nil || len(files) < 70 {
		t.Fatalf("%d samples: %v", len(files), err)
	}
	m := map[string]json.RawMessage{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m[strings.TrimSuffix(filepath.Base(f), ".json")] = b
	}
	return m
}

// TestSamplesAreRead reads each sample of the documentation with the reader for it
// and compares with what a person found in it; nothing is left unread.
func TestSamplesAreRead(t *testing.T) {
	zone := time.FixedZone("company", 3*3600)
	readers := sampleReaders()
	for name, raw := range samples(t) {
		longest := ""
		for begin := range readers {
			if strings.HasPrefix(name, begin) && len(begin) > len(longest) {
				longest = begin
			}
		}
		if longest == "" || name == "production-update" || name == "production-order-notify" || name == "product-families-create" {
			continue // not a record: what we send of these is compared below
		}
		t.Run(name, func(t *testing.T) {
			items, err := listItems(raw)
			if err != nil && strings.HasSuffix(name, "-list") {
				t.Fatal(err)
			}
			if err != nil { // a record without a number
				items = []json.RawMessage{raw}
			}
			var list []any
			for _, item := range items {
				n := &notes{zone: zone}
				list = append(list, readers[longest](item, n))
				if len(n.list) > 0 {
					t.Errorf("unread: %q", n.list)
				}
			}
			golden(t, filepath.Join("read", name+".json"), indented(t, list))
		})
	}
}

// renewed makes a record as if it had been made here: without what it was read from.
func renewed[T any](t T) T {
	v := reflect.ValueOf(&t).Elem()
	forget(v)
	return t
}

func forget(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Original]() {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				forget(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			forget(v.Index(i))
		}
	}
}

// sent encodes what a sample of a request describes, from the typed record alone.
func sent[T any, D document[T]](raw json.RawMessage, purpose writing) json.RawMessage {
	return encodeDocument[T, D](renewed(decodeDocument[T, D](raw, &notes{zone: time.UTC})), purpose)
}

// TestSamplesAreWritten builds each request of the documentation from typed records
// and compares it with the sample. What may differ is named.
func TestSamplesAreWritten(t *testing.T) {
	all := samples(t)
	order := decodeDocument[ProductionOrder](all["production-order-create"], &notes{zone: time.UTC})
	order.WorkerGroups = []string{"All"}
	for name, got := range map[string]json.RawMessage{
		"supplier-create":         sent[Partner](all["supplier-create"], toCreate),
		"supplier-update":         sent[Partner](all["supplier-update"], toUpdate),
		"client-create":           sent[Partner](all["client-create"], toCreate),
		"client-update":           sent[Partner](all["client-update"], toUpdate),
		"sales-order-create":      encodeSale(renewed(decodeSale(all["sales-order-create"], &notes{zone: time.UTC})), toCreate),
		"sales-order-update":      encodeSale(renewed(decodeSale(all["sales-order-update"], &notes{zone: time.UTC})), toUpdate),
		"purchase-order-create":   sent[TradeOrder](all["purchase-order-create"], toCreate),
		"production-order-create": encodeDocument(renewed(order), toCreate),
		"production-order-update": sent[ProductionOrder](all["production-order-update"], toUpdate),
		"product-create":          sent[Product](all["product-create"], toCreate),
		"product-update":          sent[Product](all["product-update"], toUpdate),
		"movement-create":         sent[Movement](all["movement-create"], toCreate),
		"movement-update":         sent[Movement](all["movement-update"], toUpdate),
	} {
		t.Run(name, func(t *testing.T) {
			var sample, ours any
			if err := json.Unmarshal(all[name], &sample); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(got, &ours); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("written", name+".txt"), []byte(strings.Join(differences("", sample, ours), "\n")+"\n"))
		})
	}
}

// differences lists where our JSON is another one than a sample.
func differences(at string, sample, ours any) []string {
	s, isObject := sample.(map[string]any)
	o, areObject := ours.(map[string]any)
	var list []string
	if isObject && areObject {
		for _, name := range sortedKeys(s, o) {
			list = append(list, differences(at+"."+name, s[name], o[name])...)
		}
		return list
	}
	a, isArray := sample.([]any)
	b, areArray := ours.([]any)
	if isArray && areArray && len(a) == len(b) {
		for i := range a {
			list = append(list, differences(at+"[]", a[i], b[i])...)
		}
		return list
	}
	if !reflect.DeepEqual(sample, ours) {
		x, _ := json.Marshal(sample)
		y, _ := json.Marshal(ours)
		list = append(list, at+": "+string(x)+" is written as "+string(y))
	}
	return list
}

func sortedKeys(maps ...map[string]any) []string {
	seen := map[string]bool{}
	var list []string
	for _, m := range maps {
		for k := range m {
			if !seen[k] {
				seen[k] = true
				list = append(list, k)
			}
		}
	}
	slices.Sort(list)
	return list
}
