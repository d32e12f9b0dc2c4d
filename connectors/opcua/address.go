package opcua

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gopcua/opcua/ua"
)

// maxIdentifier is the longest string identifier that OPC UA allows.
const maxIdentifier = 4096

// address is a node id as an engineer writes it. It is comparable. The
// namespace is an index, or a URI whose index only a session can tell.
type address struct {
	uri  string // empty: index counts
	ns   uint16
	kind byte // one of i, s, g, b; or p for a browse path
	num  uint32
	text string // the identifier of s, the sixteen bytes of g, the bytes of b, the path of p
}

// parseAddress reads a browse path, or [ns=N;|nsu=URI;](i|s|g|b)=identifier. A string identifier
// is everything after s=, with its quotes, semicolons and bars. In a URI, %3B
// and %25 stand for ; and %.
func parseAddress(s string) (address, error) {
	var a address
	rest := s
	switch {
	case s == "":
		return a, errors.New("node id is empty; write ns=2;s=Name or nsu=URI;s=Name")
	case strings.HasPrefix(s, pathPrefix):
		path, err := parseBrowsePath(s)
		if err != nil {
			return a, err
		}
		return address{kind: 'p', text: browsePathText(path)}, nil
	case strings.HasPrefix(s, "svr="):
		return a, errors.New("svr= is not supported: a node must be on the server that is connected to")
	case strings.HasPrefix(s, "ns="):
		index, tail, ok := strings.Cut(s[len("ns="):], ";")
		if !ok {
			return a, fmt.Errorf("node id %q has no ; after the namespace; write ns=2;s=Name", s)
		}
		n, err := strconv.ParseUint(index, 10, 16)
		if err != nil {
			return a, fmt.Errorf("node id %q: namespace index %q is not a number from 0 to 65535; a namespace URI is written nsu=URI;…", s, index)
		}
		a.ns, rest = uint16(n), tail
	case strings.HasPrefix(s, "nsu="):
		uri, tail, ok := strings.Cut(s[len("nsu="):], ";")
		if !ok {
			return a, fmt.Errorf("node id %q has no ; after the namespace URI; write nsu=URI;s=Name", s)
		}
		uri, err := unescapeURI(uri)
		if err != nil {
			return a, fmt.Errorf("node id %q: %w", s, err)
		}
		a.uri, rest = uri, tail
	}
	if err := a.parseIdentifier(rest); err != nil {
		return address{}, fmt.Errorf("node id %q: %w", s, err)
	}
	return a, nil
}

// unescapeURI undoes the two escapes of a namespace URI in a node id.
func unescapeURI(s string) (string, error) {
	if s == "" {
		return "", errors.New("the namespace URI is empty")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errors.New("% in a namespace URI is written %25")
		}
		raw, err := hex.DecodeString(s[i+1 : i+3])
		if err != nil {
			return "", errors.New("% in a namespace URI is written %25")
		}
		if raw[0] == ';' || raw[0] == '%' {
			b.WriteByte(raw[0])
		} else {
			b.WriteString(s[i : i+3]) // part of the URI itself, as the server spells it
		}
		i += 2
	}
	return b.String(), nil
}

// parseIdentifier reads the part after the namespace.
func (a *address) parseIdentifier(s string) error {
	if len(s) < 2 || s[1] != '=' {
		return errors.New(identifierHint(s))
	}
	value := s[2:]
	a.kind = s[0]
	switch a.kind {
	case 'i':
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return fmt.Errorf("i= needs a number from 0 to 4294967295, not %q; a name is written s=", value)
		}
		a.num = uint32(n)
	case 's':
		if value == "" {
			return errors.New("the name after s= is empty")
		}
		if len(value) > maxIdentifier {
			return fmt.Errorf("the name after s= is longer than %d bytes", maxIdentifier)
		}
		a.text = value
	case 'g':
		raw, err := parseGUID(value)
		if err != nil {
			return err
		}
		a.text = string(raw)
	case 'b':
		raw, err := base64.StdEncoding.Strict().DecodeString(value)
		if err != nil || len(raw) == 0 || len(raw) > maxIdentifier {
			return errors.New("b= needs base64, at most 4096 bytes of it")
		}
		a.text = string(raw)
	default:
		return errors.New(identifierHint(s))
	}
	return nil
}

