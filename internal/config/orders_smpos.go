package config

import (
	"strconv"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/smpos"
)

func smposObject() *object {
	return &object{name: "smpos", fields: []*field{
		{key: "url", kind: kindText, def: "https://smpos.app/api", doc: "address of the cabinet's service"},
		{key: "login", kind: kindUser, required: true, doc: "it is the e-mail of a user of the cabinet who has the rights marked API"},
		{key: "password", kind: kindSecret, required: true, doc: "it is a reference to the user's password"},
		{key: "sections", kind: kindObjects, sub: sectionObject(), doc: "the shops; orders discover lists them, and nothing else works without"},
		{key: "chain", kind: kindInt, min: "1", max: "9000000000000000", doc: "number of the network of shops; needed where a section names tills"},
		{key: "folders", kind: kindTexts, doc: "numbers of the folders whose goods count, with the folders in them; without it all goods"},
		{key: "timezone", kind: kindText, doc: "zone of the shops; without it that of the site"},
		{key: "per_day", kind: kindInt, def: "0", min: "0", max: "1000000", doc: "calls that this gateway may make in a day; 0 is without bound"},
		{key: "per_minute", kind: kindInt, def: "30", min: "1", max: "600", doc: "calls in a minute; three or four are needed for a section and read"},
		{key: "directory_age", kind: kindDuration, def: "15m", min: "1m", max: "24h", doc: "how old names, folders and barcodes may be"},
		{key: "list_every", kind: kindDuration, def: "1h", min: "1m", max: "24h", doc: "time after which a list is read whole although the cabinet says that it did not change"},
		{key: "timeout", kind: kindDuration, def: "60s", min: "1s", max: "10m", doc: "how long a call may take"},
		{key: "most_mb", kind: kindInt, def: "32", min: "1", max: "1024", doc: "largest answer in megabytes"},
		{key: "deliver_to", kind: kindText, doc: "name of the section that gets what was produced, for write: produced; without it the only one"},
		{key: "quantity", kind: kindText, def: "qnty", allowed: []string{"qnty", "qty"}, doc: "name of the quantity in the call that changes it, which is tried first"},
		{key: "negative", kind: kindBool, def: "false", doc: "a correction may set a quantity below zero"},
		{key: "shift_ends", kind: kindTexts, doc: "times of day, such as 22:00, around which nothing is written: a shift that is posted in the moment of a write would be lost"},
		{key: "margin", kind: kindDuration, def: "10m", min: "1s", max: "2h", doc: "how long before and after"},
	}}
}

func sectionObject() *object {
	return &object{name: "sections", fields: []*field{
		{key: "id", kind: kindInt, min: "1", max: "9000000000000000", required: true, doc: "it is the cabinet's number of the section"},
		{key: "name", kind: kindText, required: true, doc: "it is the place's name in stock and needs, such as kiosk1"},
		{key: "tills", kind: kindTexts, doc: "numbers of the tills without whose word the stock is not known"},
	}}
}

// readSMPOS reads the settings of a cabinet of cash registers.
func (l *loader) readSMPOS(s *OrderSource, v *view, c *Config) {
	s.user, s.password = l.secret(v, "login"), l.secret(v, "password")
	out := &smpos.Config{
		Address: v.text("url"), Chain: int64(v.whole("chain")), Folders: l.numbers(v.child("folders")), Zone: c.Location, PerDay: v.whole("per_day"), PerMinute: v.whole("per_minute"),
		DirectoryAge: v.duration("directory_age"), FullEvery: v.duration("list_every"), Timeout: v.duration("timeout"), MostMB: v.whole("most_mb"),
		Write: smpos.WriteConfig{Kinds: kindsOn(s), DeliverTo: v.text("deliver_to"), Quantity: v.text("quantity"), Negative: v.truth("negative"), Margin: v.duration("margin")},
	}
	if v.has("timezone") {
		out.Zone = l.zoneOf(v)
	}
	for _, item := range itemsOf(v.child("sections")) {
		n := l.view(item, v.object.index["sections"].sub)
		if !n.wrong {
			out.Sections = append(out.Sections, smpos.Section{ID: int64(n.whole("id")), Name: n.text("name"), Tills: l.numbers(n.child("tills"))})
		}
	}
	out.Write.ShiftEnds = l.timesOfDay(v, "shift_ends")
	s.smpos = out
}

// numbers reads whole numbers above 0 of a kindTexts.
func (l *loader) numbers(n *node) []int64 {
	var out []int64
	for _, item := range itemsOf(n) {
		number, err := strconv.ParseInt(item.text, 10, 64)
		if item.kind != scalarNode || err != nil || number < 1 {
			l.bad(item, "expected a whole number above 0, got "+item.noun())
			continue
		}
		out = append(out, number)
	}
	return out
}

// timesOfDay reads times such as 05:30 of a kindTexts.
func (l *loader) timesOfDay(v *view, key string) []time.Duration {
	var out []time.Duration
	for _, text := range l.texts(v.child(key)) {
		at, ok := timeOfDay(text)
		if !ok {
			l.bad(v.at(key), "expected times of day such as 05:30, got "+quote(text))
			continue
		}
		out = append(out, at)
	}
	return out
}
