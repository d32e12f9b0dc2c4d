// Package smpos is a pretend cabinet of SM POS, the cloud behind cash registers:
// chains, shops with a directory of goods each, tills that sell in shifts, and the
// one address with its commands.
//
// It is an http.Handler and an office: methods that sell, refund, close shifts and
// change goods as people do. It imports nothing of ours, so that it can not share
// a mistake with the connector that is tested on it. What the vendor's manual
// leaves open is an option; the zero value is the documented way. It keeps nothing
// on disk, has no pictures, and is no accounting.
package smpos
