package mes

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// FuzzMachineCall sends any body to any service. Documented as the server is,
// what it refuses changes nothing, and no total ever goes down.
func FuzzMachineCall(f *testing.F) {
	for _, body := range []string{`{"count":5}`, `{"count":7,"waste":[{"code":"SCRAP","quantity":1}]}`, `{"type":"STOP","running":0}`,
		`{"parameters":[{"code":"temperature","value":25}]}`, `{"count":1e400}`, `[]`, `{"count":9}{}`, `{"running":null}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s, err := New(Config{Key: "key", Secret: "secret", Profile: Profile{Options: Options{Limit: -1}}, Machines: []MachineSetup{{
			Code: "M1", InProduction: true, Waste: []string{"SCRAP"}, Parameters: []ParameterSetup{{Name: "Temp", Code: "temperature"}},
			Types: []TypeSetup{{Name: "STOP"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, service := range []string{"counter", "startstop", "parameters", "counter"} {
			before, _ := s.Machine("M1")
			r := httptest.NewRequest("POST", "/api/machines/M1/"+service, strings.NewReader(body))
			r.SetBasicAuth("key", "secret")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			after, _ := s.Machine("M1")
			if w.Code != 200 && (w.Code != 400 || inOneLine(before) != inOneLine(after)) {
				t.Fatalf("%s %q: %d %s\nbefore %s\nafter  %s", service, body, w.Code, w.Body, inOneLine(before), inOneLine(after))
			}
			if after.Counter < before.Counter || after.WasteOf["SCRAP"] < before.WasteOf["SCRAP"] || after.Productions[0].Quantity != after.Counter {
				t.Fatalf("%s %q: before %s\nafter  %s", service, body, inOneLine(before), inOneLine(after))
			}
		}
	})
}

// FuzzList asks for lists with any query: the answer is a list or a refusal.
func FuzzList(f *testing.F) {
	for _, q := range []string{"page=2", "start-time-after=2026-03-04T10:00:00%2B01", "worker=1&checked-out=false", "page=1107000000000000000", "machine=M1", "%"} {
		f.Add(q)
	}
	s, err := New(Config{Key: "key", Secret: "secret", Machines: []MachineSetup{{Code: "M1", InProduction: true, Types: []TypeSetup{{Name: "STOP"}}}},
		Profile: Profile{Options: Options{Limit: -1, ListCredentials: ListCredentialsEither, TokenLife: time.Hour}}, KeepCalls: 10})
	if err != nil {
		f.Fatal(err)
	}
	s.WorkerStops("M1", "STOP", 2)
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/api/downtimes", "/api/productions"} {
			r := httptest.NewRequest("GET", path, http.NoBody)
			r.URL.RawQuery = query
			r.SetBasicAuth("key", "secret")
			if r.URL.Query().Has("access_token") {
				return
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			var list []map[string]any
			if w.Code != 400 && (w.Code != 200 || json.Unmarshal(w.Body.Bytes(), &list) != nil || len(list) > 1) {
				t.Fatalf("%s?%s: %d %s", path, query, w.Code, w.Body)
			}
		}
	})
}
