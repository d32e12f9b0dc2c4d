package opcua

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestNotes(t *testing.T) {
	var n notes
	if n.list() != nil {
		t.Error("there is trouble before anything happened")
	}
	n.clear(connectors.TooSlow, "never held")
	n.set(connectors.TooSlow, "b", "1")
	n.set(connectors.TooSlow, "a", "2")
	n.set(connectors.LoginRefused, "", "3")
	n.set(connectors.TooSlow, "b", "4")
	want := []connectors.Condition{
		{Trouble: connectors.LoginRefused, Detail: "3"},
		{Trouble: connectors.TooSlow, Subject: "a", Detail: "2"},
		{Trouble: connectors.TooSlow, Subject: "b", Detail: "4"},
	}
	if got := n.list(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	n.clear(connectors.TooSlow, "a")
	n.clear(connectors.LoginRefused, "")
	if got := n.list(); !reflect.DeepEqual(got, want[2:]) {
		t.Errorf("%+v", got)
	}
}

func TestNotesAreBounded(t *testing.T) {
	var (
		n    notes
		wait sync.WaitGroup
	)
	for g := range 4 {
		wait.Go(func() {
			for i := range conditionsMost {
				n.set(connectors.TooSlow, fmt.Sprint(g, i), "")
				n.list()
			}
		})
	}
	wait.Wait()
	if len(n.list()) != conditionsMost {
		t.Errorf("%d conditions are kept", len(n.list()))
	}
	known := n.list()[0].Subject
	n.set(connectors.TooSlow, known, "now")
	if n.list()[0].Detail != "now" {
		t.Error("a full set does not keep up to date what it has")
	}
}
