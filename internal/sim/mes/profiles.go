package mes

import (
	"fmt"
	"time"
)

// Profile is a named way of behaving: answers to the open questions, and
// faults that come by chance.
type Profile struct {
	Options Options
	Faults  []Fault
}

// Documented is the strictest reading of the documentation.
func Documented() Profile { return Profile{} }

// Lenient accepts whatever any reading would accept.
func Lenient() Profile {
	return Profile{Options: Options{
		EqualCount: EqualAccept, LowerCount: LowerIgnore, EqualWaste: EqualWasteAccept,
		WasteOnly: WasteOnlyAccept, MissingCount: MissingCountAccept,
		UnknownWaste: UnknownWasteCreate, UnknownParameter: UnknownParameterCreate,
		CounterAnswer: AnswerObject, NewToken: NewTokenSame,
		ParametersIdle: ParametersIdleStore, UnknownCode: UnknownCodeCreate, NameAlias: NameAliasAccepted,
		UnknownType: UnknownTypeIgnore, UntypedStart: UntypedStartAccept, RunningForm: RunningLoose,
		WorkerReason: WorkerReasonAccept,
		OrderOptions: OrderOptions{OrderPut: PutMerge, ProductionPut: PutMerge, OrderReferences: OrderReferencesAccept,
			LocationForm: LocationFormAccept, LiteralHeader: LiteralHeaderPresent},
	}}
}

// Hostile is Documented with everything that networks, servers and colleagues
// do: answers that get lost after the request was applied, that come late, cut
// short or from another call, requests that a proxy repeats or delivers late,
// refusals before, bursts of 429, pauses, tokens that expire in the middle of a
// run, and a foreign client that spends a quarter of the limit in bursts. Webhooks
// get lost, come twice, late or in another order. Stops
// and starts are neither delivered late nor repeated late: without a time in
// them, they would make downtimes that no client could have prevented.
func Hostile() Profile {
	return Profile{
		Options: Options{TokenLife: 15 * time.Second, NewToken: NewTokenRotate, RetryAfter: RetryAfterDate,
			Foreign: Foreign{PerMinute: 30, Pattern: ForeignBurst, Retries: true}},
		Faults: []Fault{
			{Kind: FaultDropAfter, Chance: 0.04},
			{Kind: FaultDropBefore, Chance: 0.03},
			{Kind: FaultStatus, Status: 503, Chance: 0.03},
			{Kind: FaultLimit, RetryAfter: 2 * time.Second, Chance: 0.02},
			{Kind: FaultLatency, Delay: 300 * time.Millisecond, Chance: 0.1},
			{Kind: FaultLateAnswer, Delay: time.Second, Chance: 0.02},
			{Kind: FaultTwice, Chance: 0.01},
			{Kind: FaultTwiceSecond, Chance: 0.01},
			{Kind: FaultTwice, Service: serviceCounter, Delay: time.Second, Chance: 0.01},
			{Kind: FaultLateApply, Service: serviceCounter, Delay: time.Second, Chance: 0.01},
			{Kind: FaultNeverBefore, Delay: 3 * time.Second, Chance: 0.005},
			{Kind: FaultNeverAfter, Delay: 3 * time.Second, Chance: 0.005},
			{Kind: FaultMalformed, Chance: 0.03},
			{Kind: FaultTruncated, Chance: 0.01},
			{Kind: FaultOtherAnswer, Chance: 0.005},
			{Kind: FaultSlowBody, Delay: 200 * time.Millisecond, Chance: 0.02},
			{Kind: FaultPage, Chance: 0.01},
			{Kind: FaultPageAfter, Chance: 0.005},
			{Kind: FaultHookLost, Chance: 0.05},
			{Kind: FaultHookRepeated, Chance: 0.1},
			{Kind: FaultHookReordered, Delay: 500 * time.Millisecond, Chance: 0.1},
			{Kind: FaultHookDelayed, Delay: time.Second, Chance: 0.05},
		},
	}
}

// ProfileNamed finds a profile: documented, lenient or hostile.
func ProfileNamed(name string) (Profile, error) {
	switch name {
	case "documented", "":
		return Documented(), nil
	case "lenient":
		return Lenient(), nil
	case "hostile":
		return Hostile(), nil
	}
	return Profile{}, fmt.Errorf("profile %q is not known; allowed: documented, lenient, hostile", name)
}
