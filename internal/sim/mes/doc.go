// Package mes is a pretend Prodsmart: authorization, the three machine services,
// production orders, partners, products, stock, the lists of what happened, change
// channels and webhooks, with every question that the documentation leaves open as
// an option, a limit that a foreign client spends from too, faults to switch on,
// people who change records by hand, and a record of what it was told. It shares
// no code with the client it is there to test. It has no pages for people, but a
// control interface.
package mes
