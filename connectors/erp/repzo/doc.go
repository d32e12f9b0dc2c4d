// Package repzo reads the sales orders, products and stock of a Repzo company, and where
// it is switched on writes marks, statuses, stock corrections and jobs back. It checks
// the signatures of Repzo's webhooks, which are nothing but hints that something changed.
//
// Repzo is a field sales system: an order ("proforma") is taken by a representative and
// approved by the office. It has no production orders, and its work orders are repairs at
// customers: they are never read. The shapes are those that the vendor's own
// integrations send and receive; those of the generated documentation, which differ, are
// understood too. What nobody has written down is a setting. The package decides nothing
// about production, and never creates, approves, edits or cancels a sales order.
package repzo
