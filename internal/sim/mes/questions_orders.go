package mes

// OrderOptions are the questions about orders, production records, change
// channels and webhooks. An empty answer means the first one of its type.
type OrderOptions struct {
	OrderPut        PutMode         `json:"order_put"`
	ProductionPut   PutMode         `json:"production_put"`
	OrderCode       OrderCode       `json:"order_code"`
	UnknownOrder    UnknownOrder    `json:"unknown_order"`
	DeleteOrder     DeleteOrder     `json:"delete_order"`
	OrderCompletion OrderCompletion `json:"order_completion"`
	OrderDeletion   OrderDeletion   `json:"order_deletion"`
	OrderReferences OrderReferences `json:"order_references"`
	LocationForm    LocationForm    `json:"location_form"`
	SignatureMode   SignatureMode   `json:"signature_mode"`
	WebhookUUID     WebhookUUID     `json:"webhook_uuid"`
	LiteralHeader   LiteralHeader   `json:"literal_header"`
	ProductList     ProductList     `json:"product_list"`
}

func (o *OrderOptions) questions() []question {
	return []question{
		{"order_put", (*string)(&o.OrderPut), []string{"replace", "merge"}},
		{"production_put", (*string)(&o.ProductionPut), []string{"replace", "merge"}},
		{"order_code", (*string)(&o.OrderCode), []string{"duplicates", "unique_400"}},
		{"unknown_order", (*string)(&o.UnknownOrder), []string{"404", "400"}},
		{"delete_order", (*string)(&o.DeleteOrder), []string{"allow", "started_409"}},
		{"order_completion", (*string)(&o.OrderCompletion), []string{"stays_started", "closes"}},
		{"order_deletion", (*string)(&o.OrderDeletion), []string{"deleted", "absent"}},
		{"order_references", (*string)(&o.OrderReferences), []string{"reject_400", "accept"}},
		{"location_form", (*string)(&o.LocationForm), []string{"reject_400", "accept"}},
		{"signature_mode", (*string)(&o.SignatureMode), []string{"sample", "prose", "sha256_hex", "sha256_base64", "both_headers", "none", "wrong"}},
		{"webhook_uuid", (*string)(&o.WebhookUUID), []string{"per_delivery", "per_subscription"}},
		{"literal_header", (*string)(&o.LiteralHeader), []string{"absent", "present"}},
		{"product_list", (*string)(&o.ProductList), []string{"array", "object"}},
	}
}

// PutMode answers: what becomes of fields that a PUT does not name.
type PutMode string

// The answers to PutMode: they are cleared, or stay.
const (
	PutReplace PutMode = "replace"
	PutMerge   PutMode = "merge"
)

// OrderCode answers: an order with the code of another one.
type OrderCode string

// The answers to OrderCode.
const (
	OrderCodeDuplicates OrderCode = "duplicates"
	OrderCodeUnique     OrderCode = "unique_400"
)

// UnknownOrder answers: a call for an order that does not exist.
type UnknownOrder string

// The answers to UnknownOrder.
const (
	UnknownOrder404 UnknownOrder = "404"
	UnknownOrder400 UnknownOrder = "400"
)

// DeleteOrder answers: DELETE of an order that is started.
type DeleteOrder string

// The answers to DeleteOrder.
const (
	DeleteOrderAllow   DeleteOrder = "allow"
	DeleteOrderRefused DeleteOrder = "started_409"
)

// OrderCompletion answers: whether an order closes by itself when all pieces
// are made.
type OrderCompletion string

// The answers to OrderCompletion.
const (
	CompletionStaysStarted OrderCompletion = "stays_started"
	CompletionCloses       OrderCompletion = "closes"
)

// OrderDeletion answers: what the running status of a deleted order is in
// channels and webhooks.
type OrderDeletion string

// The answers to OrderDeletion: the word deleted, or no such field.
const (
	DeletionMarked OrderDeletion = "deleted"
	DeletionAbsent OrderDeletion = "absent"
)

// OrderReferences answers: an order that names a product, machine or worker
// that does not exist.
type OrderReferences string

// The answers to OrderReferences.
const (
	OrderReferencesReject OrderReferences = "reject_400"
	OrderReferencesAccept OrderReferences = "accept"
)

// LocationForm answers: a location written as the object that reads give.
type LocationForm string

// The answers to LocationForm.
const (
	LocationFormReject LocationForm = "reject_400"
	LocationFormAccept LocationForm = "accept"
)

// SignatureMode answers: how webhooks are signed.
type SignatureMode string

// The answers to SignatureMode.
const (
	// SignatureSample: the header that names SHA-256 holds SHA-1 in hexadecimal
	// digits, as the printed sample does.
	SignatureSample SignatureMode = "sample"
	// SignatureProse: the header that names SHA-1 holds it in base64.
	SignatureProse SignatureMode = "prose"
	// SignatureHex and SignatureBase64: the header that names SHA-256 holds it.
	SignatureHex    SignatureMode = "sha256_hex"
	SignatureBase64 SignatureMode = "sha256_base64"
	// SignatureBoth: SHA-256 in hexadecimal digits and SHA-1 in base64.
	SignatureBoth SignatureMode = "both_headers"
	SignatureNone SignatureMode = "none"
	// SignatureWrong is that of another secret.
	SignatureWrong SignatureMode = "wrong"
)

// WebhookUUID answers: what the identifier of a webhook identifies.
type WebhookUUID string

// The answers to WebhookUUID.
const (
	UUIDPerDelivery     WebhookUUID = "per_delivery"
	UUIDPerSubscription WebhookUUID = "per_subscription"
)

// LiteralHeader answers: whether the text that is documented for an answer
// without a body comes in the header X-Literal.
type LiteralHeader string

// The answers to LiteralHeader.
const (
	LiteralHeaderAbsent  LiteralHeader = "absent"
	LiteralHeaderPresent LiteralHeader = "present"
)

// ProductList answers: a list with one product.
type ProductList string

// The answers to ProductList: an array as everywhere, or the bare product.
const (
	ProductListArray  ProductList = "array"
	ProductListObject ProductList = "object"
)
