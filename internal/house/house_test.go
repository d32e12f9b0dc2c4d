// Package house holds tests over the source itself: which room may import
// which, that machines can not be written to, and that every package says what
// it is. It has no code of its own.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/prodsmart-gateway/prodsmart-gateway"

// room is a folder with all below it, unless a longer entry matches.
type room struct {
	dir string
	// may lists the rooms of ours that it may import.
	may []string
	// owns lists libraries that only this room, and those in it, may import.
	owns []string
	// not lists packages that it must not import: purity.
	not []string
}

// The house: data flows from connectors over mapping and prodsmart/uplink to
// Prodsmart. A room that is not listed here does not exist.
func rooms() []room {
	pure := []string{"os", "os/exec", "net", "net/http", "log", "log/slog", "database/sql", "math/rand", "math/rand/v2"}
	return []room{
		{dir: "connectors", not: pure},
		{dir: "connectors/connectortest", may: []string{"connectors"}},
		{dir: "connectors/opcua", may: []string{"connectors"}, owns: []string{"github.com/gopcua/opcua"}},
		{dir: "connectors/modbus", may: []string{"connectors"}, owns: []string{"github.com/goburrow/modbus", "github.com/goburrow/serial"}},
		{dir: "connectors/mqtt", may: []string{"connectors", "connectors/mqtt/sparkplug"}, owns: []string{"github.com/eclipse/paho.mqtt.golang"}},
		{dir: "connectors/mqtt/sparkplug", may: []string{"connectors"}, not: append([]string{"github.com/eclipse/paho.mqtt.golang"}, pure...)},
		{dir: "connectors/mqtt/sparkplug/sparkplugtest", may: []string{"connectors/connectortest"}},
		{dir: "connectors/erp", not: []string{"os", "net", "net/http", "log", "log/slog", "database/sql"}},
		{dir: "connectors/erp/web", may: []string{"connectors/erp"}},
		{dir: "connectors/erp/assemble", may: []string{"connectors/erp"}, not: append([]string{"context"}, pure...)},
		{dir: "connectors/erp/smartup", may: []string{"connectors/erp", "connectors/erp/web"}},
		{dir: "connectors/erp/repzo", may: []string{"connectors/erp", "connectors/erp/web"}},
		{dir: "connectors/erp/csmart", may: []string{"connectors/erp", "connectors/erp/web"}},
		{dir: "connectors/erp/smpos", may: []string{"connectors/erp", "connectors/erp/web"}},
		{dir: "connectors/erp/file", may: []string{"connectors/erp", "connectors/erp/assemble"}, owns: []string{"github.com/xuri/excelize/v2"}},
		{dir: "connectors/erp/sql", may: []string{"connectors/erp", "connectors/erp/assemble"}, owns: []string{
			"github.com/jackc/pgx/v5", "github.com/microsoft/go-mssqldb", "github.com/go-sql-driver/mysql", "modernc.org/sqlite", "database/sql",
		}},
		{dir: "connectors/erp/rest", may: []string{"connectors/erp", "connectors/erp/web", "connectors/erp/assemble"}, owns: []string{"github.com/tidwall/gjson", "golang.org/x/oauth2"}},
		{dir: "mapping/orders", may: []string{"connectors/erp", "prodsmart"}, not: append([]string{"context"}, pure...)},
		{dir: "mapping", may: []string{"connectors", "prodsmart"}, owns: []string{"github.com/expr-lang/expr"}, not: pure},
		{dir: "prodsmart"},
		{dir: "prodsmart/uplink", may: []string{"prodsmart"}, not: []string{"os", "net", "database/sql"}},
		{dir: "prodsmart/webhook", may: []string{"prodsmart"}, not: []string{"os", "database/sql", "log", "log/slog"}},
		{dir: "prodsmart/mirror", may: []string{"prodsmart", "prodsmart/webhook"}, not: []string{"os", "net", "net/http", "database/sql", "log", "log/slog"}},
		{dir: "prodsmart/reconcile", may: []string{"prodsmart"}, not: append([]string{"context"}, pure...)},
		{dir: "internal/config", may: []string{"connectors", "connectors/opcua", "connectors/modbus", "connectors/mqtt", "mapping", "prodsmart", "prodsmart/uplink",
			"connectors/erp", "connectors/erp/smartup", "connectors/erp/repzo", "connectors/erp/csmart", "connectors/erp/smpos", "connectors/erp/file", "connectors/erp/sql", "connectors/erp/rest", "mapping/orders",
		}, owns: []string{"gopkg.in/yaml.v3"}},
		{dir: "internal/store", may: []string{"mapping", "prodsmart", "prodsmart/uplink"}, owns: []string{"modernc.org/sqlite", "database/sql"}},
		{dir: "internal/replay", may: []string{"connectors", "mapping", "prodsmart", "prodsmart/uplink", "internal/config"}},
		{dir: "internal/health"},
		{dir: "internal/tenant", may: []string{"prodsmart", "prodsmart/webhook"}, not: []string{"os", "net", "net/http"}},
		{dir: "internal/orders", may: []string{"connectors/erp", "mapping/orders", "prodsmart"}, not: []string{"os", "net", "net/http", "database/sql"}},
		{dir: "internal/probe", may: []string{"connectors"}, not: pure},
		{dir: "internal/gateway", may: []string{
			"connectors", "connectors/opcua", "connectors/modbus", "connectors/mqtt", "mapping", "prodsmart", "prodsmart/uplink",
			"prodsmart/reconcile", "prodsmart/mirror", "prodsmart/webhook", "internal/config", "internal/store", "internal/health", "internal/orders", "mapping/orders",
			"connectors/erp", "connectors/erp/smartup", "connectors/erp/repzo", "connectors/erp/csmart", "connectors/erp/smpos", "connectors/erp/file", "connectors/erp/sql", "connectors/erp/rest",
		}},
		{dir: "internal/board", may: []string{"internal/gateway", "internal/health", "internal/store", "internal/orders", "mapping", "mapping/orders", "connectors/erp", "prodsmart/reconcile", "prodsmart/mirror"}, owns: []string{"github.com/prometheus/client_golang"}},
		{dir: "internal/sim", may: []string{"internal/sim"}},
		{dir: "internal/bench", may: []string{"connectors", "mapping", "prodsmart", "prodsmart/uplink", "internal/config", "internal/sim"}},
		{dir: "internal/conformance", may: []string{"connectors", "connectors/opcua", "connectors/modbus", "connectors/mqtt", "connectors/connectortest"}},
		{dir: "internal/house"},
		{dir: "cmd", may: []string{"*"}},
		{dir: "cmd/plantsim", may: []string{"internal/sim"}},
	}
}

