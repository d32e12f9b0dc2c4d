// Package orders is the order mirror at work. For each source it reads what the
// business system says, keeps the book of mapping/orders on disk before anything
// is sent, and does what the rules ask for, one thing at a time, in slots of
// Prodsmart's budget. Sources do not know of each other: one that fails, or
// gives garbage, holds up no other.
//
// It decides nothing itself, and opens no connection: the systems, Prodsmart's
// client and the store are given to it.
package orders
