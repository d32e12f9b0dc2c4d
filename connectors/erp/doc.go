// Package erp says what the gateway knows of a business system: its orders,
// products and stock, what the system can and can not do, and the contract of
// a source that is read and, where somebody switched that on, written back to.
// Each system has its own package below this one.
//
// It knows nothing of Prodsmart and decides nothing: which line is produced,
// when, under which code and what a change means are rules of the order
// mirror. A source reports what the system says, with the system's own words
// and the place of everything that could not be read.
package erp
