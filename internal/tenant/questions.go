package tenant

import "slices"

// question is one of the open questions of the documentation, with the answers
// that there may be.
type question struct {
	name, title string
	answers     map[string]answer
}

// answer is what an answer means for a plant.
type answer struct{ meaning, setting string }

// questions are all, in the order in which they are listed if they stay open.
func questions() []question {
	return slices.Concat(counterQuestions(), otherQuestions(), stopQuestions(), filterQuestions(), tellingQuestions(), formQuestions())
}

func counterQuestions() []question {
	return []question{
		{"first_count", "What becomes of the first count of a machine?", map[string]answer{
			"delta_from_zero": {meaning: "All of it is booked as production: give machines that have counted before an initial base, so that the first post is small."},
			"baseline":        {meaning: "It is where counting begins; nothing is booked."},
		}},
		{"counter_answer", "What does the counter service answer?", map[string]answer{
			"number": {meaning: "The counter: other writers on a machine are noticed."},
			"object": {meaning: "An object with the counter: other writers on a machine are noticed."},
			"empty":  {meaning: "Nothing: another writer on a machine is only noticed by the comparison with Prodsmart's lists."},
		}},
		{"ratio", "Is a count one piece?", map[string]answer{
			"raw":    {meaning: "Each count is a piece."},
			"scaled": {meaning: "The operation's ratio multiplies the count; do not multiply in the mapping as well."},
		}},
		{"equal_count", "Is a count taken that is the one before?", map[string]answer{
			"reject_400":  {meaning: "No: a repeated count proves that the first one was applied. The first count of 0 of a machine is refused as well, which is no error.", setting: "first_zero: skip"},
			"accept_noop": {meaning: "Yes, without effect: repeating is harmless."},
		}},
		{"lower_count", "Is a count taken that is below the one before?", map[string]answer{
			"reject_400":      {meaning: "No."},
			"accept_as_reset": {meaning: "Yes, as the first count after a reset: a second program that posts to a machine books its whole counter again and again. Make sure that this gateway is the only writer."},
			"ignore_200":      {meaning: "It is accepted and ignored: lost posts do not show in answers."},
		}},
		{"stale_answer", "What is answered to a count that is ignored?", map[string]answer{
			"stored": {meaning: "The counter that holds."},
			"sent":   {meaning: "What was sent."},
		}},
		{"missing_count", "Is a counter post taken that has no count?", map[string]answer{
			"reject_400": {meaning: "No."}, "accept": {meaning: "Yes."},
		}},
		{"number_form", "Is a count taken that is a text?", map[string]answer{
			"reject_400": {meaning: "No."}, "accept": {meaning: "Yes."},
		}},
		{"fractional_count", "Is a count with a fraction taken?", map[string]answer{
			"reject_400": {meaning: "No."}, "accept": {meaning: "Yes, with the fraction."}, "truncate": {meaning: "Yes, without the fraction."},
		}},
		{"unknown_parameter", "Is a count taken with a parameter that nobody knows?", map[string]answer{
			"reject_400": {meaning: "No: one misspelt parameter keeps a count back until it is sent alone, which the gateway does by itself."},
			"accept":     {meaning: "Yes: a misspelt parameter is not noticed."},
		}},
		{"boolean_value", "Is true taken as the value of a parameter?", map[string]answer{
			"reject_400": {meaning: "No: map signals to texts or numbers."}, "accept": {meaning: "Yes."},
		}},
		{"waste_in", "Is waste part of the count?", map[string]answer{
			"excluded": {meaning: "No: the count is the good pieces.", setting: "count_is: good"},
			"included": {meaning: "Yes: good pieces are the count without the waste.", setting: "count_is: total"},
		}},
		{"absent_waste", "Is a count taken without a waste code that was told before?", map[string]answer{
			"unchanged":  {meaning: "Yes: only waste that grew needs to be told."},
			"reject_400": {meaning: "No: all waste codes must be in each post.", setting: "waste: all"},
		}},
		{"equal_waste", "Is waste taken that did not grow, while the count did?", map[string]answer{
			"reject_400": {meaning: "No: only waste that grew may be told."}, "accept": {meaning: "Yes."},
		}},
		{"waste_only", "Is waste taken that grew while the count did not?", map[string]answer{
			"reject_400": {meaning: "No: waste waits for the next good piece.", setting: "waste_only: hold"},
			"accept":     {meaning: "Yes: it can be told at once.", setting: "waste_only: send"},
		}},
		{"unknown_waste", "Is a count taken with a waste code that nobody knows?", map[string]answer{
			"reject_400": {meaning: "No: it is told without, and the code is named."},
			"ignore":     {meaning: "Yes, and the waste is lost: check the codes in the mapping."},
			"create":     {meaning: "Yes, and the code is created: check the codes in the mapping."},
		}},
		{"several_productions", "Who gets the pieces if several records are open?", map[string]answer{
			"first": {meaning: "The first."}, "split_evenly": {meaning: "Each its part."}, "all": {meaning: "Each all of them: pieces are counted several times."},
		}},
		{"no_production", "Is a count taken while no record is open?", map[string]answer{
			"store_and_200":        {meaning: "Yes, and its pieces are on no record: workers must begin before the machine does."},
			"credit_on_next_start": {meaning: "Yes, and the next record gets its pieces."},
			"reject_400":           {meaning: "No: it is refused until a worker begins, and then told at once or within refused_retry."},
		}},
		{"counter_scope", "Does a new record begin a new counter?", map[string]answer{
			"machine_lifetime":          {meaning: "No: the counter goes on."},
			"reset_on_production_start": {meaning: "Yes: the whole count is booked again on each record. Talk to the vendor before going live; this gateway tells totals."},
		}},
	}
}

