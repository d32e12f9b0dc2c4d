// Package plant is a pretend plant: machines with a truth of their own, the
// devices that show it over OPC UA, Modbus and MQTT, and a pretend Prodsmart
// that is told about it. Truth and what was told are kept apart and compared.
// Faults never destroy what no gateway could recover: a device forgets its
// counter only while the machine stands and the last count could be read.
//
// It imports nothing of the gateway's.
package plant
