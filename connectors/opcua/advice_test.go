package opcua

import (
	"strings"
	"testing"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// TestProbeAdvises: whatever is wrong with one tag, its reading says in words
// what to do, and the good tag beside it is read.
func TestProbeAdvises(t *testing.T) {
	p := startPLC(t)
	for name, code := range map[string]ua.StatusCode{
		"folder": ua.StatusBadAttributeIDInvalid, "closed": ua.StatusBadNotReadable, "denied": ua.StatusBadUserAccessDenied,
		"offline": ua.StatusBadNoCommunication,
	} {
		p.put(name, &ua.DataValue{EncodingMask: ua.DataValueStatusCode, Status: code})
	}
	p.is("count", int32(7))
	p.is("list", []int32{1, 2, 3})
	p.with(func() { p.flat = 3 })
	p.is("Flat", ua.NewExtensionObject(&ua.EUInformation{DisplayName: ua.NewLocalizedText("mm"), Description: ua.NewLocalizedText("")}))
	cases := []struct {
		tag          connectors.Tag
		reason, note string
	}{
		{connectors.Tag{Address: "ns=9;s=count"}, "BadNodeIdUnknown", `no namespace 9, it has ["http://opcfoundation.org/UA/" "urn:plant"]`},
		{connectors.Tag{Address: "ns=1;s=gone"}, "BadNodeIdUnknown", `namespace 1 is "urn:plant" now`},
		{connectors.Tag{Address: node("gone")}, "BadNodeIdUnknown", "look it up with browse"},
		{connectors.Tag{Address: "nsu=urn:other;s=count"}, reasonAddress, "urn:plant"},
		{connectors.Tag{Address: node("folder")}, "BadAttributeIdInvalid", "choose a variable below it"},
		{connectors.Tag{Address: node("closed")}, "BadNotReadable", "accessible from HMI/OPC UA"},
		{connectors.Tag{Address: node("denied")}, "BadUserAccessDenied", "give it the right"},
		{connectors.Tag{Address: node("offline")}, "BadNoCommunication", "does not reach the device behind it"},
		{connectors.Tag{Address: node("count"), Type: "float64"}, reasonNotType, "it holds Int32; write type: int32"},
		{connectors.Tag{Address: node("count"), Path: "[1]"}, reasonNoArray, "leave the index out"},
		{connectors.Tag{Address: node("list")}, reasonArray, "the first being [0]"},
		{connectors.Tag{Address: node("list"), Path: "[3]"}, reasonBeyond, "it has 3 elements"},
		{connectors.Tag{Address: node("list"), Path: "[0].Acc"}, reasonNoStructure, ""},
		{connectors.Tag{Address: node("Flat"), Path: ".Flat0.Other"}, reasonUnknownStructure, ""},
		{connectors.Tag{Address: node("Flat"), Path: `.Flat0."Flat0.v2"`}, reasonUnknownStructure, "write tag: 'nsu=urn:plant;s=Flat0.v2' without a path"},
		{connectors.Tag{Address: node("count")}, "", ""},
	}
	tags := make([]connectors.Tag, len(cases))
	for i, c := range cases {
		tags[i] = c.tag
		tags[i].Bit = connectors.NoBit
	}
	probed, err := surveyOf(t, dialling(p.addr)).Probe(t.Context(), tags)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		r := probed[i][0]
		if r.Sample.Reason != c.reason || !strings.Contains(r.Note, c.note) || strings.Contains(r.Note, "status "+c.reason) {
			t.Errorf("%s %s: %s; %s", c.tag.Address, c.tag.Path, r.Sample.Reason, r.Note)
		}
	}
}
