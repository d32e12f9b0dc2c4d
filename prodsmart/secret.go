package prodsmart

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// mask is what a secret looks like wherever it is written.
const mask = "[hidden]"

// Secret is a text that no formatting, encoding or logging shows. The text is
// behind a pointer, so that it stays hidden even in an unexported field of a
// structure printed with %+v, where methods are not asked. The zero Secret is
// the empty text.
type Secret struct{ text *string }

// NewSecret hides a text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal gives the text, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero says that there is no text.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal says whether two secrets hold the same text.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String is the mask, or nothing for an empty secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return mask
}

// GoString is the mask for %#v.
func (s Secret) GoString() string { return "prodsmart.Secret(" + strconv.Quote(s.String()) + ")" }

// Format writes the mask whatever the verb.
func (s Secret) Format(f fmt.State, verb rune) {
	switch {
	case verb == 'v' && f.Flag('#'):
		_, _ = io.WriteString(f, s.GoString())
	case verb == 'q':
		_, _ = io.WriteString(f, strconv.Quote(s.String()))
	default:
		_, _ = io.WriteString(f, s.String())
	}
}

// MarshalText gives the mask to text encodings, YAML among them.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON gives the mask to JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(s.String())), nil }

// LogValue gives the mask to structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
