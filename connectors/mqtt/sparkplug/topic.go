package sparkplug

import "strings"

// namespace begins every topic of Sparkplug B.
const namespace = "spBv1.0"

// kind is the type of a message, as its topic says it.
type kind string

// The messages that a host application follows. The others are commands, and
// the states of hosts.
const (
	nodeBirth   kind = "NBIRTH"
	nodeData    kind = "NDATA"
	nodeDeath   kind = "NDEATH"
	deviceBirth kind = "DBIRTH"
	deviceData  kind = "DDATA"
	deviceDeath kind = "DDEATH"
)

// parseTopic takes spBv1.0/GROUP/TYPE/NODE[/DEVICE] apart. ok is false for every
// other topic. Of which types a host takes notice, follows says.
func parseTopic(topic string) (k kind, p place, ok bool) {
	parts := strings.Split(topic, "/")
	if len(parts) < 4 || len(parts) > 5 || parts[0] != namespace {
		return "", place{}, false
	}
	p = place{group: parts[1], node: parts[3]}
	if len(parts) == 5 {
		p.device = parts[4]
	}
	return kind(parts[2]), p, true
}

// follows says whether a message of this type is one of a node (or of a device)
// that speaks of itself.
func (k kind) follows(device bool) bool {
	if device {
		return k == deviceBirth || k == deviceData || k == deviceDeath
	}
	return k == nodeBirth || k == nodeData || k == nodeDeath
}

// filters are the two subscriptions that bring everything of an Edge Node. All
// of its devices are needed, also those without a tag: one sequence of numbers
// counts the messages of all.
func (p place) filters() []string {
	base := namespace + "/" + p.group + "/+/" + p.node
	return []string{base, base + "/+"}
}

// RebirthTopic is where an Edge Node, GROUP/NODE, listens for what Rebirth makes.
func RebirthTopic(edgeNode string) (string, error) {
	p, err := parsePlace(edgeNode)
	if err != nil {
		return "", err
	}
	return namespace + "/" + p.group + "/NCMD/" + p.node, nil
}
