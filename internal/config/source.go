package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxFile is far beyond any real configuration: 1,000 machines are 1 MB.
const maxFile = 16 << 20

// readTree reads one file into a tree. It returns nil after reporting why that
// is not possible.
func (l *loader) readTree(path string, from *node) *node {
	text, err := l.readFile(path)
	if err != nil {
		l.unreadable(path, err, from)
		return nil
	}
	text, problem := cleanText(text)
	if problem != nil {
		problem.File = path
		l.errors.add(*problem)
		return nil
	}
	docs, err := parseYAML(text)
	if err != nil {
		l.errors.add(syntaxProblem(path, text, err))
		return nil
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 {
		l.errors.add(Problem{Pos: Pos{path, 1, 1}, Text: "the file is empty; a first configuration has connections: and machines:"})
		return nil
	}
	if len(docs) > 1 {
		l.errors.add(Problem{Pos: Pos{path, docs[1].Line, docs[1].Column},
			Text: "a second document begins here; one file is one document: remove the line --- or use include:"})
	}
	g := newGrower(path, l.errors.add)
	root := g.grow(docs[0].Content[0], nil, "")
	if root.kind != mapNode && !root.dead {
		if root.kind == scalarNode && root.plain && root.text == "" {
			l.bad(root, "the file is empty; a first configuration has connections: and machines:")
		} else {
			l.bad(root, "the file must be a map of keys such as connections: and machines:, not "+root.noun())
		}
		return nil
	}
	return root
}

func (l *loader) unreadable(path string, err error, from *node) {
	text := "the file can not be read: " + err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		text = "the file does not exist; check the path"
	}
	if from == nil {
		l.errors.add(Problem{Pos: Pos{path, 1, 1}, Text: text})
		return
	}
	l.bad(from, quote(path)+": "+text)
}

// cleanText takes a byte order mark away and looks for what is no text.
func cleanText(text []byte) ([]byte, *Problem) {
	at := Pos{Line: 1, Col: 1}
	if len(text) > maxFile {
		return nil, &Problem{Pos: at, Text: "the file is larger than 16 MB; split it with include:"}
	}
	if bytes.HasPrefix(text, []byte{0xFF, 0xFE}) || bytes.HasPrefix(text, []byte{0xFE, 0xFF}) || looksUTF16(text) {
		return nil, &Problem{Pos: at, Text: `the file is saved as UTF-16 (Notepad calls it "Unicode"); save it again with the encoding UTF-8`}
	}
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return nil, &Problem{Pos: at, Text: fmt.Sprintf("the byte 0x%02X is not UTF-8; save the file with the encoding UTF-8 (it looks like an ANSI code page)", text[i])}
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
			return nil, &Problem{Pos: at, Text: fmt.Sprintf("the control character 0x%02X is not allowed; remove it", r)}
		}
		at.Col++
		if r == '\n' || r == '\r' && (i+1 >= len(text) || text[i+1] != '\n') {
			at.Line, at.Col = at.Line+1, 1
		}
		i += size
	}
	return text, nil
}

// looksUTF16 finds UTF-16 without a byte order mark by the zeros of its ASCII.
func looksUTF16(text []byte) bool {
	if len(text) < 4 {
		return false
	}
	return text[0] == 0 && text[1] != 0 && text[2] == 0 || text[1] == 0 && text[0] != 0 && text[3] == 0
}

var (
	yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	yamlWord = regexp.MustCompile(`unknown anchor '([^']*)'`)
)

// syntaxProblem puts the library's complaint into words, and finds the line
// where it gives none.
func syntaxProblem(path string, text []byte, err error) Problem {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), "\n")
	message := err.Error()
	line := 1
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		message = message[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = min(max(n, 1), len(lines))
		}
	}
	if strings.Contains(message, "cannot start any token") || strings.Contains(message, "tab character") {
		if at, ok := findTab(lines); ok {
			at.File = path
			return Problem{Pos: at, Text: "a tab is used for indentation; YAML allows spaces only: replace the tab with spaces"}
		}
	}
	if m := yamlWord.FindStringSubmatch(message); m != nil {
		for i, l := range lines {
			if at := strings.Index(l, "*"+m[1]); at >= 0 {
				return Problem{Pos: Pos{path, i + 1, utf8.RuneCountInString(l[:at]) + 1},
					Text: "the alias *" + printable(m[1]) + " has no anchor above it"}
			}
		}
	}
	col := 1
	if at := strings.IndexByte(lines[line-1], '\\'); at >= 0 && strings.Contains(message, "escape") {
		col = 1 + utf8.RuneCountInString(lines[line-1][:at])
	} else if current := lines[line-1]; strings.TrimLeft(current, " ") != "" {
		col = 1 + len(current) - len(strings.TrimLeft(current, " "))
	}
	return Problem{Pos: Pos{path, line, col}, Text: "this is no YAML: " + explainSyntax(message)}
}

func findTab(lines []string) (Pos, bool) {
	for i, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t-"))]
		if at := strings.IndexByte(indent, '\t'); at >= 0 && strings.TrimSpace(line) != "" {
			return Pos{Line: i + 1, Col: at + 1}, true
		}
	}
	for i, line := range lines {
		if at := strings.IndexByte(line, '\t'); at >= 0 && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			return Pos{Line: i + 1, Col: utf8.RuneCountInString(line[:at]) + 1}, true
		}
	}
	return Pos{}, false
}

func explainSyntax(message string) string {
	for _, known := range []struct{ part, hint string }{
		{"mapping values are not allowed", `a ": " stands where no key can be; put the text in quotes, begin a new line for the next key, or close a quote above`},
		{"did not find expected key", "the indentation does not fit the lines above, or a quote or brace is not closed"},
		{"could not find expected ':'", `a key without ": " after it, here or in the line above`},
		{"did not find expected ',' or '}'", "a { is not closed, or a comma is missing"},
		{"did not find expected ',' or ']'", "a [ is not closed, or a comma is missing"},
		{"did not find expected node content", "a value is missing, or a comma or bracket too many"},
		{"did not find expected '-' indicator", "the indentation of the list does not fit the lines above"},
		{"block sequence entries are not allowed", "a list can not begin here; put it on lines of its own"},
		{"found unexpected end of stream", "a quote is not closed"},
		{"found unknown escape character", `a \ in double quotes begins an escape; use single quotes for paths and node ids`},
		{"cannot start any token", "a text that begins with @, %, ` or a tab needs quotes"},
		{"found unexpected document indicator", "--- inside a quoted text; a quote is not closed"},
	} {
		if strings.Contains(message, known.part) {
			return known.hint
		}
	}
	return printable(message)
}
