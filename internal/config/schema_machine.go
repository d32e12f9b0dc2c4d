package config

// tagFields are the keys of whatever is read from a device.
func tagFields() []*field {
	return []*field{
		{key: "tag", kind: kindAddress, doc: "address in the device's own notation"},
		{key: "connection", kind: kindText, doc: "name of the connection; without it the machine's"},
		{key: "type", kind: kindText, doc: "data type, such as uint32; without it the address's own"},
		{key: "order", kind: kindText, allowed: []string{"ABCD", "CDAB", "BADC", "DCBA"}, doc: "byte order of values longer than one register"},
		{key: "length", kind: kindInt, min: "1", max: "125", doc: "registers of a string"},
		{key: "bit", kind: kindInt, min: "0", max: "63", doc: "one bit of a number, 0 being the least significant"},
		{key: "path", kind: kindAddress, doc: "member of a JSON payload, such as a.b or list[0].n"},
		{key: "every", kind: kindDuration, min: "20ms", max: "24h", doc: "sampling period; without it the connection's"},
	}
}

func withTag(fields ...*field) []*field { return append(tagFields(), fields...) }

func tagObject(name string) *object {
	return &object{name: name, short: "tag", fields: tagFields()}
}

func machineObject() *object {
	return &object{name: "a machine", fields: []*field{
		{key: "use", kind: kindText, doc: "name of a template; its parameters then stand beside this key, and any other key replaces the template's"},
		{key: "name", kind: kindText, doc: "name for people"},
		{key: "line", kind: kindText, doc: "line or hall, to group machines on the board"},
		{key: "was", kind: kindText, doc: "code under which the machine was counted before, so that its totals go on"},
		{key: "connection", kind: kindText, doc: "connection of all tags that name none; not needed if there is only one"},
		{key: "count", kind: kindObject, sub: countObject(), doc: "the part counter"},
		{key: "waste", kind: kindMap, sub: wasteObject(), named: "waste codes", doc: "the waste counters, by waste code in Prodsmart"},
		{key: "state", kind: kindObject, sub: stateObject(), doc: "how running and standing are told apart"},
		{key: "reason", kind: kindObjects, sub: reasonObject(), doc: "fault codes and their downtime types, in order of priority"},
		{key: "default_type", kind: kindText, def: "UNSPEC", doc: "downtime type of a stop without a known reason"},
		{key: "reset_evidence", kind: kindAny, sub: tagObject("reset_evidence"), doc: "tags whose change proves that counters may have been reset: a job number, a boot counter"},
		{key: "order", kind: kindObject, sub: tagObject("order"), doc: "tag that names the order or job that runs, a text or a number; an empty text and 0 mean none. It may be listed in reset_evidence as well"},
		{key: "online", kind: kindObject, sub: onlineObject(), doc: "tag that says whether the device is alive, such as a last-will topic"},
		{key: "parameters", kind: kindMap, sub: parameterObject(), named: "parameter names", doc: "process values, by their name in Prodsmart"},
		{key: "ideal_cycle", kind: kindDuration, min: "1ms", max: "24h", doc: "planned time for one raw count"},
		{key: "comm_timeout", kind: kindDuration, def: "60s", min: "0s", max: "24h", doc: "how long missing values are borne before the state is unknown"},
		{key: "report_every", kind: kindDuration, min: "1s", max: "24h", doc: "how often a changed count is told; without it prodsmart.report_every"},
		{key: "freshness", kind: kindNumber, def: "1", min: "0.01", max: "100", doc: "weight against other machines while all ask for more than the budget: with 2 it is told twice as often as with 1"},
		{key: "report", kind: kindBool, def: "true", doc: "false reads the machine and tells Prodsmart nothing of it"},
	}}
}

func templateObject(machine *object) *object {
	o := &object{name: "a template", fields: []*field{
		{key: "params", kind: kindParams, doc: "parameters by name: int, number, string or bool, or {int: 2} with a default"},
	}}
	for _, f := range machine.fields {
		if f.key != "use" && f.key != "was" {
			o.fields = append(o.fields, f)
		}
	}
	return o
}

