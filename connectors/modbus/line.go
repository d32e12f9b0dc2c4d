package modbus

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	// listening is how long the line is listened to at least before a request
	// is sent.
	listening = time.Millisecond
	// crumbs is the number of stray bytes that a line may bring beside an
	// answer, as RS-485 drivers do when they are switched. No frame is as short.
	crumbs = 3
	// restless is how many timeouts a line may go on bringing bytes that nobody
	// asked for.
	restless = 3
)

// errGarbled says that bytes came which make no answer.
var errGarbled = errors.New(reasonGarbled)

// line is a stream of bytes with the device at its other end. A Read that
// reaches the deadline gives os.ErrDeadlineExceeded, one that Close ended any
// other error.
type line interface {
	io.ReadWriteCloser
	SetDeadline(at time.Time) error
}

// codec knows the frames of a line without transaction numbers.
type codec interface {
	// find looks for the answer to a request in what has come, and gives the
	// bounds of its frame; to is 0 if there is none yet. At the end of the time
	// (last) a frame that began and is not complete is no reason to overlook
	// one that is.
	find(got, request []byte, last bool) (from, to int)
	// foreign says that there is a whole frame of another unit.
	foreign(got, request []byte) bool
	// answerSize is the size of the answer's frame in bytes on the line.
	answerSize(request []byte) int
}

// lineTransport carries frames that have no transaction number, RTU or ASCII,
// over a serial port or a network. It does not close the line.
//
// An answer is believed only if unit, function, number of bytes and checksum
// are those of the request, and if nothing follows it for as long as frames
// must be apart. What was left before the first request, and what comes after
// one that failed, is thrown away until the line was silent for a whole
// timeout. So an answer passes for another one only if it comes later than two
// timeouts after its request, in the moment between a later request and its
// answer, and if both are of the same unit, function and size: that can not be
// told by anyone. A timeout that is longer than the device's worst prevents it.
//
// goburrow's own transporters are not used: they take what lies in the port for
// the answer, sleep longer than the line needs, and can not be interrupted.
type lineTransport struct {
	line    line
	codec   codec
	timeout time.Duration
	// silence separates frames; character is the time of one, 0 if unknown.
	silence, character time.Duration
	// dirty says that the line may bring bytes that belong to no later request.
	dirty bool
	// last is when the last byte came, sent when the last request was sent.
	last, sent time.Time
	buffer     [1024]byte
	dropped    uint64
}

// Dropped implements transport.
func (t *lineTransport) Dropped() uint64 { return t.dropped }

// Send implements transport.
func (t *lineTransport) Send(request []byte) ([]byte, error) {
	if err := t.clear(); err != nil {
		return nil, err
	}
	t.dirty, t.sent = true, time.Now()
	onLine := t.character * time.Duration(len(request)+t.codec.answerSize(request))
	deadline := t.sent.Add(t.timeout + onLine)
	if err := t.line.SetDeadline(deadline); err != nil {
		return nil, &linkError{err}
	}
	if _, err := t.line.Write(request); err != nil {
		return nil, &linkError{fmt.Errorf("sending a request: %w", err)}
	}
	answer, err := t.receive(request)
	if err != nil {
		return nil, err
	}
	t.dirty = false
	return answer, nil
}

// receive collects bytes until they hold the answer and the line is silent, or
// the time is over.
func (t *lineTransport) receive(request []byte) ([]byte, error) {
	n := 0
	for n < len(t.buffer) {
		more, err := t.line.Read(t.buffer[n:])
		n += more
		got := t.buffer[:n]
		if more > 0 {
			t.last = time.Now()
		}
		over := errors.Is(err, os.ErrDeadlineExceeded)
		if err != nil && !over {
			return nil, &linkError{fmt.Errorf("waiting for an answer: %w", err)}
		}
		if from, to := t.codec.find(got, request, over); to > 0 {
			extra, err := t.quiet(t.silence)
			if err != nil {
				return nil, err
			}
			if extra += n - to; extra > crumbs {
				t.dropped++
				return nil, errGarbled
			}
			return got[from:to:to], nil
		}
		if over {
			return nil, t.verdict(got, request)
		}
	}
	t.dropped++
	return nil, errGarbled
}

// verdict says why there is no answer in what has come.
func (t *lineTransport) verdict(got, request []byte) error {
	switch {
	case len(got) <= crumbs || string(got) == string(request):
		// An adapter that hears itself brings the request back.
		return errSilent
	case t.codec.foreign(got, request):
		return errWrongUnit
	}
	t.dropped++
	return errGarbled
}

// clear makes the line ready for a request: nothing that could come may belong
// to an earlier one, and frames keep their distance.
func (t *lineTransport) clear() error {
	if !t.dirty {
		stray, err := t.quiet(max(listening, t.silence-time.Since(t.last)))
		if err != nil || stray <= crumbs {
			return err
		}
		t.dropped++
	}
	_, err := t.quiet(t.timeout)
	return err
}

// quiet throws away what comes until nothing came for a while, and gives the
// number of bytes.
func (t *lineTransport) quiet(d time.Duration) (int, error) {
	var waste [256]byte
	began := time.Now()
	for all := 0; ; {
		if err := t.line.SetDeadline(time.Now().Add(d)); err != nil {
			return all, &linkError{err}
		}
		n, err := t.line.Read(waste[:])
		all += n
		switch {
		case n > 0:
			t.last = time.Now()
		case errors.Is(err, os.ErrDeadlineExceeded):
			return all, nil
		case err != nil:
			return all, &linkError{fmt.Errorf("listening to the line: %w", err)}
		}
		if time.Since(began) > d+restless*t.timeout {
			return all, &linkError{errors.New("the line is never silent: check that there is no other master on it, baud rate and parity, and the wires A and B")}
		}
	}
}
