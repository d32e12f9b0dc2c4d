package config

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/csmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/file"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/repzo"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/rest"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/smartup"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/smpos"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/sql"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// systemSettings are the settings of a source's system: those of one system are
// there. Credentials stay apart until a connector asks for them.
type systemSettings struct {
	smartup *smartup.Config
	repzo   *repzo.Config
	csmart  *csmart.Config
	smpos   *smpos.Config
	file    *file.Config
	sql     *sql.Config
	rest    *rest.Config

	user, password Secret
	// key is that of a header, or the secret of a client.
	key Secret
	// hook signs what the system sends by itself.
	hook Secret
}

// Hook is the secret that signs what the system sends by itself; it is not set where
// nothing is to be taken.
func (s systemSettings) Hook() Secret { return s.hook }

// HookPath is the path at which that is taken, at the address of
// prodsmart.follow.webhook.
func (s OrderSource) HookPath() string { return "/orders/" + s.Name }

// revealed gives the settings with something in the place of secrets that were
// skipped, so that the rest can be checked.
func (s systemSettings) revealed() systemSettings {
	something := "skipped"
	for _, secret := range []*Secret{&s.user, &s.password, &s.key} {
		if secret.IsSet() && secret.value == nil {
			secret.value = &something
		}
	}
	return s
}

// Smartup gives the settings of a Smartup company with the credentials in clear:
// for the connector, not to be kept or printed.
func (s systemSettings) Smartup() smartup.Config {
	c := *s.smartup
	c.User, c.Password = s.user.Reveal(), s.password.Reveal()
	return c
}

// Repzo gives the settings of a Repzo company with the key in clear.
func (s systemSettings) Repzo() repzo.Config {
	c := *s.repzo
	c.Key = s.key.Reveal()
	return c
}

// CSMART gives the settings of a CSMART domain with the credentials in clear.
func (s systemSettings) CSMART() csmart.Config {
	c := *s.csmart
	c.Email, c.Password = s.user.Reveal(), s.password.Reveal()
	return c
}

// SMPOS gives the settings of a cabinet of cash registers with the credentials in
// clear.
func (s systemSettings) SMPOS() smpos.Config {
	c := *s.smpos
	c.Login, c.Password = s.user.Reveal(), s.password.Reveal()
	return c
}

// File gives the settings of a drop folder.
func (s systemSettings) File() file.Config { return *s.file }

// SQL gives the settings of a database with the credentials in clear.
func (s systemSettings) SQL() sql.Config {
	c := *s.sql
	c.User, c.Password = s.user.Reveal(), s.password.Reveal()
	return c
}

// REST gives the settings of a service with the credentials in clear.
func (s systemSettings) REST() rest.Config {
	c := *s.rest
	c.User, c.Password = s.user.Reveal(), s.password.Reveal()
	if c.TokenURL != "" {
		c.ClientSecret = s.key.Reveal()
	} else {
		c.Key = s.key.Reveal()
	}
	return c
}

// systems are the keys of a source that name its system.
func systems() []string {
	return []string{"smartup", "repzo", "csmart", "smpos", "file", "sql", "rest"}
}

// prefixOf is what the codes of a system's orders begin with where nothing is said.
func prefixOf(system string) string {
	return []string{"SU-", "RZ-", "CS-", "SM-", "FI-", "SQ-", "RE-"}[slices.Index(systems(), system)]
}

// writable are the kinds of write-back that a system can take.
func writable(system string) []erp.Kind {
	switch system {
	case "smartup":
		return []erp.Kind{erp.Note, erp.Status, erp.Produced}
	case "repzo":
		return []erp.Kind{erp.Meta, erp.Status, erp.Produced, erp.Task}
	case "csmart":
		return []erp.Kind{erp.Task}
	case "file", "smpos":
		return []erp.Kind{erp.Produced}
	}
	return nil
}

// hasStock says that the system's stock can be read.
func (s OrderSource) hasStock() bool {
	return s.System == "smartup" || s.System == "repzo" || s.System == "smpos" || s.sql != nil && s.sql.Stock != ""
}

