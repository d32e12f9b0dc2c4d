package orders

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Row is one record of a book on disk. Data is nil for one that is removed.
type Row struct {
	Kind, Key string
	Data      []byte
}

// The kinds of rows.
const (
	rowEntry    = "entry"
	rowDocument = "document"
	rowWrite    = "write"
	rowHead     = "head"
)

// head is what a book says of its source as a whole.
type head struct {
	// Mark is what the source is asked with the next time.
	Mark string `json:",omitempty"`
	// Believe says that an operator vouches for the next complete read.
	Believe bool `json:",omitempty"`
	// Hold is why nothing is changed until an operator decides.
	Hold *Hold `json:",omitempty"`
	// Stock is what replenishment, and Pushed what the stock loop, remembers.
	Stock  stockState                 `json:",omitzero"`
	Pushed map[string]decimal.Decimal `json:",omitempty"`
	// Full is when the last complete read was.
	Full time.Time
	// Proven says that the source, asked for a single order, shows one that its reads
	// do not show any more.
	Proven bool `json:",omitempty"`
	// On is since when each kind of write-back is on.
	On map[erp.Kind]time.Time `json:",omitempty"`
}

// Hold keeps a source from changing anything in Prodsmart.
type Hold struct {
	Since time.Time
	// What happened, in words.
	What string
	// Cancelled is how many cancellations wait.
	Cancelled int
}

// Book is all that is known of one source's orders. It belongs to one goroutine.
type Book struct {
	settings  Settings
	head      head
	documents map[string]*Document
	aliases   map[string]string
	entries   map[string]*Entry
	byID      map[int64]string
	codes     map[string]string
	writes    map[string]*Outgoing
	catalog   Catalog
	// told are the problems and words of the last reads, so that each is told once.
	told    map[string]bool
	unheard map[string]int
	dirty   map[rowName]bool
	events  []Event
	// searched says that the orders of Prodsmart were searched for markers since
	// the book was opened: it may be older than they are.
	searched bool
	// taken says that a code belongs to an order of somebody else.
	taken func(string) bool
	// twins are second orders with an entry's marker, by their number, that nobody
	// touched: see Twin.
	twins map[int64]string
	// waiting are the write-backs that are not done, by entry and kind, while progress
	// looks for more; quiet is how entries were about which nothing is left to write.
	waiting map[string]bool
	quiet   map[string]string
	// resting are kinds of write-back that are left alone for a while.
	resting map[erp.Kind]resting
	// absent are products without a row in the source's stock, since when.
	absent map[string]time.Time
	// passed are the orders of others, and from when they were looked at.
	passed map[int64]time.Time
	// strangers are others with an entry's marker that were told of.
	strangers map[int64]bool
	// confirm has what is missing asked for one by one before it counts as gone.
	confirm bool
}

// rowName names a row.
type rowName struct{ kind, key string }

// Open makes the book from its rows. taken says whether a code is in use by
// another source or by hand; it may be nil. A row that can not be read is
// reported and left where it is.
func Open(s Settings, rows []Row, taken func(string) bool) (*Book, error) {
	b := &Book{
		settings: s, documents: map[string]*Document{}, aliases: map[string]string{}, entries: map[string]*Entry{}, byID: map[int64]string{},
		codes: map[string]string{}, writes: map[string]*Outgoing{}, told: map[string]bool{}, unheard: map[string]int{}, dirty: map[rowName]bool{}, twins: map[int64]string{}, strangers: map[int64]bool{}, quiet: map[string]string{}, resting: map[erp.Kind]resting{}, passed: map[int64]time.Time{}, taken: taken,
	}
	var bad []string
	for _, r := range rows {
		var err error
		switch r.Kind {
		case rowHead:
			err = json.Unmarshal(r.Data, &b.head)
		case rowDocument:
			var d Document
			if err = json.Unmarshal(r.Data, &d); err == nil {
				b.keepDocument(&d)
			}
		case rowEntry:
			var e Entry
			if err = json.Unmarshal(r.Data, &e); err == nil {
				b.index(&e)
			}
		case rowWrite:
			var w Outgoing
			if err = json.Unmarshal(r.Data, &w); err == nil {
				b.writes[w.Write.ID] = &w
			}
		}
		if err != nil {
			bad = append(bad, fmt.Sprintf("%s %s: %v", r.Kind, r.Key, err))
		}
	}
	if len(bad) > 0 {
		return b, fmt.Errorf("%d records of the order book of %s can not be read: %s", len(bad), s.Source, strings.Join(bad[:min(3, len(bad))], "; "))
	}
	return b, nil
}

