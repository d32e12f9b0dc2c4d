package board

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
)

// HandHeader must be set, to anything, in requests that change something: no web
// page of another site can set it.
const HandHeader = "X-Prodsmart-Gateway"

// handPatience bounds what somebody asks for by hand: a source of orders may be
// busy with a request.
const handPatience = 25 * time.Second

// byHand lets a request through that comes from this computer and from no web
// page. The answer names what it was about: the value of the path's key as name.
func byHand(name, key string, do func(ctx context.Context, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		own := ownAddress(r)
		switch remote, err := netip.ParseAddrPort(r.RemoteAddr); {
		case err != nil || !remote.Addr().Unmap().IsLoopback() && remote.Addr().Unmap() != own:
			fail(w, http.StatusForbidden, errors.New("this is only done for somebody at the gateway's own computer; run the command there"))
			return
		case !ownName(r.Host, own) || r.Header.Get(HandHeader) == "":
			fail(w, http.StatusForbidden, fmt.Errorf("the request must be sent to the gateway by its address, with a header %s", HandHeader))
			return
		case handedOn(r):
			fail(w, http.StatusForbidden, errors.New("this is not done through a proxy or from a web page; run the command at the gateway's own computer"))
			return
		}
		ctx, stop := context.WithTimeout(r.Context(), handPatience)
		defer stop()
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		err := do(ctx, r)
		switch {
		case errors.Is(err, gateway.ErrUnknownMachine) || errors.Is(err, gateway.ErrUnknownSource) || errors.Is(err, gateway.ErrNoOrders):
			fail(w, http.StatusNotFound, err)
		case err != nil:
			fail(w, http.StatusConflict, err)
		default:
			answer(w, http.StatusOK, map[string]string{name: r.PathValue(key), "status": "done"})
		}
	}
}

// handedOn says that a request shows that somebody else sent it than who
// connected: a proxy at this computer hands on what comes from anywhere. One that
// leaves no mark is not noticed.
func handedOn(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via", "Origin"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// ownAddress is the address of this computer that a request came to: who comes
// from there is at this computer too.
func ownAddress(r *http.Request) netip.Addr {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return netip.Addr{}
	}
	address, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}

// ownName says that a Host header names this computer by itself, so that no
// foreign name was pointed at it.
func ownName(host string, own netip.Addr) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && (address.Unmap().IsLoopback() || address.Unmap() == own)
}

// fail answers with an error as JSON.
func fail(w http.ResponseWriter, code int, err error) {
	answer(w, code, map[string]string{"error": err.Error()})
}
