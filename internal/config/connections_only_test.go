package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestConnectionsOnly holds that what is wrong elsewhere does not keep a well
// connection from being used, and that a wrong one is named.
func TestConnectionsOnly(t *testing.T) {
	const well = "  bend: {opcua: {endpoint: \"opc.tcp://10.0.4.21:4840\"}}\n"
	for name, c := range map[string]struct {
		text string
		// want are the well connections, bad is a part of each problem.
		want string
		bad  []string
	}{
		"no machines":         {"connections:\n" + well, "[bend]", nil},
		"a wrong machine":     {"connections:\n" + well + "machines:\n  M: {cuont: 5}\n", "[bend]", nil},
		"no Prodsmart secret": {"connections:\n" + well + "prodsmart: {key: \"${env:GONE}\", secret: plain}\n", "[bend]", nil},
		"a wrong neighbour": {"connections:\n" + well + "  bender: {modbus: {adress: \"tcp://a\"}}\n", "[bend]",
			[]string{"connections.bender.modbus.adress: the key"}},
		"a neighbour's secret": {"connections:\n" + well + "  floor: {mqtt: {broker: \"tcp://a\", user: u, password: \"${env:GONE}\"}}\n", "[bend]",
			[]string{"the environment variable GONE is not set"}},
		"itself":         {"connections:\n  bend: {opcua: {endpiont: \"opc.tcp://a\"}}\n", "[]", []string{`did you mean "endpoint"`}},
		"itself, by use": {"connections:\n  bend: {opcua: {endpoint: \"opc.tcp://a\", user: u}}\n", "[]", []string{"no password"}},
		"the outline":    {"conections:\n" + well, "[]", []string{`did you mean "connections"`}},
		"no YAML":        {"connections: {\n", "[]", []string{"this is no YAML"}},
		"nothing":        {"", "[]", []string{"empty"}},
		"an include":     {"include: [more.yaml, gone.yaml]\nconnections:\n" + well, "[bend press]", []string{"gone.yaml"}},
		"the same device": {"connections:\n  a: {modbus: {address: \"rtu:///dev/ttyS0\"}}\n  b: {modbus: {address: \"rtu:///dev/ttyS0\"}}\n", "[a]",
			[]string{"connections.b: the connection a has the same serial port"}},
	} {
		files := map[string]string{"g.yaml": c.text, "more.yaml": "connections: {press: {modbus: {address: \"tcp://10.0.4.30\"}}}\nmachines: {X: {}}\n"}
		got, problems := Connections("g.yaml", Options{
			Env: func(string) (string, bool) { return "", false },
			ReadFile: func(path string) ([]byte, error) {
				if text, ok := files[path]; ok {
					return []byte(text), nil
				}
				return nil, errors.New("no such file")
			}})
		var names []string
		for _, connection := range got {
			names = append(names, connection.Name)
		}
		if fmt.Sprint(names) != c.want || len(problems) != len(c.bad) {
			t.Errorf("%s: %v\n%v", name, names, problems)
			continue
		}
		for i, part := range c.bad {
			if !strings.Contains(problems[i].String(), part) {
				t.Errorf("%s: %s", name, problems[i])
			}
		}
	}
}

// TestProblemsOf does not take a longer name for a shorter one.
func TestProblemsOf(t *testing.T) {
	all := Problems{{Path: "connections.bend"}, {Path: "connections.bend.opcua"}, {Path: "connections.bender.opcua"}, {Path: "machines.bend"}}
	if got := all.Of("bend"); len(got) != 2 {
		t.Fatal(got)
	}
}
