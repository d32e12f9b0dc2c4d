package config

import (
	"slices"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/csmart"
)

func csmartObject() *object {
	return &object{name: "csmart", fields: append([]*field{
		{key: "url", kind: kindText, def: "https://csmart.pl/app/api.php", doc: "address of the service"},
		{key: "domain", kind: kindText, required: true, doc: "it is the firm's domain in the service"},
		{key: "email", kind: kindUser, required: true, doc: "it is the e-mail of a user"},
		{key: "password", kind: kindSecret, required: true, doc: "it is a reference to the user's password"},
		{key: "fields", kind: kindNames, doc: "names of fields by what they are, several with blanks between them, where the usual ones are wrong; orders discover lists what there is: " + strings.Join(csmart.Meanings(), ", ")},
		{key: "generic", kind: kindText, doc: "article of lines that have a name and no code, whose name is told in the observations; without it they wait"},
		{key: "products_for", kind: kindDuration, def: "1h", min: "1m", max: "24h", doc: "how long products are remembered"},
		{key: "get", kind: kindBool, def: "false", doc: "read with GET, where a domain takes no POST for reading; the token then stands in addresses, and in the logs of proxies"},
		{key: "login_words", kind: kindTexts, doc: "parts of error texts that mean that the token is not valid any more; without it token, login, zalog, autory, sesj"},
		{key: "timezone", kind: kindText, def: "Europe/Warsaw", doc: "zone of the firm"},
		{key: "timeout", kind: kindDuration, def: "120s", min: "1s", max: "15m", doc: "how long a call may take"},
		{key: "most_mb", kind: kindInt, def: "32", min: "1", max: "1024", doc: "largest answer in megabytes"},
		{key: "task_type", kind: kindText, def: "zadanie", doc: "type of tasks, for write: task"},
		{key: "task_status", kind: kindText, def: "nowe", doc: "status of tasks that are new or have news"},
		{key: "task_closed", kind: kindText, def: "zamknięte", doc: "status of a task about a delay that is over"},
		{key: "task_customer", kind: kindBool, def: "true", doc: "tasks belong to the customer, by the tax number"},
	}, stateFields("status")...)}
}

// readCSMART reads the settings of a CSMART domain.
func (l *loader) readCSMART(s *OrderSource, v *view) {
	s.user, s.password = l.secret(v, "email"), l.secret(v, "password")
	s.csmart = &csmart.Config{
		Address: v.text("url"), Domain: v.text("domain"), Get: v.truth("get"), Fields: map[string][]string{}, States: l.stateWords(v), NoState: l.saidState(v), Generic: v.text("generic"),
		Zone: l.zoneOf(v), ProductsFor: v.duration("products_for"), LoginWords: l.texts(v.child("login_words")), Timeout: v.duration("timeout"), MostMB: v.whole("most_mb"),
		Tasks: csmart.TaskConfig{Kinds: kindsOn(s), Type: v.text("task_type"), Status: v.text("task_status"), Closed: v.text("task_closed"), NoCustomer: !v.truth("task_customer")},
	}
	for name, n := range l.named(v, "fields") {
		if !slices.Contains(csmart.Meanings(), name) {
			l.bad(n, quote(name)+" is nothing that a field can be; these are: "+strings.Join(csmart.Meanings(), ", "))
			continue
		}
		s.csmart.Fields[name] = strings.Fields(n.text)
	}
}