// Confirm says whether the source can be asked for single orders: then what is
// missing is asked for (Doubtful) before it counts as gone.
func (b *Book) Confirm(possible bool) { b.confirm = possible }

func (b *Book) keepDocument(d *Document) {
	if d.Lines == nil {
		d.Lines = map[string]string{}
	}
	b.documents[documentKey(d.Company, d.ID)] = d
	for _, a := range d.Aliases {
		b.aliases[documentKey(d.Company, a)] = documentKey(d.Company, d.ID)
	}
}

func (b *Book) index(e *Entry) {
	b.entries[e.Key] = e
	if e.ID != 0 {
		b.byID[e.ID] = e.Key
	}
	if e.Code != "" {
		b.codes[string(e.Kind)+e.Code] = e.Key
	}
}

// touch notes that an entry has to be written to disk.
func (b *Book) touch(e *Entry) {
	b.index(e)
	b.dirty[rowName{rowEntry, e.Key}] = true
}

func (b *Book) touchDocument(d *Document) {
	b.keepDocument(d)
	b.dirty[rowName{rowDocument, documentKey(d.Company, d.ID)}] = true
}

func (b *Book) touchHead() { b.dirty[rowName{rowHead, "head"}] = true }

// Changes are the rows that changed since it was last asked. What they say has
// to be on disk before anything is sent.
func (b *Book) Changes() []Row {
	var out []Row
	for _, name := range slices.SortedFunc(maps.Keys(b.dirty), func(x, y rowName) int { return strings.Compare(x.kind+x.key, y.kind+y.key) }) {
		var v any
		switch name.kind {
		case rowHead:
			v = b.head
		case rowDocument:
			if d := b.documents[name.key]; d != nil {
				v = d
			}
		case rowEntry:
			if e := b.entries[name.key]; e != nil {
				v = e
			}
		case rowWrite:
			if w := b.writes[name.key]; w != nil {
				v = w
			}
		}
		r := Row{Kind: name.kind, Key: name.key}
		if v != nil {
			data, err := json.Marshal(v)
			if err != nil {
				continue // no type of a book can fail to be written
			}
			r.Data = data
		}
		out = append(out, r)
	}
	clear(b.dirty)
	return out
}

// Events are the decisions since it was last asked, oldest first.
func (b *Book) Events() []Event {
	out := b.events
	b.events = nil
	return out
}

func (b *Book) say(at time.Time, e *Entry, alert bool, format string, args ...any) {
	ev := Event{At: at, Source: b.settings.Source, What: fmt.Sprintf(format, args...), Alert: alert}
	if e != nil {
		ev.Entry, ev.Code = e.Key, e.Code
	}
	b.events = append(b.events, ev)
}

// set gives an entry its status. It says so if the reason is another one.
func (b *Book) set(e *Entry, at time.Time, status Status, alert bool, reason string) {
	if e.Status == status && e.Reason == reason && e.Alert == alert {
		return
	}
	told := e.Status != status || e.Reason != reason
	if e.Status != status {
		e.Since = at
	}
	e.Status, e.Reason, e.Alert = status, reason, alert
	// What goes its usual way is not worth a line; Created says what was made.
	if usual := status == Changing || status == Creating || status == Mirrored; told && (!usual || alert || reason != "" && status == Mirrored) {
		what := string(status)
		if reason != "" {
			what += ": " + reason
		}
		b.say(at, e, alert, "%s", what)
	}
	b.touch(e)
}

// Entry gives a copy of an entry.
func (b *Book) Entry(key string) (Entry, bool) {
	e, ok := b.entries[key]
	if !ok {
		return Entry{}, false
	}
	return *e, true
}

