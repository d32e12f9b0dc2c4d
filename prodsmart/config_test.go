package prodsmart

import (
	"strings"
	"testing"
)

func TestConfigMistakes(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no url":        {func(c *Config) { c.URL = "" }, "url: it is missing; usually it is https://app.prodsmart.com"},
		"no scheme":     {func(c *Config) { c.URL = "app.prodsmart.com" }, "url: it is no address; write it like https://app.prodsmart.com"},
		"port alone":    {func(c *Config) { c.URL = "app.prodsmart.com:443" }, "url: it is no address; write it like https://app.prodsmart.com"},
		"http":          {func(c *Config) { c.URL = "http://app.prodsmart.com" }, "url: http://app.prodsmart.com would show key and secret to everyone on the way; write https, or set insecure for a pretend Prodsmart"},
		"ftp":           {func(c *Config) { c.URL = "ftp://app.prodsmart.com" }, `url: "ftp" is no scheme to reach Prodsmart with; write https`},
		"password":      {func(c *Config) { c.URL = "https://u:pass@app.prodsmart.com" }, "url: it holds a user or password; they belong in key and secret"},
		"query":         {func(c *Config) { c.URL = "https://app.prodsmart.com/?x=1" }, "url: it must end before ? and #"},
		"no host":       {func(c *Config) { c.URL = "https://:443/" }, "url: it names no host"},
		"prefix twice":  {func(c *Config) { c.URL = "https://app.prodsmart.com/api/" }, "url: it ends with the prefix /api, which is added to it; leave it out of one of them"},
		"prefix":        {func(c *Config) { c.Prefix = "api" }, `prefix: "api" does not begin with a slash; usually it is /api`},
		"prefix query":  {func(c *Config) { c.Prefix = "/api?v=1" }, `prefix: "/api?v=1" holds a character that a path can not have; usually it is /api`},
		"prefix escape": {func(c *Config) { c.Prefix = "/a%zz" }, `prefix: "/a%zz" is no path; usually it is /api`},
		"no key":        {func(c *Config) { c.Key = Secret{} }, "key: it is missing; an administrator finds it in Prodsmart where the user is edited"},
		"key and secret": {func(c *Config) { c.Key = NewSecret("key:secret") },
			"key: it holds a colon, which an API key can not; is the secret in it too?"},
		"line break": {func(c *Config) { c.Secret = NewSecret("hush\r\n") },
			"secret: it holds a line break or another control character; is there one at the end of its file?"},
		"blank":          {func(c *Config) { c.Secret = NewSecret(" hush") }, "secret: it begins or ends with a blank"},
		"auth":           {func(c *Config) { c.Auth = "bearer" }, `auth: "bearer" is neither basic nor token`},
		"timeout":        {func(c *Config) { c.Timeout = -1 }, "timeout: -1ns is negative"},
		"agent":          {func(c *Config) { c.UserAgent = "a\r\nHost: b" }, "user agent: it holds a control character"},
		"path name":      {func(c *Config) { c.Paths = map[Endpoint]string{"count": "/x"} }, `paths: there is no endpoint "count"; there are [authorization bom changes client clients counter downtimes inventory-movement inventory-movement-delete inventory-movements parameters product product-families product-family product-stock production production-order production-order-activate production-order-notify production-orders productions products punchclocks purchase-order purchase-order-create purchase-orders sales-order sales-orders startstop stock supplier suppliers worker-labor-time]`},
		"path slash":     {func(c *Config) { c.Paths = map[Endpoint]string{"counter": "x/{machine}"} }, `paths: counter: "x/{machine}" does not begin with a slash; the documented one is /machines/{machine}/counter`},
		"path machine":   {func(c *Config) { c.Paths = map[Endpoint]string{"counter": "/x"} }, `paths: counter: "/x" must hold {machine} as often as the documented /machines/{machine}/counter`},
		"path mark":      {func(c *Config) { c.Paths = map[Endpoint]string{"counter": "/{machin}/x"} }, `paths: counter: "/{machin}/x" holds a character that a path can not have; the documented one is /machines/{machine}/counter`},
		"proxy":          {func(c *Config) { c.Proxy = "proxy:3128" }, "proxy: it is no address; write it like http://proxy.example:3128, or direct for none"},
		"proxy scheme":   {func(c *Config) { c.Proxy = "ftp://proxy:3128" }, `proxy: "ftp" is none of http, https, socks5, socks5h`},
		"proxy password": {func(c *Config) { c.Proxy = "http://u:pass@proxy:3128" }, "proxy: it holds a user or password, which are given apart from it"},
		"no proxy":       {func(c *Config) { c.ProxyUser = "u" }, "proxy: a user or password is given, but no proxy"},
	} {
		cfg := Config{URL: "https://app.prodsmart.com", Key: NewSecret(testKey), Secret: NewSecret(testSecret)}
		row.change(&cfg)
		_, err := New(cfg)
		if err == nil || err.Error() != "prodsmart: "+row.want {
			t.Errorf("%s:\ngot  %v\nwant prodsmart: %s", name, err, row.want)
		}
		if err != nil && (strings.Contains(err.Error(), "pass@") || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%s shows a secret: %v", name, err)
		}
	}
	if _, err := New(Config{Timeout: -1}); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("not all mistakes at once: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	for _, row := range []struct {
		url, prefix string
		paths       map[Endpoint]string
		want        string
	}{
		{"https://app.prodsmart.com", "", nil, "https://app.prodsmart.com/api/machines/A%20%2F1/counter"},
		{"https://app.prodsmart.com/", "/api/v1/", nil, "https://app.prodsmart.com/api/v1/machines/A%20%2F1/counter"},
		{"https://app.prodsmart.com:8443/ten%2Fant/", "/", nil, "https://app.prodsmart.com:8443/ten%2Fant/machines/A%20%2F1/counter"},
		{"https://[::1]:8443//x", "/api", nil, "https://[::1]:8443//x/api/machines/A%20%2F1/counter"},
		{"https://app.prodsmart.com", "", map[Endpoint]string{CounterEndpoint: "/m/{machine}/count/"}, "https://app.prodsmart.com/api/m/A%20%2F1/count/"},
	} {
		c, err := New(Config{URL: row.url, Prefix: row.prefix, Paths: row.paths, Key: NewSecret(testKey), Secret: NewSecret(testSecret)})
		if err != nil {
			t.Error(err)
			continue
		}
		path := strings.ReplaceAll(c.paths[CounterEndpoint], machineMark, segment("A /1"))
		req, err := c.httpRequest(t.Context(), call{method: "POST", path: path})
		if err != nil || req.URL.String() != row.want {
			t.Errorf("%v, %v, want %s", req.URL, err, row.want)
		}
	}
}
