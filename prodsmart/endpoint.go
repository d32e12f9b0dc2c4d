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
)

// machineMark stands for the machine code in a path.
const machineMark = "{machine}"

// defaultPaths are the documented paths below the prefix.
func defaultPaths() map[Endpoint]string {
	return map[Endpoint]string{
		AuthorizationEndpoint: "/authorization",
		StartStopEndpoint:     "/machines/{machine}/startstop",
		CounterEndpoint:       "/machines/{machine}/counter",
		ParametersEndpoint:    "/machines/{machine}/parameters",
		DowntimesEndpoint:     "/downtimes",
		ProductionsEndpoint:   "/productions",
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
		if strings.Count(path, machineMark) != strings.Count(documented, machineMark) {
			return nil, fmt.Errorf("paths: %s: %q must hold %s as often as the documented %s",
				name, path, machineMark, documented)
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
	plain := strings.ReplaceAll(path, machineMark, "machine")
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
