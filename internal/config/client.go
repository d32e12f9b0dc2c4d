package config

import "github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"

// Client is how Prodsmart is reached. The caller may set hooks in it.
func (c *Config) Client() prodsmart.Config {
	p := &c.Prodsmart
	paths := map[prodsmart.Endpoint]string{}
	for name, path := range p.Paths {
		paths[prodsmart.Endpoint(name)] = path
	}
	return prodsmart.Config{
		URL: p.URL, Prefix: p.Prefix, Paths: paths,
		Key: prodsmart.NewSecret(p.Key.Reveal()), Secret: prodsmart.NewSecret(p.Secret.Reveal()),
		Auth: prodsmart.Auth(p.Auth), Insecure: p.Insecure, Timeout: p.Timeout, CAFile: p.CA,
		Zone: c.Location, Proxy: p.Proxy, ProxyUser: p.ProxyUser.Reveal(), ProxyPassword: prodsmart.NewSecret(p.ProxyPassword.Reveal()),
	}
}
