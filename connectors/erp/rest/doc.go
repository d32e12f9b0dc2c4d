// Package rest reads orders from a service of the plant's own that answers GET
// with JSON, in pages, by paths that the plant configures.
//
// It only reads, sends its key to no other computer than the one that is
// configured, and makes one attempt. It knows no service by name: those that it
// does have packages of their own.
package rest
