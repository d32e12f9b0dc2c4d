// Package smartup reads orders, products and stock of a Smartup company, and
// where it is switched on writes notes, statuses and draft documents back.
//
// Smartup has no production orders: it gives sales orders, whose lines say what
// the plant makes itself. It tells changes by the day, within a window of some
// days, and allows few calls a day, which every tool of the company shares. What
// the vendor does not publish is a setting. The package decides nothing about
// production, never creates sales orders and never posts or closes a document.
package smartup
