// Package csmart is a pretend CSMART: domains with users, the modules that the manual
// lists, and the one address with module and action.
//
// It is an http.Handler and an office: methods that take orders in, change and delete
// them, and close tasks, as people do. It imports nothing of ours, so that it can not
// share a mistake with the connector that is tested on it. The manual shows no record:
// the fields are the likeliest ones, and the ways of the service's language are
// options. It keeps nothing on disk and knows one way of each record only.
package csmart
