package config

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// Orders is the order mirror.
type Orders struct {
	ProductsEvery time.Duration
	// PerMinute and StocksPerMinute bound the requests to Prodsmart.
	PerMinute, StocksPerMinute int
	// Sources are in the order of the file; without any there is no mirror.
	Sources []OrderSource
}

// OrderSource is one business system, or one kind of files, databases and services.
type OrderSource struct {
	Pos  Pos
	Name string
	// System is the key that names its system: file and so on.
	System string
	// Live is false in shadow mode.
	Live bool
	// CreateProducts makes products that are not in Prodsmart.
	CreateProducts               bool
	Every, FullEvery, StockEvery time.Duration
	Rules                        orders.Settings
	// UsesStock says that its stock is read: for replenishment, or to be set in
	// Prodsmart.
	UsesStock bool
	// Unseen is how many days an order may be in no read before it is asked for
	// alone; 0 is never.
	Unseen int

	systemSettings
}

// usual is the time between two reads of a system's orders, and of its stock, where
// nothing is said. All of a Smartup company's tools share 500 calls a day, and Repzo has
// 10,000; goods of cash registers are sold within hours; a look into a drop folder costs
// nothing, and a file is only taken when two of them see it the same.
func usual(system string) (every, stock time.Duration) {
	switch system {
	case "smartup":
		return 10 * time.Minute, 30 * time.Minute
	case "repzo":
		return time.Minute, 5 * time.Minute
	case "smpos":
		return 5 * time.Minute, 2 * time.Minute
	case "file":
		return 15 * time.Second, 30 * time.Minute
	}
	return 5 * time.Minute, 30 * time.Minute
}

