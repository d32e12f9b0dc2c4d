package opcua

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// silenceAtLeast is the shortest silence that ends a session.
	silenceAtLeast = 3 * time.Second
	// retryEvery is the time between two attempts at refused items.
	retryEvery = 5 * time.Second
	// aliveEvery bounds how often a connection vouches for its tags.
	aliveEvery = 900 * time.Millisecond
	// pulseEvery is the time between two small reads that keep the session,
	// measure round trip and clock, and find a dead server under a slow
	// subscription, or a dead subscription on a live server.
	pulseEvery = 10 * time.Second
	// pulsesMissed is the number of reads in a row that may fail.
	pulsesMissed = 2
	// publishPause keeps a server that answers publish requests with an error
	// at once from being asked without end.
	publishPause = 100 * time.Millisecond
	// reasonWaiting is the name of the status code for the same.
	reasonWaiting = "BadWaitingForInitialData"
)

// publication is one answer to a publish request, or the end of them.
type publication struct {
	at  time.Time
	res *ua.PublishResponse
	err error
}

// watch tells what the subscription brings until it brings no more. It owns the
// goroutines that talk to the server meanwhile; they have ended when it returns.
func (s *session) watch(ctx context.Context, emit func(connectors.Batch)) error {
	ctx, stop := context.WithCancel(ctx)
	var running, guarding sync.WaitGroup
	finished := make(chan struct{})
	guarding.Go(func() { s.guard(ctx, finished) })
	defer func() {
		stop()
		running.Wait()
		close(finished)
		guarding.Wait()
	}()
	// One publication waits here while another is being emitted and the next is
	// asked for; more stay on the server, in its queues.
	publications := make(chan publication, 1)
	// The server may keep a publish request as long as it has nothing to tell;
	// the watch over silence is shorter than this.
	timeout := 2*max(s.silence(), s.keep+s.interval) + s.c.cfg.Timeout
	running.Go(func() { s.publish(ctx, timeout, publications) })
	s.choose()
	checks := make(chan check)
	nodes, known := s.canaryNodes(), s.namespaces
	running.Go(func() { s.pulse(ctx, nodes, known, checks) })
	return s.consume(ctx, emit, publications, checks)
}

// guard closes the socket if the session does not end by itself soon after its
// context: a request that hangs in writing does not hear of contexts.
func (s *session) guard(ctx context.Context, finished <-chan struct{}) {
	select {
	case <-finished:
		return
	case <-ctx.Done():
	}
	timer := time.NewTimer(politeFor)
	defer timer.Stop()
	select {
	case <-finished:
	case <-timer.C:
		_ = s.ch.tcp.Close()
	}
}

// silence is how long a live subscription may say nothing: three publishings,
// unless the server has made heartbeat and keep-alives rarer than that.
func (s *session) silence() time.Duration {
	expected := s.keep
	if heart := &s.items[len(s.items)-1]; heart.state != itemRefused {
		expected = min(expected, heart.sampling)
	}
	return max(3*s.interval, expected+2*s.interval, silenceAtLeast)
}

func (s *session) consume(ctx context.Context, emit func(connectors.Batch), publications <-chan publication, checks <-chan check) error {
	s.deliver(emit, connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
	s.tellRefused(emit)

	silent := time.NewTimer(s.silence())
	defer silent.Stop()
	retry := time.NewTicker(s.c.retryEvery)
	defer retry.Stop()
	settle := time.NewTimer(s.silence())
	defer settle.Stop()
	w := watcher{session: s, emit: emit}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-publications:
			if err := w.take(p); err != nil {
				return err
			}
			silent.Reset(s.silence())
		case got := <-checks:
			if err := w.checked(got, publications); err != nil {
				return err
			}
		case <-settle.C:
			if err := w.drain(publications); err != nil {
				return err
			}
			w.settle()
		case <-retry.C:
			if err := s.retry(ctx); err != nil {
				return err
			}
			if err := w.drain(publications); err != nil {
				return err
			}
			s.tellRefused(emit)
		case <-silent.C:
			if len(publications) == 0 && !s.ch.in.arriving(s.silence()) {
				return fmt.Errorf("the subscription was silent: %w for %s; the server hangs or the network path is cut", errNoAnswer, s.silence())
			}
			silent.Reset(s.silence())
		}
	}
}

