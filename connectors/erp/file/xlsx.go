package file

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

const (
	// inflated is how many times larger than the largest file all that is read
	// of a workbook may become.
	inflated = 8
	// mostParts and mostStrings bound what is kept of a workbook.
	mostParts   = 10_000
	mostStrings = 2_000_000
)

// workbook reads the rows of one sheet of an Excel file: values as they are
// kept, with 15 digits as Excel shows them, and never the result of a formula
// that nobody calculated. Charts, comments, macros and links are not looked at.
type workbook struct {
	parts map[string]*zip.File
	// left is how many bytes more may come out of the archive.
	left    int64
	maxCell int

	strings []string
	// formats are the kinds of numbers by the style of a cell.
	formats []format
	late    bool
	sheet   string // its name
	part    string
}

// format is what is to be known of how numbers of a style are shown.
type format struct {
	date bool
	// zeros is the least number of digits, for codes such as 00123.
	zeros int
}

func openWorkbook(raw []byte, wanted string, c Config) (*workbook, error) {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, refuse("", "this is no whole workbook (%s): it may be cut off; save it again as .xlsx", err)
	}
	if len(z.File) > mostParts {
		return nil, refuse("", "the workbook has %d parts; at most %d are read", len(z.File), mostParts)
	}
	w := &workbook{parts: map[string]*zip.File{}, left: inflated * c.MaxBytes, maxCell: c.MaxCell}
	for _, f := range z.File {
		w.parts[strings.ToLower(strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(f.Name, `\`, "/")), "/"))] = f
	}
	if w.parts["encryptedpackage"] != nil {
		return nil, refuse("", "the workbook is protected with a password; save it without")
	}
	if err := w.structure(wanted); err != nil {
		return nil, err
	}
	return w, nil
}

// structure finds the sheet, and reads what its cells refer to.
func (w *workbook) structure(wanted string) error {
	book := "xl/workbook.xml"
	links, err := w.links("_rels/.rels", "")
	if err != nil {
		return err
	}
	for _, l := range links {
		if strings.HasSuffix(l.kind, "/officeDocument") {
			book = l.target
		}
	}
	links, err = w.links(path.Join(path.Dir(book), "_rels", path.Base(book)+".rels"), path.Dir(book))
	if err != nil {
		return err
	}
	if err := w.choose(book, wanted, links); err != nil {
		return err
	}
	for _, l := range links {
		switch {
		case strings.HasSuffix(l.kind, "/sharedStrings"):
			err = w.each(l.target, w.shared())
		case strings.HasSuffix(l.kind, "/styles"):
			err = w.each(l.target, w.styles())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// link is a reference from one part to another.
type link struct{ id, kind, target string }

func (w *workbook) links(part, folder string) (out []link, err error) {
	if w.parts[strings.ToLower(part)] == nil {
		return nil, nil
	}
	err = w.each(part, func(token xml.Token) error {
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "Relationship" && len(out) < mostParts {
			target := attr(e, "Target")
			if !strings.HasPrefix(target, "/") {
				target = "/" + path.Join(folder, target)
			}
			out = append(out, link{attr(e, "Id"), attr(e, "Type"), strings.TrimPrefix(path.Clean(target), "/")})
		}
		return nil
	})
	return out, err
}

// choose finds the sheet with a name, or the first that is visible.
func (w *workbook) choose(book, wanted string, links []link) error {
	if w.parts[strings.ToLower(book)] == nil {
		return refuse("", "the archive is no workbook; save it as .xlsx")
	}
	var names []string
	err := w.each(book, func(token xml.Token) error {
		e, ok := token.(xml.StartElement)
		if !ok {
			return nil
		}
		switch e.Name.Local {
		case "workbookPr":
			w.late = attr(e, "date1904") == "1" || attr(e, "date1904") == "true"
		case "sheet":
			name := attr(e, "name")
			names = append(names, strconv.Quote(shorten(name, 40)))
			if fits := wanted == "" && attr(e, "state") != "hidden" && attr(e, "state") != "veryHidden" || wanted != "" && strings.EqualFold(name, wanted); fits && w.part == "" {
				for _, l := range links {
					if l.id == attr(e, "id") && strings.HasSuffix(l.kind, "/worksheet") {
						w.sheet, w.part = name, l.target
					}
				}
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case w.part == "" && wanted != "":
		return refuse("", "the workbook has no sheet %q; it has %s; set sheet", wanted, shorten(strings.Join(names[:min(len(names), 20)], ", "), 300))
	case w.part == "":
		return refuse("", "the workbook has no sheet with cells that is visible")
	}
	return nil
}

// each gives all of a part to a function, to its very end: a part that ends in
// the middle is an error.
func (w *workbook) each(part string, do func(xml.Token) error) error {
	f := w.parts[strings.ToLower(part)]
	if f == nil {
		return refuse("", "the workbook refers to %s, which is not in it; save it again", shorten(part, 60))
	}
	in, err := f.Open()
	if err != nil {
		return refuse("", "%s of the workbook can not be read (%s); save it again", shorten(part, 60), err)
	}
	defer in.Close()
	t := newTags(&bounded{in, w})
	for {
		token, err := t.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = do(token)
		}
		var r *refusal
		if errors.As(err, &r) && r.at != "" && !strings.Contains(r.at, "!") {
			return refuse("", "%s, %s: %s", path.Base(part), r.at, r.what)
		}
		if err != nil {
			return err
		}
	}
}

// bounded counts what comes out of the archive.
type bounded struct {
	io.Reader
	w *workbook
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.w.left -= int64(n); b.w.left < 0 {
		return 0, fmt.Errorf("the workbook becomes too large when it is unpacked")
	}
	return n, err
}

// shared reads the texts that cells refer to.
func (w *workbook) shared() func(xml.Token) error {
	var text strings.Builder
	in, hint := false, 0
	return func(token xml.Token) error {
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "si":
				text.Reset()
			case "rPh": // how it is pronounced
				hint++
			case "t":
				in = hint == 0
			}
		case xml.CharData:
			if in {
				text.Write(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "rPh":
				hint--
			case "t":
				in = false
			case "si":
				if len(w.strings) >= mostStrings {
					return refuse("", "the workbook has more than %d texts", mostStrings)
				}
				w.strings = append(w.strings, text.String())
			}
		}
		return nil
	}
}

// styles reads how numbers are shown: dates are numbers that look like dates.
func (w *workbook) styles() func(xml.Token) error {
	custom := map[string]string{}
	in := false
	return func(token xml.Token) error {
		switch e := token.(type) {
		case xml.StartElement:
			switch {
			case e.Name.Local == "numFmt" && len(custom) < mostParts:
				custom[attr(e, "numFmtId")] = attr(e, "formatCode")
			case e.Name.Local == "cellXfs":
				in = true
			case e.Name.Local == "xf" && in && len(w.formats) < mostStrings:
				w.formats = append(w.formats, formatOf(attr(e, "numFmtId"), custom))
			}
		case xml.EndElement:
			in = in && e.Name.Local != "cellXfs"
		}
		return nil
	}
}

func formatOf(id string, custom map[string]string) format {
	if code, ok := custom[id]; ok {
		if len(code) <= 20 && len(code) > 1 && strings.Trim(code, "0") == "" {
			return format{zeros: len(code)}
		}
		return format{date: datelike(code)}
	}
	n, err := strconv.Atoi(id)
	return format{date: err == nil && (n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58)}
}

// datelike says whether a format code has parts of a date outside of quotes,
// brackets and escapes.
func datelike(code string) bool {
	quoted, bracket, skip := false, false, false
	for _, r := range strings.ToLower(code) {
		switch {
		case skip:
			skip = false
		case r == '\\' || r == '_' || r == '*':
			skip = true
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '[' || r == ']':
			bracket = r == '['
		case !bracket && strings.ContainsRune("ymdhs", r):
			return true
		}
	}
	return false
}
