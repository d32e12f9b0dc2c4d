package mes

// More questions: about forms of numbers, values, types, tokens and paths. The
// first constant of each is the default.

// AbsentWaste answers: waste code that was sent before and is absent this time.
type AbsentWaste string

// The answers to AbsentWaste.
const (
	AbsentWasteUnchanged AbsentWaste = "unchanged"
	AbsentWasteReject    AbsentWaste = "reject_400"
)

// StaleAnswer answers: what the answer to a count that is accepted and ignored says.
type StaleAnswer string

// The answers to StaleAnswer.
const (
	StaleAnswerStored StaleAnswer = "stored"
	StaleAnswerSent   StaleAnswer = "sent"
)

// NumberForm answers: count or waste quantity as a text that looks like a number.
type NumberForm string

// The answers to NumberForm.
const (
	NumberStrict NumberForm = "reject_400"
	NumberLoose  NumberForm = "accept"
)

// BooleanValue answers: parameter value that is true or false.
type BooleanValue string

// The answers to BooleanValue.
const (
	BooleanReject BooleanValue = "reject_400"
	BooleanAccept BooleanValue = "accept"
)

// WrongValue answers: parameter value of another kind than the parameter's.
type WrongValue string

// The answers to WrongValue.
const (
	WrongValueReject WrongValue = "reject_400"
	WrongValueIgnore WrongValue = "ignore"
	WrongValueAccept WrongValue = "accept"
)

// SilentAnswer answers: answer to accepted parameters, starts and stops.
type SilentAnswer string

// The answers to SilentAnswer.
const (
	SilentEmpty     SilentAnswer = "empty"
	SilentObject    SilentAnswer = "object"
	SilentNoContent SilentAnswer = "no_content"
)

// TypeKey answers: what names a downtime type: its description, its code, or either.
type TypeKey string

// The answers to TypeKey.
const (
	TypeByName   TypeKey = "name"
	TypeByCode   TypeKey = "code"
	TypeByEither TypeKey = "either"
)

// GetToken answers: GET of an authorization.
type GetToken string

// The answers to GetToken.
const (
	GetTokenUnchanged GetToken = "unchanged"
	GetTokenProlongs  GetToken = "prolongs"
)

// NoToken answers: GET of an authorization while no token is valid.
type NoToken string

// The answers to NoToken.
const (
	NoToken404    NoToken = "404"
	NoToken400    NoToken = "400"
	NoTokenCreate NoToken = "create"
)

// Mount answers: path prefixes that are served: /api, /api/v1 or both.
type Mount string

// The answers to Mount.
const (
	MountBoth  Mount = "both"
	MountPlain Mount = "api"
	MountV1    Mount = "v1"
)

// StrictPaths answers: path that ends with a slash where none is documented.
type StrictPaths string

// The answers to StrictPaths.
const (
	PathsLoose  StrictPaths = "false"
	PathsStrict StrictPaths = "true"
)
