package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// site is what machines and connections need to know of the rest.
type site struct {
	name        string
	location    *time.Location
	countIs     mapping.Quantity
	reportEvery time.Duration
	// budgetAt is where the budget is set, or would be; backlogAt likewise.
	budgetAt, backlogAt Pos
}

// readSite reads everything that stands once in the main file.
func (l *loader) readSite(root *view) *Config {
	l.data = l.dataFolder(root.text("data"))
	c := &Config{Site: root.text("site"), Data: l.data, Location: time.Local}
	if n := root.child("timezone"); n != nil && root.valid("timezone") {
		c.Location = l.timezone(n)
	} else if len(l.set.calendar) > 0 && !root.has("timezone") {
		l.warn(l.set.calendar[0], "the calendar goes by this computer's time zone; set timezone to be sure")
	}
	c.Prodsmart = l.readProdsmart(l.view(root.child("prodsmart"), l.schema.root.index["prodsmart"].sub))
	c.Board = l.readListen(l.view(root.child("board"), l.schema.root.index["board"].sub), true)
	c.Metrics = l.readListen(l.view(root.child("metrics"), l.schema.root.index["metrics"].sub), false)
	journal := l.view(root.child("journal"), l.schema.root.index["journal"].sub)
	c.Journal = Journal{Keep: journal.duration("keep"), Size: journal.value("size").whole}
	if board := root.child("board"); board != nil {
		l.warn(board, "this version has no supervisor's page; nothing listens at board.listen")
	}
	if orders := root.child("orders"); orders != nil {
		c.Orders = l.readOrders(l.view(orders, l.schema.root.index["orders"].sub), c)
		for _, s := range c.Orders.Sources {
			c.Prodsmart.Follow.On = c.Prodsmart.Follow.On || s.Live
		}
	}
	l.site = &site{name: c.Site, location: c.Location, countIs: c.Prodsmart.CountIs,
		reportEvery: c.Prodsmart.ReportEvery, budgetAt: Pos{l.files[0], 1, 1}}
	if n := root.child("prodsmart"); n != nil {
		l.site.budgetAt = n.keyPos
		if budget := n.get("budget"); budget != nil {
			l.site.budgetAt = budget.pos
		}
		if backlog := n.get("backlog"); backlog != nil {
			l.site.backlogAt = backlog.pos
		}
	}
	return c
}

func (l *loader) readProdsmart(v *view) Prodsmart {
	p := Prodsmart{
		Prefix: v.text("prefix"), Paths: map[string]string{}, Live: v.text("mode") == "live",
		Budget: mapping.Whole(v.value("budget").whole), CountIs: quantity(v.text("count_is")), ReportEvery: v.duration("report_every"),
		Auth: v.text("auth"), Insecure: v.truth("insecure"), Timeout: v.duration("timeout"),
		Proxy: v.text("proxy"), Waste: v.text("waste"), WasteOnly: v.text("waste_only"), FirstZero: v.text("first_zero"),
		AmbiguousWait: v.duration("ambiguous_wait"), RefusedRetry: v.duration("refused_retry"), RepeatStop: v.truth("repeat_stop"),
		Share: v.number("share"), Backlog: v.text("backlog"),
	}
	p.ReconcileEvery = l.view(v.child("reconcile"), v.object.index["reconcile"].sub).duration("every")
	if p.ReconcileEvery > 0 && p.ReconcileEvery < time.Minute {
		l.bad(v.child("reconcile").get("every"), "expected 0s for no comparison, or 1m to 24h")
	}
	if n := p.Budget.Mul(p.Share); v.valid("share") && n.Cmp(mapping.Whole(1)) < 0 {
		l.bad(v.at("share"), quote(v.at("share").text)+" of a budget of "+p.Budget.String()+" is less than one request a minute; raise share or budget")
	}
	p.URL = l.prodsmartURL(v, p.Insecure)
	if ca := v.text("ca"); ca != "" {
		p.CA = l.beside(ca)
	}
	if !strings.HasPrefix(p.Prefix, "/") {
		l.bad(v.at("prefix"), "expected a path that begins with /, got "+quote(p.Prefix))
	}
	l.readPaths(v, p.Paths)
	p.Key, p.Secret = l.secret(v, "key"), l.secret(v, "secret")
	p.ProxyUser, p.ProxyPassword = l.secret(v, "proxy_user"), l.secret(v, "proxy_password")
	p.Follow = l.readFollow(v, p.Secret)
	for _, key := range []string{"key", "secret"} {
		if p.Live && !v.has(key) {
			l.badKey(v.at("mode"), "mode live needs "+quote(key)+"; "+referenceHint)
		}
	}
	if v.has("proxy_user") && (p.Proxy == "" || p.Proxy == "direct") {
		l.badKey(v.at("proxy_user"), "a user is given, but no proxy; set proxy to its address")
	}
	if p.Proxy != "" && p.Proxy != "direct" {
		if u, err := url.Parse(p.Proxy); err != nil || u.Host == "" || u.User != nil || !containsText([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
			l.bad(v.at("proxy"), "expected an address such as http://proxy.example:3128 without a user, or direct")
		}
	}
	return p
}

func quantity(text string) mapping.Quantity {
	if text == "total" {
		return mapping.TotalParts
	}
	return mapping.GoodParts
}

func (l *loader) prodsmartURL(v *view, insecure bool) string {
	text := v.text("url")
	if !v.valid("url") {
		return text
	}
	n := v.at("url")
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		l.bad(n, "expected an address such as https://app.prodsmart.com, got "+quote(text))
	case u.User != nil:
		l.bad(n, "the address holds a user or password; they belong into key and secret")
	case u.RawQuery != "" || u.Fragment != "":
		l.bad(n, "the address must end before ? and #")
	case u.Scheme == "http" && !insecure:
		l.bad(n, "http would show key and secret to everyone on the way; write https")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		l.bad(n, "insecure allows http on loopback only; write https")
	case u.Scheme != "http" && u.Scheme != "https":
		l.bad(n, "expected an address that begins with https://, got "+quote(text))
	}
	return text
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (l *loader) readListen(v *view, local bool) string {
	text := v.text("listen")
	if text == "none" {
		return ""
	}
	host, port, err := net.SplitHostPort(text)
	number, bad := strconv.Atoi(port)
	if err != nil || bad != nil || number < 0 || number > 65535 {
		l.bad(v.at("listen"), "expected an address such as 127.0.0.1:8080, or none, got "+quote(text))
		return text
	}
	if local && !loopback(host) {
		l.bad(v.at("listen"), "the board listens on loopback only, since it has no users and no TLS yet; write 127.0.0.1:"+port)
	}
	return text
}

// secret reads a kindSecret or kindUser.
func (l *loader) secret(v *view, key string) Secret {
	n := v.child(key)
	if n == nil || !v.valid(key) {
		return Secret{}
	}
	text := v.text(key)
	if v.object.index[key].kind == kindUser && !strings.HasPrefix(text, "${") {
		return Secret{ref: text, value: &text}
	}
	if problem := checkReference(text); problem != "" {
		l.bad(n, problem)
		return Secret{}
	}
	secret, problem := l.resolve(text)
	if problem != "" {
		l.bad(n, problem)
	}
	return secret
}
