package opcua

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// advice says what a person can do about a tag that was read and is bad; it is
// empty if the reason says it all.
func (v *survey) advice(tag connectors.Tag, s connectors.Sample, dv *ua.DataValue) string {
	if dv.Status&severity >= 0x80000000 {
		return v.adviceOnStatus(tag, dv.Status&0xffff0000)
	}
	var held any
	kind := ""
	if dv.Value != nil {
		held, kind = dv.Value.Value(), heldType(dv.Value)
	}
	switch s.Reason {
	case reasonNotType:
		if name := typeNameOf(dv.Value.Type()); name != "" && tag.Path == "" {
			return fmt.Sprintf("it holds %s; write type: %s, or leave the type out", kind, name)
		}
		return "leave the type out; the value says its own"
	case reasonNoBits, reasonBitBeyond:
		return fmt.Sprintf("it holds %s; leave bit out, or choose another node", kind)
	case reasonArray:
		return "write an element as path, the first being [0]"
	case reasonStructure:
		return "write a member as path, such as .Count"
	case reasonNoArray:
		return fmt.Sprintf("it holds %s; leave the index out of the path", kind)
	case reasonBeyond:
		if list := reflect.ValueOf(held); list.Kind() == reflect.Slice && strings.Count(tag.Path, "[") == 1 && strings.HasPrefix(tag.Path, "[") {
			return fmt.Sprintf("it has %d elements, the first being [0]", list.Len())
		}
	case reasonNoField:
		if names := v.fieldsOf(held, tag.Path); names != "" {
			return "it has " + names
		}
	}
	return ""
}

// fieldsOf names the members of the structure in which the last name of a path
// was looked for.
func (v *survey) fieldsOf(held any, path string) string {
	steps, err := parsePath(path)
	if err != nil {
		return ""
	}
	for n := len(steps) - 1; n >= 0; n-- {
		at, problem := held, ""
		if n > 0 {
			at, problem = v.types.pick(held, steps[:n])
		}
		if ext, ok := at.(*ua.ExtensionObject); ok && problem == "" {
			var r *record
			if r, problem = v.types.open(ext); problem == "" {
				at = r
			}
		}
		r, ok := at.(*record)
		if problem != "" || !ok {
			continue
		}
		var names []string
		for _, f := range r.of.fields {
			names = append(names, f.name)
		}
		return clip(strings.Join(names, ", "))
	}
	return ""
}

// adviceOnStatus is what can be done about the server's refusal of a node.
func (v *survey) adviceOnStatus(tag connectors.Tag, code ua.StatusCode) string {
	switch code {
	case ua.StatusBadNodeIDUnknown, ua.StatusBadNodeIDInvalid:
		a, err := parseAddress(tag.Address)
		if err != nil || a.uri != "" || a.ns == 0 || a.kind == 'p' {
			return "the server has no such node; the PLC's program may have been changed: look it up with browse"
		}
		if int(a.ns) >= len(v.namespaces) {
			return fmt.Sprintf("the server has no namespace %d, it has %q; indexes change with the PLC's program, so write nsu=URI; in place of ns=%d;", a.ns, v.namespaces, a.ns)
		}
		return fmt.Sprintf("namespace %d is %q now, and has no such node; indexes change with the PLC's program: look the node up with browse, and write nsu=URI;", a.ns, v.namespaces[a.ns])
	case ua.StatusBadAttributeIDInvalid:
		return "the node has no value: it is a folder, an object or a method; choose a variable below it with browse"
	case ua.StatusBadNotReadable:
		return "the server does not let anybody read this node; allow it in the PLC's program (in TIA: accessible from HMI/OPC UA), or choose another"
	case ua.StatusBadUserAccessDenied:
		return "the gateway's user may not read this node; give it the right on the server, or set user and password"
	case ua.StatusBadSecurityModeInsufficient:
		return "the server gives this node over an encrypted connection only; set security"
	case ua.StatusBadNoCommunication, ua.StatusBadNotConnected, ua.StatusBadDeviceFailure, ua.StatusBadCommunicationError:
		return "the server runs, but does not reach the device behind it; see the server's own diagnostics"
	case ua.StatusBadWaitingForInitialData:
		return "the server has no first value of the device yet; try again"
	}
	return ""
}

// adviceOnMember looks for a member of a structure, which can not be decoded, as
// a node of its own; empty if the server has none.
func (v *survey) adviceOnMember(ctx context.Context, node *ua.NodeID, path string) (string, error) {
	steps, err := parsePath(path)
	if err != nil {
		return "", nil // the tag was refused before
	}
	for _, step := range steps {
		results, err := v.browse(ctx, []*ua.BrowseDescription{browseFor(node, id.HierarchicalReferences, ua.BrowseDirectionForward, ua.NodeClassVariable)}, walkPage)
		if err != nil {
			return "", err
		}
		if err := v.release(ctx, withPoints([][]byte{results[0].ContinuationPoint})); err != nil {
			return "", err
		}
		var next *ua.NodeID
		for _, ref := range results[0].References {
			if name := nameOf(ref); next == nil && (step.name != "" && name == step.name || step.name == "" && strings.HasSuffix(name, fmt.Sprintf("[%d]", step.index))) {
				next = v.local(ref)
			}
		}
		if node = next; node == nil {
			return "", nil
		}
	}
	return fmt.Sprintf("write tag: '%s' without a path", addressOf(node, v.namespaces)), nil
}

// typeNameOf is how a configuration names a type; empty if it has no name.
func typeNameOf(t ua.TypeID) string {
	for _, name := range strings.Split(typeNames, ", ") {
		if of, known := typeOf(name); known && of == t {
			return name
		}
	}
	return ""
}
