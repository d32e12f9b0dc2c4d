package mes

import (
	"net/url"
	"strings"
)

// rest is a path after the prefix that the options say; false if it has another.
func (o Options) rest(u *url.URL) (string, bool) {
	path := u.EscapedPath()
	if o.StrictPaths != PathsStrict {
		path = strings.TrimSuffix(path, "/")
	}
	rest, v1 := strings.CutPrefix(path, "/api/v1/")
	if !v1 {
		var ok bool
		if rest, ok = strings.CutPrefix(path, "/api/"); !ok {
			return "", false
		}
	}
	return rest, (o.Mount != MountPlain || !v1) && (o.Mount != MountV1 || v1)
}

// route finds service and machine in a path; both are empty if there is none.
func (o Options) route(method string, u *url.URL) (service, machine string) {
	rest, ok := o.rest(u)
	if !ok {
		return "", ""
	}
	if service, _, _ := o.orderRoute(u); service != "" {
		return service, ""
	}
	if service, _ := o.entityRoute(method, u); service != "" {
		return service, ""
	}
	switch rest {
	case serviceAuthorization, serviceDowntimes:
		return rest, ""
	}
	part := strings.Split(rest, "/")
	if len(part) != 3 || part[0] != "machines" {
		return "", ""
	}
	switch part[2] {
	case serviceCounter, serviceParameters, serviceStartStop:
	default:
		return "", ""
	}
	code, err := url.PathUnescape(part[1])
	if err != nil {
		return "", ""
	}
	return part[2], code
}

// tokenless is the query of a call without its token.
func tokenless(u *url.URL) string {
	q := u.Query()
	q.Del("access_token")
	return q.Encode()
}