// sourceName is what the name of a source may be: it stands in markers and in codes.
var sourceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,19}$`)

func (l *loader) readOrders(v *view, c *Config) Orders {
	out := Orders{ProductsEvery: v.duration("products_every"), PerMinute: v.whole("per_minute"), StocksPerMinute: v.whole("stocks_per_minute")}
	object := v.object.index["sources"].sub
	prefixes := map[string]string{}
	for _, e := range l.entriesOf(v.child("sources"), "source names") {
		if e.key.dead {
			continue
		}
		if !sourceName.MatchString(e.key.text) {
			l.bad(e.key, "the source name "+quote(e.key.text)+" is not possible; use at most 20 of A-Z, a-z, 0-9, _, . and -, beginning with a letter or digit")
			continue
		}
		s := l.view(e.value, object)
		if s.wrong {
			continue
		}
		source, ok := l.readSource(e.key, s, v.text("mode") == "live", c)
		if !ok {
			continue
		}
		prefix := source.Rules.Prefix
		if other := prefixes[prefix]; other != "" {
			l.warn(s.node, fmt.Sprintf("its codes begin with %s as those of %s do; give one of them another prefix", quote(prefix), other))
		}
		prefixes[prefix] = e.key.text
		out.Sources = append(out.Sources, source)
	}
	return out
}

// readSource reads one source: its rules, and its system.
func (l *loader) readSource(key *node, v *view, live bool, c *Config) (OrderSource, bool) {
	l.source = key.text
	defer func() { l.source = "" }()
	s := OrderSource{Pos: key.pos, Name: key.text, Live: live, CreateProducts: v.truth("create_products"), Every: v.duration("every"), FullEvery: v.duration("full_every"), StockEvery: v.duration("stock_every")}
	if v.has("mode") {
		s.Live = v.text("mode") == "live"
	}
	var named []string
	for _, system := range systems() {
		if v.has(system) {
			named = append(named, system)
		}
	}
	if len(named) != 1 {
		l.badKey(v.node, "expected exactly one system with its settings, such as file: {folder: ...}; allowed are "+oneOf(systems())+map[bool]string{true: "; found " + strings.Join(named, " and ")}[len(named) > 1])
		return s, false
	}
	s.System = named[0]
	r := orders.Defaults(s.Name)
	r.Zone = c.Location
	r.Target = orders.Target(v.text("target"))
	r.Prefix = prefixOf(s.System)
	if v.has("prefix") {
		r.Prefix = v.text("prefix")
	}
	if v.has("code") {
		r.Template = v.text("code")
		if !strings.Contains(r.Template, "{line}") || !strings.Contains(r.Template, "{number}") && !strings.Contains(r.Template, "{id}") {
			l.bad(v.at("code"), "expected {line} and {number} or {id} in it, or orders would share a code")
		}
	}
	l.readRules(v, &r)
	l.readWrites(v, &r)
	l.readReplenish(v, &r)
	s.Rules = r
	s.UsesStock = r.Target == orders.Replenish || r.StockOwner == orders.SourceOwns || len(r.Owners) > 0
	system := l.view(v.child(s.System), v.object.index[s.System].sub)
	if system.wrong {
		return s, false
	}
	every, stock := usual(s.System)
	if !v.has("every") {
		s.Every = every
	}
	if !v.has("stock_every") {
		s.StockEvery = stock
	}
	l.readSystem(&s, system, c)
	l.checkWrites(v, &s)
	if s.UsesStock && !s.hasStock() {
		l.badKey(v.node, "its stock is needed, for replenish, stock or stock_of, and "+s.System+" as it is set has none; with sql, name a view under stock")
	}
	return s, true
}

// readRules reads what is the same for every system.
func (l *loader) readRules(v *view, r *orders.Settings) {
	r.LongestCode = v.whole("longest_code")
	r.DayEnd = l.clock(v, "day_end", r.DayEnd)
	r.DefaultLead, r.LeadTime = v.duration("default_lead"), v.duration("lead_time")
	r.CustomerText = v.text("customer")
	r.Include, r.Exclude, r.Groups = l.texts(v.child("include")), l.texts(v.child("exclude")), l.texts(v.child("groups"))
	r.SkipFree = !v.truth("free_lines")
	r.Products, r.Fields, r.Locations = l.names(v, "products"), l.names(v, "fields"), l.names(v, "locations")
	r.DeactivateCancelled, r.DeactivateHeld = v.text("on_cancel") == "deactivate", v.text("on_hold") == "deactivate"
	r.ApplyLess, r.Reopen, r.Grace = v.text("on_less") == "apply", v.truth("reopen"), v.duration("grace")
	r.MostCancelled, r.MostShrunk = v.whole("most_cancelled"), v.whole("most_shrunk")
	r.Week = v.text("bucket") == "week"
	r.StockOwner = orders.Owner(v.text("stock"))
	r.LeadTimes = map[string]time.Duration{}
	for name, n := range l.named(v, "lead_times") {
		if d, problem := parseDuration(n); problem != "" {
			l.bad(n, problem)
		} else {
			r.LeadTimes[name] = d
		}
	}
	r.Units = map[string]decimal.Decimal{}
	for name, n := range l.named(v, "units") {
		d, err := erp.ParseDecimal(n.text, erp.Point)
		if err != nil || d.Sign() <= 0 {
			l.bad(n, "expected a number above 0, got "+n.noun())
			continue
		}
		r.Units[name] = d
	}
	r.Owners = map[string]orders.Owner{}
	for name, n := range l.named(v, "stock_of") {
		if allowed := []string{"none", "erp", "prodsmart"}; !containsText(allowed, n.text) {
			l.bad(n, quote(n.text)+" is not possible; allowed are "+oneOf(allowed))
			continue
		}
		r.Owners[name] = orders.Owner(n.text)
	}
}

// named are the single values of a kindNames by their names.
func (l *loader) named(v *view, key string) map[string]*node {
	out := map[string]*node{}
	for _, e := range l.entriesOf(v.child(key), "names") {
		if e.value.kind != scalarNode {
			l.bad(e.value, "expected one value, got "+e.value.noun())
			continue
		}
		out[e.key.text] = e.value
	}
	return out
}

// names are the texts of a kindNames.
func (l *loader) names(v *view, key string) map[string]string {
	out := map[string]string{}
	for name, n := range l.named(v, key) {
		if parsed, problem := parseScalar(kindText, n); problem != "" {
			l.bad(n, problem)
		} else {
			out[name] = parsed.text
		}
	}
	return out
}

// clock reads a time of day such as 17:00.
func (l *loader) clock(v *view, key string, standard time.Duration) time.Duration {
	if !v.has(key) {
		return standard
	}
	d, ok := timeOfDay(v.text(key))
	if !ok {
		l.bad(v.at(key), "expected a time of day such as 17:00, got "+quote(v.text(key)))
	}
	return d
}

func timeOfDay(text string) (time.Duration, bool) {
	t, err := time.Parse("15:04", text)
	if text == "24:00" {
		return 24 * time.Hour, true
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err == nil
}

// exact turns a number of the file into a decimal. A fraction that has no end is
// cut after 16 digits.
func exact(n mapping.Number) decimal.Decimal {
	d, err := decimal.NewFromString(n.String())
	if err == nil {
		return d
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return d
	}
	return decimal.NewFromBigInt(r.Num(), 0).DivRound(decimal.NewFromBigInt(r.Denom(), 0), 16)
}

func (l *loader) readWrites(v *view, r *orders.Settings) {
	w := l.view(v.child("write"), v.object.index["write"].sub)
	r.Writes = map[erp.Kind]orders.WriteRule{}
	for _, key := range w.object.keys() {
		if !w.has(key) {
			continue
		}
		one := l.view(w.child(key), w.object.index[key].sub)
		rule := orders.WriteRule{On: orders.Trigger(one.text("on")), Every: one.duration("every"), Negative: one.truth("negative")}
		if key == string(erp.Task) {
			rule.Down = one.duration("down")
		}
		if one.has("step") {
			rule.Step = exact(one.number("step"))
		}
		if rule.On == orders.OnStep && rule.Step.Sign() == 0 && rule.Every == 0 {
			l.bad(w.at(key), fmt.Sprintf("with on_step, give step (pieces), every (a time) or both, such as %s: {on: on_step, step: 50}", key))
		}
		r.Writes[erp.Kind(key)] = rule
	}
}

func (l *loader) readReplenish(v *view, r *orders.Settings) {
	if (r.Target == orders.Replenish) != v.has("replenish") {
		l.badKey(v.node, "target: replenish and the section replenish belong together")
		return
	}
	p := l.view(v.child("replenish"), v.object.index["replenish"].sub)
	if p.node == nil || p.wrong {
		return
	}
	out := &r.Replenishment
	out.MaxAge, out.ArrivalLag, out.Quiet = p.duration("max_age"), p.duration("arrival_lag"), p.duration("quiet")
	out.Recover, out.Hysteresis, out.PerDay = orders.Recover(p.text("recover")), p.whole("hysteresis"), p.whole("per_day")
	out.Waves = l.timesOfDay(p, "waves")
	seen := map[string]bool{}
	for _, item := range itemsOf(p.child("needs")) {
		n := l.view(item, p.object.index["needs"].sub)
		if n.wrong {
			continue
		}
		need := orders.Need{
			Article: n.text("article"), Pool: n.text("pool"), Places: l.texts(n.child("places")), Min: exact(n.number("min")), Max: exact(n.number("max")),
			Lot: exact(n.number("lot")), Lead: n.duration("lead_time"),
		}
		if n.has("most") {
			need.Cap = exact(n.number("most"))
		}
		if !sourceName.MatchString(need.Pool) {
			l.bad(n.at("pool"), "the pool "+quote(need.Pool)+" is not possible; use at most 20 of A-Z, a-z, 0-9, _, . and -")
		}
		if need.Max.LessThanOrEqual(need.Min) {
			l.bad(n.at("max"), fmt.Sprintf("max is %s and min is %s; max must be more", need.Max, need.Min))
		}
		if key := need.Pool + "/" + need.Article; seen[key] {
			l.bad(item, "the article "+quote(need.Article)+" stands twice in pool "+quote(need.Pool))
		} else {
			seen[key] = true
		}
		out.Needs = append(out.Needs, need)
	}
}
