package connectortest

import "time"

// The names of the recovery cases.
const (
	ConnectionReset     = "connection reset"
	CablePulled         = "cable pulled and plugged in"
	InterfaceDown       = "network interface down and up"
	LinkCut             = "link cut and restored"
	HalfOpen            = "half-open TCP"
	NATDrop             = "NAT-like silent drop"
	AcceptedMute        = "connection accepted but mute"
	PortRefused         = "port refused"
	SlowDevice          = "slow device"
	LateAnswers         = "late answers"
	ForeignAnswers      = "answers for another transaction"
	Stopped             = "server stopped and started"
	Frozen              = "process frozen and thawed"
	Downloaded          = "program download, address space rebuilt"
	Moved               = "registers or nodes moved elsewhere and back"
	Vanished            = "node or register gone and back"
	SessionsTaken       = "session or connection limit reached"
	CertificateReplaced = "certificate changed"
	CertificateEnded    = "certificate expired"
	PasswordChanged     = "password changed"
	SessionsKept        = "broker restarted with its sessions"
	SessionsForgotten   = "broker restarted without its sessions"
	ClockJumped         = "device clock wrong and jumping"
)

// Case is one way in which something between a machine and its gateway fails.
type Case struct {
	// Name is one of the above.
	Name string
	// Network makes the fault; nil if the peer plays it itself.
	Network func(*Proxy, Subject) Fault
	// Cable says that the peer is at the other end of a cable, whose fault it is.
	Cable bool
	// Clock says that the fault is that of the peer's clock, which is wrong before
	// it begins. The peer is Clocked.
	Clock bool
	// Reset cuts the connection when the fault has begun, so that it concerns
	// the next one.
	Reset bool
	// Blind says that nothing can be known while the fault lasts: it must be
	// found within Subject.Silent and nothing may be good before its end.
	Blind bool
	// Partial says that the connection itself may be up meanwhile.
	Partial bool
	// Bears says that a connector must live with it: the values keep coming.
	Bears bool
	// Reachable says that the peer takes values meanwhile.
	Reachable bool
	// Forgets says that the peer forgets messages that count; no client can
	// get them.
	Forgets bool
	// Lasts is how long the fault lasts after it was found: where only silence
	// shows it, long enough for the run to end and another to be tried.
	Lasts time.Duration
}

// Cases are all cases, network first.
func Cases() []Case {
	return append(networkCases(), peerCases()...)
}

func networkCases() []Case {
	pass := func(p *Proxy) func() error { return do(p.Pass) }
	return []Case{
		{Name: ConnectionReset, Reachable: true, Network: func(p *Proxy, _ Subject) Fault { return Fault{Begin: do(p.Cut)} }},
		{Name: LinkCut, Blind: true, Reachable: true, Lasts: 5 * time.Second,
			Network: func(p *Proxy, _ Subject) Fault { return Fault{do(p.Swallow), pass(p)} }},
		{Name: CablePulled, Cable: true, Blind: true, Reachable: true, Lasts: 5 * time.Second},
		{Name: InterfaceDown, Cable: true, Blind: true, Reachable: true, Lasts: 5 * time.Second},
		{Name: HalfOpen, Blind: true, Reachable: true, Lasts: 5 * time.Second,
			Network: func(p *Proxy, _ Subject) Fault { return Fault{do(p.HalfOpen), pass(p)} }},
		{Name: NATDrop, Reachable: true,
			Network: func(p *Proxy, _ Subject) Fault { return Fault{Begin: do(p.Drop)} }},
		{Name: AcceptedMute, Reset: true, Blind: true, Reachable: true, Lasts: 4 * time.Second,
			Network: func(p *Proxy, _ Subject) Fault { return Fault{do(p.Swallow), pass(p)} }},
		{Name: PortRefused, Reset: true, Blind: true, Reachable: true, Lasts: 4 * time.Second,
			Network: func(p *Proxy, _ Subject) Fault { return Fault{do(p.Refuse), pass(p)} }},
		{Name: SlowDevice, Bears: true,
			Network: func(p *Proxy, s Subject) Fault { return delaying(p, s.Slow) }},
		{Name: LateAnswers, Reset: true, Blind: true, Reachable: true, Lasts: 2 * time.Second,
			Network: func(p *Proxy, s Subject) Fault { return delaying(p, s.Late) }},
		{Name: ForeignAnswers, Reset: true, Blind: true, Reachable: true, Lasts: 2 * time.Second,
			Network: func(p *Proxy, s Subject) Fault {
				return Fault{
					func() error { p.Rewrite(s.Foreign); return nil },
					func() error { p.Rewrite(nil); return nil },
				}
			}},
	}
}

func peerCases() []Case {
	return []Case{
		{Name: Stopped, Blind: true, Lasts: 3 * time.Second, Forgets: true},
		{Name: Frozen, Blind: true, Lasts: 5 * time.Second},
		{Name: Downloaded, Blind: true, Lasts: 2 * time.Second, Partial: true},
		{Name: Moved, Blind: true, Reachable: true, Lasts: 2 * time.Second, Partial: true},
		{Name: Vanished, Blind: true, Lasts: 2 * time.Second, Partial: true},
		{Name: SessionsTaken, Reset: true, Blind: true, Lasts: 3 * time.Second},
		{Name: CertificateReplaced, Reset: true, Blind: true, Lasts: 3 * time.Second},
		{Name: CertificateEnded, Reset: true, Blind: true, Lasts: 3 * time.Second},
		{Name: PasswordChanged, Reset: true, Blind: true, Lasts: 3 * time.Second},
		{Name: SessionsKept, Blind: true, Lasts: 2 * time.Second},
		{Name: SessionsForgotten, Blind: true, Lasts: 2 * time.Second, Forgets: true},
		{Name: ClockJumped, Bears: true, Clock: true},
	}
}

func delaying(p *Proxy, d time.Duration) Fault {
	return Fault{
		func() error { p.Delay(d); return nil },
		func() error { p.Delay(0); return nil },
	}
}

// do makes a step of a fault from something that can not fail.
func do(f func()) func() error {
	return func() error { f(); return nil }
}
