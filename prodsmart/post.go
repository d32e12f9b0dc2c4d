package prodsmart

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// Service is one of the three machine services.
type Service uint8

// The machine services, in the order of their weight.
const (
	StartStopService Service = iota
	CounterService
	ParametersService
)

// String is the last segment of the service's path, also used in journals and
// metrics.
func (s Service) String() string {
	switch s {
	case StartStopService:
		return "startstop"
	case CounterService:
		return "counter"
	}
	return "parameters"
}

// Post is one request to a machine service, complete and exact: what is
// journalled is what is sent.
type Post struct {
	// Machine is the machine's code in Prodsmart.
	Machine string
	Service Service
	// Body is the JSON as it goes over the wire.
	Body []byte
}

// Verdict is what an answer, or its absence, means for the sender.
type Verdict uint8

// The verdicts.
const (
	// Unsent: the request did not reach the service, so it was certainly not
	// applied (no name, no route, connection or TLS refused, no token to be had,
	// turned away by a proxy or a redirect). It is nobody's payload's fault.
	Unsent Verdict = iota
	// Accepted: any 2xx. The documentation is inconsistent in which one, so
	// none is told from the others.
	Accepted
	// Refused: the payload is wrong for good (400, 404 and other 4xx).
	Refused
	// Unauthorized: 401 or 403 after the credentials were tried afresh.
	Unauthorized
	// Limited: 429; nothing may be sent to anyone before RetryAfter.
	Limited
	// Ambiguous: it may or may not have been applied (timeout, reset, 5xx, an
	// answer that is no HTTP).
	Ambiguous
)

// String is the name used in journals and metrics.
func (v Verdict) String() string {
	switch v {
	case Unsent:
		return "unsent"
	case Accepted:
		return "accepted"
	case Refused:
		return "refused"
	case Unauthorized:
		return "unauthorized"
	case Limited:
		return "limited"
	}
	return "ambiguous"
}

// Answer is the outcome of a Post. It is always complete: there is no error
// beside it.
type Answer struct {
	Verdict Verdict
	// Status is the HTTP status, 0 if none came.
	Status int
	// Text is the body, or the error, in at most a few hundred characters of
	// one line, without secrets, for a person to read.
	Text string
	// RetryAfter is the pause that a 429 asks for, from 1 s to 10 min; a 429
	// without one carries the default of 30 s. A 503 (Ambiguous) that states a
	// pause has it too; otherwise it is 0.
	RetryAfter time.Duration
	// Page says that the body is a web page: it comes from something in between.
	Page bool
	// Counter is the machine's counter if the answer contained one.
	Counter *int64
	// Took is the time from sending to the end of the answer.
	Took time.Duration
}

// CounterBody is the body of the counter service: the machine's total, the
// waste totals that have something new to say, and parameters by name.
func CounterBody(count int64, waste []Waste, parameters []Parameter) []byte {
	b := strconv.AppendInt([]byte(`{"count":`), count, 10)
	if len(waste) > 0 {
		b = append(b, `,"waste":[`...)
		for i, w := range waste {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"code":`...)
			b = appendText(b, w.Code)
			b = append(b, `,"quantity":`...)
			b = strconv.AppendInt(b, w.Quantity, 10)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	if len(parameters) > 0 {
		b = append(b, `,"parameters":`...)
		b = appendParameters(b, "name", parameters, func(p Parameter) string { return p.Name })
	}
	return append(b, '}')
}

// ParametersBody is the body of the parameters service: parameters by code.
func ParametersBody(parameters []Parameter) []byte {
	b := []byte(`{"parameters":`)
	b = appendParameters(b, "code", parameters, func(p Parameter) string { return p.Code })
	return append(b, '}')
}

// StartStopBody is the body of the start/stop service. running false begins a
// downtime of the type, true ends it; the type is demanded in both directions.
func StartStopBody(downtimeType string, running bool) []byte {
	b := appendText([]byte(`{"type":`), downtimeType)
	if running {
		return append(b, `,"running":1}`...)
	}
	return append(b, `,"running":0}`...)
}

func appendParameters(b []byte, key string, parameters []Parameter, id func(Parameter) string) []byte {
	b = append(b, '[')
	for i, p := range parameters {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"`...)
		b = append(b, key...)
		b = append(b, `":`...)
		b = appendText(b, id(p))
		b = append(b, `,"value":`...)
		b = appendLiteral(b, p.Value)
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendLiteral appends a JSON literal as it is. Anything else would spoil the
// whole body, the count in it included, and goes as a text.
func appendLiteral(b []byte, literal string) []byte {
	if json.Valid([]byte(literal)) {
		return append(b, literal...)
	}
	return appendText(b, literal)
}

// appendText appends a JSON string. Markup characters stay as they are, because
// people read these bodies in the journal.
func appendText(b []byte, s string) []byte {
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return append(b, `""`...) // a string always encodes
	}
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}
