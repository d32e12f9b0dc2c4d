package file

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// deepest is how deep XML may be nested.
const deepest = 64

// tags reads XML of others: no document types, hence no entities of their own,
// bounded depth, and an error with its place at the first thing that is wrong.
type tags struct {
	d     *xml.Decoder
	depth int
}

func newTags(in io.Reader) *tags {
	d := xml.NewDecoder(in)
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if strings.HasPrefix(strings.ToLower(label), "utf-16") {
			return in, nil // the byte order mark has told already
		}
		coding, err := htmlindex.Get(label)
		if err != nil {
			return nil, fmt.Errorf("the code page %q is not known", shorten(label, 40))
		}
		return coding.NewDecoder().Reader(in), nil
	}
	return &tags{d: d}
}

// textOf is XML as bytes of UTF-8 where a byte order mark says that it is UTF-16.
func textOf(raw []byte) ([]byte, error) {
	if !bytes.HasPrefix(raw, []byte("\xff\xfe")) && !bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		return raw, nil
	}
	return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(raw)
}

// next gives the next start, end or text; io.EOF at the end of a document that
// is whole.
func (t *tags) next() (xml.Token, error) {
	for {
		token, err := t.d.Token()
		if err == io.EOF {
			return nil, io.EOF
		}
		if err != nil {
			return nil, refuse(t.place(), "%s", t.says(err))
		}
		switch token.(type) {
		case xml.StartElement:
			if t.depth++; t.depth > deepest {
				return nil, refuse(t.place(), "elements are nested deeper than %d", deepest)
			}
		case xml.EndElement:
			t.depth--
		case xml.Directive:
			return nil, refuse(t.place(), "the file has a document type (<!...>); such files are not read: it could name entities or other files")
		case xml.Comment, xml.ProcInst:
			continue
		}
		return token, nil
	}
}

func (t *tags) says(err error) string {
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		return err.Error()
	}
	if syntax.Msg == "unexpected EOF" {
		return "the XML ends in the middle: the file is cut off; send it again"
	}
	return "the XML is wrong: " + shorten(syntax.Msg, 200)
}

func (t *tags) place() string {
	line, col := t.d.InputPos()
	return fmt.Sprintf("%d:%d", line, col)
}

// attr is an attribute by its name without a name space.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