// checkWrites reports write-back that the system can not take.
func (l *loader) checkWrites(v *view, s *OrderSource) {
	able := writable(s.System)
	for _, kind := range sortedKeys(s.Rules.Writes) {
		if slices.Contains(able, kind) {
			continue
		}
		can := "nothing is written to it"
		if len(able) > 0 {
			var names []string
			for _, k := range able {
				names = append(names, string(k))
			}
			can = "possible are " + strings.Join(names, ", ")
		}
		l.bad(v.child("write").get(string(kind)), s.System+" has no way to take "+string(kind)+"; "+can)
	}
	for _, kind := range []erp.Kind{erp.Note, erp.Status, erp.Meta} {
		if _, on := s.Rules.Writes[kind]; on && s.Rules.Target == orders.Replenish {
			l.bad(v.child("write").get(string(kind)), "with target replenish there is no order in the source that it could be written to; remove it")
		}
	}
	if _, on := s.Rules.Writes[erp.Produced]; on && s.System == "file" && s.file.Out == "" {
		l.bad(v.child("write").get("produced"), "files with what was produced need a folder: set out of file")
	}
}

// readSystem reads the settings of the system, and has its connector look over
// them.
func (l *loader) readSystem(s *OrderSource, v *view, c *Config) {
	before := len(l.errors.list)
	var check func(systemSettings) error
	switch s.System {
	case "smartup":
		l.readSmartup(s, v)
		check = func(s systemSettings) error { return s.Smartup().Check() }
	case "repzo":
		l.readRepzo(s, v)
		check = func(s systemSettings) error { return s.Repzo().Check() }
	case "csmart":
		l.readCSMART(s, v)
		check = func(s systemSettings) error { return s.CSMART().Check() }
	case "smpos":
		l.readSMPOS(s, v, c)
		check = func(s systemSettings) error { return s.SMPOS().Check() }
	case "file":
		s.file = l.readFileSource(v, c)
		check = func(s systemSettings) error { return s.File().Check() }
	case "sql":
		l.readSQL(s, v, c)
		check = func(s systemSettings) error { return s.SQL().Check() }
	case "rest":
		l.readREST(s, v, c)
		check = func(s systemSettings) error { return s.REST().Check() }
	}
	if check == nil || v.wrong || len(l.errors.list) > before {
		return
	}
	if s.hook.IsSet() && c.Prodsmart.Follow.Webhook == nil {
		l.bad(v.at("hook_secret"), "there is no door to take webhooks at; add prodsmart.follow.webhook, whose address then takes them at "+s.HookPath())
	}
	err := check(s.revealed())
	var e *erp.Error
	switch {
	case errors.As(err, &e):
		l.bad(v.node, strings.TrimSuffix(e.What+"; "+e.Next, "; "))
	case err != nil:
		l.bad(v.node, err.Error())
	}
}

// zoneOf reads the key timezone, or takes its default; nil if this computer does not
// know that one.
func (l *loader) zoneOf(v *view) *time.Location {
	if n := v.child("timezone"); n != nil {
		return l.timezone(n)
	}
	zone, err := time.LoadLocation(v.text("timezone"))
	if err != nil {
		return nil
	}
	return zone
}

// words are lists of texts by a name out of a few.
func (l *loader) words(v *view, names ...string) map[string][]string {
	out := map[string][]string{}
	for _, name := range names {
		if v.has(name) {
			out[name] = l.texts(v.child(name))
		}
	}
	return out
}

// stateFields are the keys for words of states.
func stateFields(where string) []*field {
	none := &field{key: "no_state", kind: kindText, def: "open", allowed: []string{"open", "held"}, doc: "what an order without a state is"}
	if where == "status" {
		none.def, none.doc = "", "what an order without a status is; if it is not said, such an order is open where others of the list have a status, and otherwise nothing is made of the list"
	}
	return []*field{
		{key: "open", kind: kindTexts, doc: "words of " + where + " that mean that an order may be made"},
		{key: "held", kind: kindTexts, doc: "words that mean that it has to wait"},
		{key: "closed", kind: kindTexts, doc: "words that mean that it is over"},
		{key: "cancelled", kind: kindTexts, doc: "words that mean that nobody wants it any more"},
		none,
	}
}

// saidState is no_state if it was written down.
func (l *loader) saidState(v *view) string {
	if !v.has("no_state") {
		return ""
	}
	return v.text("no_state")
}

// stateWords reads stateFields.
func (l *loader) stateWords(v *view) map[string][]string {
	return l.words(v, "open", "held", "closed", "cancelled")
}
