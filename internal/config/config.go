package config

import (
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/opcua"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// Config is a configuration without a mistake in it, every default filled in.
type Config struct {
	// Files are the main file and the included ones in the order they were
	// read: what to watch for changes.
	Files []string
	Site  string
	// Location is the time zone of the calendar, of the times in texts, and of those
	// of Prodsmart's that name none; never nil.
	Location *time.Location
	// Data is the folder of the store.
	Data      string
	Prodsmart Prodsmart
	// Connections and Machines are in the order of the files.
	Connections []Connection
	Machines    []Machine
	// Orders are the sources of the order mirror.
	Orders Orders
	// Board and Metrics are the addresses to listen at, "" for none.
	Board, Metrics string
	Journal        Journal
	// Warnings are doubts that do not keep the configuration from working.
	Warnings Problems

	tree *node
}

// Prodsmart is how Prodsmart is reached and told.
type Prodsmart struct {
	URL    string
	Prefix string
	// Paths replaces single documented paths.
	Paths       map[string]string
	Key, Secret Secret
	// Live is false for a dry run.
	Live bool
	// Budget is requests a minute, a whole number from 1 to 120.
	Budget mapping.Number
	// Share is this gateway's part of Budget, above 0 and at most 1.
	Share mapping.Number
	// CountIs is what the tenant's counter means.
	CountIs     mapping.Quantity
	ReportEvery time.Duration
	// Auth is basic or token.
	Auth     string
	Insecure bool
	Timeout  time.Duration
	// Proxy is an address, "direct" for none, or "" for the environment's.
	Proxy         string
	ProxyUser     Secret
	ProxyPassword Secret
	// CA is the path of a PEM file, "" for none.
	CA string
	// Waste is changed or all, WasteOnly hold or send, FirstZero post or skip.
	Waste, WasteOnly, FirstZero string
	// AmbiguousWait is how long a total whose answer was lost waits to be
	// overtaken by a higher one before it is sent once more.
	AmbiguousWait time.Duration
	// RefusedRetry is the first pause of a machine after a real refusal.
	RefusedRetry time.Duration
	// RepeatStop allows a stop without an answer to be sent once more.
	RepeatStop bool
	// Backlog is post or hold.
	Backlog string
	// ReconcileEvery is the time between two comparisons with what Prodsmart
	// holds, 0 for none.
	ReconcileEvery time.Duration
	Follow         Follow
}

// Requests is the number of requests a minute that this gateway may make: its
// share of the budget, at least 1.
func (p *Prodsmart) Requests() mapping.Number {
	if n := p.Budget.Mul(p.Share).Floor(); n.Sign() > 0 {
		return n
	}
	return mapping.Whole(1)
}

// The kinds of connections.
const (
	KindOPCUA  = "opcua"
	KindModbus = "modbus"
	KindMQTT   = "mqtt"
)

// Connection is one device, serial gateway, server or broker.
type Connection struct {
	Pos  Pos
	Name string
	// Kind is KindOPCUA, KindModbus or KindMQTT.
	Kind string
	// User is a plain text or came by reference; Password always did.
	User, Password Secret

	opcua  *opcua.Config
	modbus *modbus.Config
	mqtt   *mqtt.Config
}

// OPCUA gives the settings of a connection of KindOPCUA with the credentials in
// clear: for the connector, not to be kept or printed.
func (c Connection) OPCUA() opcua.Config {
	if c.opcua == nil {
		return opcua.Config{}
	}
	settings := *c.opcua
	settings.User, settings.Password = c.User.Reveal(), c.Password.Reveal()
	return settings
}

// Modbus gives the settings of a connection of KindModbus.
func (c Connection) Modbus() modbus.Config {
	if c.modbus == nil {
		return modbus.Config{}
	}
	return *c.modbus
}

// MQTT gives the settings of a connection of KindMQTT with the credentials in
// clear: for the connector, not to be kept or printed.
func (c Connection) MQTT() mqtt.Config {
	if c.mqtt == nil {
		return mqtt.Config{}
	}
	settings := *c.mqtt
	settings.User, settings.Password = c.User.Reveal(), c.Password.Reveal()
	return settings
}

// Machine is one machine: its rules, and how it is told.
type Machine struct {
	Pos  Pos
	Spec mapping.Spec
	// Template is the template it uses, "" for none.
	Template string
	// Was is the code its totals were kept under before, "" for none.
	Was string
	// ReportEvery is its target freshness at Prodsmart.
	ReportEvery time.Duration
	// Freshness is its weight while the machines ask for more than the budget.
	Freshness mapping.Number
	// Report is false for a machine that is read but not told.
	Report bool
}

// Journal bounds the local journal by age and by bytes.
type Journal struct {
	Keep time.Duration
	Size int64
}
