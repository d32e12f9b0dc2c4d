package prodsmart

import "net/http"

// Operation is one of the operations that are documented.
type Operation struct {
	// Name is a resource and what is done with it: suppliers.list.
	Name, Method string
	// Endpoint names the path, and Path is the documented one below the prefix, as
	// it is spelled there. What stands in braces is replaced by a value.
	Endpoint Endpoint
	Path     string
	// Auth is how it is authenticated; AuthEither says that key and secret do as
	// well as a token.
	Auth Auth
	// Repeat says what becomes of a request whose answer was lost.
	Repeat Repeat
}

// AuthEither is the Auth of operations that take a token or key and secret.
const AuthEither Auth = "either"

// Repeat says what to do about a request whose outcome is not known.
type Repeat string

// The values of Repeat.
const (
	// RepeatFreely: doing it again makes no difference.
	RepeatFreely Repeat = "freely"
	// RepeatAfterSearch: look whether it was done before doing it again.
	RepeatAfterSearch Repeat = "after a search"
	// RepeatNever: what was lost can not be had again, or would be there twice.
	RepeatNever Repeat = "never"
	// RepeatByRule: the uplink has rules for it.
	RepeatByRule Repeat = "by rule"
)

// operation builds an entry of the table.
func operation(name, method string, endpoint Endpoint, repeat Repeat) Operation {
	return Operation{Name: name, Method: method, Endpoint: endpoint, Path: defaultPaths()[endpoint], Auth: AuthToken, Repeat: repeat}
}

// Operations are all that are documented, in the order of the documentation.
func Operations() []Operation {
	const get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	list := []Operation{
		operation("authorization.get", get, AuthorizationEndpoint, RepeatFreely),
		operation("authorization.create", post, AuthorizationEndpoint, RepeatFreely),
		operation("authorization.delete", del, AuthorizationEndpoint, RepeatFreely),
		operation("changes.take", get, ChangesEndpoint, RepeatNever),
	}
	for _, partner := range []struct {
		name      string
		all, each Endpoint
	}{{"suppliers", SuppliersEndpoint, SupplierEndpoint}, {"clients", ClientsEndpoint, ClientEndpoint}} {
		list = append(list,
			operation(partner.name+".create", post, partner.all, RepeatAfterSearch),
			operation(partner.name+".list", get, partner.all, RepeatFreely),
			operation(partner.name+".get", get, partner.each, RepeatFreely),
			operation(partner.name+".update", put, partner.each, RepeatFreely),
			operation(partner.name+".delete", del, partner.each, RepeatFreely))
	}
	list = append(list,
		operation("sales-orders.create", post, SalesOrdersEndpoint, RepeatAfterSearch),
		operation("sales-orders.list", get, SalesOrdersEndpoint, RepeatFreely),
		operation("sales-orders.get", get, SalesOrderEndpoint, RepeatFreely),
		operation("sales-orders.update", put, SalesOrdersEndpoint, RepeatFreely),
		operation("sales-orders.delete", del, SalesOrderEndpoint, RepeatFreely),
		operation("purchase-orders.create", post, NewPurchaseOrderEndpoint, RepeatAfterSearch),
		operation("purchase-orders.list", get, PurchaseOrdersEndpoint, RepeatFreely),
		operation("purchase-orders.get", get, PurchaseOrderEndpoint, RepeatFreely),
		operation("purchase-orders.update", put, PurchaseOrderEndpoint, RepeatFreely),
		operation("purchase-orders.delete", del, PurchaseOrderEndpoint, RepeatFreely),
		operation("production-orders.get", get, ProductionOrderEndpoint, RepeatFreely),
		operation("production-orders.update", put, ProductionOrderEndpoint, RepeatFreely),
		operation("production-orders.delete", del, ProductionOrderEndpoint, RepeatFreely),
		operation("production-orders.create", post, ProductionOrdersEndpoint, RepeatAfterSearch),
		operation("production-orders.list", get, ProductionOrdersEndpoint, RepeatFreely),
		operation("production-orders.notify", post, NotifyEndpoint, RepeatNever),
		operation("production-orders.activate", post, ActivateEndpoint, RepeatFreely),
		operation("products.get", get, ProductEndpoint, RepeatFreely),
		operation("products.create", post, ProductsEndpoint, RepeatFreely),
		operation("products.update", put, ProductEndpoint, RepeatFreely),
		operation("products.delete", del, ProductEndpoint, RepeatFreely),
		operation("products.list", get, ProductsEndpoint, RepeatFreely),
		operation("bom.set", post, BOMEndpoint, RepeatFreely),
		operation("stock.set", post, StockEndpoint, RepeatFreely),
		operation("stock.get", get, ProductStockEndpoint, RepeatFreely),
		operation("product-families.create", post, ProductFamiliesEndpoint, RepeatAfterSearch),
		operation("product-families.delete", del, ProductFamilyEndpoint, RepeatFreely),
		operation("product-families.list", get, ProductFamiliesEndpoint, RepeatFreely))
	for _, service := range []Endpoint{CounterEndpoint, ParametersEndpoint, StartStopEndpoint} {
		o := operation("machines."+string(service), post, service, RepeatByRule)
		o.Auth = AuthEither
		list = append(list, o)
	}
	list = append(list,
		operation("productions.update", put, ProductionEndpoint, RepeatFreely),
		operation("productions.delete", del, ProductionEndpoint, RepeatFreely),
		operation("productions.list", get, ProductionsEndpoint, RepeatFreely),
		operation("downtimes.list", get, DowntimesEndpoint, RepeatFreely),
		operation("punchclocks.list", get, PunchClocksEndpoint, RepeatFreely),
		operation("inventory-movements.get", get, MovementEndpoint, RepeatFreely),
		operation("inventory-movements.create", post, MovementsEndpoint, RepeatAfterSearch),
		operation("inventory-movements.update", put, MovementEndpoint, RepeatFreely),
		operation("inventory-movements.delete", del, MovementDeleteEndpoint, RepeatFreely),
		operation("inventory-movements.list", get, MovementsEndpoint, RepeatFreely),
		operation("worker-labor-time.list", get, LaborTimeEndpoint, RepeatFreely))
	for i := range list {
		if list[i].Endpoint == AuthorizationEndpoint {
			list[i].Auth = AuthBasic
		}
	}
	return list
}

// operations finds each by its name.
func operations() map[string]Operation {
	m := map[string]Operation{}
	for _, o := range Operations() {
		m[o.Name] = o
	}
	return m
}
