package prodsmart

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// environmentProxy is http.ProxyFromEnvironment without its errors, which show
// the proxy's password. What is no address at all the standard library takes for
// one of a host named http, and a password with a # or a ? for a host.
func environmentProxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil || u != nil && (strings.HasPrefix(u.Path, "//") || u.RawQuery != "" || u.Fragment != "") {
		return nil, errBadProxyVariable
	}
	return u, nil
}

var errBadProxyVariable = errors.New("the proxy in the environment (HTTPS_PROXY or HTTP_PROXY) is no address; write it like http://proxy.example:3128, and percent-encode what is no letter or digit in a password")

// tunnelRefused is a proxy's refusal to connect us to Prodsmart.
type tunnelRefused struct {
	proxy  string
	status int
	// advice is what to do, or nothing.
	advice string
}

func (e *tunnelRefused) Error() string {
	text := fmt.Sprintf("the proxy %s refused the connection: %s", e.proxy, statusName(e.status))
	if e.advice != "" {
		text += "; " + e.advice
	}
	return text
}

// checkTunnel turns a proxy's refusal of CONNECT into an error that says which
// proxy and what to do; the standard one is the bare status text. A refusal is
// final for the request: it is not made again in another way.
func checkTunnel(_ context.Context, proxy *url.URL, _ *http.Request, r *http.Response) error {
	refused := &tunnelRefused{proxy: proxy.Host, status: r.StatusCode}
	switch r.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		refused.advice = loginAdvice(r.Header, proxy.User != nil)
	case http.StatusForbidden, http.StatusMethodNotAllowed:
		refused.advice = "Prodsmart's host and port must be allowed there"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		refused.advice = "it could not reach Prodsmart itself"
	case http.StatusNetworkAuthenticationRequired:
		refused.advice = "the network wants a login in a browser first"
	}
	if r.StatusCode >= 300 && r.StatusCode <= 399 {
		refused.advice = "it sends browsers to a page, of a login or a block; Prodsmart's host must be allowed there without one"
	}
	return refused
}

// loginAdvice says what to do about a proxy that wants a login; given says that
// it was shown one.
func loginAdvice(h http.Header, given bool) string {
	schemes := loginSchemes(h)
	basic := slices.ContainsFunc(schemes, func(s string) bool { return strings.EqualFold(s, "Basic") })
	switch {
	case len(schemes) > 0 && !basic:
		return fmt.Sprintf("it takes only a login with %s, which the gateway does not speak: run Px or Cntlm on this computer as prodsmart.proxy, or let Prodsmart's host through without a login", strings.Join(schemes, " or "))
	case given:
		return "it does not take the user and the password it was given; check prodsmart.proxy_user and proxy_password"
	}
	return "give it a user and a password: prodsmart.proxy, proxy_user and proxy_password"
}

// loginSchemes are the names of the ways in which a proxy lets log in, as it
// lists them: NTLM, Negotiate, Basic.
func loginSchemes(h http.Header) []string {
	var schemes []string
	for _, line := range h.Values("Proxy-Authenticate") {
		quoted := false
		for _, part := range strings.FieldsFunc(line, func(r rune) bool {
			if r == '"' {
				quoted = !quoted
			}
			return r == ',' && !quoted
		}) {
			name, _, _ := strings.Cut(strings.TrimSpace(part), " ")
			if name != "" && len(name) < 20 && !strings.ContainsAny(name, `="`) && !slices.Contains(schemes, name) {
				schemes = append(schemes, name)
			}
		}
	}
	return schemes[:min(len(schemes), 4)]
}
