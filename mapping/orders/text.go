package orders

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// code makes the code of an order, without regard to what is taken.
func (s Settings) code(o erp.Order, line int) string {
	number := o.Number
	if number == "" {
		number = o.ID
	}
	text := strings.NewReplacer("{prefix}", s.Prefix, "{number}", number, "{id}", o.ID, "{company}", o.Company, "{line}", strconv.Itoa(line)).Replace(s.Template)
	return s.clean(text)
}

// clean leaves only what a code may have, and shortens it from the left of its
// last part: the line and the number's end tell orders apart.
func (s Settings) clean(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("._-", r) {
			b.WriteRune(r)
		} else {
			b.WriteByte('-')
		}
	}
	code := b.String()
	if n := len(code) - s.LongestCode; n > 0 && s.LongestCode > 0 {
		keep := min(len(s.Prefix), s.LongestCode/2)
		code = code[:keep] + code[keep+n:]
	}
	return code
}

// free is the code, or the code with .2, .3 and so on if it is taken.
func free(code string, most int, taken func(string) bool) string {
	try := code
	for n := 2; taken(try); n++ {
		tail := "." + strconv.Itoa(n)
		try = code
		if over := len(try) + len(tail) - most; over > 0 && over < len(try) {
			try = try[:len(try)-over]
		}
		try += tail
	}
	return try
}

// marked is what a marker at the end of a description says.
var marked = regexp.MustCompile(`\[src:([^:\[\]]+):([^\[\]]*):([^:\[\]]*)\]\s*$`)

// mark is the marker of an order: after the loss of the store the book is made
// again from the markers that the orders carry.
func mark(source, company, document, line string) string {
	if company != "" {
		document = company + "/" + document
	}
	return "[src:" + source + ":" + escape(document) + ":" + strings.ReplaceAll(escape(line), ":", "%3A") + "]"
}

// escape keeps brackets and line ends out of a marker.
func escape(text string) string {
	if !strings.ContainsAny(text, "%[]\n\r") {
		return text
	}
	return strings.NewReplacer("%", "%25", "[", "%5B", "]", "%5D", "\n", "%0A", "\r", "%0D").Replace(text)
}

func unescape(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	return strings.NewReplacer("%25", "%", "%5B", "[", "%5D", "]", "%0A", "\n", "%0D", "\r", "%3A", ":").Replace(text)
}

// readMark finds the marker in a description. document still has the company in
// front, if there is one.
func readMark(description string) (source, document, line string, ok bool) {
	m := marked.FindStringSubmatch(description)
	if m == nil {
		return "", "", "", false
	}
	return m[1], unescape(m[2]), unescape(m[3]), true
}

// assumedDate ends the text of an order whose due date is not the source's.
const assumedDate = "assumed due date"

// headline is the description without its marker.
func (s Settings) headline(o erp.Order, assumed bool) string {
	parts := []string{o.Number}
	if o.Number == "" || o.Number == o.ID {
		parts[0] = "Order " + o.ID
	}
	if c := s.customer(o.Customer); c != "" {
		parts = append(parts, c)
	}
	if assumed {
		parts = append(parts, assumedDate)
	}
	return oneLine(strings.Join(parts, ", "), 200)
}

// customer is what may be said of the customer: the names of persons are not
// sent unless the plant wants that.
func (s Settings) customer(c erp.Customer) string {
	name := c.Name
	if name == "" {
		name = c.Code
	}
	switch s.CustomerText {
	case "none":
		return ""
	case "code":
		return c.Code
	case "name":
		return name
	}
	if c.Person == erp.Yes {
		return c.Code
	}
	return name
}

// oneLine makes a text of the source fit for one line.
func oneLine(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(text); len(r) > most {
		text = strings.TrimSpace(string(r[:most]))
	}
	return text
}

// several bounds a text of several lines.
func several(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), "?"))
	if r := []rune(text); len(r) > most {
		text = string(r[:most])
	}
	return strings.TrimSpace(text)
}

// externalID is the name of a write-back in the other system: at most 20
// characters of A-Z, 0-9 and -.
func externalID(order int64, sequence int) string {
	return fmt.Sprintf("PS%s-%d", strings.ToUpper(strconv.FormatInt(order, 36)), sequence)
}
