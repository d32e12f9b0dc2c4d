// Package board is the gateway's door for people and monitors: /metrics for
// Prometheus, /healthz and /readyz for whoever restarts things. It reads the
// gateway's status and changes nothing.
package board
