package prodsmart

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// NotTaken says that Prodsmart accepted a record and answered with another one.
type NotTaken struct {
	// What is the kind of record, in words. ID is 0 where it is not known.
	What string
	ID   int64
	Code string
	// Fields are sentences about what differs.
	Fields []string
}

// Error says what differs.
func (e *NotTaken) Error() string {
	return fmt.Sprintf("prodsmart: %s %d (%s) was accepted, but Prodsmart answers with something else: %s", e.What, e.ID, e.Code, strings.Join(e.Fields, "; "))
}

// comparison collects in what an answer differs from what was sent. What did not come
// back is not compared.
type comparison struct {
	got    Original
	fields []string
}

func (c *comparison) text(name, want, have string) {
	if want != have && (have != "" || c.got.says(name)) {
		c.fields = append(c.fields, fmt.Sprintf("%s is %q instead of %q", name, have, want))
	}
}

func (c *comparison) flag(name string, want, have Flag) {
	if want != Unsaid && have != Unsaid && want != have {
		c.fields = append(c.fields, fmt.Sprintf("%s is %t instead of %t", name, have == Yes, want == Yes))
	}
}

// outcome is a *NotTaken if anything differs.
func (c *comparison) outcome(what string, id int64, code string) error {
	if len(c.fields) == 0 {
		return nil
	}
	return &NotTaken{What: what, ID: id, Code: code, Fields: c.fields}
}

// says tells whether a field was in what a record was read from.
func (o Original) says(name string) bool {
	f := form{o: openDocument(o.raw, &notes{})}
	_, there := f.spelled(name)
	return there
}

// sorted is the texts of a list whose order says nothing.
func sorted[T any](list []T, text func(T) string) string {
	var texts []string
	for _, item := range list {
		texts = append(texts, text(item))
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

func codeText(r Reference) string { return r.Code }
func valueText(v Value) string    { return v.Name + " " + string(v.JSON) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}
