// Package prodsmart is a client of Prodsmart's REST interface (now Autodesk
// Fusion Operations) and the vocabulary of what it is told. It makes one
// request at a time, decodes what comes back however it is spelled, and says
// what an answer means; it never waits and never tries again, save for one
// fresh token after a 401 or 403. It knows nothing of machines, orders of other
// systems, or budgets.
package prodsmart
