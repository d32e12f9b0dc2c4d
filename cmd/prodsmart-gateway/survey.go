package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/opcua"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

// surveyed makes the survey of a connection of the configuration. patience, if
// it is not 0, is how long to wait for values that come by themselves. The list
// of kinds is closed.
func surveyed(c config.Connection, patience time.Duration) (connectors.Surveyor, error) {
	switch c.Kind {
	case config.KindOPCUA:
		return opcua.NewSurvey(c.OPCUA())
	case config.KindModbus:
		return modbus.NewSurvey(c.Modbus())
	case config.KindMQTT:
		return mqtt.NewSurvey(listening(c.MQTT(), patience))
	}
	return nil, fmt.Errorf("kind %q is not known", c.Kind)
}

// listening gives a broker's settings the patience of a person, less what
// connecting may take.
func listening(c mqtt.Config, patience time.Duration) mqtt.Config {
	if patience > 0 {
		c.Timeout = min(max(patience*9/10, 100*time.Millisecond), time.Minute)
	}
	return c
}

// survey finds what a person wants to ask: a connection of the configuration by
// its name, or a device by its address, for which no file is needed.
func survey(stderr io.Writer, path, target string, patience time.Duration) (connectors.Surveyor, error) {
	if scheme, _, ok := strings.Cut(target, "://"); ok {
		return surveyedAddress(scheme, target, patience)
	}
	c, err := connectionOf(stderr, path, target, config.Options{})
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, withoutFile)
	}
	return surveyed(c, patience)
}

// withoutFile says how to do without a configuration.
const withoutFile = "a device's address works without a file, with its protocol in front: opc.tcp://10.0.4.21:4840, tcp://10.0.4.30:502 (Modbus) or mqtt://10.0.4.5:1883"

// connectionOf finds a connection by its name. What is wrong elsewhere in the
// file does not matter; if it may be why the connection is not there, it is
// printed.
func connectionOf(stderr io.Writer, path, name string, o config.Options) (config.Connection, error) {
	well, problems := config.Connections(path, o)
	var names []string
	for _, c := range well {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	if own := problems.Of(name); len(own) > 0 {
		return config.Connection{}, errors.Join(fmt.Errorf("the connection %s has mistakes", name), own.Print(stderr))
	}
	if err := problems.Print(stderr); err != nil {
		return config.Connection{}, err
	}
	has := "none that can be used"
	if len(names) > 0 {
		has = strings.Join(names, ", ")
	}
	return config.Connection{}, fmt.Errorf("%s has no connection %q; it has %s", path, name, has)
}

// surveyedAddress makes the survey of a device by its address, with the
// defaults of its protocol.
func surveyedAddress(scheme, address string, patience time.Duration) (connectors.Surveyor, error) {
	u, err := url.Parse(address)
	port := ""
	if err == nil {
		port = u.Port()
	}
	switch {
	case scheme == "opc.tcp":
		return opcua.NewSurvey(opcua.Config{Endpoint: address})
	case scheme == "mqtt":
		return mqtt.NewSurvey(listening(mqtt.Config{Broker: "tcp" + strings.TrimPrefix(address, scheme), ClientID: "prodsmart-gateway"}, patience))
	case scheme == "mqtts" || scheme == "ssl":
		return mqtt.NewSurvey(listening(mqtt.Config{Broker: "ssl" + strings.TrimPrefix(address, scheme), ClientID: "prodsmart-gateway"}, patience))
	case scheme == "tcp" && port == "1883":
		return mqtt.NewSurvey(listening(mqtt.Config{Broker: address, ClientID: "prodsmart-gateway"}, patience))
	case slices.Contains([]string{"tcp", "rtu", "ascii", "rtuovertcp", "asciiovertcp"}, scheme):
		return modbus.NewSurvey(modbus.Config{Address: address})
	}
	return nil, fmt.Errorf("%q is not known; write opc.tcp:// for OPC UA, tcp://, rtu://, ascii://, rtuovertcp:// or asciiovertcp:// for Modbus, mqtt:// or mqtts:// for MQTT", scheme+"://")
}

// unfinished says in a person's words why a reading ended before its end.
func unfinished(ctx context.Context, err error, limit time.Duration) error {
	switch {
	case err == nil || ctx.Err() == nil:
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("not all was read within %v: the device is slow, or did not answer or send yet; --timeout allows more", limit)
	}
	return errors.New("stopped")
}

func printed(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}