// identifierHint guesses what somebody meant who wrote no identifier type.
func identifierHint(s string) string {
	const form = "the identifier is written i=, s=, g= or b="
	if len(s) >= 2 && s[1] == '=' && strings.ContainsRune("ISGB", rune(s[0])) {
		return fmt.Sprintf("%s; %q must be lower case", form, s[:1])
	}
	for _, p := range []string{"NS=", "NSU=", "Ns=", "Nsu="} {
		if strings.HasPrefix(s, p) {
			return "write ns= and nsu= in lower case"
		}
	}
	if s != strings.TrimSpace(s) {
		return form + "; there is a space at its start or end"
	}
	if s == "" {
		return form + "; nothing follows the namespace"
	}
	if len(s) > 60 {
		return form
	}
	return fmt.Sprintf("%s; for a name write s=%s", form, s)
}

// parseGUID reads 8-4-4-4-12 hexadecimal digits.
func parseGUID(s string) ([]byte, error) {
	err := errors.New("g= needs a GUID like 72962b91-fa75-4ae6-8d28-b404dc7daf63")
	parts := strings.Split(s, "-")
	if !slices.Equal(lengths(parts), []int{8, 4, 4, 4, 12}) {
		return nil, err
	}
	raw, derr := hex.DecodeString(strings.Join(parts, ""))
	if derr != nil {
		return nil, err
	}
	return raw, nil
}

func lengths(parts []string) []int {
	out := make([]int, len(parts))
	for i, p := range parts {
		out[i] = len(p)
	}
	return out
}

// namespacePrefix writes a namespace URI before a name.
func namespacePrefix(uri string) string {
	return "nsu=" + strings.NewReplacer("%", "%25", ";", "%3B").Replace(uri) + ";"
}

// String is the address in its canonical spelling; parsing it gives the address
// again.
func (a address) String() string {
	var b strings.Builder
	switch {
	case a.kind == 'p':
		return a.text
	case a.uri != "":
		b.WriteString(namespacePrefix(a.uri))
	case a.ns != 0:
		b.WriteString("ns=" + strconv.Itoa(int(a.ns)) + ";")
	}
	switch a.kind {
	case 'i':
		b.WriteString("i=" + strconv.FormatUint(uint64(a.num), 10))
	case 's':
		b.WriteString("s=" + a.text)
	case 'g':
		h := hex.EncodeToString([]byte(a.text))
		b.WriteString("g=" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
	case 'b':
		b.WriteString("b=" + base64.StdEncoding.EncodeToString([]byte(a.text)))
	}
	return b.String()
}

// resolve makes the node id of one session. ok is false if the server does not
// know the namespace, or if only the server can tell: for a browse path.
func (a address) resolve(namespaces []string) (id *ua.NodeID, ok bool) {
	if a.kind == 'p' {
		return nil, false
	}
	ns := a.ns
	if a.uri != "" {
		i := slices.Index(namespaces, a.uri)
		if i < 0 || i > 0xffff {
			return nil, false
		}
		ns = uint16(i)
	}
	switch a.kind {
	case 's':
		return ua.NewStringNodeID(ns, a.text), true
	case 'g':
		return ua.NewGUIDNodeID(ns, hex.EncodeToString([]byte(a.text))), true
	case 'b':
		return ua.NewByteStringNodeID(ns, []byte(a.text)), true
	}
	return numericNodeID(ns, a.num), true
}

// numericNodeID uses the shortest encoding, which some small servers insist on.
func numericNodeID(ns uint16, n uint32) *ua.NodeID {
	switch {
	case ns == 0 && n <= 0xff:
		return ua.NewTwoByteNodeID(uint8(n))
	case ns <= 0xff && n <= 0xffff:
		return ua.NewFourByteNodeID(uint8(ns), uint16(n))
	}
	return ua.NewNumericNodeID(ns, n)
}
