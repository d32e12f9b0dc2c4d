package config

import "fmt"

// kind is what a value of the configuration may be.
type kind uint8

const (
	kindText         kind = iota // one line of text
	kindAddress                  // one line of text for a connector to understand
	kindBool                     // true or false
	kindInt                      // a whole number between min and max
	kindNumber                   // an exact number between min and max
	kindShare                    // a part of a whole: 1/2, 0.5, 50%
	kindDuration                 // 500ms, 60s, 5m, 24h, 90d
	kindRate                     // 1/s, 5/min, 1200/h
	kindSize                     // 200MB
	kindSecret                   // a reference to a secret
	kindUser                     // a text, or a reference to a secret
	kindTexts                    // one text or a list of texts
	kindScalars                  // one value or a list of values, as a device gives them
	kindObject                   // a map of the keys of sub
	kindObjects                  // one such map or a list of them
	kindMap                      // a map of free names to sub
	kindCodes                    // a map of device codes to texts
	kindTypes                    // a map of downtime types to values
	kindScalarsTypes             // kindScalars or kindTypes
	kindParams                   // the parameters of a template
	kindNames                    // a map of free names to single values
	kindAny                      // read by a later step
)

// field is one key: the one place where its default, its limits and its
// explanation stand. The checks, the JSON schema and the reference page are
// made from it.
type field struct {
	key  string
	kind kind
	// def is the default as it would be written; "" for none.
	def string
	// allowed lists the texts allowed; empty allows all.
	allowed []string
	// min and max bound numbers, durations and rates, written as values are.
	min, max string
	required bool
	// sub describes the object, or the objects in a list or map.
	sub *object
	// named says what the free names of a map are, for messages.
	named string
	doc   string

	// lower, upper and standard are min, max and def, parsed.
	lower, upper, standard value
}

// object is a map with known keys.
type object struct {
	name   string
	fields []*field
	// short is the key that a plain value instead of the map stands for.
	short string
	index map[string]*field
}

func (o *object) keys() []string {
	keys := make([]string, len(o.fields))
	for i, f := range o.fields {
		keys[i] = f.key
	}
	return keys
}

// schema is the whole language of the configuration.
type schema struct {
	root *object
	// part is what an included file may hold.
	part *object
	// machine and template share their keys.
	machine, template *object
	kinds             map[string]*object // of connections
	connectionKinds   []string
	source            *object
}

// newSchema builds the tables and parses their defaults. An error is a mistake
// in the tables.
func newSchema() (*schema, error) {
	s := &schema{}
	s.kinds = map[string]*object{"opcua": opcuaObject(), "modbus": modbusObject(), "mqtt": mqttObject()}
	s.connectionKinds = []string{"opcua", "modbus", "mqtt"}
	s.machine = machineObject()
	s.template = templateObject(s.machine)
	s.root = rootObject(s.machine, s.template)
	s.part = partObject(s.root)
	all := []*object{s.root, s.part, s.machine, s.template}
	for _, name := range s.connectionKinds {
		all = append(all, s.kinds[name])
	}
	done := map[*object]bool{}
	for _, o := range all {
		if err := o.prepare(done); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (o *object) prepare(done map[*object]bool) error {
	if o == nil || done[o] {
		return nil
	}
	done[o] = true
	o.index = make(map[string]*field, len(o.fields))
	for _, f := range o.fields {
		o.index[f.key] = f
		for _, text := range []struct {
			written string
			to      *value
		}{{f.min, &f.lower}, {f.max, &f.upper}, {f.def, &f.standard}} {
			if text.written == "" {
				continue
			}
			v, problem := parseScalar(f.kind, &node{text: text.written, tag: "!!str"})
			if problem != "" {
				return fmt.Errorf("schema: %s.%s: %q: %s", o.name, f.key, text.written, problem)
			}
			*text.to = v
		}
		if err := f.sub.prepare(done); err != nil {
			return err
		}
	}
	return nil
}
