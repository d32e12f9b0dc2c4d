package webhook

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestABurst: more than are kept at a time wait; those that wait too long are turned
// away and counted as lost, which is said, because nothing sends them again.
func TestABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, lost := &box{wait: make(chan struct{})}, 0
		r := receiver(t, config(func(c *Config) { c.Lost = func() { lost++ } }), in)
		codes := make(chan int, 200)
		burst := func(first, n int) {
			for i := range n {
				go func() {
					codes <- serve(r, message(order, func(h http.Header) { h.Set("x-prodsmart-webhook-uuid", time.Duration(first+i).String()) }))
				}()
			}
		}
		burst(0, 100)
		time.Sleep(2 * time.Second)
		close(in.wait)
		for range 100 {
			if code := <-codes; code != 200 {
				t.Errorf("status %d", code)
			}
		}
		in.wait = make(chan struct{})
		burst(100, atOnce+1)
		time.Sleep(6 * time.Second)
		close(in.wait)
		synctest.Wait()
		if s := r.Status(); s.Lost != 1 || lost != 1 || s.Accepted != 100+atOnce {
			t.Errorf("%+v, said %d times", s, lost)
		}
	})
}

// TestSlowSenders: those whose bodies do not come keep nobody else's from being read,
// until there are too many, which is said.
func TestSlowSenders(t *testing.T) {
	lost := make(chan struct{}, 1+readAtOnce)
	r := receiver(t, config(func(c *Config) { c.Lost = func() { lost <- struct{}{} } }), &box{})
	server := httptest.NewServer(r)
	defer server.Close()
	var slow []net.Conn
	defer func() {
		for _, c := range slow {
			c.Close()
		}
	}()
	hang := func(n int) {
		for range n {
			c, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			slow = append(slow, c)
			io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
		}
	}
	reading := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); len(r.readers) < n; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d are read", len(r.readers))
			}
		}
	}
	hang(3 * atOnce)
	reading(3 * atOnce)
	if code := serve(r, message(order)); code != 200 {
		t.Errorf("status %d, %+v", code, r.Status())
	}
	hang(readAtOnce - 3*atOnce)
	reading(readAtOnce)
	if code := serve(r, message(order)); code != 503 || r.Status().Lost != 1 || len(lost) != 1 {
		t.Errorf("status %d, %+v", code, r.Status())
	}
}

// TestManySignatures: a request with thousands of them costs little more than one.
func TestManySignatures(t *testing.T) {
	c := config(func(c *Config) { c.Signature = Auto })
	cost := func(n int) float64 {
		h := http.Header{}
		for range n {
			h.Add("x-prodsmart-hmac-sha1", strings.Repeat("ab", 20))
		}
		return testing.AllocsPerRun(10, func() { c.matches(h, []byte(order)) })
	}
	if one, many := cost(1), cost(5000); many > 4*one {
		t.Errorf("%g allocations for one, %g for 5,000", one, many)
	}
}