func otherQuestions() []question {
	return []question{
		{"unknown_machine", "What is answered to a machine that does not exist?", map[string]answer{
			"404": {meaning: "404."}, "400": {meaning: "400, as to a wrong value."}, "other": {meaning: "Something else: a misspelt machine code may not be noticed."},
		}},
		{"unknown_code", "Is a parameter taken alone whose code nobody knows?", map[string]answer{
			"reject_400": {meaning: "No."}, "accept": {meaning: "Yes: a misspelt code is not noticed."},
		}},
		{"name_alias", "Does the parameters service know parameters by name as well?", map[string]answer{
			"false": {meaning: "No: it needs the code."}, "true": {meaning: "Yes."},
		}},
		{"parameters_idle", "Are parameters taken while no record is open?", map[string]answer{
			"reject_400": {meaning: "No: they wait until a worker begins."}, "accept": {meaning: "Yes; whether they are kept does not show."},
		}},
		{"mount", "Is the interface also below the other prefix of paths?", map[string]answer{
			"both": {meaning: "Yes."}, "one": {meaning: "No."},
		}},
		{"new_token", "What becomes of a token when another one is asked for?", map[string]answer{
			"coexist": {meaning: "It stays: several programs can use the same key."},
			"rotate":  {meaning: "It ends: programs with the same key turn each other out again and again. Give each its own key, and keep auth: basic here.", setting: "auth: basic"},
			"same":    {meaning: "It is the same again."},
		}},
		{"bad_token", "What is answered to a token that ended?", map[string]answer{
			"401": {meaning: "401."}, "403": {meaning: "403."}, "400": {meaning: "400, as to a wrong value: with auth: token a refusal costs one more request.", setting: "auth: basic"},
		}},
		{"no_token", "What is answered to who asks for the token that there is, if there is none?", map[string]answer{
			"404": {meaning: "404."}, "400": {meaning: "400."}, "create": {meaning: "A new one."},
		}},
		{"order_code", "May two production orders have the same code?", map[string]answer{
			"duplicates": {meaning: "Yes: whoever makes orders must look before making one again."}, "unique_400": {meaning: "No."},
		}},
		{"order_put", "What becomes of the fields of a production order that a PUT does not name?", map[string]answer{
			"replace": {meaning: "They are cleared: an order must be read, changed and written as a whole, as this program does."}, "merge": {meaning: "They stay."},
		}},
		{"unknown_order", "What is answered to an order that does not exist?", map[string]answer{
			"404": {meaning: "404."}, "400": {meaning: "400, as to a wrong value."},
		}},
		{"order_references", "Is an order taken that names a machine that does not exist?", map[string]answer{
			"reject_400": {meaning: "No."}, "accept": {meaning: "Yes: a misspelt code is not noticed."},
		}},
		{"known_filter", "Do the lists filter by time?", map[string]answer{
			"apply": {meaning: "Yes."}, "ignore": {meaning: "No: comparisons read more than they need. Set reconcile: {every: 1h} if that takes too much of the budget."},
		}},
		{"page_beyond", "What is on a page behind the last one?", map[string]answer{
			"empty": {meaning: "Nothing."}, "repeat_last": {meaning: "The last page again."},
		}},
		{"list_order", "In which order are lists?", map[string]answer{
			"oldest_first": {meaning: "The oldest first."}, "newest_first": {meaning: "The newest first."},
		}},
	}
}

