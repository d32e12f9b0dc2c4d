package conformance

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// Page is the report of one run.
type Page struct {
	// Machine describes the computer, Time is when the run began.
	Machine string
	Time    time.Time
	// Peers lists the names of peers with their versions.
	Peers []string
	// Results are those of all cases and subjects.
	Results []connectortest.Result
	// Endurance says what the long runs showed, a line each.
	Endurance []string
}

// Write writes the page as Markdown.
func (p Page) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, head, p.Time.UTC().Format("2006-01-02 15:04"), p.Machine)
	for _, peer := range p.Peers {
		fmt.Fprintf(&b, "- %s\n", peer)
	}
	met, failed, none := 0, 0, 0
	for _, r := range p.Results {
		switch {
		case r.Problem != "":
			failed++
		case !r.Tried:
			none++
		default:
			met++
		}
	}
	fmt.Fprintf(&b, "\n%d cases met, %d not met, %d n/a.\n", met, failed, none)
	title := ""
	for _, r := range p.Results {
		if t := r.Protocol + ", " + r.Peer; t != title {
			title = t
			fmt.Fprintf(&b, "\n## %s\n\n%s", t, columns)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", r.Case, row(r))
	}
	if len(p.Endurance) > 0 {
		b.WriteString("\n## Endurance\n\n")
		for _, line := range p.Endurance {
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const columns = "| Case | Time to detect | Time to fresh data | Lost | | What was said, remarks |\n| --- | --- | --- | --- | --- | --- |\n"

const head = `# Recovery conformance

Written by ` + "`make conformance`" + `; edits are lost.

Every connector goes through the same faults, against servers and brokers that
other people wrote. Each case has a peer, a connector and a network of its own.
The connector is supervised with the gateway's pauses (0.5 s doubling to 4 s,
and a quarter more). While a case runs, and whatever happens:

- silence is found within three publishing intervals, keep-alives or polls,
  and the time an answer may take;
- values the peer took after the fault's end arrive within 10 s;
- no value is good, none is vouched for, and the link is not said to be up,
  from detection to the end of the fault, where nothing can pass;
- every value was the peer's at some moment since the value before.

The time to detect runs from the fault; the time to fresh data from the moment
the peer is able to answer, or from detection where the fault only concerns the
connection that existed. Lost are messages that count; counters are read again
and lose nothing. Of a device whose protocol asks, every value must also be
younger than the end of the connection before; a broker that queues may give old
ones, in their order.

A case that is n/a was not run, and says nothing about the connector: its last
column tells whether the protocol has no such thing (Modbus has no passwords),
this peer can not do it (pymodbus takes any number of connections), or this
computer could not (a cable needs a network namespace).

To repeat it, on Linux: ` + "`.ci/peers`" + ` installs the peers, from Debian's packages
and npm: Mosquitto, pymodbus, libmodbus, socat, iproute2, sparkplug-payload and node-opcua. Then
` + "`make conformance`" + `, as root for the two cases with a cable, runs the suite and
writes this page; it takes about eight minutes and fails if a peer is missing or
anything did not hold. ` + "`CONFORMANCE_SEED=n`" + ` repeats the choice of the random faults.
One subject, or one case of it, without the page:

    PEERS=required go test -count 1 -v -run 'TestConformance/Recovery/mqtt-mosquitto/half-open' ./internal/conformance

Measured %s UTC on %s.

`

// row is what a case showed, without its name.
func row(r connectortest.Result) string {
	if !r.Tried && r.Problem == "" {
		return "- | - | - | n/a | " + cell(r.Remark)
	}
	detect, lost, verdict, remark := "not noticed, values kept coming", "nothing", "met", r.Remark
	if r.Detect > 0 {
		detect = seconds(r.Detect)
	}
	if r.Sent > 0 {
		lost = fmt.Sprintf("%d of %d messages", r.Lost, r.Sent)
	}
	if r.Problem != "" {
		verdict, remark = "**not met**", r.Problem+". "+r.Remark
	}
	return strings.Join([]string{detect, seconds(r.Fresh), lost, verdict, cell(remark)}, " | ")
}

func seconds(d time.Duration) string {
	if d <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// cell makes a text fit into a table and leaves out which ports and folders the
// run happened to use.
func cell(text string) string {
	text = regexp.MustCompile(`(127\.0\.0\.1|198\.1[89]\.\d+\.\d+):\d+`).ReplaceAllString(text, "ADDRESS")
	text = regexp.MustCompile(`/[^\s:]*/(ADDRESS)?`).ReplaceAllString(text, "//$1")
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "|", "/")), " ")
}
