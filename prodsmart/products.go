package prodsmart

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"
)

// Product is something that is made. Prodsmart takes what is missing of a product
// for deleted, so only a product that was read in full, or a new one, can be written.
// Get leaves out what lists show (costs, components, limits of stock and others), so
// Edit reads both.
type Product struct {
	ID int64
	// Code and Name are needed.
	Code, Name string
	// Section has a name.
	Section      Reference
	Families     []Reference
	Color        string // #rrggbb
	Observations string
	Operations   []ProductOperation
	CustomFields []Value
	Parameters   []Value
	Serializable Flag
	Label        Reference
	// Notification is product_deleted in a change channel.
	Notification string
	Original     Original
	Unread       []string
}

// ProductOperation is one step of making a product.
type ProductOperation struct {
	ID int64
	// Code and Name are needed.
	Code, Name string
	Waste      []Reference
	Durations  []TaskDuration // at most one
	// TimesPerProduct is how often the operation is done for a product.
	TimesPerProduct         Decimal
	Machines                []Reference
	Checklists              []Reference
	CustomFields            []Value
	Section                 Reference // by its name
	MaxWaste                Decimal
	Disabled, Optional      Flag
	Recovery                Flag
	NoTime, NoQuantity      Flag
	AsTeam, SeveralOrders   Flag
	PrintBarcode, BatchPrep Flag
	Original                Original
}

// TaskDuration is how long an operation takes for a number of pieces.
type TaskDuration struct {
	Duration, ForCustomer time.Duration
	Ratio                 Decimal
	// ValidSince and ValidUntil are texts, because the order of their day and month
	// is not documented.
	ValidSince, ValidUntil string
	Original               Original
}

func (t *TaskDuration) form(f *form) {
	f.duration("duration", &t.Duration)
	f.duration("duration-customer", &t.ForCustomer)
	f.number("ratio-quantity", &t.Ratio)
	f.text("validSince", &t.ValidSince)
	f.text("validUntil", &t.ValidUntil)
}

func (t *TaskDuration) original() *Original { return &t.Original }
func (t *TaskDuration) unread([]string)     {}

func (p *ProductOperation) form(f *form) {
	f.served(func() { f.id(&p.ID) })
	f.text("code", &p.Code)
	f.text("name", &p.Name)
	f.references("waste", &p.Waste)
	documents(f, "task-durations", &p.Durations)
	f.number("times-per-product", &p.TimesPerProduct)
	f.references("machines", &p.Machines)
	f.references("checklists", &p.Checklists)
	f.values("custom-fields", &p.CustomFields, true)
	f.named("section", &p.Section)
	f.number("max-waste-threshold", &p.MaxWaste)
	f.flag("disabled", &p.Disabled)
	f.flag("optional", &p.Optional)
	f.flag("recovery", &p.Recovery)
	f.flag("no-time", &p.NoTime)
	f.flag("no-quantity", &p.NoQuantity)
	f.flag("as-team", &p.AsTeam)
	f.flag("multi-po", &p.SeveralOrders)
	f.flag("print-production-barcode", &p.PrintBarcode)
	f.flag("prepare-batch-order", &p.BatchPrep)
}

func (p *ProductOperation) original() *Original { return &p.Original }
func (p *ProductOperation) unread([]string)     {}

func (p *Product) form(f *form) {
	f.served(func() { f.id(&p.ID) })
	f.text("code", &p.Code)
	f.text("name", &p.Name)
	f.section("section", &p.Section)
	f.references("families", &p.Families)
	f.text("color", &p.Color)
	f.text("observations", &p.Observations)
	documents(f, "operations", &p.Operations)
	f.values("custom-fields", &p.CustomFields, true)
	f.values("parameters", &p.Parameters, true)
	f.flag("serializable", &p.Serializable)
	f.reference("label", &p.Label)
	f.served(func() { f.text("notification", &p.Notification) }, "notification")
}

func (p *Product) original() *Original  { return &p.Original }
func (p *Product) unread(list []string) { p.Unread = list }

// Key is the same for the same product.
func (p Product) Key() string {
	if p.Code != "" {
		return p.Code
	}
	return keyOf(p.ID, p)
}

// duration is written as 00H01m30s.
func (f *form) duration(name string, p *time.Duration) {
	field(f, name, p, kind[time.Duration]{
		read: func(o object, name string) time.Duration { return o.duration(name) },
		write: func(d time.Duration) json.RawMessage {
			if d == 0 {
				return nil
			}
			return encoded(durationText(d))
		}, empty: "null", same: equal[time.Duration],
	})
}

