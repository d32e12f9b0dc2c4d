package mes

// The questions about the lists that are read back, one type each. The first
// constant of each is the default.

// OpenEnd answers: what a list says of the end of a record that is open.
type OpenEnd string

// The answers to OpenEnd.
const (
	OpenEndNull      OpenEnd = "null"
	OpenEndAbsent    OpenEnd = "absent"
	OpenEndFarFuture OpenEnd = "far_future"
)

// ListNumbers answers: how lists write quantities.
type ListNumbers string

// The answers to ListNumbers.
const (
	ListNumbersNumber ListNumbers = "number"
	ListNumbersString ListNumbers = "string"
)

// ListParameters answers: how the productions list writes parameters.
type ListParameters string

// The answers to ListParameters.
const (
	ListParametersMap       ListParameters = "map"
	ListParametersNameValue ListParameters = "name_value"
)

// ListTimes answers: how lists write times: with milliseconds and, for productions, in the company's zone; or whole seconds of UTC.
type ListTimes string

// The answers to ListTimes.
const (
	ListTimesDocumented ListTimes = "documented"
	ListTimesSeconds    ListTimes = "seconds"
)

// TimeSpent answers: how lists write durations, 00H02m00s or 00:02:00.
type TimeSpent string

// The answers to TimeSpent.
const (
	TimeSpentDocumented TimeSpent = "documented"
	TimeSpentClock      TimeSpent = "clock"
)

// ListOrder answers: how lists are sorted.
type ListOrder string

// The answers to ListOrder.
const (
	ListOldestFirst ListOrder = "oldest_first"
	ListNewestFirst ListOrder = "newest_first"
)

// PageBeyond answers: a page after the last one.
type PageBeyond string

// The answers to PageBeyond.
const (
	PageBeyondEmpty  PageBeyond = "empty"
	PageBeyondRepeat PageBeyond = "repeat_last"
)

// MachineFilter answers: what the machine filter of the downtimes list takes.
type MachineFilter string

// The answers to MachineFilter.
const (
	MachineFilterEither MachineFilter = "either"
	MachineFilterID     MachineFilter = "id"
	MachineFilterCode   MachineFilter = "code"
)

// KnownFilter answers: whether filters other than the page work at all.
type KnownFilter string

// The answers to KnownFilter.
const (
	KnownFilterApply  KnownFilter = "apply"
	KnownFilterIgnore KnownFilter = "ignore"
)

// UnknownFilter answers: a query parameter that is not known.
type UnknownFilter string

// The answers to UnknownFilter.
const (
	UnknownFilterIgnore UnknownFilter = "ignore"
	UnknownFilterReject UnknownFilter = "reject_400"
)

// ListCredentials answers: what opens the lists: only a token, or Basic too.
type ListCredentials string

// The answers to ListCredentials.
const (
	ListCredentialsToken  ListCredentials = "token"
	ListCredentialsEither ListCredentials = "either"
)
