// Package probe finds the tag behind a value that a person sees on a machine.
// It compares what a display shows with everything as which the data near an
// address could be understood, and ranks what fits. It reads nothing itself and
// knows no protocol: the candidates come from a connectors.Surveyor.
package probe
