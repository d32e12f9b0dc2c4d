package gateway

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// said is a notifier with what it logged.
func said(t *testing.T) (*notifier, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	n := newNotifier(slog.New(slog.NewTextHandler(&log, nil)))
	n.keeper = newKeeper(&fakeVault{}, nil)
	return n, &log
}

// TestTroubleForAll ends with an event that names no machine, or another one.
func TestTroubleForAll(t *testing.T) {
	for _, code := range []uplink.Code{uplink.Unreachable, uplink.Unclear, uplink.Rejected, uplink.Throttled, uplink.LedgerFailed} {
		n, log := said(t)
		n.uplink(uplink.Event{Code: code, Machine: "M1", Level: uplink.Alarm, Text: "It fails."})
		if list := n.health.List(); len(list) != 1 || list[0].Subject != "" || list[0].Detail != "It fails." {
			t.Errorf("%s: %v", code, list)
		}
		n.uplink(uplink.Event{Code: code, Machine: "M2", Over: true})
		if list := n.health.List(); len(list) != 0 {
			t.Errorf("%s does not end: %v", code, list)
		}
		if lines := strings.Count(log.String(), "\n"); lines != 2 {
			t.Errorf("%s: %s", code, log)
		}
	}
}

// TestTwoCausesOfOneCondition ends one of them.
func TestTwoCausesOfOneCondition(t *testing.T) {
	n, _ := said(t)
	for _, code := range []uplink.Code{uplink.CounterRefused, uplink.ExtrasRefused} {
		n.uplink(uplink.Event{Code: code, Machine: "M1", Text: string(code)})
		n.uplink(uplink.Event{Code: code, Machine: "M2", Text: string(code)})
	}
	n.uplink(uplink.Event{Code: uplink.ExtrasRefused, Machine: "M1", Over: true})
	list := n.health.List()
	if len(list) != 2 || list[0].Subject != "M1" || list[0].Detail != string(uplink.CounterRefused) {
		t.Errorf("%+v", list)
	}
	n.uplink(uplink.Event{Code: uplink.CounterRefused, Machine: "M1", Over: true})
	if list := n.health.List(); len(list) != 1 || list[0].Subject != "M2" {
		t.Errorf("%+v", list)
	}
}

// TestEventsOfAMoment are logged if they matter, and always journalled.
func TestEventsOfAMoment(t *testing.T) {
	n, log := said(t)
	n.uplink(uplink.Event{Code: uplink.AnswerLost, Machine: "M1", Level: uplink.Info, Text: "Quiet."})
	n.uplink(uplink.Event{Code: uplink.StopRefused, Machine: "M1", Level: uplink.Alarm, Text: "Loud."})
	if text := log.String(); strings.Contains(text, "Quiet") || !strings.Contains(text, "Loud") {
		t.Error(text)
	}
	if events := n.keeper.events; len(events) != 2 || events[1].Rule != string(uplink.StopRefused) || events[1].Machine != "M1" {
		t.Errorf("%+v", events)
	}
	if len(n.health.List()) != 0 {
		t.Error(n.health.List())
	}
}

// TestConditionsOfAMachine have codes of their own, each with its own advice.
func TestConditionsOfAMachine(t *testing.T) {
	for code, want := range map[uplink.Code]health.Code{
		uplink.CounterRefused: health.PostRefused, uplink.ExtrasRefused: health.PostRefused, uplink.MachineRefused: health.PostRefused,
		uplink.OtherWriter: health.OtherWriter, uplink.FellBack: health.ReportBelowTold,
	} {
		n, _ := said(t)
		n.uplink(uplink.Event{Code: code, Machine: "M1", Level: uplink.Alarm, Text: "Odd."})
		if list := n.health.List(); len(list) != 1 || list[0].Code != want || list[0].Subject != "M1" || list[0].Detail != "Odd." {
			t.Errorf("%s: %+v", code, list)
		}
		n.uplink(uplink.Event{Code: code, Machine: "M1", Over: true})
		if list := n.health.List(); len(list) != 0 {
			t.Errorf("%s does not end: %+v", code, list)
		}
	}
}
