// Package csmart reads orders and products of CSMART, and where it is switched on
// leaves tasks for the office there.
//
// The vendor documents the calls and no record: what a field is called is a
// dictionary with candidates, and Discover shows what a tenant really has. Each list
// is a whole snapshot; there is no read of a single record, no change since, no stock
// and no way to change an order. The package decides nothing about production.
package csmart
