package health

import "fmt"

// Code names a kind of condition. The list is closed: only the constants below
// exist.
type Code uint8

// The codes, in the order in which they are listed among equals.
const (
	// StoreDamaged is about the gateway.
	StoreDamaged Code = iota
	// DiskFull is about the gateway.
	DiskFull
	// StoreFailing is about the gateway.
	StoreFailing
	// Unauthorized is about the gateway.
	Unauthorized
	// ProdsmartUnreachable is about the gateway.
	ProdsmartUnreachable
	// PostRefused is about a machine.
	PostRefused
	// LinkDown is about a connection.
	LinkDown
	// LinkSilent is about a connection.
	LinkSilent
	// CounterSaturated is about a machine, and a waste code of it if that is
	// what is counted.
	CounterSaturated
	// CounterJump is about a machine, like CounterSaturated.
	CounterJump
	// TagBad is about a tag of a machine.
	TagBad
	// Contradiction is about a machine.
	Contradiction
	// WasteExceeds is about a machine.
	WasteExceeds
	// Limited is about the gateway.
	Limited
	// BudgetShort is about the gateway.
	BudgetShort
	// ClockJump is about the gateway.
	ClockJump
	// ConfigWarning is about the gateway, or a machine of the configuration.
	ConfigWarning

	codes = iota
)

// Definition is what all conditions of a code have in common.
type Definition struct {
	Code     Code
	Name     string
	Severity Severity
	// Title says in a few words what is wrong, Next in a sentence or two what a
	// person can do.
	Title, Next string
}

// Definitions lists all codes in their order, for reference pages and for
// metrics that show a condition that does not hold.
func Definitions() []Definition {
	all := make([]Definition, codes)
	for i := range all {
		all[i] = Code(i).Definition()
	}
	return all
}

// Definition describes the code. A code that does not exist is described as
// such, so that a mistake is seen instead of lost.
func (c Code) Definition() Definition {
	d, known := aboutGateway(c)
	if !known {
		d, known = aboutMachines(c)
	}
	if !known {
		d = Definition{Name: "unknown", Severity: Alarm, Title: "Unnamed condition", Next: "Report this to the makers of the gateway."}
	}
	d.Code = c
	return d
}

// aboutGateway describes what concerns the gateway, its store and Prodsmart.
func aboutGateway(c Code) (Definition, bool) {
	switch c {
	case StoreDamaged:
		return Definition{Name: "store_damaged", Severity: Alarm, Title: "The store was damaged and set aside",
			Next: "Compare each machine's count with Prodsmart before you trust it. Keep the file that was set aside, look for the cause (disk, power, virus scanner), and restore the last backup if the counts differ."}, true
	case DiskFull:
		return Definition{Name: "disk_full", Severity: Alarm, Title: "The disk is full",
			Next: "Free space on the disk of the data folder. A total that can not be kept is not posted until there is room."}, true
	case StoreFailing:
		return Definition{Name: "store_failing", Severity: Alarm, Title: "The store can not be written",
			Next: "Check the data folder: its disk, its rights, and whether a virus scanner or a backup locks its files. Posts wait until it can be written."}, true
	case Unauthorized:
		return Definition{Name: "unauthorized", Severity: Alarm, Title: "Prodsmart turns the credentials away",
			Next: "Check the API key and secret, and whether their user still exists and may write productions. Counts are kept and posted once it works."}, true
	case ProdsmartUnreachable:
		return Definition{Name: "prodsmart_unreachable", Severity: Alarm, Title: "Prodsmart can not be reached",
			Next: "Check the internet connection, the proxy and the firewall of this computer. Counts are kept and posted once it works; stops and starts that pass meanwhile are only in the local journal."}, true
	case Limited:
		return Definition{Name: "limited", Severity: Warning, Title: "Prodsmart asks for fewer requests",
			Next: "All integrations of the company share 120 requests a minute: find out what else posts, or lower prodsmart.budget here. The gateway has slowed down by itself."}, true
	case BudgetShort:
		return Definition{Name: "budget_short", Severity: Warning, Title: "The machines need more requests than the budget has",
			Next: "Raise report_every, or the budget if other integrations leave room. Nothing is lost; the numbers in Prodsmart are older than wished."}, true
	case ClockJump:
		return Definition{Name: "clock_jump", Severity: Warning, Title: "The clock of this computer jumped",
			Next: "Check the time and its synchronisation (Windows Time, NTP). Times in the journal around the jump are doubtful; counts are not."}, true
	case ConfigWarning:
		return Definition{Name: "config_warning", Severity: Notice, Title: "The configuration has a warning",
			Next: "Run the check command, which shows each warning with its line."}, true
	}
	return Definition{}, false
}

// aboutMachines describes what concerns connections and machines.
func aboutMachines(c Code) (Definition, bool) {
	switch c {
	case PostRefused:
		return Definition{Name: "post_refused", Severity: Alarm, Title: "Prodsmart refuses a post of this machine",
			Next: "Read the refusal: usually the machine code, a waste code, a parameter or a downtime type is not set up for this machine in Prodsmart. It is tried again slowly; other machines go on."}, true
	case LinkDown:
		return Definition{Name: "link_down", Severity: Alarm, Title: "The connection is down",
			Next: "Check that the device is on, its cable and switch, its address, and whether another program took its last session. The gateway keeps trying; the state of its machines is unknown meanwhile."}, true
	case LinkSilent:
		return Definition{Name: "link_silent", Severity: Alarm, Title: "The connection is up but says nothing",
			Next: "Check whether the PLC is in run mode and its program publishes these values, or whether something between swallows packets. The state of its machines is unknown meanwhile."}, true
	case CounterSaturated:
		return Definition{Name: "counter_saturated", Severity: Alarm, Title: "The counter stands at its end",
			Next: "Reset the counter in the PLC, or map a wider one: this one can not grow any more, and parts made now are not counted."}, true
	case CounterJump:
		return Definition{Name: "counter_jump", Severity: Warning, Title: "The counter made an impossible step",
			Next: "Look at the journal for what was added and what was not, and compare with the machine's own display. If such steps are real, raise max_rate or set on_jump."}, true
	case TagBad:
		return Definition{Name: "tag_bad", Severity: Warning, Title: "A tag can not be read",
			Next: "Check its address and type with the probe command, and whether the PLC program was changed. The machine's other tags go on."}, true
	case Contradiction:
		return Definition{Name: "contradiction", Severity: Warning, Title: "Parts are counted while the machine says it stands",
			Next: "Check the state tag and its values, or whether the counter counts something else (set-up, test pieces). The parts are told while the downtime stays open."}, true
	case WasteExceeds:
		return Definition{Name: "waste_exceeds", Severity: Warning, Title: "More waste than parts",
			Next: "Check whether the counter counts good or all parts (is: good or total), and that the waste counters belong to this machine. The count waits at its highest value."}, true
	}
	return Definition{}, false
}

// String is the name used in logs, metrics and pages.
func (c Code) String() string { return c.Definition().Name }

// MarshalText gives the name to JSON.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the name.
func (c *Code) UnmarshalText(text []byte) error {
	for _, d := range Definitions() {
		if d.Name == string(text) {
			*c = d.Code
			return nil
		}
	}
	return fmt.Errorf("there is no health condition %q", text)
}
