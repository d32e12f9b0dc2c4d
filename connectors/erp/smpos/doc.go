// Package smpos reads goods, stock and current sales of shops whose tills run SM
// POS, and where it is switched on adds produced goods to a shop's quantities.
//
// SM POS has no orders: it is a signal of stock, from which the rules of
// replenishment make production orders. What a shop really has is the quantity of
// its directory less the sales of shifts that are not closed. Its cabinet only
// takes absolute quantities and has no way to compare before it sets one, so that
// a write is read before, checked, and read again. The package decides nothing
// about production, and never replaces or deletes goods, changes prices or closes
// a shift's journal.
package smpos
