package mapping

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// filler fills values of any type by reflection, so that a field that the
// snapshot gains is filled without a word here.
type filler struct {
	t   testing.TB
	rng *rand.Rand
	// sparse is how many of ten values stay zero, texts what texts are made of.
	sparse int
	texts  []string
}

// validTexts are read back as they were written; what is not UTF-8 is not.
var (
	validTexts   = []string{"a", "count", "|", " ", "\"", "\\", "/", "<", ">", "&", "\x00", "\b\f\n\r\t", "\x1f", "~", "\x7f", "é", "\u2028", "\u2029", "\ufffd", "😀"}
	invalidTexts = append([]string{"\xff", "\xc3", "\xed\xa0\x80"}, validTexts...)
)

func (f *filler) text() string {
	text := ""
	for range 1 + f.rng.IntN(6) {
		text += f.texts[f.rng.IntN(len(f.texts))]
	}
	return text
}

func (f *filler) time() time.Time {
	nanos := []int64{0, 1, 120_000_000, 999_999_999}[f.rng.IntN(4)]
	zone := time.FixedZone("", 60*(f.rng.IntN(2*14*60)-14*60))
	if f.rng.IntN(3) == 0 {
		zone = time.UTC
	}
	return time.Unix(f.rng.Int64N(200_000_000_000)-50_000_000_000, nanos).In(zone)
}

func (f *filler) number() Number {
	n := []int64{1, -1, 1<<63 - 1, -1 << 63, f.rng.Int64(), -f.rng.Int64N(1000) - 1}[f.rng.IntN(6)]
	switch f.rng.IntN(3) {
	case 0:
		return Ratio(n, f.rng.Int64N(1000)+1)
	case 1:
		big := new(big.Rat).SetInt64(n)
		return fromRat(big.Mul(big, big))
	}
	return Whole(n)
}

func (f *filler) fill(v reflect.Value) {
	if f.rng.IntN(10) < f.sparse {
		return
	}
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(f.time()))
		return
	case Number:
		v.Set(reflect.ValueOf(f.number()))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.rng.Uint64() >> f.rng.IntN(64)))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.rng.Uint64() >> f.rng.IntN(64))
	case reflect.String:
		v.SetString(f.text())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), f.rng.IntN(4), 4))
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range f.rng.IntN(4) {
			value := reflect.New(v.Type().Elem()).Elem()
			if value.Kind() == reflect.Pointer { // a map holds no nil
				value.Set(reflect.New(value.Type().Elem()))
				f.fill(value.Elem())
			} else {
				f.fill(value)
			}
			v.SetMapIndex(reflect.ValueOf(f.text()), value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				f.t.Fatalf("%s.%s would not be saved", v.Type(), v.Type().Field(i).Name)
			}
			f.fill(v.Field(i))
		}
	default:
		f.t.Fatalf("no values of type %s are made here", v.Type())
	}
}

// encodesAlike compares one random snapshot with what encoding/json makes of it,
// and what is read back with what was written.
func encodesAlike(t testing.TB, seed uint64) {
	for _, texts := range [][]string{validTexts, invalidTexts} {
		f := &filler{t: t, rng: rand.New(rand.NewPCG(seed, 0)), sparse: int(seed % 10), texts: texts}
		var s snapshot
		for i := range reflect.TypeFor[snapshot]().NumField() {
			f.fill(reflect.ValueOf(&s).Elem().Field(i))
		}
		want, err := json.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Fatalf("seed %d:\n got %s\nwant %s", seed, got, want)
		}
		var back snapshot
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("seed %d can not be read back: %v\n%s", seed, err, got)
		}
		again, err := back.encode()
		if err != nil {
			t.Fatal(err)
		}
		if len(texts) == len(validTexts) && string(again) != string(got) {
			t.Fatalf("seed %d, read back:\n got %s\nwant %s", seed, again, got)
		}
	}
}

// TestEncodeRandomSnapshots compares many snapshots, from full to nearly empty.
func TestEncodeRandomSnapshots(t *testing.T) {
	for seed := range uint64(2000) {
		encodesAlike(t, seed)
	}
}

// FuzzEncode goes on where TestEncodeRandomSnapshots ends.
func FuzzEncode(f *testing.F) {
	f.Add(uint64(0))
	f.Fuzz(func(t *testing.T, seed uint64) { encodesAlike(t, seed) })
}
