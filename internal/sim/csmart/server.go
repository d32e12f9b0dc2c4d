package csmart

import (
	"bytes"
	"crypto/sha1" // what the service asks for
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options are how this service differs from the plain one. The zero value is plain.
type Options struct {
	// NumericKeys makes lists records with numbers for names.
	NumericKeys bool
	// EmptyText makes an empty list an empty text; EmptyNull makes it null.
	EmptyText, EmptyNull bool
	// BOM puts the mark of UTF-8 before each answer.
	BOM bool
	// NoItems leaves the lines out of orders.
	NoItems bool
	// Comma writes decimals as 1 230,00, with a no-break space; PolishDates writes days
	// as 20.11.2026.
	Comma, PolishDates bool
	// NoModified leaves the time of the last change out.
	NoModified bool
	// NoCode leaves the codes out of lines: they have the product's id alone.
	NoCode bool
	// NoLineID leaves the ids out of lines; they are counted in lp.
	NoLineID bool
	// Most cuts lists off after so many records, the oldest first; 0 does not.
	Most int
	// PostOnly refuses GET.
	PostOnly bool
	// Falsy is what stands for no error: "", null, false, 0 or [] as JSON; empty is "".
	Falsy string
}

// Config is one service with one domain.
type Config struct {
	Domain, Email, Password string
	Options                 Options
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Zone is where the firm is; nil is UTC+1.
	Zone *time.Location
}

// FaultKind is a way to fail.
type FaultKind string

// The faults. Those named after a commit have done what was asked.
const (
	Status500  FaultKind = "status_500"
	TooMany    FaultKind = "too_many"
	Failed     FaultKind = "failed"  // an error text, before the commit
	Expired    FaultKind = "expired" // the token is not valid any more
	DropBefore FaultKind = "drop_before"
	DropAfter  FaultKind = "drop_after"
	Commit500  FaultKind = "commit_500"
	CommitFail FaultKind = "commit_fail" // an error text after the commit
	Page       FaultKind = "page"        // HTML with status 200, after the commit
	Warning    FaultKind = "warning"     // a warning before the JSON, after the commit
	Empty      FaultKind = "empty"
	HalfAnswer FaultKind = "half_answer"
	NoData     FaultKind = "no_data"    // the list is empty although there is something
	WrongTypes FaultKind = "wrong_type" // data is a text
	Slow       FaultKind = "slow"
)

// Fault strikes the next calls.
type Fault struct {
	Kind FaultKind
	// Module is the one that it strikes; empty is any.
	Module string
	// After is how many calls it lets pass first; Times how many it strikes, 0 is one.
	After, Times int
	// Pause is how long a Slow answer takes.
	Pause time.Duration
}

// Call is one that was made.
type Call struct {
	Time           time.Time
	Method         string
	Module, Action string
	Fault          FaultKind
	// Form is what was sent, without hash and token.
	Form url.Values
}

// Server is one pretend service.
type Server struct {
	config Config

	mu       sync.Mutex
	next     int
	tokens   map[string]bool
	accounts []record
	products []record
	orders   []*Order
	events   []record
	others   map[string][]record
	faults   []*Fault
	calls    []Call
}

// record is a row of a module: its fields.
type record map[string]string

// New makes a service without records.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.FixedZone("UTC+1", 3600)
	}
	return &Server{config: c, next: 1244, tokens: map[string]bool{}, others: map[string][]record{}}
}

func (s *Server) id() string {
	s.next++
	return strconv.Itoa(s.next)
}

// AddFault lets the next calls fail.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Revoke makes all tokens invalid.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = map[string]bool{}
}

// Calls gives the calls so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Count is how many calls of a module and action were made on the day (in UTC) of a
// moment; empty names count all.
func (s *Server) Count(module, action string, day time.Time) int {
	n := 0
	for _, c := range s.Calls() {
		if (module == "" || c.Module == module) && (action == "" || c.Action == action) && c.Time.UTC().Format(time.DateOnly) == day.UTC().Format(time.DateOnly) {
			n++
		}
	}
	return n
}

