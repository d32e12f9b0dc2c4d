package mqtt

import (
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt/sparkplug"
)

// publisher is what the library can do besides, and what is used here alone.
type publisher interface {
	Publish(topic string, qos byte, retained bool, payload any) paho.Token
}

// askRebirth asks a Sparkplug Edge Node, GROUP/NODE, for its birth certificates:
// the only message that the gateway ever sends. Topic and payload are made here,
// so that nothing else can be sent this way. The answer is the birth, so nobody
// waits for one. The caller has seen to it that the configuration allows it, and
// that it is not asked too often.
func (s *session) askRebirth(edgeNode string, now time.Time) {
	topic, err := sparkplug.RebirthTopic(edgeNode)
	if err != nil {
		return // the address was checked when the connector was made
	}
	if p, ok := s.client.(publisher); ok {
		s.acks.add(func() { p.Publish(topic, 0, false, sparkplug.Rebirth(now)) })
	}
}
