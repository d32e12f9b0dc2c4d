package connectortest

import (
	"bytes"
	"testing"
	"time"
)

func TestProxyHalfOpen(t *testing.T) {
	p := NewProxy(t, echo(t))
	c := dial(t, p.Addr())
	p.HalfOpen()
	if got, err := ask(c, "one", 200*time.Millisecond); err == nil {
		t.Errorf("an answer came through: %q", got)
	}
	p.Pass()
	if got, err := hear(c, 5*time.Second); err != nil || got != "one\n" {
		t.Errorf("after Pass came %q, %v", got, err)
	}
}

func TestProxyDrop(t *testing.T) {
	p := NewProxy(t, echo(t))
	old := dial(t, p.Addr())
	if _, err := ask(old, "one", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	p.Drop()
	// What was being read already may still pass; what follows must not.
	_, _ = ask(old, "two", 200*time.Millisecond)
	if got, err := ask(old, "three", 200*time.Millisecond); err == nil {
		t.Errorf("a forgotten connection still answers: %q", got)
	}
	if got, err := ask(dial(t, p.Addr()), "four", 5*time.Second); err != nil || got != "four\n" {
		t.Errorf("another connection says %q, %v", got, err)
	}
	p.Forget()
	if _, err := hear(old, 5*time.Second); err == nil {
		t.Error("a forgotten connection was not reset")
	}
}

func TestProxyDelaysAndRewrites(t *testing.T) {
	p := NewProxy(t, echo(t))
	c := dial(t, p.Addr())
	p.Delay(300 * time.Millisecond)
	p.Rewrite(func(b []byte) { copy(b, bytes.ToUpper(b)) })
	began := time.Now()
	if got, err := ask(c, "one", 5*time.Second); err != nil || got != "ONE\n" {
		t.Errorf("came %q, %v", got, err)
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("the answer took only %v", took)
	}
	p.Delay(0)
	p.Rewrite(nil)
	if got, err := ask(c, "two", 5*time.Second); err != nil || got != "two\n" {
		t.Errorf("afterwards came %q, %v", got, err)
	}
}
