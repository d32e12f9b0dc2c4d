package prodsmart

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// entries is a list of which each entry is read and written by itself.
func entries[T any](f *form, name string, p *[]T, read func(json.RawMessage, *notes) T, write func(T) json.RawMessage, same func(a, b T) bool) {
	field(f, name, p, kind[[]T]{
		read: func(o object, name string) []T {
			var list []T
			for _, raw := range o.whole(name) {
				list = append(list, read(raw, o.notes))
			}
			return list
		},
		write: func(list []T) json.RawMessage {
			if len(list) == 0 {
				return nil
			}
			var out []json.RawMessage
			for _, item := range list {
				out = append(out, write(item))
			}
			return encoded(out)
		}, empty: "[]", same: func(a, b []T) bool { return slices.EqualFunc(a, b, same) },
	})
}

// whole is list without its bound on entries, which would lose some of a record that
// is written back.
func (o object) whole(name string) []json.RawMessage {
	name, raw := o.get(name)
	if raw == nil {
		return nil
	}
	if !isKind(raw, '[') {
		return []json.RawMessage{raw}
	}
	items, err := arrayItems(raw, maxItems)
	if err != nil {
		o.notes.add(name, raw, err.Error())
	}
	return slices.DeleteFunc(items, func(item json.RawMessage) bool { return isNothing(item) })
}

// references is a list of objects with a code.
func (f *form) references(name string, p *[]Reference) {
	entries(f, name, p, func(raw json.RawMessage, n *notes) Reference { return referenceOf(name, raw, n) },
		func(r Reference) json.RawMessage { return encoded(map[string]string{"code": r.Code}) },
		func(a, b Reference) bool { return a.Code == b.Code })
}

// workers is a list of objects with a number.
func (f *form) workers(name string, p *[]Worker) {
	entries(f, name, p, func(raw json.RawMessage, n *notes) Worker { return workerOf(name, raw, n) },
		func(w Worker) json.RawMessage { return encoded(map[string]json.RawMessage{"number": workerNumber(w)}) },
		func(a, b Worker) bool { return a.Number == b.Number })
}

// workerNumber is a number as a rule.
func workerNumber(w Worker) json.RawMessage {
	if whole(w.Number) != nil {
		return json.RawMessage(w.Number)
	}
	return encoded(w.Number)
}

// values are parameters or custom fields. pairs writes them as a name and a value,
// else the name is the key of the value.
func (f *form) values(name string, p *[]Value, pairs bool) {
	entries(f, name, p, readValue, func(v Value) json.RawMessage {
		value := v.JSON
		if len(value) == 0 {
			return encoded(map[string]string{"name": v.Name})
		}
		if pairs {
			return encoded(map[string]json.RawMessage{"name": encoded(v.Name), "value": value})
		}
		return encoded(map[string]json.RawMessage{v.Name: value})
	}, func(a, b Value) bool { return a.Name == b.Name && bytes.Equal(a.JSON, b.JSON) })
}

// readValue reads a name and a value, or a value whose key is the name.
func readValue(raw json.RawMessage, n *notes) Value {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		n.add("value", raw, "no name with a value")
		return Value{}
	}
	if name, named := fields["name"]; named {
		text, _ := scalar(name)
		return Value{Name: text, JSON: fields["value"]}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		return Value{Name: name, JSON: fields[name]}
	}
	return Value{}
}

// documents is a list of records in a record.
func documents[T any, D document[T]](f *form, name string, p *[]T) {
	purpose := f.purpose
	entries(f, name, p, func(raw json.RawMessage, n *notes) T {
		inner := notes{zone: n.zone}
		t := decodeDocument[T, D](raw, &inner)
		n.list = append(n.list, inner.list[:min(len(inner.list), max(0, maxNotes-len(n.list)))]...)
		return t
	}, func(t T) json.RawMessage { return encodeDocument[T, D](t, purpose) },
		func(a, b T) bool {
			// An entry that is written otherwise than it was read is another one.
			return bytes.Equal(encodeDocument[T, D](a, purpose), encodeDocument[T, D](b, purpose)) &&
				bytes.Equal(encodeDocument[T, D](a, purpose), compacted(D(&a).original().raw))
		})
}