// section is the name of a section, as a text, or as an object where Prodsmart shows one.
func (f *form) section(name string, p *Reference) {
	if spelled, there := f.spelled(name); there && isKind(f.o.fields[spelled], '{') && !isNothing(f.o.fields[spelled]) {
		f.named(name, p)
		return
	}
	field(f, name, p, kind[Reference]{
		read:  func(o object, name string) Reference { return o.reference(name) },
		write: func(r Reference) json.RawMessage { return textJSON(r.label()) },
		empty: "null", same: func(a, b Reference) bool { return a.label() == b.label() },
	})
}

// named is an object with a name.
func (f *form) named(name string, p *Reference) {
	field(f, name, p, kind[Reference]{
		read: func(o object, name string) Reference { return o.reference(name) },
		write: func(r Reference) json.RawMessage {
			if r.label() == "" {
				return nil
			}
			return encoded(map[string]string{"name": r.label()})
		}, empty: "null", same: func(a, b Reference) bool { return a.label() == b.label() },
	})
}

// ProductQuery asks for products. Its zero value asks for all.
type ProductQuery struct {
	// Family is a code.
	Family string
}

func (q ProductQuery) put(v url.Values) { putText(v, "product-family-code", q.Family) }

// Fits says whether a product is what was asked for.
func (q ProductQuery) Fits(p Product) bool {
	return q.Family == "" || slices.ContainsFunc(p.Families, func(r Reference) bool { return r.Code == q.Family })
}

// Products are the products.
type Products struct {
	Lister[Product, ProductQuery]
	ByCode[Product]
	Creator[Product]
	CodeDeleter
	updater Updater[Product]
}

// Products gives the products. Create replaces a product of the same code.
func (c *Client) Products() Products {
	d, e := decodeDocument[Product], encodeDocument[Product]
	return Products{lister[Product, ProductQuery](c, "products.list", d), ByCode[Product]{getter(c, "products.get", d)},
		creator(c, "products.create", d, e), CodeDeleter{deleter(c, "products.delete")}, updater(c, "products.update", d, e)}
}

// KeepListed gives a product that was read by Get what only lists and change channels
// show, from a listed record of the same product. A record of another product changes
// nothing.
func (p *Product) KeepListed(listed Product) {
	if p.Original.IsZero() || listed.Original.IsZero() || p.originalCode() != listed.originalCode() {
		return
	}
	p.Original = p.Original.completedBy(listed.Original)
}

// originalCode is the code that a product had when it was read.
func (p Product) originalCode() string { return openDocument(p.Original.raw, &notes{}).text("code") }

// Update replaces a product that was read by Get and completed by KeepListed; Edit does
// both. Operations that are not there any more are deleted. It returns what Prodsmart
// made of it; the error is a *NotTaken if that differs, and ErrNotRead if the product
// was not read in full.
func (r Products) Update(ctx context.Context, p Product) (Product, error) {
	if !p.Original.whole || !p.Original.completed {
		return p, notRead("product", p.ID, p.Code)
	}
	got, err := r.updater.update(ctx, p.originalCode(), nil, p)
	if err != nil {
		return p, err
	}
	err = p.taken(got)
	got.Original = got.Original.completedBy(p.Original)
	if got.ID == 0 {
		got.ID = p.ID
	}
	return got, err
}

// Edit reads a product, lets change change it, and writes it: a request to read it,
// some to find it in the list, and one to write it. If change returns an error, or
// changes nothing, nothing is written. The error is ErrNotRead if the list does not
// show the product.
func (r Products) Edit(ctx context.Context, code string, change func(*Product) error) (Product, error) {
	p, err := r.Get(ctx, code)
	if err != nil {
		return p, err
	}
	if err := r.complete(ctx, &p); err != nil {
		return p, err
	}
	before := encodeDocument(p, toUpdate)
	if err := change(&p); err != nil {
		return p, err
	}
	if string(before) == string(encodeDocument(p, toUpdate)) {
		return p, nil
	}
	return r.Update(ctx, p)
}

// complete looks for a product in the list, first among those of its family.
func (r Products) complete(ctx context.Context, p *Product) error {
	queries := []ProductQuery{{}}
	if len(p.Families) > 0 {
		queries = []ProductQuery{{Family: p.Families[0].Code}, {}}
	}
	for _, q := range queries {
		for listed, err := range r.All(ctx, q) {
			if err != nil {
				return err
			}
			if p.KeepListed(listed); p.Original.completed {
				return nil
			}
		}
	}
	return notRead("product", p.ID, p.Code)
}

