package opcua

import (
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestParseBrowsePath(t *testing.T) {
	for in, canonical := range map[string]string{
		"path:/Objects":                                   "path:/Objects",
		"path:/Objects/2:Line/2:Good":                     "path:/Objects/2:Line/2:Good",
		"path:/Objects/nsu=urn:line;Line1":                "path:/Objects/nsu=urn:line;Line1",
		"path:/Objects/nsu=http://a.b/c%3Bd;Line/0:Good":  "path:/Objects/nsu=http://a.b/c%3Bd;Line/Good",
		`path:/Objects/2:"DB"/2:a&/b/2:c&&d/2:e&:f/x.y=z`: `path:/Objects/2:"DB"/2:a&/b/2:c&&d/2:e&:f/x.y&=z`,
		"path:/Objects/a:b":                               "path:/Objects/a&:b",
	} {
		a, err := parseAddress(in)
		if err != nil || a.String() != canonical {
			t.Errorf("%q is %q, %v", in, a, err)
		}
	}
	for _, in := range []string{"path:", "path:/", "path:Objects", "path:/Objects/", "path://a", "path:/a&", "path:/99999:a", "path:/nsu=a", "path:/nsu=;a", "path:/2:"} {
		if a, err := parseAddress(in); err == nil {
			t.Errorf("%q was read as %q", in, a)
		}
	}
}

func FuzzParseBrowsePath(f *testing.F) {
	f.Add("path:/Objects/nsu=urn:line;Line1/2:a&/b")
	f.Add("path:/&nsu=a/1&:2")
	f.Fuzz(func(t *testing.T, in string) {
		path, err := parseBrowsePath(in)
		if err != nil {
			return
		}
		text := browsePathText(path)
		if again, err := parseBrowsePath(text); len(text) <= maxIdentifier && (err != nil || browsePathText(again) != text) {
			t.Errorf("%q became %q, which became %q, %v", in, text, browsePathText(again), err)
		}
	})
}

// TestPeerBrowsePath: paths are found in each session anew; what is not there is
// bad by itself, and comes when it is there.
func TestPeerBrowsePath(t *testing.T) {
	t.Parallel()
	p := startPeer(t, peerOptions{Nodes: []string{"Good"}, Structures: true})
	at := func(path string) connectors.Tag {
		return connectors.Tag{Address: "path:/Objects/" + path, Bit: connectors.NoBit}
	}
	line := "nsu=" + plantURI + ";"
	tags := []connectors.Tag{at(line + "Good"), at(line + "Late"), at("nsu=urn:nowhere;Good"), at("Server/ServerStatus/State"), at(line + "Hall/" + line + "Stations")}
	tags[4].Path = "[1].AccCount"
	r := follow(t, p.config(), tags)
	r.WaitValue(t, peerWithin, 0, connectors.Uint(1))
	r.WaitValue(t, peerWithin, 3, connectors.Int(0))
	r.WaitValue(t, peerWithin, 4, connectors.Int(2))
	for tag, reason := range map[int]string{1: "BadNoMatch", 2: reasonNamespace} {
		r.Wait(t, peerWithin, reason, func() bool { s, ok := r.Latest(tag); return ok && s.Reason == reason })
	}
	p.say(t, "add Late 5")
	r.WaitValue(t, peerWithin, 1, connectors.Uint(5))

	probed, err := surveyOf(t, p.config()).Probe(t.Context(), tags[:3])
	if err != nil {
		t.Fatal(err)
	}
	if probed[0][0].Sample.Value != connectors.Uint(1) || probed[1][0].Sample.Value != connectors.Uint(5) || probed[2][0].Sample.Reason != reasonAddress {
		t.Errorf("probed %+v", probed)
	}
}
