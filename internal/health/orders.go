package health

// aboutOrders describes what concerns sources of orders.
func aboutOrders(c Code) (Definition, bool) {
	switch c {
	case OrdersHeld:
		return Definition{Name: "orders_held", Severity: Alarm, Title: "The changes of a source of orders are held",
			Next: "Look into the business system whether so much was really cancelled or is gone. If it was, run prodsmart-gateway orders resolve SOURCE release; if not, put it right there and it goes on by itself. Nothing of this source is changed in Prodsmart meanwhile."}, true
	case OrdersFailing:
		return Definition{Name: "orders_failing", Severity: Warning, Title: "A source of orders fails",
			Next: "Read in the detail what fails: the business system, its answers, or Prodsmart's side. It is tried again by itself; orders that are in Prodsmart stay as they are, and machines and other sources go on."}, true
	case OrdersSpent:
		return Definition{Name: "orders_spent", Severity: Warning, Title: "The calls that a business system allows in a day are used up",
			Next: "Find out who else calls the system with this account, or let the source be read less often (every). It goes on when the system's next day begins."}, true
	case OrdersAsk:
		return Definition{Name: "orders_ask", Severity: Notice, Title: "Orders wait for a person",
			Next: "Run prodsmart-gateway orders list --alerts: each line says what happened and what can be decided."}, true
	}
	return Definition{}, false
}