// deliver emits a batch. An answer that arrived in the instant before another
// batch was made, and is emitted after it, gets that batch's time.
func (s *session) deliver(emit func(connectors.Batch), b connectors.Batch) {
	if b.Time.Before(s.last) {
		b.Time = s.last
	}
	s.last = b.Time
	s.c.deliver(emit, b)
}

// tellRefused emits a bad sample for each tag that the server refuses.
func (s *session) tellRefused(emit func(connectors.Batch)) {
	s.samples = s.refusedSamples(s.samples[:0])
	if len(s.samples) > 0 {
		s.deliver(emit, connectors.Batch{Time: time.Now(), Samples: s.samples})
	}
}

// watcher makes batches of publications.
type watcher struct {
	*session
	emit  func(connectors.Batch)
	alive time.Time // of the last batch that vouched
}

// checked looks at what the pulse has read. What was told before is taken first.
func (w *watcher) checked(got check, publications <-chan publication) error {
	if got.err != nil {
		return got.err
	}
	if err := w.drain(publications); err != nil {
		return err
	}
	return w.compare(got)
}

// drain takes what has arrived already, so that batches leave in the order of
// their times.
func (w *watcher) drain(publications <-chan publication) error {
	for {
		select {
		case p := <-publications:
			if err := w.take(p); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// take makes one batch of one publication.
func (w *watcher) take(p publication) error {
	if p.err != nil {
		return p.err
	}
	res := p.res
	if res.SubscriptionID != w.sub || res.NotificationMessage == nil {
		return nil
	}
	w.samples = w.samples[:0]
	for _, data := range res.NotificationMessage.NotificationData {
		if data == nil {
			continue
		}
		switch n := data.Value.(type) {
		case *ua.DataChangeNotification:
			w.changes(n)
		case *ua.StatusChangeNotification:
			return explainStatus("the subscription ended", n.Status)
		}
	}
	b := connectors.Batch{Time: p.at, Samples: w.samples}
	// An answer for our subscription says that everything which changed has been
	// told, unless the server says that there is more, or has not told of some
	// item at all yet.
	if !res.MoreNotifications && w.settled() && p.at.Sub(w.alive) >= aliveEvery {
		b.Alive, w.alive = true, p.at
	}
	if b.Alive || len(b.Samples) > 0 {
		w.deliver(w.emit, b)
	}
	return nil
}

// changes adds the samples of a notification to the batch.
func (w *watcher) changes(n *ua.DataChangeNotification) {
	for _, m := range n.MonitoredItems {
		if m == nil {
			continue
		}
		it := w.handle(m.ClientHandle)
		if it == nil {
			continue
		}
		for _, t := range it.tags {
			w.samples = append(w.samples, w.types.sample(t, w.c.readings[t], m.Value))
		}
		w.c.data.Add(1)
		w.note(it, m.Value)
		w.told(it, m.Value)
	}
}

// settled says that every accepted item has had a value in this session.
func (w *watcher) settled() bool {
	for i := range w.items {
		if w.items[i].state == itemWaiting && w.items[i].tags != nil {
			return false
		}
	}
	return true
}

// settle gives up waiting for the first values of items, so that they do not
// keep the others from being vouched for.
func (w *watcher) settle() {
	w.samples = w.samples[:0]
	for i := range w.items {
		it := &w.items[i]
		if it.state != itemWaiting {
			continue
		}
		it.state = itemLive
		for _, t := range it.tags {
			w.samples = append(w.samples, connectors.Sample{Tag: t, Reason: reasonWaiting})
		}
	}
	if len(w.samples) > 0 {
		w.deliver(w.emit, connectors.Batch{Time: time.Now(), Samples: w.samples})
	}
}

// publish keeps one publish request at the server, so that answers keep their
// order, and hands the answers over. It ends after the first error.
func (s *session) publish(ctx context.Context, timeout time.Duration, out chan<- publication) {
	var acks []*ua.SubscriptionAcknowledgement
	for {
		res, err := call[*ua.PublishResponse](ctx, s.ch, &ua.PublishRequest{SubscriptionAcknowledgements: acks}, timeout)
		if isStatus(err, ua.StatusBadTimeout, ua.StatusBadTooManyPublishRequests) {
			select {
			case <-time.After(publishPause):
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case out <- publication{at: time.Now(), res: res, err: err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		acks = nil
		if m := res.NotificationMessage; m != nil && len(m.NotificationData) > 0 {
			acks = []*ua.SubscriptionAcknowledgement{{SubscriptionID: res.SubscriptionID, SequenceNumber: m.SequenceNumber}}
		}
	}
}
