package gateway

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

// TestExamplesConnect holds that the connectors take the tags of every example,
// not only the configuration. Examples that name files of a plant are left out:
// those files are read when a connector is made.
func TestExamplesConnect(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "configs", "examples", "*.yaml"))
	if err != nil || len(paths) < 10 {
		t.Fatal(len(paths), err)
	}
	made := 0
	for _, path := range paths {
		c, problems := config.Load(path, config.Options{SkipSecrets: true, Env: os.LookupEnv, ReadFile: os.ReadFile})
		if len(problems) > 0 {
			t.Errorf("%s: %s", path, problems.Error())
			continue
		}
		tags := map[string][]connectors.Tag{}
		for _, m := range c.Machines {
			for _, s := range m.Spec.Signals {
				tags[s.Connection] = append(tags[s.Connection], s.Tag)
			}
		}
		for _, connection := range c.Connections {
			if connection.MQTT().CA != "" {
				continue
			}
			if _, err := connect(connection, tags[connection.Name], c); err != nil {
				t.Errorf("%s: %s: %v", path, connection.Name, err)
			}
			made++
		}
	}
	if made < 8 {
		t.Errorf("only %d connections were made", made)
	}
}
