package prodsmart

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// maxDocument is how much of one record is read that can be written back: nothing
// of such a record may be lost, and a product has all its operations in it.
const maxDocument = 4 << 20

// Flag is a truth value that may not have been said.
type Flag uint8

// The values of a Flag.
const (
	Unsaid Flag = iota
	No
	Yes
)

// FlagOf makes a Flag of a truth value.
func FlagOf(yes bool) Flag {
	if yes {
		return Yes
	}
	return No
}

// Value is a parameter or custom field: a name and any JSON.
type Value struct {
	Name string
	// JSON is the value as it was written; empty if only the name is there.
	JSON json.RawMessage
}

// Original is what a record was read from, so that writing it back loses nothing
// that this package does not know. The zero Original is that of a record made
// here.
type Original struct {
	raw json.RawMessage
	// whole says that Get or Update answered with it. Lists, webhooks and change
	// channels leave fields out.
	whole bool
	// completed says that what Get leaves out of a record was added; see KeepListed.
	completed bool
	// zone is what times without one were taken for.
	zone *time.Location
}

// IsZero says that the record was made here.
func (o Original) IsZero() bool { return o.raw == nil }

// completedBy adds what another reading of the same record showed besides.
func (o Original) completedBy(other Original) Original {
	f := form{o: openDocument(o.raw, &notes{})}
	all := maps.Clone(f.o.fields)
	for name, raw := range openDocument(other.raw, &notes{}).fields {
		if _, there := f.spelled(name); !there && all != nil {
			all[name] = raw
		}
	}
	return Original{raw: encoded(all), whole: o.whole, completed: true, zone: o.zone}
}

// writing is what a record is written for. Some fields differ.
type writing uint8

const (
	reading writing = iota
	toCreate
	toUpdate
)

// form goes through the fields of a record, to read or to write them, so that each
// field is described once. What is written keeps everything as it was read that
// did not change, unknown fields included.
type form struct {
	purpose writing
	o       object
	// out is what is written: at first all that was read.
	out map[string]json.RawMessage
}

// document is a record that is described by a form.
type document[T any] interface {
	*T
	form(f *form)
	original() *Original
	unread(list []string)
}

// decodeDocument reads a record. One that can not be read has only Unread.
func decodeDocument[T any, D document[T]](raw json.RawMessage, n *notes) T {
	var t T
	f := form{o: openDocument(raw, n)}
	d := D(&t)
	d.form(&f)
	*d.original() = Original{raw: bytes.Clone(raw), zone: n.zone}
	d.unread(n.list)
	return t
}

func openDocument(raw json.RawMessage, n *notes) object {
	o := object{notes: n, similar: map[string]string{}}
	if !isKind(raw, '{') || len(raw) > maxDocument || json.Unmarshal(raw, &o.fields) != nil {
		n.add("record", raw, "no record")
		return object{notes: n}
	}
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		if plain := plainName(name); o.similar[plain] == "" {
			o.similar[plain] = name
		}
	}
	return o
}

// encodeDocument writes a record: what it was read from with what changed.
func encodeDocument[T any, D document[T]](t T, purpose writing) json.RawMessage {
	d := D(&t)
	f := form{purpose: purpose, o: object{notes: &notes{zone: time.UTC}}, out: map[string]json.RawMessage{}}
	if !d.original().IsZero() {
		if zone := d.original().zone; zone != nil {
			f.o.notes.zone = zone
		}
		f.o = openDocument(d.original().raw, f.o.notes)
		f.out = maps.Clone(f.o.fields)
		if f.out == nil {
			f.out = map[string]json.RawMessage{}
		}
	}
	d.form(&f)
	return encoded(f.out)
}

