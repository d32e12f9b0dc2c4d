package config

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestExpanded holds that what is printed is a configuration that means the
// same, and compares one with a golden file.
func TestExpanded(t *testing.T) {
	for _, path := range append(files(t, "testdata/good"), files(t, "../../configs/examples")...) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			config := mustLoad(t, path)
			var out bytes.Buffer
			if err := config.Expanded(&out); err != nil {
				t.Fatal(err)
			}
			if filepath.Base(path) == "product.yaml" {
				golden(t, "testdata/good/product.expanded", out.String())
			}
			o := testOptions()
			read := o.ReadFile
			o.ReadFile = func(name string) ([]byte, error) {
				if name == path {
					return out.Bytes(), nil
				}
				return read(name)
			}
			again, problems := Load(path, o)
			if len(problems) > 0 {
				t.Fatalf("%s\n%s", problems.Error(), out.String())
			}
			if len(again.Machines) != len(config.Machines) {
				t.Fatalf("%d machines became %d", len(config.Machines), len(again.Machines))
			}
			for i := range config.Machines {
				if got, want := dumpSpec(t, again.Machines[i]), dumpSpec(t, config.Machines[i]); got != want {
					t.Errorf("machine %s changed:\n%s\nwas:\n%s", config.Machines[i].Spec.Code, got, want)
				}
			}
			if regexp.MustCompile(`(?m)^\s*(use|templates):`).MatchString(out.String()) {
				t.Errorf("templates are left:\n%s", out.String())
			}
		})
	}
}

// TestSchemaIsExplained holds that every key has an explanation and a default
// that its own limits allow.
func TestSchemaIsExplained(t *testing.T) {
	s, err := newSchema()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[*object]bool{}
	var visit func(o *object)
	visit = func(o *object) {
		if o == nil || seen[o] {
			return
		}
		seen[o] = true
		for _, f := range o.fields {
			if f.doc == "" {
				t.Errorf("%s.%s has no explanation", o.name, f.key)
			}
			if o.index[f.key] != f {
				t.Errorf("%s.%s stands twice", o.name, f.key)
			}
			if f.def != "" && f.limits(f.standard) != "" {
				t.Errorf("%s.%s: the default %s is out of range", o.name, f.key, f.def)
			}
			if f.def != "" && len(f.allowed) > 0 && !containsText(f.allowed, f.def) {
				t.Errorf("%s.%s: the default %s is not allowed", o.name, f.key, f.def)
			}
			visit(f.sub)
		}
	}
	for _, o := range []*object{s.root, s.template, s.kinds["opcua"], s.kinds["modbus"], s.kinds["mqtt"]} {
		visit(o)
	}
	if len(seen) < 20 {
		t.Errorf("only %d objects were visited", len(seen))
	}
}

func TestPlatformData(t *testing.T) {
	env := func(name string) (string, bool) { return `D:\ProgramData`, name == "ProgramData" }
	none := func(string) (string, bool) { return "", false }
	for _, c := range []struct{ got, want string }{
		{platformData("windows", env), `D:\ProgramData\prodsmart-gateway`},
		{platformData("windows", none), `C:\ProgramData\prodsmart-gateway`},
		{platformData("linux", none), "/var/lib/prodsmart-gateway"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestMissingFile holds that nothing is made of a file that is not there.
func TestMissingFile(t *testing.T) {
	_, problems := Load("testdata/nowhere.yaml", Options{})
	if len(problems) != 1 || problems[0].String() != "testdata/nowhere.yaml:1:1: the file does not exist; check the path" {
		t.Error(problems)
	}
	if _, err := os.Stat("testdata/nowhere.yaml"); err == nil {
		t.Error("a file was written")
	}
}