// Find gives copies of the entries that people mean by a word: those with the code,
// or else the one with the key (Entry.Name), or else those of the source's order
// with the number or id.
func (b *Book) Find(word string) []Entry {
	for _, fits := range []func(e *Entry) bool{
		func(e *Entry) bool { return e.Code == word },
		func(e *Entry) bool { return e.Key == word || plainKey(e.Key) == word },
		func(e *Entry) bool { return e.Number == word || e.Document == word },
	} {
		var out []Entry
		for _, k := range slices.Sorted(maps.Keys(b.entries)) {
			if e := b.entries[k]; word != "" && fits(e) {
				out = append(out, *e)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// Entries gives copies of all entries, by key.
func (b *Book) Entries() []Entry {
	out := make([]Entry, 0, len(b.entries))
	for _, k := range slices.Sorted(maps.Keys(b.entries)) {
		out = append(out, *b.entries[k])
	}
	return out
}

// Documents gives copies of the source's orders, by key.
func (b *Book) Documents() []Document {
	out := make([]Document, 0, len(b.documents))
	for _, k := range slices.Sorted(maps.Keys(b.documents)) {
		out = append(out, *b.documents[k])
	}
	return out
}

// Count is how many entries have each status, and how many a person should look at.
func (b *Book) Count() (counts map[Status]int, alerts int) {
	counts = map[Status]int{}
	for _, e := range b.entries {
		counts[e.Status]++
		if e.Alert {
			alerts++
		}
	}
	return counts, alerts
}

// Codes are the codes of all orders of the book.
func (b *Book) Codes() []string {
	var out []string
	for _, e := range b.entries {
		if e.Code != "" {
			out = append(out, e.Code)
		}
	}
	return out
}

// Mark is what the source is to be asked with.
func (b *Book) Mark() string { return b.head.Mark }

// Held says why nothing is changed, if that is so.
func (b *Book) Held() *Hold { return b.head.Hold }

// LastFull is when the last complete read was; zero if there was none.
func (b *Book) LastFull() time.Time { return b.head.Full }

// Expected are the documents that a source should be asked for one by one: those
// with orders that are not over and that no read has shown since the moment,
// the longest unseen first. One that was asked for is not asked for again on the same
// day, unless a second look decides.
func (b *Book) Expected(since, now time.Time) []Document {
	var out []Document
	for _, d := range b.documents {
		if !d.open() || !d.LastSeen.Before(since) || d.Unfound.IsZero() && now.Sub(d.AskedAt) < 24*time.Hour {
			continue
		}
		if b.lives(d) {
			out = append(out, *d)
		}
	}
	slices.SortFunc(out, func(x, y Document) int {
		if c := x.LastSeen.Compare(y.LastSeen); c != 0 {
			return c
		}
		return strings.Compare(documentKey(x.Company, x.ID), documentKey(y.Company, y.ID))
	})
	return out
}

// lives says that one of the document's lines is not over.
func (b *Book) lives(d *Document) bool {
	for _, key := range d.Lines {
		e := b.entries[key]
		if e == nil {
			continue
		}
		if !e.final() || slices.ContainsFunc(e.More, func(more string) bool { return b.entries[more] != nil && !b.entries[more].final() }) {
			return true
		}
	}
	return false
}

// final says that nothing is to be done for the entry any more.
func (e *Entry) final() bool {
	switch e.Status {
	case Cancelled, Over, Refused, Conflict:
		return true
	}
	return e.Want.State == erp.Cancelled && e.ID == 0
}

// Prune forgets what has been over for longer than Settings.Keep.
func (b *Book) Prune(now time.Time) {
	before := now.Add(-b.settings.Keep)
	b.forget(before)
	for key, e := range b.entries {
		d := b.documents[documentKey(e.Company, e.Document)]
		if e.final() && e.Since.Before(before) && (d == nil || d.LastSeen.Before(before) && !(e.Status == Refused && d.open())) {
			delete(b.entries, key)
			delete(b.byID, e.ID)
			delete(b.codes, string(e.Kind)+e.Code)
			b.dirty[rowName{rowEntry, key}] = true
		}
	}
	for key, d := range b.documents {
		if !d.LastSeen.Before(before) {
			continue
		}
		left := false
		for _, k := range d.Lines {
			left = left || b.entries[k] != nil
		}
		if !left {
			delete(b.documents, key)
			b.dirty[rowName{rowDocument, key}] = true
		}
	}
}
