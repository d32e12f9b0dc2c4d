// Package orders holds the rules of the order mirror: which line of a business
// system becomes which production order of Prodsmart, under which code, what a
// change on either side means for the other, and what is written back. It is
// pure: it reads no clock, no network and no disk. Somebody else reads the
// sources, keeps the book on disk before anything is sent, makes the calls, and
// reports their outcomes.
//
// Two rules come before all others. A field is written only when the source's
// value differs from the one that the source had when it was last written, so
// that a planner's edit is never overridden. And an order that was started is
// never deleted.
package orders
