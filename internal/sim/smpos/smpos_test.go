package smpos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// shop is a cabinet with one shop, one till and three goods, and a clock.
type shop struct {
	*Server
	t              *testing.T
	address        string
	now            time.Time
	chain, section int64
	till           int64
}

func open(t *testing.T, o Options) *shop {
	s := &shop{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	s.Server = New(Config{Login: "user@mail.com", Password: "hush-hush", Options: o, Now: func() time.Time { return s.now }})
	s.chain = s.AddChain("Chain")
	s.section = s.AddSection(s.chain, "kiosk1")
	s.SetGoods(s.section, Goods{Code: 10, Name: "Bakery", IsFolder: true}, Goods{Code: 120, Name: "Croissant", Qnty: 38000, Price: 4600, FolderCode: 10, BarCode: 9007199254740993},
		Goods{Code: 29, Name: "Juice", Qnty: 103000, Dep: 3, AddPrices: []AddPrice{{5000, 3500}}})
	s.till = s.AddDevice(s.section, "Android", true)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.address = server.URL + "/api"
	return s
}

// raw sends a body and gives the answer's status and text.
func (s *shop) raw(body string) (int, string, error) {
	res, err := http.Post(s.address, "application/json; charset=UTF-8", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// ask sends a command with credentials, and gives what was answered.
func (s *shop) ask(req string, with map[string]any) map[string]any {
	s.t.Helper()
	body := map[string]any{"req": req, "login": "user@mail.com", "psw": "hush-hush"}
	for k, v := range with {
		body[k] = v
	}
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	_, answer, err := s.raw(string(text))
	if err != nil {
		s.t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader([]byte(answer)))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		s.t.Fatalf("%s: %v in %q", req, err, answer)
	}
	return out
}

func (s *shop) want(what string, got any, want string) {
	s.t.Helper()
	text, err := json.Marshal(got)
	if err != nil || string(text) != want {
		s.t.Errorf("%s: %s, want %s (%v)", what, text, want, err)
	}
}

func (s *shop) in(more map[string]any) map[string]any {
	m := map[string]any{"sectionID": s.section}
	for k, v := range more {
		m[k] = v
	}
	return m
}

func TestRealStock(t *testing.T) {
	for _, auto := range []bool{true, false} {
		t.Run(fmt.Sprintf("auto %v", auto), func(t *testing.T) {
			s := open(t, Options{})
			till := s.AddDevice(s.section, "second", auto)
			s.Sell(till, 120, 23000)
			s.Sell(till, 29, 2000)
			s.Refund(till, 29, 2000)
			s.want("sales", s.ask("GETSALES", s.in(nil))["sales"], `[{"code":29,"qnty":0},{"code":120,"qnty":23000}]`)
			s.CloseShift(till)
			want := map[bool][2]int64{true: {15000, 0}, false: {38000, 23000}}[auto]
			if q, sold := s.Quantity(s.section, 120), s.Sold(s.section, 120); q != want[0] || sold != want[1] {
				t.Errorf("quantity %d, current sales %d", q, sold)
			}
		})
	}
}

func TestClosingAProtocol(t *testing.T) {
	for _, books := range []bool{false, true} {
		s := open(t, Options{ClosingBooks: books})
		till := s.AddDevice(s.section, "by hand", false)
		s.Sell(till, 120, 5000)
		id := s.ask("GETPRTLST", map[string]any{"deviceID": till})["protocols"].([]any)[0].(map[string]any)["ID"]
		if got := s.ask("SETPRTSTATE", map[string]any{"prtID": id, "closed": true}); fmt.Sprint(got["status"]) != "1" {
			t.Errorf("the current shift: %v", got)
		}
		s.CloseShift(till)
		s.want("state", s.ask("GETPRTSTATE", map[string]any{"prtID": id})["closed"], "false")
		s.want("closing", s.ask("SETPRTSTATE", map[string]any{"prtID": id, "closed": true})["closed"], "true")
		want := int64(38000)
		if books {
			want = 33000
		}
		if q, sold := s.Quantity(s.section, 120), s.Sold(s.section, 120); q != want || sold != 0 {
			t.Errorf("books %v: quantity %d, current sales %d", books, q, sold)
		}
	}
}

func TestStamps(t *testing.T) {
	s := open(t, Options{})
	for req, change := range map[string]func(){
		"GETGOODS": func() { s.Book(s.section, 120, 1000) }, "GETGOODSQNTY": func() { s.Book(s.section, 120, -1000) }, "GETSALES": func() { s.Sell(s.till, 120, 1000) },
	} {
		stamp := s.ask(req, s.in(nil))["objDT"]
		s.want(req+" unchanged", s.ask(req, s.in(map[string]any{"objDT": stamp})), `{"req":"`+req+`","status":4}`)
		s.now = s.now.Add(time.Second)
		change()
		if got := s.ask(req, s.in(map[string]any{"objDT": stamp})); fmt.Sprint(got["status"]) != "0" || got["objDT"] == stamp {
			t.Errorf("%s after a change: %v", req, got)
		}
	}
	// Stamps are seconds: a second change in the same one is not seen.
	s.Book(s.section, 120, 1000)
	stamp := s.ask("GETGOODSQNTY", s.in(nil))["objDT"]
	s.Book(s.section, 120, 1000)
	s.want("the same second", s.ask("GETGOODSQNTY", s.in(map[string]any{"objDT": stamp}))["status"], "4")
	s.now = s.now.Add(time.Second)
	got := s.ask("UPDGOODS", s.in(map[string]any{"goods": []any{map[string]any{"code": 120, "qnty": 1}}}))
	s.want("own writes move it", got["objDT"], fmt.Sprint(s.now.Unix()))
}

func TestWrites(t *testing.T) {
	s := open(t, Options{})
	good := func(m map[string]any) map[string]any { return s.in(map[string]any{"goods": []any{m}}) }
	for _, c := range []struct {
		req    string
		with   map[string]any
		status string
		check  func() bool
	}{
		{"UPDGOODS", good(map[string]any{"code": 120, "qnty": 125000}), "0", func() bool { return s.Quantity(s.section, 120) == 125000 && s.Directory(s.section)[1].Price == 4600 }},
		{"UPDGOODS", good(map[string]any{"code": 120, "qty": 7}), "0", func() bool { return s.Quantity(s.section, 120) == 7 }},
		{"UPDGOODS", good(map[string]any{"code": 999, "qnty": 1}), "0", func() bool { return len(s.Directory(s.section)) == 3 }},
		{"UPDGOODS", s.in(map[string]any{"strict": true, "goods": []any{map[string]any{"code": 120, "qnty": 9}, map[string]any{"code": 999}}}), "3", func() bool { return s.Quantity(s.section, 120) == 7 }},
		{"UPDGOODS", good(map[string]any{"code": 120, "name": strings.Repeat("x", 256)}), "3", func() bool { return s.Directory(s.section)[1].Name == "Croissant" }},
		{"UPDGOODS", good(map[string]any{"code": 120, "qnty": "many"}), "3", func() bool { return s.Quantity(s.section, 120) == 7 }},
		{"ADDGOODS", good(map[string]any{"code": 1000000, "name": "too high"}), "3", func() bool { return len(s.Directory(s.section)) == 3 }},
		{"ADDGOODS", good(map[string]any{"code": 120, "name": "again"}), "0", func() bool { return s.Directory(s.section)[1].Name == "Croissant" }},
		{"ADDGOODS", s.in(map[string]any{"strict": 1, "goods": []any{map[string]any{"code": 120, "name": "again"}}}), "3", func() bool { return len(s.Directory(s.section)) == 3 }},
		{"ADDGOODS", good(map[string]any{"code": 900001, "name": "Bread", "div": 1}), "0", func() bool { return bool(s.Directory(s.section)[3].Div) }},
		{"DELGOODS", s.in(map[string]any{"goods": []any{900001, 5}}), "0", func() bool { return len(s.Directory(s.section)) == 3 }},
		{"DELGOODS", s.in(map[string]any{"strict": true, "goods": []any{29, 5}}), "3", func() bool { return len(s.Directory(s.section)) == 3 }},
		{"UPDGOODS", map[string]any{"sectionID": 1, "goods": []any{}}, "5", func() bool { return true }},
		{"UPDGOODS", good(map[string]any{"code": 29, "addPrices": []any{map[string]any{"qnty": 9, "price": 1}, map[string]any{"qnty": 2, "price": 1}}}), "3", func() bool { return s.Directory(s.section)[2].AddPrices[0].Qnty == 5000 }},
		{"PUTGOODS", good(map[string]any{"code": 1, "name": "alone"}), "0", func() bool { return len(s.Directory(s.section)) == 1 }},
	} {
		if got := s.ask(c.req, c.with); fmt.Sprint(got["status"]) != c.status || !c.check() {
			t.Errorf("%s %v: %v, %+v", c.req, c.with, got, s.Directory(s.section))
		}
	}
}

func TestOptions(t *testing.T) {
	write := func(name string, n int) map[string]any {
		return map[string]any{"goods": []any{map[string]any{"code": 120, name: n}}}
	}
	for name, c := range map[string]struct {
		o     Options
		check func(s *shop) bool
	}{
		"emit qty": {Options{EmitQty: true}, func(s *shop) bool {
			g := s.ask("GETGOODS", s.in(nil))["goods"].([]any)
			m := g[1].(map[string]any)
			return fmt.Sprint(m["qty"]) == "38000" && m["qnty"] == nil && fmt.Sprint(m["barCode"]) == "9007199254740993" && fmt.Sprint(g[2].(map[string]any)["addPrices"]) == "[map[price:3500 qty:5000]]"
		}},
		"only qty": {Options{OnlyQty: true}, func(s *shop) bool {
			s.ask("UPDGOODS", s.in(write("qnty", 1)))
			still := s.Quantity(s.section, 120) == 38000
			s.ask("UPDGOODS", s.in(write("qty", 1)))
			return still && s.Quantity(s.section, 120) == 1
		}},
		"only the list": {Options{OnlyList: true}, func(s *shop) bool {
			in := map[string]any{"deviceID": s.till}
			return fmt.Sprint(s.ask("GETPRTLST", in)["status"]) == "2" && s.ask("GETPRTLIST", in)["req"] == "GETPRTLIST"
		}},
		"blanks": {Options{Blanks: true}, func(s *shop) bool {
			return s.ask("GETGOODSQNTY", s.in(nil))["qntyArr"].([]any)[1].(map[string]any)["qnty "] != nil
		}},
		"numbers": {Options{DivNumber: true, Quoted: true}, func(s *shop) bool {
			return s.ask("GETGOODS", s.in(nil))["goods"].([]any)[0].(map[string]any)["isFolder"] == "1"
		}},
		"negative": {Options{NoNegative: true}, func(s *shop) bool { return fmt.Sprint(s.ask("UPDGOODS", s.in(write("qnty", -1)))["status"]) == "3" }},
		"allowed":  {Options{}, func(s *shop) bool { return fmt.Sprint(s.ask("UPDGOODS", s.in(write("qnty", -1)))["status"]) == "0" }},
		"strict partly": {Options{StrictPartly: true}, func(s *shop) bool {
			got := s.ask("UPDGOODS", s.in(map[string]any{"strict": true, "goods": []any{map[string]any{"code": 999}, map[string]any{"code": 120, "qnty": 5}}}))
			return fmt.Sprint(got["status"]) == "3" && s.Quantity(s.section, 120) == 5
		}},
		"HTTP errors": {Options{HTTPErrors: true, BadLogin: 1}, func(s *shop) bool {
			status, text, err := s.raw(`{"req":"GETCHAINLIST","login":"user@mail.com","psw":"wrong"}`)
			return err == nil && status == 400 && strings.Contains(text, `"status":1`)
		}},
		"the manual's own sample": {Options{}, func(s *shop) bool {
			status, text, err := s.raw(`{"req":"UPDGOODS", "sectionID": 4070862908 "goods": [ {"code": 29, "qty": 103000,} ]}`)
			return err == nil && status == 200 && strings.Contains(text, `"status":3`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if !c.check(open(t, c.o)) {
				t.Error("not as the option says")
			}
		})
	}
}

func TestLists(t *testing.T) {
	s := open(t, Options{})
	s.want("chains", s.ask("GETCHAINLIST", nil)["chains"], fmt.Sprintf(`[{"ID":%d,"name":"Chain"}]`, s.chain))
	s.want("sections", s.ask("GETSECTLIST", map[string]any{"chainID": s.chain})["sections"], fmt.Sprintf(`[{"ID":%d,"name":"kiosk1"}]`, s.section))
	s.want("a till that was never heard", s.ask("GETDEVLIST", map[string]any{"chainID": s.chain})["devices"], fmt.Sprintf(`[{"ID":%d,"autoProcessPrt":true,"name":"Android"}]`, s.till))
	s.Sell(s.till, 120, 1000)
	s.now = s.now.Add(time.Hour)
	s.Disconnect(s.till)
	s.Sell(s.till, 120, 2000)
	if got := s.Sold(s.section, 120); got != 1000 {
		t.Errorf("%d were sold, say the sales of a till that is away", got)
	}
	s.want("it was last heard before", s.ask("GETDEVLIST", map[string]any{"chainID": s.chain})["devices"], fmt.Sprintf(`[{"ID":%d,"autoProcessPrt":true,"lastConnect":%d,"name":"Android"}]`, s.till, s.now.Add(-time.Hour).Unix()))
	s.Connect(s.till)
	if got := s.Sold(s.section, 120); got != 3000 {
		t.Errorf("%d were sold", got)
	}
	for _, req := range []string{"GETSECTLIST", "GETDEVLIST", "GETGOODS", "GETPRTLST", "GETPERSALES"} {
		s.want(req+" of others", s.ask(req, nil)["status"], "5")
	}
	s.want("unknown", s.ask("GETORDERS", nil)["status"], "2")
}

func TestProtocols(t *testing.T) {
	s := open(t, Options{TableNames: false})
	var begun []int64
	for range 120 {
		begun = append(begun, s.now.Unix())
		s.Sell(s.till, 120, 1000)
		s.now = s.now.Add(time.Hour)
		s.CloseShift(s.till)
	}
	list := func(with map[string]any) []any {
		with["deviceID"] = s.till
		return s.ask("GETPRTLST", with)["protocols"].([]any)
	}
	all := list(map[string]any{"withResults ": true})
	first := all[0].(map[string]any)
	if len(all) != 100 || fmt.Sprint(first["dateBeg"]) != fmt.Sprint(begun[0]) || first["results"] == nil {
		t.Errorf("%d protocols, the first is %v", len(all), first)
	}
	if got := list(map[string]any{"fromDT": begun[99]}); len(got) != 21 {
		t.Errorf("%d protocols from the hundredth on", len(got))
	}
	if got := list(map[string]any{"toDT": begun[3], "byPrtCloseTime": true}); len(got) != 3 {
		t.Errorf("%d shifts ended by then", len(got))
	}
	s.config.Options.NewestFirst = true
	if got := list(map[string]any{"recCnt": 1})[0].(map[string]any); fmt.Sprint(got["dateBeg"]) != fmt.Sprint(begun[119]) {
		t.Errorf("%v", got)
	}
	s.config.Options.TableNames, s.config.Options.OnlyPvt = true, true
	s.want("the other name", s.ask("GETPRT", map[string]any{"prtID": first["ID"]})["status"], "3")
	got := s.ask("GETPRT", map[string]any{"pvtID": first["ID"], "withSales": 1, "withDetails": true})
	s.want("sales", got["pvtSales"], `{"prn1":{"sale":[{"code":120,"dep":1,"discount":0,"qnty":1000,"sum":4600,"tax":1}]}}`)
	begin := got["pvtDetails"].([]any)[4].(map[string]any)
	if fmt.Sprint(begin["dateTime"]) != fmt.Sprint(begun[0]+7200) || got["objDT"] != fmt.Sprint(begun[0]+3600) {
		t.Errorf("journals are in local time, stamps of protocols are texts: %v, %v", begin, got["objDT"])
	}
	s.want("unchanged", s.ask("GETPRT", map[string]any{"pvtID": first["ID"], "objDT": got["objDT"]})["status"], "4")
	period := s.ask("GETPERSALES", map[string]any{"deviceID": s.till, "fromDT": begun[118]})
	s.want("two shifts", period["perSales"], `{"prn1":{"sale":[{"code":120,"dep":1,"discount":0,"qnty":2000,"sum":9200,"tax":1}]}}`)
	s.want("no such protocol", s.ask("GETPRTSTATE", map[string]any{"prtID": 1})["status"], "8")
}

func TestFaults(t *testing.T) {
	const upd = `{"req":"UPDGOODS","login":"user@mail.com","psw":"hush-hush","sectionID":%d,"goods":[{"code":120,"qnty":1}]}`
	for kind, c := range map[FaultKind]struct {
		status  int
		text    string
		commits bool
	}{
		Status500: {500, "Internal", false}, TooMany: {429, "Too Many", false}, Failed: {200, `"status":1`, false}, Query: {200, `"status":6`, false}, Busy: {200, `"status":7`, false},
		Commit500: {500, "Internal", true}, CommitFail: {200, `"status":1`, true}, DropBefore: {0, "", false}, DropAfter: {0, "", true}, Page: {200, "<!DOCTYPE", true}, Empty: {200, "", true},
		HalfAnswer: {200, `{"`, true}, NoStatus: {200, `"objDT"`, true},
	} {
		t.Run(string(kind), func(t *testing.T) {
			s := open(t, Options{})
			s.AddFault(Fault{Kind: kind, Req: "UPDGOODS", After: 1})
			s.want("it lets one pass", s.ask("UPDGOODS", s.in(map[string]any{"goods": []any{}}))["status"], "0")
			status, text, err := s.raw(fmt.Sprintf(upd, s.section))
			if status != c.status || !strings.Contains(text, c.text) || (err != nil) != (c.status == 0) {
				t.Errorf("%d %q %v", status, text, err)
			}
			if committed := s.Quantity(s.section, 120) == 1; committed != c.commits {
				t.Errorf("committed %v", committed)
			}
			s.want("then it is over", s.ask("GETCHAINLIST", nil)["status"], "0")
			calls := s.Calls()
			if len(calls) != 3 || calls[1].Fault != kind || strings.Contains(calls[1].Body, "hush") || s.Count("UPDGOODS", s.now) != 2 || s.Count("", s.now) != 3 {
				t.Errorf("%+v", calls)
			}
		})
	}
	s := open(t, Options{})
	s.AddFault(Fault{Kind: WrongTypes})
	s.want("lists are texts", s.ask("GETGOODSQNTY", s.in(nil))["qntyArr"], `"3 records"`)
	s.AddFault(Fault{Kind: Slow, Pause: time.Hour, Times: 9})
	client := http.Client{Timeout: 50 * time.Millisecond}
	if _, err := client.Post(s.address, "application/json", strings.NewReader(`{"req":"GETCHAINLIST"}`)); err == nil {
		t.Error("it is not slow")
	}
	s.ClearFaults()
	s.Meanwhile("GETGOODSQNTY", 1, func() { s.Book(s.section, 120, 1000) })
	s.ask("GETGOODSQNTY", s.in(nil))
	before := s.Quantity(s.section, 120)
	s.ask("GETGOODSQNTY", s.in(nil))
	if before != 38000 || s.Quantity(s.section, 120) != 39000 {
		t.Errorf("what happens meanwhile came at the wrong call")
	}
}

func TestOtherDoors(t *testing.T) {
	s := open(t, Options{})
	for path, want := range map[string]int{"/api": 405, "/else": 404} {
		res, err := http.Get(strings.TrimSuffix(s.address, "/api") + path)
		if err != nil || res.StatusCode != want {
			t.Errorf("%s: %v, %v", path, res, err)
		}
		if err := errors.Join(err, res.Body.Close()); err != nil {
			t.Error(err)
		}
	}
	s.RemoveSection(s.section)
	s.Sell(s.till, 120, 1000)
	s.want("a right that was taken away", s.ask("GETSALES", s.in(nil))["status"], "5")
}

func FuzzRequest(f *testing.F) {
	for _, seed := range []string{`{"req":"GETSALES","login":"user@mail.com","psw":"hush-hush","sectionID":3002871913,"objDT":"5"}`, `{"req":"UPDGOODS","login":"user@mail.com","psw":"hush-hush","sectionID":3002871913,"goods":[{"code":120,"qty":1,"div":1}]}`, `{"req":5}`, `[]`, `{`} {
		f.Add(seed)
	}
	s := New(Config{Login: "user@mail.com", Password: "hush-hush"})
	s.SetGoods(s.AddSection(s.AddChain("Chain"), "kiosk1"), Goods{Code: 120, Name: "Croissant"})
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api", strings.NewReader(body)))
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q is answered %q", body, w.Body)
		}
	})
}
