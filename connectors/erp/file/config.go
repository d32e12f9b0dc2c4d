package file

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Ready says how a file shows that it is finished.
type Ready string

const (
	// Stable: its size and time did not change from one read to the next.
	Stable Ready = "stable"
	// Marker: an empty file with the same name and .done behind it is there.
	Marker Ready = "marker"
	// Renamed: the sender writes under a name that is not taken (.tmp, .part),
	// and renames; what is there is finished.
	Renamed Ready = "renamed"
)

// Content says what a file is.
type Content string

const (
	// Changes: what is not in the file did not change.
	Changes Content = "changes"
	// Snapshot: everything that is open is in the file.
	Snapshot Content = "snapshot"
)

// Count says where the number of rows stands that a file has to have.
type Count string

const (
	// NoCount: nowhere.
	NoCount Count = "none"
	// Trailer: in the last row, behind the trailer word.
	Trailer Count = "trailer"
	// CountFile: in a file with the same name and .count behind it.
	CountFile Count = "file"
)

// Config is one drop folder. Empty settings have the defaults that are named.
type Config struct {
	// Folder is where files are dropped.
	Folder string
	// Work, Archive and Errors are the folders for files that are being read,
	// were read, and could not be read: "work", "archive" and "error" in
	// Folder. They must be on the same disk.
	Work, Archive, Errors string
	// Names are patterns (* and ?) of the files that are taken, whatever the
	// case: *.csv, *.txt, *.tsv, *.xlsx, *.xlsm, *.xml.
	Names []string
	// Ready is Stable.
	Ready Ready
	// Settle is how long the size and time of a file have to be the same where
	// Ready is Stable, over two reads at least: 5 s.
	Settle time.Duration
	// Keep and KeepErrors are how long files stay in the archive (30 days) and
	// in the error folder (90 days).
	Keep, KeepErrors time.Duration
	// Content is Changes.
	Content Content
	// WholeOrders says that a list of changes has all lines of each order that
	// it names, so that a line that is not there was taken out of the order.
	WholeOrders bool
	// Strict refuses a whole file because of one bad row.
	Strict bool

	// Encoding is the code page of text without a byte order mark, by its usual
	// name (utf-8, windows-1252, windows-1251, ibm866); "auto", the default, is
	// UTF-8 if the text is valid as that, else CodePage (windows-1252).
	Encoding, CodePage string
	// Delimiter is one of ; , tab | or empty to find it out.
	Delimiter string
	// Decimal is "comma", "point" or "auto", the default: both, but 1.234 is
	// refused since it could be thousands. It also is for numbers that stand as
	// text in a workbook. B2MML has a point unless this is "comma".
	Decimal string
	// Dates are the ways dates are written, the first that fits counts:
	// yyyy-mm-dd, yyyy-mm-dd hh:mi:ss, dd.mm.yyyy, dd.mm.yyyy hh:mi:ss, yyyymmdd.
	Dates []string
	// Zone is the zone of times that name none: UTC.
	Zone *time.Location
	// Columns are the names of columns in the file by what they are (see
	// Meanings); names that are not here are looked for in the built-in list.
	// "#3" is the third column. A file without columns for the unit and the
	// factor is in each product's own unit.
	Columns map[string][]string
	// NoHeader says that the first row is data: every column is a "#n".
	NoHeader bool
	// Info are columns that are kept as further facts of the order; Ignore are
	// columns that nobody needs to be told about.
	Info, Ignore []string
	// Sheet is the sheet of a workbook; the first that is visible.
	Sheet string
	// Count is NoCount. TrailerWord begins the last row: TRAILER.
	Count       Count
	TrailerWord string
	// States are words of states, whatever the case, besides the built-in ones,
	// by "open", "held", "closed", "cancelled".
	States map[string][]string
	// NoState is what an order without a state is: "open" or "held".
	NoState string

	// MaxBytes, MaxRows and MaxCell bound a file: 64 MB, 200,000 rows, 64 kB for
	// a cell.
	MaxBytes         int64
	MaxRows, MaxCell int

	// Out is a folder for write-back of produced goods as CSV files; empty for
	// none.
	Out string

	// Clock is the time of day; nil is time.Now.
	Clock func() time.Time
}

