package gateway

import (
	"context"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
)

const (
	// askEvery is how often a connector is asked for its conditions.
	askEvery = time.Second
	// staleAfter is how long all values of a connection that is up may be bad
	// before it is told. Silence is no bad value: a connector that can notice
	// it ends Run, and an MQTT source may send as rarely as it likes.
	staleAfter = 30 * time.Second
)

// place is a condition of a connector as the health tracker knows it.
type place struct {
	code    health.Code
	subject string
}

// codeOf is the health code of a trouble.
func codeOf(t connectors.Trouble) (health.Code, bool) {
	switch t {
	case connectors.CertificateUntrusted:
		return health.CertificateUntrusted, true
	case connectors.CertificateRefused:
		return health.CertificateRefused, true
	case connectors.CertificateExpiring:
		return health.CertificateExpiring, true
	case connectors.LoginRefused:
		return health.LoginRefused, true
	case connectors.SessionsExhausted:
		return health.SessionsExhausted, true
	case connectors.ClientIDTaken:
		return health.ClientIDTaken, true
	case connectors.UnitSilent:
		return health.UnitSilent, true
	case connectors.SourceOffline:
		return health.SourceOffline, true
	case connectors.SourceIncomplete:
		return health.SourceIncomplete, true
	case connectors.TooSlow:
		return health.TooSlow, true
	case connectors.ClockWrong:
		return health.ClockWrong, true
	}
	return 0, false
}

// ask tells the tracker every askEvery what the connector knows, until ctx ends.
func (l *link) ask(ctx context.Context) {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.tell()
		}
	}
}

// tell sets the conditions that hold and clears those that no longer do.
func (l *link) tell() {
	l.telling.Lock()
	defer l.telling.Unlock()
	hold := map[place]string{}
	for _, c := range l.connector.Conditions() {
		code, known := codeOf(c.Trouble)
		if !known {
			continue
		}
		at := place{code, l.name}
		if c.Subject != "" {
			at.subject += "/" + c.Subject
		}
		hold[at] = c.Detail
	}
	if since := l.snapshot().BadSince; !since.IsZero() && time.Since(since) >= staleAfter {
		hold[place{health.LinkStale, l.name}] = "all values are bad since " + since.Format(time.RFC3339)
	}
	for at, detail := range hold {
		l.health.Set(at.code, at.subject, detail)
	}
	for at := range l.told {
		if _, holds := hold[at]; !holds {
			l.health.Clear(at.code, at.subject)
		}
	}
	l.told = hold
}

// judgement is what is known of the values of a tag.
type judgement uint8

const (
	unheard judgement = iota
	usable
	unusable
)

// judge notes whether any tag that was heard of since the link came up is not
// bad.
func (l *link) judge(b connectors.Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.Link == connectors.LinkUp {
		l.judged, l.heard, l.bad, l.status.BadSince = make([]judgement, len(l.feed.Tags)), 0, 0, time.Time{}
	}
	for i := range b.Samples {
		s := &b.Samples[i]
		is := usable
		if s.Quality == connectors.Bad {
			is = unusable
		}
		if s.Tag < 0 || s.Tag >= len(l.judged) || l.judged[s.Tag] == is {
			continue
		}
		was := l.judged[s.Tag]
		l.judged[s.Tag] = is
		if was == unheard {
			l.heard++
		}
		if is == unusable {
			l.bad++
		} else if was == unusable {
			l.bad--
		}
	}
	switch {
	case l.heard == 0:
	case l.bad < l.heard:
		l.status.BadSince, l.badSince = time.Time{}, time.Time{}
	case l.status.BadSince.IsZero():
		l.status.BadSince = b.Time
		if !l.badSince.IsZero() {
			l.status.BadSince = l.badSince
		}
	}
}

// refused says that the device turns the gateway away, and that asking often
// would lock an account or throw another client out.
func (l *link) refused() bool {
	for _, c := range l.connector.Conditions() {
		if c.Trouble == connectors.LoginRefused || c.Trouble == connectors.ClientIDTaken {
			return true
		}
	}
	return false
}
