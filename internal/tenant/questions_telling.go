package tenant

// tellingQuestions are about what Prodsmart tells by itself.
func tellingQuestions() []question {
	return []question{
		{"signature_mode", "How are webhooks signed?", map[string]answer{
			"sha1-hex":      {meaning: "With SHA-1 in hexadecimal digits.", setting: "follow.webhook.signature: sha1-hex"},
			"sha1-base64":   {meaning: "With SHA-1 in base64.", setting: "follow.webhook.signature: sha1-base64"},
			"sha256-hex":    {meaning: "With SHA-256 in hexadecimal digits.", setting: "follow.webhook.signature: sha256-hex"},
			"sha256-base64": {meaning: "With SHA-256 in base64.", setting: "follow.webhook.signature: sha256-base64"},
			"several":       {meaning: "In several ways at a time: any of them is enough.", setting: "follow.webhook.signature: auto"},
			"none":          {meaning: "Not at all, so that nobody can tell them from forged ones: do without webhooks, and let change channels or lists tell."},
			"wrong":         {meaning: "With another secret than the one that is configured: see which API key the webhook belongs to, and set follow.webhook.secret."},
		}},
		{"webhook_uuid", "What does the identifier of a webhook identify?", map[string]answer{
			"per_delivery": {meaning: "The message."}, "per_subscription": {meaning: "The subscription: it is the same in all messages."},
		}},
		{"order_deletion", "How is a deleted order told?", map[string]answer{
			"deleted": {meaning: "By its running status."}, "absent": {meaning: "By a running status that is missing: in a change channel it does not show, and the next reading of the list does it."},
		}},
		{"channel_production_orders", "Does the channel of production orders answer?", channelAnswers()},
		{"channel_productions", "Does the channel of production records answer?", channelAnswers()},
		{"channel_downtimes", "Does the channel of downtimes answer?", channelAnswers()},
	}
}

func channelAnswers() map[string]answer {
	return map[string]answer{
		"answers":    {meaning: "Yes."},
		"without_it": {meaning: "Yes, but the orders of this test were not in it: it has another type, or another program reads it."},
		"unknown":    {meaning: "No, there is none of that name: write it as Prodsmart shows it, or see whether the API key may read it."},
	}
}

// filterQuestions are about the filters of the list of production orders.
func filterQuestions() []question {
	var all []question
	for i, title := range []string{"whether they are active", "their due date", "their running status", "a product", "a machine"} {
		all = append(all, question{orderFilters()[i], "Does the list of orders filter by " + title + "?", map[string]answer{
			"apply": {meaning: "Yes."}, "ignore": {meaning: "No: the list gives more than was asked for, and this program looks itself."},
		}})
	}
	return all
}

// formQuestions are about how things are written, which this program reads in each
// form. Other programs may have to know.
func formQuestions() []question {
	return []question{
		{"silent_answer", "What is answered to parameters, starts and stops that are taken?", map[string]answer{
			"empty": {meaning: "An empty text."}, "object": {meaning: "An object."}, "no_content": {meaning: "204, no content."},
		}},
		{"list_numbers", "How do lists write quantities?", map[string]answer{
			"number": {meaning: "As numbers."}, "string": {meaning: "As texts."},
		}},
		{"list_parameters", "How do lists write the parameters of a record?", map[string]answer{
			"map": {meaning: "As objects of one field."}, "name_value": {meaning: "As objects with name and value."},
		}},
		{"list_times", "How do lists write times?", map[string]answer{
			"documented": {meaning: "With milliseconds."}, "seconds": {meaning: "In whole seconds."},
		}},
		{"time_spent", "How do lists write durations?", map[string]answer{
			"documented": {meaning: "As 00H02m00s."}, "clock": {meaning: "As 00:02:00."},
		}},
		{"open_end", "What stands for the end of a record that is open?", map[string]answer{
			"null": {meaning: "null."}, "absent": {meaning: "Nothing."}, "far_future": {meaning: "A time far ahead."},
		}},
		{"unknown_filter", "What becomes of a filter that nobody knows?", map[string]answer{
			"ignore": {meaning: "It is ignored: a misspelt filter gives the whole list."}, "reject_400": {meaning: "It is refused."},
		}},
		{"machine_filter", "What does the machine filter of downtimes take?", map[string]answer{
			"code": {meaning: "The code of a machine."}, "id": {meaning: "Not its code; perhaps its number."}, "none": {meaning: "It does nothing."},
		}},
	}
}
