package bench

import "strings"

const scheduleIntroduction = `
## The uplink at the limit

Virtual time: a plant, the part of the gateway that decides what Prodsmart is
told next, and the company's limit of 120 requests a minute. The budget is 100 a
minute, so a slot is 0.6 s; an answer takes 10 ms. Every machine makes ten pieces
in the time in which all can be told once. [scheduling.md](scheduling.md) has the
model and the proofs. The age of a machine is taken from the moment that
Prodsmart's number is from, as if it changed all the time. Least is what no
scheduler can be below: N slots for the largest age of N machines, half of it for
the mean; with weights the sum of weights in slots, divided by the machine's.

`

// scheduleSections are the tables about the uplink's scheduler.
func scheduleSections() []struct {
	text string
	table
} {
	return []struct {
		text string
		table
	}{
		{"Equal machines that change all the time, below a sliding and below a fixed window. Fairness is the largest mean age of a machine to the smallest.", table{
			pkg: "uplink", prefix: "Schedule/", columns: []column{
				{"hours simulated", "hours"}, {"largest age, s", "largest-s"}, {"to the least", "largest/least"}, {"mean age, s", "mean-s"}, {"to the least", "mean/least"},
				{"fairness", "fairness"}, {"slots used, %", "slots-%"}, {"429", "limited"},
			}}},
		{"A tenth of the machines weighs 5, four tenths 2, the others 1; the largest age of each kind.", table{
			pkg: "uplink", prefix: "Weights/", columns: []column{
				{"hours simulated", "hours"}, {"largest weight x age to the least", "largest/least"}, {"weight 5, s", "weight5-s"}, {"weight 2, s", "weight2-s"}, {"weight 1, s", "weight1-s"}, {"slots used, %", "slots-%"},
			}}},
		{"Single stops and starts among as many machines that ask for more than the budget, from the moment to the post, in slots. A stop with untold pieces is two posts.", table{
			pkg: "uplink", prefix: "Edges/", columns: []column{
				{"hours simulated", "hours"}, {"stops and starts", "edges"}, {"largest", "largest-slots"}, {"mean", "mean-slots"},
			}}},
		{"100 machines of which single ones stop and start, with the budget as configured or raised to the whole limit, and answers that take half to one and a half times as long as the name says. The sliding window counts requests when they arrive.", table{
			pkg: "uplink", prefix: "Way/", columns: []column{
				{"slots used, %", "slots-%"}, {"429 an hour", "limited/h"}, {"largest age to the least", "largest/least"}, {"stop or start, largest, slots", "largest-slots"}, {"mean, slots", "mean-slots"},
			}}},
		{"The same plant of 100 machines with other ways to schedule: a queue of samples, first in, first out; a queue in which a machine's newer count takes the place of the one that waits; one machine after the other. Ages after 8 hours, stops and starts in 8 more; missed are downtimes that were over before they were told; posts and minutes are those after an outage of 4 hours.", table{
			pkg: "uplink", prefix: "Rivals/", columns: []column{
				{"largest age to the least", "largest/least"}, {"mean to the least", "mean/least"}, {"stop or start, largest, slots", "largest-slots"}, {"mean, slots", "mean-slots"}, {"missed", "missed"},
				{"posts to those needed", "posts/need"}, {"in step after, min", "in-step-min"},
			}}},
		{"100 machines that make a piece every two minutes, stop and start while Prodsmart is out of reach. Needed is one post for each machine with untold pieces and one for each open transition. They differ after a minute, because each scheduler had told other machines before. That a queue tells what is long over as if it was now is not counted here.", table{
			pkg: "uplink", prefix: "Outage/", columns: []column{
				{"posts", "posts"}, {"needed", "need"}, {"ratio", "posts/need"}, {"in step after, min", "in-step-min"},
			}}},
		{"100 machines beside another client of the company that takes a part of the 120 requests a minute, evenly or at random, and repeats what is refused. Left is what it leaves of the budget; the largest age is compared with the least at that rate. Neither client knows of the other but for its own 429.", table{
			pkg: "uplink", prefix: "Foreign/", columns: sharingColumns()}},
		{"The same below a sliding window beside a client at random, for somebody who knows what it leaves on average and keeps to a part of that: what randomness costs, however the pace is found.", table{
			pkg: "uplink", prefix: "Knowing/", columns: sharingColumns()}},
	}
}

func sharingColumns() []column {
	return []column{
		{"left a minute", "left/min"}, {"used a minute", "used/min"}, {"used, %", "used-%"}, {"429 an hour", "limited/h"}, {"the other's 429 an hour", "their-limited/h"}, {"largest age to the least", "largest/least"},
	}
}

func writeSchedule(b *strings.Builder, results []Result) {
	b.WriteString(scheduleIntroduction)
	for i, s := range scheduleSections() {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(s.text + "\n\n")
		s.write(b, results)
	}
}
