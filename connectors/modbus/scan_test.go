package modbus

import (
	"net"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// TestBrowseOfADeviceThatCanNotTell: one that has no such data is empty, one
// that is busy or behind a gateway that does not reach it is not.
func TestBrowseOfADeviceThatCanNotTell(t *testing.T) {
	for code, most := range map[byte]int{exceptionAddress: 200, exceptionFunction: 1, 6: 200, exceptionGatewayMute: browseSilences} {
		requests := make(chan struct{}, 1000)
		s := mustSurvey(t, fastConfig(serveHostile(t, func(c net.Conn, _ int, r wireRequest) error {
			requests <- struct{}{}
			return write(c, frameOf(r.id, r.unit, r.fn|exceptionBit, code))
		})))
		err := s.Browse(t.Context(), connectors.Walk{Root: "9/holding:0-999"}, func(r connectors.Reading) error {
			t.Errorf("%+v", r)
			return nil
		})
		empty := code == exceptionAddress || code == exceptionFunction
		if empty != (err == nil) || !empty && !strings.Contains(err.Error(), "unit 9: nothing can be read ("+exceptionReason(code)) {
			t.Errorf("exception %d: %v", code, err)
		}
		if n := len(requests); n > most {
			t.Errorf("exception %d: %d requests", code, n)
		}
	}
}

// TestBrowseGoesOnBesideAnAreaThatFails: the other areas are told.
func TestBrowseGoesOnBesideAnAreaThatFails(t *testing.T) {
	s := mustSurvey(t, fastConfig(serveHostile(t, func(c net.Conn, _ int, r wireRequest) error {
		if r.fn == 4 {
			return write(c, r.right())
		}
		return write(c, frameOf(r.id, r.unit, r.fn|exceptionBit, 4))
	})))
	var areas []string
	err := s.Browse(t.Context(), connectors.Walk{Depth: 1}, func(r connectors.Reading) error {
		areas = append(areas, r.Name)
		return nil
	})
	if got := strings.Join(areas, " "); err != nil || got != "input:0-499" {
		t.Errorf("%s, %v", got, err)
	}
}
