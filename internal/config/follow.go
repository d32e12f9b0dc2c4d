package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Follow is how changes in Prodsmart are followed.
type Follow struct {
	// On is false if the section is missing and no source of orders is live.
	On bool
	// Every is the time between two readings of all lists, Poll that between two
	// readings of a change channel.
	Every, Poll time.Duration
	// Channels are the texts that the tenant shows for its change channels, by what is
	// in them: production_orders, productions, downtimes.
	Channels map[string]string
	// Webhook is nil without one.
	Webhook *Webhook
}

// Webhook is the door for what Prodsmart sends by itself.
type Webhook struct {
	Listen, Path, Signature string
	// MaxAge is 0 for any age.
	MaxAge  time.Duration
	Secrets []Secret
	// Certificate and Key are files; empty without TLS.
	Certificate, Key string
}

// followed are the kinds that a channel can have.
func followed() []string { return []string{"production_orders", "productions", "downtimes"} }

func followObject() *object {
	return &object{name: "follow", fields: []*field{
		{key: "every", kind: kindDuration, def: "10m", min: "1m", max: "24h", doc: "time between two readings of all lists, which make the copy right whatever was lost"},
		{key: "poll", kind: kindDuration, def: "30s", min: "5s", max: "1h", doc: "time between two readings of a change channel"},
		{key: "channels", kind: kindObject, sub: channelsObject(), doc: "change channels that were made in Prodsmart for this gateway alone; reading one empties it"},
		{key: "webhook", kind: kindObject, sub: webhookObject(), doc: "a door for what Prodsmart sends by itself; without it there is none"},
	}}
}

func channelsObject() *object {
	return &object{name: "channels", fields: []*field{
		{key: "production_orders", kind: kindText, doc: "the channel with production orders, as Prodsmart shows it"},
		{key: "productions", kind: kindText, doc: "the channel with production records"},
		{key: "downtimes", kind: kindText, doc: "the channel with downtimes"},
	}}
}

func webhookObject() *object {
	return &object{name: "webhook", fields: []*field{
		{key: "listen", kind: kindText, required: true, doc: "address of the door, such as 0.0.0.0:8443; nothing else is served there"},
		{key: "path", kind: kindText, required: true, doc: "path of the address that is entered in Prodsmart; with a part that nobody can guess, such as /prodsmart/K7xq4mB2"},
		{key: "signature", kind: kindText, def: "auto", allowed: []string{"auto", "sha1-hex", "sha1-base64", "sha256-hex", "sha256-base64", "off"}, doc: "how messages are signed; auto takes all, and the status shows which one it is; off takes everything and is for tests on one computer"},
		{key: "max_age", kind: kindDuration, def: "15m", min: "0s", max: "24h", doc: "messages that are older or further ahead, or without a time, are turned away; 0s takes all, where a clock can not be trusted"},
		{key: "secret", kind: kindSecret, doc: "reference to the secret that messages are signed with; without it that of prodsmart"},
		{key: "secret_before", kind: kindSecret, doc: "reference to the secret before, while it is being replaced"},
		{key: "certificate", kind: kindText, doc: "PEM file with the certificate of the door; without it there is no TLS, for a proxy in front that has it"},
		{key: "certificate_key", kind: kindText, doc: "PEM file with the key of that certificate"},
	}}
}

// readFollow reads the section follow. The API secret signs messages unless another
// one is given.
func (l *loader) readFollow(v *view, secret Secret) Follow {
	node := v.child("follow")
	f := l.view(node, v.object.index["follow"].sub)
	out := Follow{On: node != nil, Every: f.duration("every"), Poll: f.duration("poll"), Channels: map[string]string{}}
	channels := l.view(f.child("channels"), f.object.index["channels"].sub)
	owner := map[string]string{}
	for _, kind := range followed() {
		if !channels.has(kind) {
			continue
		}
		name := channels.text(kind)
		if other := owner[name]; other != "" {
			l.bad(channels.at(kind), quote(name)+" is the channel of "+other+" already; a channel has one type, and reading it empties it")
		}
		out.Channels[kind], owner[name] = name, kind
	}
	if f.child("webhook") == nil {
		return out
	}
	w := l.view(f.child("webhook"), f.object.index["webhook"].sub)
	hook := &Webhook{Listen: l.readListen(w, false), Path: w.text("path"), Signature: w.text("signature"), MaxAge: w.duration("max_age")}
	if w.valid("path") && (!strings.HasPrefix(hook.Path, "/") || strings.ContainsAny(hook.Path, "?#% \\")) {
		l.bad(w.at("path"), "expected a path that begins with / and holds only plain characters, got "+quote(hook.Path))
	}
	if w.has("secret") {
		secret = l.secret(w, "secret")
	}
	hook.Secrets = []Secret{secret}
	if w.has("secret_before") {
		hook.Secrets = append(hook.Secrets, l.secret(w, "secret_before"))
	}
	if w.has("certificate") != w.has("certificate_key") {
		l.badKey(f.at("webhook"), "certificate and certificate_key belong together; give both, or none behind a proxy that has TLS")
	}
	if w.has("certificate") {
		hook.Certificate, hook.Key = l.beside(w.text("certificate")), l.beside(w.text("certificate_key"))
	}
	if hook.Signature == "off" {
		l.warn(w.at("signature"), "whoever reaches the door can make the gateway read; set it to auto once the tests on this computer are over")
	}
	if hook.Listen != "" {
		out.Webhook = hook
	}
	return out
}

// pathsObject has a key for each documented path.
func pathsObject() *object {
	o := &object{name: "paths"}
	uses := map[prodsmart.Endpoint][]string{}
	var order []prodsmart.Operation
	for _, op := range prodsmart.Operations() {
		if uses[op.Endpoint] == nil {
			order = append(order, op)
		}
		uses[op.Endpoint] = append(uses[op.Endpoint], op.Name)
	}
	for _, op := range order {
		o.fields = append(o.fields, &field{key: string(op.Endpoint), kind: kindText, doc: fmt.Sprintf("path of %s, %s", strings.Join(uses[op.Endpoint], ", "), op.Path)})
	}
	return o
}

// readPaths reads the paths that a tenant has elsewhere.
func (l *loader) readPaths(v *view, into map[string]string) {
	paths := l.view(v.child("paths"), v.object.index["paths"].sub)
	documented := map[string]string{}
	for _, op := range prodsmart.Operations() {
		documented[string(op.Endpoint)] = op.Path
	}
	for _, key := range paths.object.keys() {
		if !paths.valid(key) {
			continue
		}
		text := paths.text(key)
		if !strings.HasPrefix(text, "/") || strings.ContainsAny(text, "?# \\") || !slices.Equal(marksIn(text), marksIn(documented[key])) {
			l.bad(paths.at(key), fmt.Sprintf("expected a path that begins with /, with the same braces as the documented %s, got %s", documented[key], quote(text)))
		}
		into[key] = text
	}
}

// marksIn are the parts of a path in braces, in order.
func marksIn(path string) []string {
	var marks []string
	for rest := path; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			slices.Sort(marks)
			return marks
		}
		mark, next, _ := strings.Cut(after, "}")
		marks, rest = append(marks, mark), next
	}
}