// taken compares what was sent with what came back.
func (p Product) taken(got Product) error {
	c := comparison{got: got.Original}
	c.text("code", p.Code, got.Code)
	c.text("name", p.Name, got.Name)
	c.text("section", p.Section.label(), got.Section.label())
	c.text("families", sorted(p.Families, codeText), sorted(got.Families, codeText))
	c.text("color", p.Color, got.Color)
	c.text("observations", p.Observations, got.Observations)
	c.text("operations", sorted(p.Operations, operationText), sorted(got.Operations, operationText))
	c.text("custom-fields", sorted(p.CustomFields, valueText), sorted(got.CustomFields, valueText))
	c.text("parameters", sorted(p.Parameters, valueText), sorted(got.Parameters, valueText))
	c.text("label", p.Label.Code, got.Label.Code)
	c.flag("serializable", p.Serializable, got.Serializable)
	return c.outcome("product", got.ID, p.Code)
}

func operationText(o ProductOperation) string { return o.Code + " " + o.Name }

// Family is a family of products.
type Family struct{ Code, Name string }

// Key is the same for the same family.
func (f Family) Key() string { return f.Code }

func decodeFamily(raw json.RawMessage, n *notes) Family {
	o := openRecord(raw, n)
	return Family{o.text("code"), o.text("name")}
}

// FamilyQuery asks for all families.
type FamilyQuery struct{}

func (FamilyQuery) put(url.Values) {}

// Fits is true.
func (FamilyQuery) Fits(Family) bool { return true }

// Families are the families of products.
type Families struct {
	Lister[Family, FamilyQuery]
	CodeDeleter
	client *Client
}

// ProductFamilies gives the families of products.
func (c *Client) ProductFamilies() Families {
	return Families{lister[Family, FamilyQuery](c, "product-families.list", decodeFamily), CodeDeleter{deleter(c, "product-families.delete")}, c}
}

// Create adds families; code and name are needed.
func (r Families) Create(ctx context.Context, families ...Family) error {
	list := []map[string]string{}
	for _, f := range families {
		list = append(list, map[string]string{"code": f.Code, "name": f.Name})
	}
	_, err := r.client.do(ctx, "product-families.create", "", nil, encoded(map[string]any{"product-families": list}))
	return err
}

// Component is what a product is made of.
type Component struct {
	// Product is a code; Operation, a code, is where it is consumed, the first one if
	// it is empty.
	Product   string
	Quantity  Decimal
	Operation string
}

// SetBOM replaces the bill of materials of a product. A product that is not there is
// refused with status 404.
func (c *Client) SetBOM(ctx context.Context, product string, components ...Component) error {
	list := []map[string]json.RawMessage{}
	for _, p := range components {
		one := map[string]json.RawMessage{"product-code": encoded(p.Product), "quantity": json.RawMessage(p.Quantity.String())}
		if p.Operation != "" {
			one["operation-code"] = encoded(p.Operation)
		}
		list = append(list, one)
	}
	_, err := c.do(ctx, "bom.set", "", nil, encoded(map[string]any{"product-code": product, "bom": list}))
	return err
}

// Stock is what there is of a product.
type Stock struct {
	Product string
	Amount  Decimal
	Lots    []Lot
	Unread  []string
}

// Lot is what there is of one lot.
type Lot struct {
	Code   string
	Amount Decimal
}

func decodeStock(raw json.RawMessage, n *notes) Stock {
	o := openDocument(raw, n)
	s := Stock{Product: o.text("product-code", "product"), Amount: o.decimal("stock")}
	for _, raw := range o.whole("lot") {
		lot, _ := parseObject(raw, n)
		s.Lots = append(s.Lots, Lot{lot.text("code"), lot.decimal("stock")})
	}
	s.Unread = n.list
	return s
}

// Stock reads what there is of a product, by lots if a lot is given.
func (c *Client) Stock(ctx context.Context, product, lot string) (Stock, error) {
	filters := url.Values{}
	putText(filters, "lot", lot)
	return getter(c, "stock.get", decodeStock).get(ctx, product, filters)
}

// SetStock sets what there is of a product, at a time; zero is now.
func (c *Client) SetStock(ctx context.Context, product string, amount Decimal, at time.Time) error {
	body := map[string]json.RawMessage{"product-code": encoded(product), "stock": json.RawMessage(amount.String())}
	if date := momentJSON(at); date != nil {
		body["date"] = date
	}
	_, err := c.do(ctx, "stock.set", "", nil, encoded(body))
	return err
}
