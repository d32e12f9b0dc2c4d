package prodsmart

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Endpoint names a resource of the interface: in Config.Paths, in hooks, in
// metrics. The names of the machine services equal Service.String.
type Endpoint string

// The endpoints this client uses.
const (
	AuthorizationEndpoint Endpoint = "authorization"
	StartStopEndpoint     Endpoint = "startstop"
	CounterEndpoint       Endpoint = "counter"
	ParametersEndpoint    Endpoint = "parameters"
	DowntimesEndpoint     Endpoint = "downtimes"
	ProductionsEndpoint   Endpoint = "productions"

	ChangesEndpoint          Endpoint = "changes"
	SuppliersEndpoint        Endpoint = "suppliers"
	SupplierEndpoint         Endpoint = "supplier"
	ClientsEndpoint          Endpoint = "clients"
	ClientEndpoint           Endpoint = "client"
	SalesOrdersEndpoint      Endpoint = "sales-orders"
	SalesOrderEndpoint       Endpoint = "sales-order"
	PurchaseOrdersEndpoint   Endpoint = "purchase-orders"
	NewPurchaseOrderEndpoint Endpoint = "purchase-order-create"
	PurchaseOrderEndpoint    Endpoint = "purchase-order"
	ProductionOrdersEndpoint Endpoint = "production-orders"
	ProductionOrderEndpoint  Endpoint = "production-order"
	NotifyEndpoint           Endpoint = "production-order-notify"
	ActivateEndpoint         Endpoint = "production-order-activate"
	ProductsEndpoint         Endpoint = "products"
	ProductEndpoint          Endpoint = "product"
	BOMEndpoint              Endpoint = "bom"
	StockEndpoint            Endpoint = "stock"
	ProductStockEndpoint     Endpoint = "product-stock"
	ProductFamiliesEndpoint  Endpoint = "product-families"
	ProductFamilyEndpoint    Endpoint = "product-family"
	ProductionEndpoint       Endpoint = "production"
	PunchClocksEndpoint      Endpoint = "punchclocks"
	MovementsEndpoint        Endpoint = "inventory-movements"
	MovementEndpoint         Endpoint = "inventory-movement"
	MovementDeleteEndpoint   Endpoint = "inventory-movement-delete"
	LaborTimeEndpoint        Endpoint = "worker-labor-time"
)

// machineMark stands for the machine code in a path, the others for the number or
// code of a record and for a change channel.
const (
	machineMark = "{machine}"
	idMark      = "{id}"
	codeMark    = "{code}"
	channelMark = "{channel}"
)

// marks are all that may stand in a path for a value.
func marks() []string { return []string{machineMark, idMark, codeMark, channelMark} }

// defaultPaths are the documented paths below the prefix.
func defaultPaths() map[Endpoint]string {
	return map[Endpoint]string{
		AuthorizationEndpoint: "/authorization",
		StartStopEndpoint:     "/machines/{machine}/startstop",
		CounterEndpoint:       "/machines/{machine}/counter",
		ParametersEndpoint:    "/machines/{machine}/parameters",
		DowntimesEndpoint:     "/downtimes",
		ProductionsEndpoint:   "/productions",

		ChangesEndpoint:   "/changes/{channel}",
		SuppliersEndpoint: "/suppliers",
		SupplierEndpoint:  "/suppliers/{id}",
		ClientsEndpoint:   "/clients",
		ClientEndpoint:    "/clients/{id}",
		// What the documentation calls a client order elsewhere is a sales order, and
		// its path is in the singular.
		SalesOrdersEndpoint:      "/client-order/",
		SalesOrderEndpoint:       "/client-order/{id}",
		PurchaseOrdersEndpoint:   "/purchase-orders",
		NewPurchaseOrderEndpoint: "/purchase-orders/",
		PurchaseOrderEndpoint:    "/purchase-orders/{id}",
		ProductionOrdersEndpoint: "/production-orders/",
		ProductionOrderEndpoint:  "/production-orders/{id}",
		NotifyEndpoint:           "/production-orders/{id}/notify",
		ActivateEndpoint:         "/production-orders/{id}/activate",
		ProductsEndpoint:         "/products",
		ProductEndpoint:          "/products/{code}",
		BOMEndpoint:              "/bom",
		StockEndpoint:            "/stock",
		ProductStockEndpoint:     "/stock/{code}",
		ProductFamiliesEndpoint:  "/product-families",
		ProductFamilyEndpoint:    "/product-family/{code}",
		ProductionEndpoint:       "/productions/{id}",
		PunchClocksEndpoint:      "/punchclocks",
		MovementsEndpoint:        "/inventory-movements/",
		MovementEndpoint:         "/inventory-movements/{id}",
		MovementDeleteEndpoint:   "/inventory-movement/{id}",
		LaborTimeEndpoint:        "/reports/worker-labor-time",
	}
}

// endpoint is the resource of a machine service; false for a service that does
// not exist.
func (s Service) endpoint() (Endpoint, bool) {
	switch s {
	case StartStopService:
		return StartStopEndpoint, true
	case CounterService:
		return CounterEndpoint, true
	case ParametersService:
		return ParametersEndpoint, true
	}
	return "", false
}

// mergePaths lays the configured paths over the documented ones.
func mergePaths(configured map[Endpoint]string) (map[Endpoint]string, error) {
	paths := defaultPaths()
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		documented, known := paths[name]
		if !known {
			return nil, fmt.Errorf("paths: there is no endpoint %q; there are %v", name, slices.Sorted(maps.Keys(paths)))
		}
		path := configured[name]
		if err := checkPath(path); err != nil {
			return nil, fmt.Errorf("paths: %s: %w; the documented one is %s", name, err, documented)
		}
		for _, mark := range marks() {
			if strings.Count(path, mark) != strings.Count(documented, mark) {
				return nil, fmt.Errorf("paths: %s: %q must hold %s as often as the documented %s",
					name, path, mark, documented)
			}
		}
		paths[name] = path
	}
	return paths, nil
}

// checkPath says what is wrong with a path or prefix of the configuration.
func checkPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("%q does not begin with a slash", path)
	}
	plain := path
	for _, mark := range marks() {
		plain = strings.ReplaceAll(plain, mark, "value")
	}
	if strings.ContainsAny(plain, "?#{}\\ \t\r\n") {
		return fmt.Errorf("%q holds a character that a path can not have", path)
	}
	if _, err := url.Parse("https://host" + plain); err != nil {
		return fmt.Errorf("%q is no path", path)
	}
	return nil
}

// segment percent-encodes a text as exactly one segment of a path. All but the
// unreserved characters are encoded, because servers differ in what they read
// into a plus, a semicolon or a colon; the segments "." and ".." are encoded
// as well, because paths are commonly cleaned of them.
func segment(text string) string {
	const hex = "0123456789ABCDEF"
	dots := text == "." || text == ".."
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '-', c == '_', c == '~', c == '.' && !dots:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
