// Package repzo is a pretend Repzo: a company's sales orders, products, stock, stock
// corrections and statuses behind the calls that integrations use, with the limits of
// the minute and the day, the two dialects in which the vendor describes its documents,
// signed webhooks, and answers that leave in doubt what happened. An office creates,
// approves, edits, splits, converts and cancels orders meanwhile.
//
// It is made from the vendor's published description and from what its own
// integrations send and receive; it shares no code with the gateway, so that it can not
// share its mistakes. What nobody has seen on the wire is an option.
package repzo
