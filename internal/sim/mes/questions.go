package mes

// The questions that the documentation leaves open, one type each. The first
// constant of each is the default.

// EqualCount answers: count equal to the accepted one.
type EqualCount string

// The answers to EqualCount.
const (
	EqualReject EqualCount = "reject_400"
	EqualAccept EqualCount = "accept_noop"
)

// LowerCount answers: count below the accepted one.
type LowerCount string

// The answers to LowerCount.
const (
	LowerReject  LowerCount = "reject_400"
	LowerAsReset LowerCount = "accept_as_reset"
	LowerIgnore  LowerCount = "ignore_200"
)

// FirstCount answers: first count of a machine.
type FirstCount string

// The answers to FirstCount.
const (
	FirstFromZero FirstCount = "delta_from_zero"
	FirstBaseline FirstCount = "baseline"
)

// EqualWaste answers: waste quantity equal to the accepted one while the count grows.
type EqualWaste string

// The answers to EqualWaste.
const (
	EqualWasteReject EqualWaste = "reject_400"
	EqualWasteAccept EqualWaste = "accept"
)

// WasteOnly answers: waste that grows while the count is equal.
type WasteOnly string

// The answers to WasteOnly.
const (
	WasteOnlyReject WasteOnly = "reject_400"
	WasteOnlyAccept WasteOnly = "accept"
)

// MissingCount answers: body without a count.
type MissingCount string

// The answers to MissingCount.
const (
	MissingCountReject MissingCount = "reject_400"
	MissingCountAccept MissingCount = "accept"
)

// UnknownWaste answers: waste code that the machine does not have.
type UnknownWaste string

// The answers to UnknownWaste.
const (
	UnknownWasteReject UnknownWaste = "reject_400"
	UnknownWasteIgnore UnknownWaste = "ignore"
	UnknownWasteCreate UnknownWaste = "create"
)

// UnknownParameter answers: parameter name that the machine does not have, in the counter service.
type UnknownParameter string

// The answers to UnknownParameter.
const (
	UnknownParameterReject UnknownParameter = "reject_400"
	UnknownParameterIgnore UnknownParameter = "ignore"
	UnknownParameterCreate UnknownParameter = "create"
)

// NoProduction answers: count while no production is open on the machine.
type NoProduction string

// The answers to NoProduction.
const (
	NoProductionStore  NoProduction = "store_and_200"
	NoProductionReject NoProduction = "reject_400"
	NoProductionCredit NoProduction = "credit_on_next_start"
)

// SeveralProductions answers: count while several productions are open.
type SeveralProductions string

// The answers to SeveralProductions.
const (
	SeveralFirst SeveralProductions = "first"
	SeveralSplit SeveralProductions = "split_evenly"
	SeveralAll   SeveralProductions = "all"
)

// CounterScope answers: life of the machine's counter.
type CounterScope string

// The answers to CounterScope.
const (
	ScopeLifetime      CounterScope = "machine_lifetime"
	ScopePerProduction CounterScope = "reset_on_production_start"
	ScopeDaily         CounterScope = "reset_daily"
)

// WasteIn answers: whether the count has the waste in it.
type WasteIn string

// The answers to WasteIn.
const (
	WasteExcluded WasteIn = "excluded"
	WasteIncluded WasteIn = "included"
)

// FractionalCount answers: count that is no whole number.
type FractionalCount string

// The answers to FractionalCount.
const (
	FractionAccept   FractionalCount = "accept"
	FractionReject   FractionalCount = "reject_400"
	FractionTruncate FractionalCount = "truncate"
)

// Ratio answers: operation with a quantity ratio.
type Ratio string

// The answers to Ratio.
const (
	RatioRaw    Ratio = "raw"
	RatioScaled Ratio = "scaled"
)

// CounterAnswer answers: body of an accepted counter call.
type CounterAnswer string

// The answers to CounterAnswer.
const (
	AnswerText   CounterAnswer = "text"
	AnswerJSON   CounterAnswer = "json"
	AnswerObject CounterAnswer = "object"
	AnswerEmpty  CounterAnswer = "empty"
)

// UnknownMachine answers: machine code that does not exist.
type UnknownMachine string

// The answers to UnknownMachine.
const (
	UnknownMachineNotFound UnknownMachine = "404"
	UnknownMachineReject   UnknownMachine = "400"
)

// NoCredentials answers: machine call without token and without Basic.
type NoCredentials string

// The answers to NoCredentials.
const (
	NoCredentials401 NoCredentials = "401"
	NoCredentials403 NoCredentials = "403"
	NoCredentials400 NoCredentials = "400"
)

// BadToken answers: token that is expired or unknown.
type BadToken string

// The answers to BadToken.
const (
	BadToken401 BadToken = "401"
	BadToken403 BadToken = "403"
	BadToken400 BadToken = "400"
)

// BothCredentials answers: machine call with token and Basic.
type BothCredentials string

// The answers to BothCredentials.
const (
	BothBasicWins BothCredentials = "basic_wins"
	BothTokenWins BothCredentials = "token_wins"
	BothMustAgree BothCredentials = "must_agree"
)

