package prodsmart

import (
	"encoding/json"
	"testing"
)

func TestBodies(t *testing.T) {
	waste := []Waste{{"SCRAP", 20}, {"RE-WORK", 0}}
	parameters := []Parameter{
		{Name: "Temperature", Code: "TEMP", Value: "25.50"},
		{Name: "valid", Code: "V", Value: `"yes"`},
	}
	for name, c := range map[string]struct {
		got  []byte
		want string
	}{
		"count alone":   {CounterBody(500, nil, nil), `{"count":500}`},
		"largest count": {CounterBody(1<<63-1, nil, nil), `{"count":9223372036854775807}`},
		"waste": {CounterBody(0, waste, nil),
			`{"count":0,"waste":[{"code":"SCRAP","quantity":20},{"code":"RE-WORK","quantity":0}]}`},
		"all by name": {CounterBody(7, waste[:1], parameters),
			`{"count":7,"waste":[{"code":"SCRAP","quantity":20}],"parameters":[{"name":"Temperature","value":25.50},{"name":"valid","value":"yes"}]}`},
		"parameters by code": {ParametersBody(parameters),
			`{"parameters":[{"code":"TEMP","value":25.50},{"code":"V","value":"yes"}]}`},
		"no parameters": {ParametersBody(nil), `{"parameters":[]}`},
		"stop":          {StartStopBody("CAPJAM", false), `{"type":"CAPJAM","running":0}`},
		"start":         {StartStopBody("CAPJAM", true), `{"type":"CAPJAM","running":1}`},
		"markup and quotes": {StartStopBody(`Cut & <Bend> "x" \ ü`, true),
			`{"type":"Cut & <Bend> \"x\" \\ ü","running":1}`},
		"a value that is no literal": {ParametersBody([]Parameter{{Code: "A", Value: "yes"}, {Code: "B"}}),
			`{"parameters":[{"code":"A","value":"yes"},{"code":"B","value":""}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			if string(c.got) != c.want {
				t.Errorf("got  %s\nwant %s", c.got, c.want)
			}
			if !json.Valid(c.got) {
				t.Error("not valid JSON")
			}
		})
	}
}

func FuzzBodies(f *testing.F) {
	f.Add(int64(500), "SCRAP", int64(3), "temperature", `"25"`)
	f.Add(int64(-1), "\"},{\"", int64(0), "\x00\xff\u2028", `{"a":`)
	f.Add(int64(0), "", int64(0), "", "1 2")
	f.Fuzz(func(t *testing.T, count int64, code string, quantity int64, name, value string) {
		parameters := []Parameter{{Name: name, Code: name, Value: value}}
		var counter struct {
			Count *int64
			Waste []struct {
				Code     string
				Quantity int64
			}
			Parameters []struct{ Name, Value any }
		}
		body := CounterBody(count, []Waste{{code, quantity}}, parameters)
		if err := json.Unmarshal(body, &counter); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if *counter.Count != count || len(counter.Waste) != 1 || counter.Waste[0].Quantity != quantity || len(counter.Parameters) != 1 {
			t.Fatalf("%s does not say what it was made of", body)
		}
		for _, body := range [][]byte{ParametersBody(parameters), StartStopBody(code, true)} {
			if !json.Valid(body) {
				t.Fatalf("not JSON: %s", body)
			}
		}
	})
}

func TestNames(t *testing.T) {
	for v, want := range map[Verdict]string{
		Unsent: "unsent", Accepted: "accepted", Refused: "refused", Unauthorized: "unauthorized",
		Limited: "limited", Ambiguous: "ambiguous", 99: "ambiguous",
	} {
		if v.String() != want {
			t.Errorf("verdict %d is called %s, want %s", v, v, want)
		}
	}
	for _, s := range []Service{StartStopService, CounterService, ParametersService} {
		if e, ok := s.endpoint(); !ok || string(e) != s.String() {
			t.Errorf("service %s has the endpoint %s", s, e)
		}
	}
}