func counterFields() []*field {
	return withTag(
		&field{key: "scale", kind: kindNumber, def: "1", doc: "pieces for one raw unit: 4, 0.5 or 1/12"},
		&field{key: "scale_tag", kind: kindObject, sub: tagObject("scale_tag"), doc: "tag with a factor that is multiplied with scale, such as the active cavities"},
		&field{key: "wraps_at", kind: kindNumber, min: "2", doc: "the first value the counter never shows because it begins again at 0: 65536 for 16 bits"},
		&field{key: "resets", kind: kindBool, def: "false", doc: "true if people or programs set the counter back"},
		&field{key: "reset_to", kind: kindNumber, def: "0", doc: "value after a reset"},
		&field{key: "max_rate", kind: kindRate, doc: "physical peak in raw units; without it 3 in an ideal_cycle, else 10/s"},
		&field{key: "nominal_rate", kind: kindRate, doc: "usual rate in raw units; without it 1 in an ideal_cycle, else a third of max_rate"},
		&field{key: "burst", kind: kindNumber, def: "2", min: "0", doc: "raw units that may come besides max_rate"},
		&field{key: "confirm_up", kind: kindInt, def: "3", min: "1", max: "1000", doc: "samples after which an unexpected high value is believed"},
		&field{key: "confirm_down", kind: kindInt, def: "2", min: "1", max: "1000", doc: "samples after which a reset is believed"},
		&field{key: "confirm_time", kind: kindDuration, def: "3s", min: "0s", max: "10m", doc: "time after which an unexpected value is believed"},
		&field{key: "backstep", kind: kindNumber, def: "0", min: "0", doc: "largest fall that is a correction only, in raw units"},
		&field{key: "on_jump", kind: kindText, def: "rebase", allowed: []string{"rebase", "accept"}, doc: "what an impossible step up adds: nothing, or all of it once confirmed"},
		&field{key: "max_gap", kind: kindDuration, min: "1s", max: "24h", doc: "longest time between two values without doubt; without it a third of the time to wrap, at most 24h"},
		&field{key: "pulse", kind: kindText, allowed: []string{"edge", "message"}, doc: "edge counts each change of a bit to true, message each message"},
		&field{key: "min_cycle", kind: kindDuration, def: "0s", min: "0s", max: "1h", doc: "shortest time between two pulses; closer ones are bounces"},
		&field{key: "latch", kind: kindObject, sub: tagObject("latch"), doc: "tag that holds the final value of the run before a reset"},
		&field{key: "allow_uncertain", kind: kindBool, def: "false", doc: "true lets values of uncertain quality count"},
		&field{key: "initial_total", kind: kindNumber, def: "0", min: "0", doc: "pieces told at first contact"},
	)
}

func minusField() *field {
	return &field{key: "minus", kind: kindObject,
		sub: &object{name: "minus", short: "tag", fields: counterFields()},
		doc: "a second counter that is taken away from this one: infeed minus outfeed"}
}

func countObject() *object {
	return &object{name: "count", short: "tag", fields: append(counterFields(), minusField(),
		&field{key: "is", kind: kindText, allowed: []string{"good", "total"}, doc: "what the device counts: good pieces, or all pieces with the rejects"})}
}

func wasteObject() *object {
	return &object{name: "waste", short: "tag", fields: append(counterFields(), minusField())}
}

func stateObject() *object {
	return &object{name: "state", fields: withTag(
		&field{key: "running", kind: kindScalars, doc: "values that mean running"},
		&field{key: "stopped", kind: kindScalarsTypes, doc: "values that mean standing, or such values by downtime type"},
		&field{key: "setup", kind: kindTypes, doc: "values that mean setting up, by downtime type"},
		&field{key: "planned", kind: kindTypes, doc: "values that mean a planned stop, by downtime type"},
		&field{key: "unknown", kind: kindScalars, doc: "values that say nothing"},
		&field{key: "otherwise", kind: kindText, allowed: []string{"stopped", "running", "unknown"}, doc: "what all other values mean; without it stopped, with packml unknown"},
		&field{key: "packml", kind: kindText, allowed: []string{"packtags", "opc30060"}, doc: "meaning of PackML states by name and by the numbers of PackTags (Execute is 6) or of OPC 30060 (Execute is 4)"},
		&field{key: "inputs", kind: kindMap, sub: tagObject("inputs"), named: "names", doc: "tags for running_when and stopped_when, by name"},
		&field{key: "running_when", kind: kindAddress, doc: "condition over inputs, such as 'power > 2'"},
		&field{key: "stopped_when", kind: kindAddress, doc: "condition that ends running; between the two the state stays"},
		&field{key: "idle_after", kind: kindDuration, min: "1s", max: "24h", doc: "time without a count after which the machine stands"},
		&field{key: "stop_after", kind: kindDuration, def: "60s", min: "0s", max: "24h", doc: "how long it must stand before a downtime begins; 0s if idle_after is all there is"},
		&field{key: "run_after", kind: kindDuration, def: "5s", min: "0s", max: "24h", doc: "how long it must run before a downtime ends; 0s if idle_after is all there is"},
		&field{key: "run_counts", kind: kindInt, def: "0", min: "0", max: "1000000", doc: "raw counts it must make besides before a downtime ends"},
		&field{key: "split_reasons", kind: kindBool, def: "false", doc: "true begins another downtime when the reason changes"},
	)}
}

func reasonObject() *object {
	return &object{name: "reason", fields: withTag(
		&field{key: "types", kind: kindCodes, doc: "downtime type by fault code"},
		&field{key: "bits", kind: kindCodes, doc: "downtime type by bit of an alarm word"},
		&field{key: "operator", kind: kindBool, def: "false", doc: "true if a person enters the reason"},
		&field{key: "default", kind: kindText, doc: "the machine's default_type"},
	)}
}

func onlineObject() *object {
	return &object{name: "online", short: "tag", fields: withTag(
		&field{key: "is", kind: kindScalars, doc: "values that mean alive; without it true, 1, online, Online and ONLINE"},
	)}
}

func parameterObject() *object {
	fields := withTag(
		&field{key: "code", kind: kindText, doc: "code in Prodsmart; without it the name"},
		&field{key: "deadband", kind: kindNumber, def: "0", min: "0", doc: "smallest difference worth telling, in scaled units"},
		&field{key: "scale", kind: kindNumber, def: "1", doc: "factor for numbers"},
	)
	for _, f := range fields {
		if f.key == "every" {
			f.def, f.min, f.doc = "60s", "1s", "shortest time between two values told"
		}
	}
	return &object{name: "parameters", short: "tag", fields: fields}
}