// strike takes the fault of a call.
func (s *Server) strike(module string) Fault {
	for i, f := range s.faults {
		if f.Module != "" && f.Module != module {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		if f.Times--; f.Times <= 0 {
			s.faults = append(s.faults[:i], s.faults[i+1:]...)
		}
		return *f
	}
	return Fault{}
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/app/api.php" {
		http.Error(w, "<html><body>404 Not Found</body></html>", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost && (r.Method != http.MethodGet || s.config.Options.PostOnly) {
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<20)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	module, action := r.URL.Query().Get("module"), r.URL.Query().Get("action")
	s.mu.Lock()
	fault := s.strike(module)
	s.mu.Unlock()
	if fault.Kind == Slow {
		t := time.NewTimer(fault.Pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	form := url.Values{}
	for k, v := range r.Form {
		if k != "hash" && k != "token" && k != "module" && k != "action" {
			form[k] = v
		}
	}
	s.calls = append(s.calls, Call{s.config.Now(), r.Method, module, action, fault.Kind, form})
	switch fault.Kind {
	case Status500:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	case TooMany:
		http.Error(w, "Too Many Requests", http.StatusTooManyRequests)
		return
	case DropBefore:
		drop(w)
		return
	}
	data, said := s.do(module, action, r.Form, fault.Kind)
	s.write(w, data, said, fault.Kind)
}

// do does what a call asks for; said is the text of an error.
func (s *Server) do(module, action string, form url.Values, fault FaultKind) (data any, said string) {
	switch fault {
	case Failed:
		return nil, "Wystąpił błąd podczas przetwarzania"
	case Expired:
		s.tokens = map[string]bool{}
	}
	if module == "Login" {
		return s.login(form)
	}
	if form.Get("domain") != s.config.Domain || !s.tokens[form.Get("token")] {
		return nil, "Nieprawidłowy token"
	}
	switch action {
	case "List":
		list, known := s.list(module)
		if !known {
			return nil, "Nieznany moduł"
		}
		if fault == NoData {
			list = nil
		}
		if o := s.config.Options; o.Most > 0 && len(list) > o.Most {
			list = list[:o.Most]
		}
		return s.config.Options.spell(list), ""
	case "Save":
		data, said = s.save(module, form)
		if fault == CommitFail {
			return nil, "Wystąpił błąd podczas przetwarzania"
		}
		return data, said
	}
	return nil, "Nieznany moduł"
}

// login gives a token.
func (s *Server) login(form url.Values) (any, string) {
	sum := sha1.Sum([]byte(s.config.Password)) // what the service asks for
	if form.Get("domain") != s.config.Domain || form.Get("email") != s.config.Email || form.Get("hash") != hex.EncodeToString(sum[:]) {
		return nil, "Błędny login lub hasło"
	}
	token := fmt.Sprintf("tok%sen%d", s.id(), len(s.tokens))
	s.tokens[token] = true
	return map[string]any{"domain": s.config.Domain, "token": token}, ""
}

// drop closes the connection without an answer. One that can not be taken over is
// answered with nothing that anybody could take for one.
func drop(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close() // it is to be lost
			return
		}
	}
	w.WriteHeader(http.StatusBadGateway)
}

// write spells an answer.
func (s *Server) write(w http.ResponseWriter, data any, said string, fault FaultKind) {
	switch fault {
	case DropAfter:
		drop(w)
		return
	case Commit500:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	case WrongTypes:
		data = "brak"
	}
	none := json.RawMessage(`""`)
	if s.config.Options.Falsy != "" {
		none = json.RawMessage(s.config.Options.Falsy)
	}
	out := map[string]any{"error": none, "data": data}
	if said != "" {
		out["error"] = said
	}
	text, err := json.Marshal(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	switch fault {
	case Page:
		text = []byte("<!DOCTYPE html><html><title>CSMART</title><p>Przerwa techniczna</html>")
	case Warning:
		text = append([]byte("<br />\n<b>Warning</b>:  Undefined variable $x in <b>/app/api.php</b> on line <b>12</b><br />\n"), text...)
	case Empty:
		text = nil
	case HalfAnswer:
		text = text[:len(text)/2]
	}
	if s.config.Options.BOM {
		text = append([]byte("\xef\xbb\xbf"), text...)
	}
	w.Header().Set("Content-Type", "text/html; charset=UTF-8") // the language's default
	_, _ = w.Write(text)                                       // whoever asked is gone
}

// spell gives a list the form that the options ask for.
func (o Options) spell(list []map[string]any) any {
	switch {
	case len(list) == 0 && o.EmptyText:
		return ""
	case len(list) == 0 && o.EmptyNull:
		return nil
	case len(list) == 0:
		return []any{}
	case !o.NumericKeys:
		return list
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, r := range list {
		text, err := json.Marshal(r)
		if err != nil {
			return nil
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%d":%s`, i, text)
	}
	b.WriteByte('}')
	return json.RawMessage(b.Bytes())
}

// number spells a decimal as the options ask for.
func (o Options) number(text string) string {
	if !o.Comma {
		return text
	}
	whole, fraction, has := strings.Cut(text, ".")
	if n := len(whole); n > 3 && !strings.HasPrefix(whole, "-") {
		whole = whole[:n-3] + "\u00a0" + whole[n-3:]
	}
	if has {
		return whole + "," + fraction
	}
	return whole
}

// day spells a date (2026-11-20) as the options ask for.
func (o Options) day(text string) string {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || !o.PolishDates {
		return text
	}
	return t.Format("02.01.2006")
}
