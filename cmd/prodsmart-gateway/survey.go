package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/opcua"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

// surveyed makes the survey of a connection of the configuration. The list of
// kinds is closed.
func surveyed(c config.Connection, site *config.Config) (connectors.Surveyor, error) {
	switch c.Kind {
	case config.KindOPCUA:
		return opcua.NewSurvey(opcuaSettings(c, site))
	case config.KindModbus:
		return modbus.NewSurvey(c.Modbus())
	case config.KindMQTT:
		settings := c.MQTT()
		if settings.ClientID == "" {
			settings.ClientID = "prodsmart-gateway-" + site.Site + "-" + c.Name
		}
		return mqtt.NewSurvey(settings)
	}
	return nil, fmt.Errorf("kind %q is not known", c.Kind)
}

// opcuaSettings are the settings of an OPC UA connection, with the folder of
// certificates that the daemon uses.
func opcuaSettings(c config.Connection, site *config.Config) opcua.Config {
	settings := c.OPCUA()
	if settings.CertificateDir == "" {
		settings.CertificateDir = filepath.Join(site.Data, "pki")
	}
	return settings
}

// survey finds what a person wants to ask: a connection of the configuration by
// its name, or a device by its address, for which no file is needed. data holds
// certificates.
func survey(stderr io.Writer, path, target string) (connectors.Surveyor, error) {
	if scheme, _, ok := strings.Cut(target, "://"); ok {
		return surveyedAddress(scheme, target)
	}
	site, err := loadFor(stderr, path, target)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range site.Connections {
		if c.Name == target {
			return surveyed(c, site)
		}
		names = append(names, c.Name)
	}
	return nil, fmt.Errorf("%s has no connection %q; it has %s; an address such as tcp://10.0.4.30:502 works without a file",
		path, target, strings.Join(names, ", "))
}

// surveyedAddress makes the survey of a device by its address, with the
// defaults of its protocol.
func surveyedAddress(scheme, address string) (connectors.Surveyor, error) {
	u, err := url.Parse(address)
	port := ""
	if err == nil {
		port = u.Port()
	}
	switch {
	case scheme == "opc.tcp":
		return opcua.NewSurvey(opcua.Config{Endpoint: address})
	case scheme == "mqtt":
		return mqtt.NewSurvey(mqtt.Config{Broker: "tcp" + strings.TrimPrefix(address, scheme), ClientID: "prodsmart-gateway"})
	case scheme == "mqtts" || scheme == "ssl":
		return mqtt.NewSurvey(mqtt.Config{Broker: "ssl" + strings.TrimPrefix(address, scheme), ClientID: "prodsmart-gateway"})
	case scheme == "tcp" && port == "1883":
		return mqtt.NewSurvey(mqtt.Config{Broker: address, ClientID: "prodsmart-gateway"})
	case slices.Contains([]string{"tcp", "rtu", "ascii", "rtuovertcp", "asciiovertcp"}, scheme):
		return modbus.NewSurvey(modbus.Config{Address: address})
	}
	return nil, fmt.Errorf("%q is not known; write opc.tcp:// for OPC UA, tcp://, rtu://, ascii://, rtuovertcp:// or asciiovertcp:// for Modbus, mqtt:// or mqtts:// for MQTT", scheme+"://")
}

// loadFor reads a configuration of which one connection is wanted. Secrets that
// others need may be missing: an engineer on site has not all of them.
func loadFor(stderr io.Writer, path, connection string) (*config.Config, error) {
	cfg, problems := config.Load(path, config.Options{})
	if len(problems) == 0 {
		return cfg, nil
	}
	own := func(p config.Problem) bool { return strings.HasPrefix(p.Path, "connections."+connection+".") }
	if !slices.ContainsFunc(problems, own) {
		if cfg, still := config.Load(path, config.Options{Env: anyEnv, ReadFile: anySecret}); len(still) == 0 {
			return cfg, nil
		}
	}
	return nil, reported{errors.Join(errors.New("the configuration has mistakes"), problems.Print(stderr),
		printed(stderr, "The file must be without mistakes before a connection can be used by its name; the device's address, such as tcp://10.0.4.30:502, works without a file.\n"))}
}

// missing stands for a secret that is not there and not needed.
const missing = "missing"

func anyEnv(name string) (string, bool) {
	if value, ok := os.LookupEnv(name); ok && value != "" {
		return value, true
	}
	return missing, true
}

func anySecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if ext := filepath.Ext(path); err != nil && ext != ".yaml" && ext != ".yml" {
		return []byte(missing), nil
	}
	return text, err
}

func printed(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}
