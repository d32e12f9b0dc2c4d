// Package smartup is a pretend Smartup: a company's orders, products, stock and
// warehouse documents behind the calls that vendors of connectors use, with the daily
// limits, the odd encodings and the answers that leave in doubt what happened. An
// office creates, changes, cancels and ships orders meanwhile.
//
// It is made from the vendor's published description and from what others met; it
// shares no code with the gateway, so that it can not share its mistakes.
package smartup