type source struct {
	dir  string // relative to the module, with slashes
	name string
	file *ast.File
}

// sources parses all Go files of the module that are no tests.
func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var out []source
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != root || d.Name() == "testdata" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		out = append(out, source{dir: path.Dir(rel), name: rel, file: f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d files found", len(out))
	}
	return out
}

func roomOf(dir string) *room {
	var best *room
	for _, r := range rooms() {
		if (dir == r.dir || strings.HasPrefix(dir, r.dir+"/")) && (best == nil || len(r.dir) > len(best.dir)) {
			best = &r
		}
	}
	return best
}

func imports(s source) []string {
	var out []string
	for _, i := range s.file.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

func within(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, s := range sources(t) {
		r := roomOf(s.dir)
		if r == nil {
			t.Errorf("%s: the folder %s is no room of the house; the table in this test changes first", s.name, s.dir)
			continue
		}
		for _, name := range imports(s) {
			if ours, ok := strings.CutPrefix(name, module+"/"); ok {
				other := roomOf(ours)
				if other == nil || other.dir != r.dir && !slices.Contains(r.may, other.dir) && !slices.Contains(r.may, "*") {
					t.Errorf("%s imports %s, which %s must not", s.name, ours, r.dir)
				}
				continue
			}
			if slices.Contains(r.not, name) {
				t.Errorf("%s imports %s, which %s must not", s.name, name, r.dir)
			}
			for _, owner := range rooms() {
				for _, library := range owner.owns {
					if within(name, library) && !slices.Contains(r.owns, library) && !within(r.dir, owner.dir) && r.dir != "internal/sim" {
						t.Errorf("%s imports %s, which belongs to %s", s.name, name, owner.dir)
					}
				}
			}
		}
	}
}

// TestMachinesAreReadNeverWritten: none of the libraries' calls that write to a
// device, call a method on it, or publish, is named anywhere but in the pretend
// plant.
func TestMachinesAreReadNeverWritten(t *testing.T) {
	forbidden := map[string][]string{
		"connectors/opcua": {
			"Write", "WriteRequest", "WriteValue", "Call", "CallMethod", "CallRequest", "CallMethodRequest", "AddNodesRequest", "AddReferencesRequest",
			"DeleteNodesRequest", "DeleteReferencesRequest", "HistoryUpdateRequest", "SetTriggeringRequest", "SetTriggering", "ActivateSessionRequestWrite",
		},
		"connectors/modbus": {
			"WriteSingleCoil", "WriteMultipleCoils", "WriteSingleRegister", "WriteMultipleRegisters", "MaskWriteRegister",
			"ReadWriteMultipleRegisters", "ReadFIFOQueue", "FuncCodeWriteSingleCoil", "FuncCodeWriteMultipleCoils", "FuncCodeWriteSingleRegister",
			"FuncCodeWriteMultipleRegisters", "FuncCodeMaskWriteRegister", "FuncCodeReadWriteMultipleRegisters",
		},
		"connectors/mqtt":           {"Publish", "SetWill", "SetBinaryWill", "UnsetWill", "NewPublish", "PublishPacket"},
		"connectors/mqtt/sparkplug": {"Publish", "SetWill", "SetBinaryWill", "UnsetWill", "NewPublish", "PublishPacket"},
	}
	// The request to a Sparkplug Edge Node for its birth certificates: an option
	// that is off. It is made and sent by one line of one file.
	const rebirth, allowed = "connectors/mqtt/rebirth.go", 1
	sends := 0
	checked := 0
	for _, s := range sources(t) {
		names, guarded := forbidden[s.dir]
		if !guarded {
			continue
		}
		checked++
		reflects := slices.Contains(imports(s), "reflect")
		library := slices.ContainsFunc(imports(s), func(name string) bool { return !standard(name) && !within(name, module) })
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			// A file that imports no library may write files.
			switch {
			case s.name == rebirth && sel.Sel.Name == "Publish":
				sends++
			case slices.Contains(names, sel.Sel.Name) && (library || sel.Sel.Name != "Write"):
				t.Errorf("%s names %s: machines are read, never written", s.name, sel.Sel.Name)
			}
			// Slices may be walked by reflection; a call that no name shows may
			// not be made by it.
			if reflects && slices.Contains([]string{"Method", "MethodByName", "CallSlice", "NewAt", "UnsafePointer"}, sel.Sel.Name) {
				t.Errorf("%s reflects by %s, with which the guard could be passed by", s.name, sel.Sel.Name)
			}
			return true
		})
		for _, name := range imports(s) {
			if within(name, "github.com/gopcua/opcua/server") || name == "unsafe" {
				t.Errorf("%s imports %s, with which the guard could be passed by", s.name, name)
			}
		}
	}
	if sends != allowed {
		t.Errorf("%s sends in %d places instead of %d", rebirth, sends, allowed)
	}
	if checked < 15 {
		t.Fatalf("only %d files of connectors checked", checked)
	}
}

