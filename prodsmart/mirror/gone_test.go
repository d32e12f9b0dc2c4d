package mirror

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// answering is a plant whose orders are all answered with one error.
type answering struct {
	*plant
	err error
}

func (a *answering) GetOrder(context.Context, int64) (prodsmart.ProductionOrder, error) {
	return prodsmart.ProductionOrder{}, a.err
}

// TestAnOrderThatIsGoneIsNoTrouble: an order that was refused and is deleted then is
// not complained of any more.
func TestAnOrderThatIsGoneIsNoTrouble(t *testing.T) {
	a := &answering{plant: newPlant(1), err: errForbidden}
	m := New(Settings{}, a, reader(t), a.inbox, slots)
	m.hints[7] = hint{at: time.Now()}
	if err := m.readOrder(t.Context(), 7); !refused(err) || !strings.Contains(m.Status().Problem, "reading an order: 7: ") {
		t.Fatalf("%v, %q", err, m.Status().Problem)
	}
	a.err = &prodsmart.Error{Endpoint: prodsmart.ProductionOrdersEndpoint, Answer: prodsmart.Answer{Verdict: prodsmart.Refused, Status: 404}}
	if err := m.readOrder(t.Context(), 7); err != nil || m.Status().Problem != "" {
		t.Errorf("%v, still complains of %q", err, m.Status().Problem)
	}
}
