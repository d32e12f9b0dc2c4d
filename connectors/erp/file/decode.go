package file

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// decode turns the bytes of a text file into text. A byte order mark decides;
// without one the configured encoding does, or UTF-8 if the text is valid as
// that, else the code page. doubt says what is strange about it, empty if nothing.
func decode(raw []byte, name, codePage string) (text, doubt string, err error) {
	switch {
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return fromUTF8(raw[3:])
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), bytes.HasPrefix(raw, []byte("\xfe\xff")):
		if len(raw)%2 != 0 {
			return "", "", refuse("", "the file is UTF-16 with half a character at its end: it is cut off; send it again")
		}
		return convert(raw, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM), "UTF-16")
	case bytes.IndexByte(raw[:min(len(raw), 64<<10)], 0) >= 0 && !strings.HasPrefix(name, "utf-16"):
		return "", "", refuse("", "the file has zero bytes: it is no text, or UTF-16 without a byte order mark; save it as CSV UTF-8 or as .xlsx")
	case name == "auto" && utf8.Valid(raw):
		return string(raw), "", nil
	case name == "auto" && halfLetter(raw):
		return "", "", refuse("", "the file ends in the middle of a letter: it is cut off; send it again")
	case name == "auto":
		name = codePage
		if multibyte(raw) {
			doubt = "the text is UTF-8 in some places and not in others; it was read as " + codePage + ", letters may be wrong; set encoding"
		}
	}
	coding, err := htmlindex.Get(name)
	if err != nil {
		return "", "", refuse("", "the code page %q is not known", name)
	}
	if canonical, _ := htmlindex.Name(coding); canonical == "utf-8" {
		return fromUTF8(raw)
	}
	text, more, err := convert(raw, coding, name)
	if more != "" {
		doubt = more
	}
	return text, doubt, err
}

func fromUTF8(raw []byte) (text, doubt string, err error) {
	if utf8.Valid(raw) {
		return string(raw), "", nil
	}
	good := 0 // bytes before the first that is none
	for good < len(raw) {
		r, n := utf8.DecodeRune(raw[good:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		good += n
	}
	line := 1
	for _, end := range []struct {
		mark string
		n    int
	}{{"\n", 1}, {"\r", 1}, {"\r\n", -1}} {
		line += end.n * bytes.Count(raw[:good], []byte(end.mark))
	}
	return string(bytes.ToValidUTF8(raw, []byte("\ufffd"))), fmt.Sprintf("some bytes are not valid UTF-8, the first in line %d; they are shown as \ufffd", line), nil
}

func convert(raw []byte, coding encoding.Encoding, name string) (text, doubt string, err error) {
	out, err := coding.NewDecoder().Bytes(raw)
	if err != nil {
		return "", "", refuse("", "the text could not be read as %s: %s", name, err)
	}
	if bytes.Contains(out, []byte("\ufffd")) {
		doubt = "some bytes are no letters of " + name + "; they are shown as \ufffd"
	}
	return string(out), doubt, nil
}

// multibyte says whether there are letters of UTF-8 beyond ASCII.
func multibyte(raw []byte) bool {
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		if n > 1 && r != utf8.RuneError {
			return true
		}
		raw = raw[n:]
	}
	return false
}

// halfLetter says whether a text is UTF-8 but for a last letter that is not whole.
func halfLetter(raw []byte) bool {
	for n := 1; n < utf8.UTFMax && n <= len(raw); n++ {
		head, tail := raw[:len(raw)-n], raw[len(raw)-n:]
		if utf8.RuneStart(tail[0]) {
			return !utf8.FullRune(tail) && utf8.Valid(head) && multibyte(head)
		}
	}
	return false
}