// standard says whether a package is of the standard library.
func standard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".")
}

// TestNoticeNamesEveryLibrary: what is linked into the programs has a licence
// that wants to be named. Modules that only tests need are not shipped.
func TestNoticeNamesEveryLibrary(t *testing.T) {
	notice, err := os.ReadFile(filepath.Join("..", "..", "NOTICE"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	testsOnly := []string{"rogpeppe/go-internal", "uber.org/goleak", "x/tools", "kylelemons/godebug"}
	n := 0
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.Contains(fields[0], ".") || !strings.HasPrefix(fields[1], "v") {
			continue
		}
		if slices.ContainsFunc(testsOnly, func(s string) bool { return strings.Contains(fields[0], s) }) {
			continue
		}
		n++
		name := fields[0]
		if last := path.Base(name); len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
			name = path.Dir(name)
		}
		if !strings.Contains(string(notice), path.Base(name)) {
			t.Errorf("NOTICE does not name %s", fields[0])
		}
	}
	if n < 15 {
		t.Fatalf("only %d modules found", n)
	}
}

func TestRulesHaveNoClock(t *testing.T) {
	for _, s := range sources(t) {
		if s.dir != "mapping" && s.dir != "mapping/orders" && s.dir != "connectors" && s.dir != "prodsmart/reconcile" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "Tick", "AfterFunc"}, sel.Sel.Name) {
				t.Errorf("%s uses time.%s; time comes with the batches", s.name, sel.Sel.Name)
			}
			return true
		})
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]int{}
	for _, s := range sources(t) {
		said[s.dir] += 0
		if s.file.Doc != nil {
			said[s.dir]++
			if want := "Package " + s.file.Name.Name + " "; s.file.Name.Name != "main" && !strings.HasPrefix(s.file.Doc.Text(), want) {
				t.Errorf("%s: the package comment does not begin with %q", s.name, want)
			}
		}
	}
	for dir, n := range said {
		if n != 1 {
			t.Errorf("%s has %d package comments", dir, n)
		}
	}
}

func TestHabits(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function", s.name)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "panic" {
					t.Errorf("%s panics", s.name)
				}
			}
			return true
		})
		for _, word := range []string{"util", "common", "types", "models", "helpers", "pkg"} {
			if path.Base(s.dir) == word {
				t.Errorf("%s lives in a folder called %s", s.name, word)
			}
		}
	}
}