// longestName is the longest name of a file that is taken, in bytes: most
// file systems end at 255, and a time stamp and a suffix are added.
const longestName = 180

func (c Config) defaults() Config {
	set(&c.Work, filepath.Join(c.Folder, "work"))
	set(&c.Archive, filepath.Join(c.Folder, "archive"))
	set(&c.Errors, filepath.Join(c.Folder, "error"))
	set(&c.Ready, Stable)
	set(&c.Settle, 5*time.Second)
	set(&c.Keep, 30*24*time.Hour)
	set(&c.KeepErrors, 90*24*time.Hour)
	set(&c.Content, Changes)
	set(&c.Encoding, "auto")
	set(&c.CodePage, "windows-1252")
	set(&c.Decimal, "auto")
	set(&c.Zone, time.UTC)
	set(&c.Count, NoCount)
	set(&c.TrailerWord, "TRAILER")
	set(&c.NoState, "open")
	set(&c.MaxBytes, 64<<20)
	set(&c.MaxRows, 200_000)
	set(&c.MaxCell, 64<<10)
	if len(c.Names) == 0 {
		c.Names = []string{"*.csv", "*.txt", "*.tsv", "*.xlsx", "*.xlsm", "*.xml"}
	}
	if len(c.Dates) == 0 {
		c.Dates = []string{"yyyy-mm-dd", "yyyy-mm-dd hh:mi:ss", "dd.mm.yyyy", "dd.mm.yyyy hh:mi:ss", "yyyymmdd"}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c
}

func set[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

// Check finds settings that can not work, as New does, before anything is opened.
func (c Config) Check() error { return c.defaults().check() }

// check finds settings that can not work.
func (c Config) check() error {
	bad := func(what, next string, args ...any) error {
		return &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of the drop folder", What: fmt.Sprintf(what, args...), Next: next}
	}
	if c.Folder == "" {
		return bad("no folder is named", "write the folder that files are dropped into under folder")
	}
	for _, e := range []struct {
		name, value string
		of          []string
	}{
		{"ready", string(c.Ready), []string{"stable", "marker", "renamed"}},
		{"content", string(c.Content), []string{"changes", "snapshot"}},
		{"count", string(c.Count), []string{"none", "trailer", "file"}},
		{"decimal", c.Decimal, []string{"auto", "comma", "point"}},
		{"no_state", c.NoState, []string{"open", "held"}},
		{"delimiter", c.Delimiter, []string{"", ";", ",", "\t", "tab", "|"}},
	} {
		if !slices.Contains(e.of, e.value) {
			return bad("%s: %q is not known", "write one of "+strings.Join(e.of, " "), e.name, e.value)
		}
	}
	for _, name := range []string{c.Encoding, c.CodePage} {
		if _, err := htmlindex.Get(name); err != nil && name != "auto" || name == "auto" && c.CodePage == name {
			return bad("the code page %q is not known", "write utf-8, windows-1252, windows-1251 or ibm866, for instance", name)
		}
	}
	for _, p := range c.Names {
		if _, err := filepath.Match(p, "x"); err != nil || strings.ContainsAny(p, `/\`) {
			return bad("names: %q is no pattern of file names", "write *.csv, for instance", p)
		}
	}
	if c.Settle < 0 || c.Keep < 0 || c.KeepErrors < 0 || c.MaxBytes < 0 || c.MaxRows < 0 || c.MaxCell < 0 {
		return bad("a bound is less than nothing", "leave it out for the default")
	}
	return c.checkFolders(bad)
}

func (c Config) checkFolders(bad func(what, next string, args ...any) error) error {
	folders := map[string]string{}
	for _, f := range []struct{ name, path string }{{"folder", c.Folder}, {"work", c.Work}, {"archive", c.Archive}, {"error", c.Errors}, {"out", c.Out}} {
		if f.path == "" {
			continue
		}
		path := filepath.Clean(f.path)
		if other := folders[path]; other != "" {
			return bad("%s and %s are the same folder, %s", "each needs one of its own", other, f.name, path)
		}
		folders[path] = f.name
	}
	return nil
}
