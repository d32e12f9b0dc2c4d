// Package reconcile compares what Prodsmart was told of a machine with what its
// lists show: downtimes and productions. It explains each difference with a
// cause and says how sure that is. It repairs nothing, and it is pure: it asks
// nobody, and time comes with its input.
package reconcile
