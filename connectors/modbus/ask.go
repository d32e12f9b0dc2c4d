package modbus

import (
	"context"
	"errors"
	"time"

	"github.com/goburrow/modbus"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// verdict is what became of a request.
type verdict uint8

const (
	// answered: the data are there.
	answered verdict = iota
	// refused: the device does not allow to read these data, at least not in
	// one request.
	refused
	// failed: the unit is there and gives no data.
	failed
	// silent: the unit is not there.
	silent
)

// answer is the end of one request. data is valid until the next one.
type answer struct {
	verdict verdict
	reason  string
	data    []byte
	// lost says that nothing came that proves that the device is there.
	lost bool
}

// idleLeast is how long nothing must have been asked before a device that ended
// the connection is taken for one that ends idle connections.
const idleLeast = 2 * time.Second

// idleError says that the device ended a connection over which nothing had been
// asked for a while.
type idleError struct {
	err    error
	waited time.Duration
}

func (e *idleError) Error() string { return e.err.Error() }
func (e *idleError) Unwrap() error { return e.err }

// ask sends one request. The error is not nil only if the connection is of no
// more use.
func (s *session) ask(ctx context.Context, u *unit, area Area, b block) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	s.asked = true
	s.totals.requests.Add(1)
	began, last := time.Now(), s.spoke
	if s.pause > 0 {
		if err := rest(ctx, s.pause-began.Sub(s.spoke)); err != nil {
			return answer{}, err
		}
		began = time.Now()
	}
	data, err := s.fetch(u.number, area, uint16(b.start), uint16(b.count))
	s.spoke = time.Now()
	var link *linkError
	if errors.As(err, &link) {
		if waited := began.Sub(last); s.up && s.reopen == nil && waited > idleLeast && closedByPeer(err) {
			err = &idleError{err, waited}
		}
		return answer{}, err
	}
	a, alive := judge(data, err, area, b.count)
	if !alive {
		if a.reason == reasonSilent {
			s.totals.timeouts.Add(1)
		}
		a.lost = true
		s.silence++
		s.reason, u.streak = a.reason, s.streak
		return a, nil
	}
	s.totals.roundTrip.Store(int64(s.took(began, s.spoke)))
	s.silence = 0
	s.streak++
	s.heard = true
	if a.verdict != silent {
		u.heard = s.spoke
	}
	if a.verdict == answered {
		u.sign, u.signOf = b, area
		s.totals.data.Add(uint64(b.count))
	}
	if !s.up {
		s.up = true
		s.health.answered()
		s.emit(connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
	}
	return a, nil
}

// judge turns what the client returned into an answer. alive says that it
// proves that the device is there.
func judge(data []byte, err error, area Area, count int) (a answer, alive bool) {
	var exception *modbus.ModbusError
	switch {
	case err == nil:
		want := 2 * count
		if area.bits() {
			want = (count + 7) / 8
		}
		if len(data) != want {
			return answer{verdict: failed, reason: reasonMismatch}, false
		}
		return answer{verdict: answered, data: data}, true
	case errors.As(err, &exception):
		a := answer{verdict: failed, reason: exceptionReason(exception.ExceptionCode)}
		switch exception.ExceptionCode {
		case exceptionAddress, exceptionQuantity:
			a.verdict = refused
		case exceptionGatewayPath, exceptionGatewayMute:
			a.verdict = silent
		}
		return a, true
	case errors.Is(err, errSilent):
		return answer{verdict: silent, reason: reasonSilent}, false
	case errors.Is(err, errWrongUnit):
		return answer{verdict: silent, reason: reasonWrongUnit}, false
	case errors.Is(err, errGarbled):
		return answer{verdict: failed, reason: reasonGarbled}, false
	}
	return answer{verdict: failed, reason: reasonMismatch}, false
}