// encoded is the JSON of a value that always has one.
func encoded(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// spelled is the name under which a field was read, or the documented one.
func (f *form) spelled(name string) (string, bool) {
	if _, there := f.o.fields[name]; there {
		return name, true
	}
	if similar := f.o.similar[plainName(name)]; similar != "" {
		return similar, true
	}
	return name, false
}

// drop keeps a field from being written.
func (f *form) drop(names ...string) {
	for _, name := range names {
		name, _ = f.spelled(name)
		delete(f.out, name)
	}
}

// kind is how values of a type are read and written.
type kind[T any] struct {
	read func(o object, name string) T
	// write gives the JSON; empty is what is written if there was something and
	// nothing is left of it.
	write func(T) json.RawMessage
	empty string
	same  func(a, b T) bool
}

// field reads a field, or writes it if it is not what was read.
func field[T any](f *form, name string, p *T, k kind[T]) {
	if f.purpose == reading {
		*p = k.read(f.o, name)
		return
	}
	name, there := f.spelled(name)
	was := k.read(object{fields: f.o.fields, similar: f.o.similar, notes: &notes{zone: f.o.notes.zone}}, name)
	if there && k.same(was, *p) {
		return
	}
	f.set(name, there, k.write(*p), k.empty)
}

// set writes a field anew.
func (f *form) set(name string, there bool, value json.RawMessage, empty string) {
	switch {
	case value != nil:
		f.out[name] = value
	case there:
		f.out[name] = json.RawMessage(empty)
	default:
		delete(f.out, name)
	}
}

func equal[T comparable](a, b T) bool { return a == b }

func (f *form) id(p *int64) {
	field(f, "id", p, kind[int64]{
		read: func(o object, _ string) int64 { return o.id() },
		write: func(n int64) json.RawMessage {
			if n == 0 {
				return nil
			}
			return encoded(n)
		}, empty: "null", same: equal[int64],
	})
}

func (f *form) text(name string, p *string) {
	field(f, name, p, kind[string]{read: func(o object, name string) string { return o.text(name) }, write: textJSON, empty: `""`, same: equal[string]})
}

func textJSON(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return encoded(s)
}

func (f *form) number(name string, p *Decimal) {
	f.numberAs(name, p, func(d Decimal) json.RawMessage { return json.RawMessage(d.String()) })
}

// quotedNumber is a number that is written as a text.
func (f *form) quotedNumber(name string, p *Decimal) {
	f.numberAs(name, p, func(d Decimal) json.RawMessage { return encoded(d.String()) })
}

func (f *form) numberAs(name string, p *Decimal, write func(Decimal) json.RawMessage) {
	field(f, name, p, kind[Decimal]{
		read: func(o object, name string) Decimal { return o.decimal(name) },
		write: func(d Decimal) json.RawMessage {
			if d.IsZero() {
				return nil
			}
			return write(d)
		}, empty: "null", same: equal[Decimal],
	})
}

func (f *form) flag(name string, p *Flag) {
	field(f, name, p, kind[Flag]{
		read: func(o object, name string) Flag {
			switch value, stated, _ := o.truth(name); {
			case !stated:
				return Unsaid
			default:
				return FlagOf(value)
			}
		},
		write: func(v Flag) json.RawMessage {
			if v == Unsaid {
				return nil
			}
			return encoded(v == Yes)
		}, empty: "null", same: equal[Flag],
	})
}

func (f *form) moment(name string, p *time.Time) {
	read := func(o object, name string) time.Time {
		t, _ := o.moment(name)
		return t
	}
	if f.purpose != reading {
		spelled, there := f.spelled(name)
		was := read(object{fields: f.o.fields, similar: f.o.similar, notes: &notes{zone: f.o.notes.zone}}, name)
		if there && !was.IsZero() && was.Equal(*p) {
			// Times leave in UTC with Z, also where they came in another form.
			f.out[spelled] = encoded(was.UTC().Format(time.RFC3339Nano))
			return
		}
	}
	field(f, name, p, kind[time.Time]{
		read:  read,
		write: momentJSON, empty: "null", same: time.Time.Equal,
	})
}

// momentJSON is a time in UTC to the second, with Z: what a time without a zone
// means depends on the company.
func momentJSON(t time.Time) json.RawMessage {
	if t.IsZero() {
		return nil
	}
	return encoded(t.UTC().Truncate(time.Second).Format(time.RFC3339))
}

// reference is an object with a code.
func (f *form) reference(name string, p *Reference) {
	f.referenceAs(name, p, func(r Reference) json.RawMessage { return encoded(map[string]string{"code": r.Code}) })
}

// spellOut writes a reference as an object that lists show as a bare code.
func (f *form) spellOut(name string, r Reference) {
	name, there := f.spelled(name)
	if f.purpose != reading && there && r.Code != "" && isKind(f.out[name], '"') {
		f.out[name] = encoded(map[string]string{"code": r.Code})
	}
}

// code is a reference that is written as the bare code, whatever it was read as.
func (f *form) code(name string, p *Reference) {
	f.referenceAs(name, p, func(r Reference) json.RawMessage { return encoded(r.Code) })
	if name, there := f.spelled(name); f.purpose != reading && there && isKind(f.out[name], '{') {
		f.set(name, true, textJSON(p.Code), `""`)
	}
}

func (f *form) referenceAs(name string, p *Reference, write func(Reference) json.RawMessage) {
	field(f, name, p, kind[Reference]{
		read: func(o object, name string) Reference { return o.reference(name) },
		write: func(r Reference) json.RawMessage {
			if r.Code == "" {
				return nil
			}
			return write(r)
		}, empty: `""`, same: func(a, b Reference) bool { return a.Code == b.Code },
	})
}

// compacted is JSON as encoded writes it: keys in order, no blanks.
func compacted(raw json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return raw
	}
	return encoded(fields)
}
