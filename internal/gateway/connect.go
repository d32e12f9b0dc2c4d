package gateway

import (
	"fmt"
	"path/filepath"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/opcua"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

// connect makes the connector of a connection. The list of kinds is closed.
func connect(c config.Connection, tags []connectors.Tag, site *config.Config) (connectors.Connector, error) {
	switch c.Kind {
	case config.KindOPCUA:
		settings := c.OPCUA()
		if settings.CertificateDir == "" {
			settings.CertificateDir = filepath.Join(site.Data, "pki")
		}
		return opcua.New(settings, tags)
	case config.KindModbus:
		return modbus.New(c.Modbus(), tags)
	case config.KindMQTT:
		settings := c.MQTT()
		if settings.ClientID == "" {
			settings.ClientID = "prodsmart-gateway-" + site.Site + "-" + c.Name
		}
		return mqtt.New(settings, tags)
	}
	return nil, fmt.Errorf("kind %q is not known", c.Kind)
}