// NewToken answers: POST of an authorization while a token is valid.
type NewToken string

// The answers to NewToken.
const (
	NewTokenCoexist NewToken = "coexist"
	NewTokenRotate  NewToken = "rotate"
	NewTokenSame    NewToken = "same"
)

// ParametersIdle answers: parameters while no production is open.
type ParametersIdle string

// The answers to ParametersIdle.
const (
	ParametersIdleIgnore ParametersIdle = "ignore_200"
	ParametersIdleReject ParametersIdle = "reject_400"
	ParametersIdleStore  ParametersIdle = "store"
)

// RepeatedParameter answers: parameter that was sent before.
type RepeatedParameter string

// The answers to RepeatedParameter.
const (
	RepeatedOverwrite RepeatedParameter = "overwrite"
	RepeatedAppend    RepeatedParameter = "append"
)

// UnknownCode answers: parameter code that the machine does not have, in the parameters service.
type UnknownCode string

// The answers to UnknownCode.
const (
	UnknownCodeReject UnknownCode = "reject_400"
	UnknownCodeIgnore UnknownCode = "ignore"
	UnknownCodeCreate UnknownCode = "create"
)

// NameAlias answers: name in place of code in the parameters service.
type NameAlias string

// The answers to NameAlias.
const (
	NameAliasRefused  NameAlias = "false"
	NameAliasAccepted NameAlias = "true"
)

// UnknownType answers: downtime type that is not assigned to the machine.
type UnknownType string

// The answers to UnknownType.
const (
	UnknownTypeReject UnknownType = "reject_400"
	UnknownTypeIgnore UnknownType = "ignore_200"
)

// RepeatedStop answers: stop of the type that is open already.
type RepeatedStop string

// The answers to RepeatedStop.
const (
	RepeatedStopNoop   RepeatedStop = "noop_200"
	RepeatedStopNew    RepeatedStop = "new_downtime"
	RepeatedStopReject RepeatedStop = "reject_400"
)

// OtherStop answers: stop of another type than the open one.
type OtherStop string

// The answers to OtherStop.
const (
	OtherStopCloseAndOpen OtherStop = "close_and_open"
	OtherStopReclassify   OtherStop = "reclassify"
	OtherStopParallel     OtherStop = "parallel"
	OtherStopReject       OtherStop = "reject_400"
)

// NeedlessStart answers: start while no downtime is open.
type NeedlessStart string

// The answers to NeedlessStart.
const (
	NeedlessStartNoop   NeedlessStart = "noop_200"
	NeedlessStartReject NeedlessStart = "reject_400"
)

// OtherStart answers: start with another type than the open one.
type OtherStart string

// The answers to OtherStart.
const (
	OtherStartCloseAny      OtherStart = "close_any"
	OtherStartCloseMatching OtherStart = "close_only_matching"
	OtherStartReject        OtherStart = "reject_400"
)

// UntypedStart answers: start without a type.
type UntypedStart string

// The answers to UntypedStart.
const (
	UntypedStartReject UntypedStart = "reject_400"
	UntypedStartAccept UntypedStart = "accept"
)

// RunningForm answers: running as a truth value or a text.
type RunningForm string

// The answers to RunningForm.
const (
	RunningStrict RunningForm = "reject_400"
	RunningLoose  RunningForm = "accept"
)

// WorkerDowntime answers: start while a downtime is open that a worker began.
type WorkerDowntime string

// The answers to WorkerDowntime.
const (
	WorkerDowntimeClose     WorkerDowntime = "close"
	WorkerDowntimeLeaveOpen WorkerDowntime = "leave_open"
)

// WorkerReason answers: stop with a type that requires a worker.
type WorkerReason string

// The answers to WorkerReason.
const (
	WorkerReasonReject WorkerReason = "reject_400"
	WorkerReasonAccept WorkerReason = "accept"
)

// StopEffect answers: what a downtime does to the open production.
type StopEffect string

// The answers to StopEffect.
const (
	EffectKeepOpen StopEffect = "keep_open"
	EffectPause    StopEffect = "pause"
	EffectCheckOut StopEffect = "check_out"
)

// RejectionText answers: body of a refusal.
type RejectionText string

// The answers to RejectionText.
const (
	TextPlain RejectionText = "text"
	TextEmpty RejectionText = "empty"
	TextHTML  RejectionText = "html"
	TextJSON  RejectionText = "json"
)

// Window answers: how the 120 requests a minute are counted.
type Window string

// The answers to Window.
const (
	WindowSliding Window = "sliding"
	WindowFixed   Window = "fixed"
	WindowBucket  Window = "bucket"
)

// RefusedCalls answers: whether a refused call counts against the limit.
type RefusedCalls string

// The answers to RefusedCalls.
const (
	RefusedCallsFree    RefusedCalls = "free"
	RefusedCallsCounted RefusedCalls = "counted"
)

// RetryAfter answers: form of the header that comes with a 429.
type RetryAfter string

// The answers to RetryAfter.
const (
	RetryAfterSeconds RetryAfter = "seconds"
	RetryAfterDate    RetryAfter = "http_date"
	RetryAfterAbsent  RetryAfter = "absent"
)
