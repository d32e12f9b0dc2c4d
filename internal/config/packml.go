package config

import (
	"strconv"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// packmlStates gives the names of the PackML states by number. The two
// numberings share the names and disagree in nearly every number.
func packmlStates(dialect string) []string {
	if dialect == "opc30060" {
		return []string{"Stopped", "Starting", "Idle", "Suspended", "Execute", "Stopping", "Aborting", "Aborted",
			"Holding", "Held", "Unholding", "Suspending", "Unsuspending", "Resetting", "Completing", "Complete", "Clearing"}
	}
	return []string{"", "Clearing", "Stopped", "Starting", "Idle", "Suspended", "Execute", "Stopping", "Aborting", "Aborted",
		"Holding", "Held", "Unholding", "Suspending", "Unsuspending", "Resetting", "Completing", "Complete"}
}

// packml fills in what is not given: Execute and Completing are running, all
// other states of the table are stopped. Values given besides, to name setup
// states for instance, must be of the same numbering.
func (b *builder) packml(v *view, m *meaning) {
	dialect := v.text("packml")
	if v.has("running") {
		b.l.badKey(v.at("running"), "packml already says that Execute means running; two numberings would be mixed: remove running, or packml")
		return
	}
	names := packmlStates(dialect)
	texts := map[string]mapping.Canonical{}
	for number, name := range names {
		if name == "" {
			continue
		}
		state := mapping.Stopped
		if name == "Execute" || name == "Completing" {
			state = mapping.Running
		}
		for _, text := range []string{strconv.Itoa(number), name, strings.ToUpper(name), strings.ToLower(name)} {
			texts[text] = state
		}
	}
	for _, text := range sortedKeys(m.given) {
		state, known := texts[text]
		switch {
		case !known:
			b.l.bad(m.given[text], quote(text)+" is no state of the PackML numbering "+dialect+"; its numbers are "+firstNumber(names)+" to "+strconv.Itoa(len(names)-1)+didYouMean(text, names[1:]))
		case state == mapping.Running:
			b.l.bad(m.given[text], quote(text)+" is Execute or Completing in the PackML numbering "+dialect+" and means running; the other numbering may be meant")
		}
	}
	for text, state := range texts {
		if m.given[text] == nil {
			m.values[text] = mapping.StateValue{State: state}
		}
	}
	// A number given a meaning gives it to the name too, and the other way round.
	for number, name := range names {
		for _, text := range []string{strconv.Itoa(number), name} {
			if name == "" || m.given[text] == nil {
				continue
			}
			for _, twin := range []string{strconv.Itoa(number), name, strings.ToUpper(name), strings.ToLower(name)} {
				if m.given[twin] == nil {
					m.values[twin] = m.values[text]
				}
			}
		}
	}
}

func firstNumber(names []string) string {
	if names[0] == "" {
		return "1"
	}
	return "0"
}