func stopQuestions() []question {
	return []question{
		{"unknown_type", "Is a stop taken with a type that the machine does not have?", map[string]answer{
			"reject_400": {meaning: "No: a wrong type is noticed."},
			"ignore_200": {meaning: "It is accepted and lost: check each type by one stop."},
			"taken":      {meaning: "Yes, as a downtime of its own."},
		}},
		{"type_key", "Is the type of a stop the text that lists show?", map[string]answer{
			"name": {meaning: "Yes."}, "code": {meaning: "No, lists show another text: write types here as you did for this test."},
		}},
		{"repeated_stop", "What does a second stop of the same type do?", map[string]answer{
			"noop_200":     {meaning: "Nothing: a stop whose answer was lost can be repeated.", setting: "repeat_stop: true"},
			"reject_400":   {meaning: "It is refused: which shows that the first one was applied.", setting: "repeat_stop: true"},
			"new_downtime": {meaning: "It begins a second downtime: a stop whose answer was lost must not be repeated.", setting: "repeat_stop: false"},
		}},
		{"other_stop", "What does a stop of another type do?", map[string]answer{
			"close_and_open": {meaning: "It ends the first one and begins another."},
			"reclassify":     {meaning: "It changes the type of the first one."},
			"parallel":       {meaning: "It begins another one beside it."},
			"reject_400":     {meaning: "It is refused. The gateway ends a stop before it begins another."},
		}},
		{"other_start", "What does a start of another type do?", map[string]answer{
			"close_any":           {meaning: "It ends the downtime."},
			"close_only_matching": {meaning: "Nothing. The gateway names the type that it began with."},
			"reject_400":          {meaning: "It is refused. The gateway names the type that it began with."},
		}},
		{"untyped_start", "Is a start taken without a type?", map[string]answer{
			"reject_400": {meaning: "No."}, "accept": {meaning: "Yes."},
		}},
		{"running_form", "Is running taken as true instead of 1?", map[string]answer{
			"reject_400": {meaning: "No."}, "accept": {meaning: "Yes."},
		}},
		{"needless_start", "Is a start taken while no downtime is open?", map[string]answer{
			"noop_200": {meaning: "Yes, without effect."}, "reject_400": {meaning: "No: which shows that nothing is open."},
		}},
		{"worker_downtime", "Does a start of the machine end a downtime that a worker began?", map[string]answer{
			"close": {meaning: "Yes."}, "leave_open": {meaning: "No: workers end their own."},
		}},
		{"stop_effect", "What does a stop do to the record that is open?", map[string]answer{
			"keep_open": {meaning: "Nothing: pieces made meanwhile are booked."},
			"pause":     {meaning: "It pauses: pieces that are told during a stop are lost."},
			"check_out": {meaning: "It ends it: a worker must begin again after each stop, and pieces until then are on no record. Choose another kind of downtime type."},
		}},
	}
}
