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
	// LinkStale is about a connection.
	LinkStale
	// CertificateUntrusted is about a connection, as the others are that bear
	// the names of what connectors find out by themselves. Their subject is the
	// connection, or connection/unit, connection/device.
	CertificateUntrusted
	// CertificateRefused is about a connection.
	CertificateRefused
	// LoginRefused is about a connection.
	LoginRefused
	// SessionsExhausted is about a connection.
	SessionsExhausted
	// ClientIDTaken is about a connection.
	ClientIDTaken
	// UnitSilent is about a unit of a connection.
	UnitSilent
	// SourceOffline is about a device of a connection.
	SourceOffline
	// CounterSaturated is about a machine.
	CounterSaturated
	// ReportBelowTold is about a machine.
	ReportBelowTold
	// BacklogHeld is about a machine.
	BacklogHeld
	// ExpressionFailing is about a machine.
	ExpressionFailing
	// OrdersHeld is about a source of orders.
	OrdersHeld
	// CounterJump is about a machine. It says what happened, and holds for a
	// while after that.
	CounterJump
	// OtherWriter is about a machine.
	OtherWriter
	// ProdsmartDiffers is about a machine.
	ProdsmartDiffers
	// TagBad is about a machine.
	TagBad
	// Contradiction is about a machine.
	Contradiction
	// WasteExceeds is about a machine.
	WasteExceeds
	// CertificateExpiring is about a connection.
	CertificateExpiring
	// SourceIncomplete is about a source of a connection.
	SourceIncomplete
	// TooSlow is about a connection.
	TooSlow
	// ClockWrong is about a connection.
	ClockWrong
	// Limited is about the gateway.
	Limited
	// BudgetShort is about the gateway.
	BudgetShort
	// FollowLate is about the gateway.
	FollowLate
	// OrdersFailing is about a source of orders.
	OrdersFailing
	// OrdersSpent is about a source of orders.
	OrdersSpent
	// StoreUpkeep is about the gateway.
	StoreUpkeep
	// ClockJump is about the gateway, and holds for a while after it.
	ClockJump
	// OrdersAsk is about a source of orders.
	OrdersAsk
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
		d, known = aboutConnections(c)
	}
	if !known {
		d, known = aboutOrders(c)
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
			Next: "Compare each machine's count with Prodsmart before you trust it. Keep the file that was set aside, and look for the cause (disk, power, virus scanner). This ends by itself when every machine has caught up with what Prodsmart was told."}, true
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
	case FollowLate:
		return Definition{Name: "follow_late", Severity: Warning, Title: "The copy of Prodsmart's orders and records is old",
			Next: "Read in the detail what fails. Usually the budget leaves no room for reading: raise report_every or prodsmart.follow.every; or the user of the API key may not read the list. Counts and posts go on."}, true
	case StoreUpkeep:
		return Definition{Name: "store_upkeep", Severity: Warning, Title: "The store works, but a part of its upkeep fails",
			Next: "Check the disk and the rights of the data folder, and whether a virus scanner or a backup program locks its files. Counts and posts go on; without a new backup, a damaged store goes back further."}, true
	case ClockJump:
		return Definition{Name: "clock_jump", Severity: Warning, Title: "The clock of this computer jumped",
			Next: "Check the time and its synchronisation (Windows Time, NTP). Times in the journal around the jump are doubtful; counts are not."}, true
	case ConfigWarning:
		return Definition{Name: "config_warning", Severity: Notice, Title: "The configuration has a warning",
			Next: "Run the check command, which shows each warning with its line."}, true
	}
	return Definition{}, false
}

// aboutMachines describes what concerns machines.
func aboutMachines(c Code) (Definition, bool) {
	switch c {
	case PostRefused:
		return Definition{Name: "post_refused", Severity: Alarm, Title: "Prodsmart refuses a post of this machine",
			Next: "Read the refusal: usually the machine code, a waste code, a parameter or a downtime type is not set up for this machine in Prodsmart. It is tried again slowly; other machines go on."}, true
	case CounterSaturated:
		return Definition{Name: "counter_saturated", Severity: Alarm, Title: "The counter stands at its end",
			Next: "Reset the counter in the PLC, or map a wider one: this one can not grow any more, and parts made now are not counted."}, true
	case ReportBelowTold:
		return Definition{Name: "report_below_told", Severity: Alarm, Title: "The count is below what Prodsmart was told",
			Next: "Compare it with the machine's own display and with Prodsmart: the store was rebuilt or replaced, or the machine's state was given up with run --start-fresh. Nothing lower is posted; the machine's counter waits until its count is above what was told."}, true
	case BacklogHeld:
		return Definition{Name: "backlog_held", Severity: Alarm, Title: "Pieces of an earlier order wait to be released",
			Next: "Open the record of that order in Prodsmart again, or note the number and correct the orders there by hand; then run prodsmart-gateway release MACHINE. Stops and starts of the machine are told meanwhile, its counter and waste are not."}, true
	case ExpressionFailing:
		return Definition{Name: "expression_failing", Severity: Alarm, Title: "The condition of the state can not be computed",
			Next: "Compare running_when and stopped_when with what their tags deliver: a text where a number is expected, for instance. Until it can be computed the state stays as it was, and stops and starts are not noticed."}, true
	case CounterJump:
		return Definition{Name: "counter_jump", Severity: Warning, Title: "The counter made an impossible step",
			Next: "Read in the detail what was added and what was not, and compare with the machine's own display. If such steps are real, raise max_rate, or set on_jump: accept. It stands here for an hour after the last such step; all of them are in the table journal of the store, an SQLite file in the data folder."}, true
	case OtherWriter:
		return Definition{Name: "other_writer", Severity: Warning, Title: "Prodsmart's counter is above what it was told",
			Next: "Find out who else writes to this machine in Prodsmart: a second gateway, another integration, or a person. If the data folder was lost or replaced, stop the gateway and bring its newest copy back."}, true
	case ProdsmartDiffers:
		return Definition{Name: "prodsmart_differs", Severity: Warning, Title: "Prodsmart shows something else than it was told",
			Next: "Read in the detail what differs and why, and put it right in Prodsmart if it is wrong there: the gateway never repairs a record. It ends by itself when both agree, or a day after what differs. All differences are in the journal."}, true
	case TagBad:
		return Definition{Name: "tag_bad", Severity: Warning, Title: "A tag can not be read",
			Next: "Ask the device with the probe command, which says why. Compare its address and type in the configuration with the device, for instance with the PLC's own programming tool, and ask whether the PLC program was changed. The machine's other tags go on."}, true
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
