// Package mes is a pretend Prodsmart: authorization and the three machine
// services, with every question that the documentation leaves open as an
// option, faults to switch on, and a record of what it was told. It shares no
// code with the client it is there to test. It is not the whole of Prodsmart:
// orders, products, webhooks and change channels are not in it.
package mes
