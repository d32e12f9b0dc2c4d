package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/board"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
)

// openWebhook serves the door for what Prodsmart sends by itself, if there is one,
// until ctx ends. The caller waits for door.
func openWebhook(ctx context.Context, door *sync.WaitGroup, cfg *config.Config, g *gateway.Gateway, log *slog.Logger) error {
	handler, c := g.Webhook(), cfg.Prodsmart.Follow.Webhook
	if handler == nil {
		return nil
	}
	l, err := listenWebhook(c)
	if err != nil {
		return err
	}
	log.Info("webhook", "address", l.Addr().String(), "tls", c.Certificate != "")
	door.Go(func() {
		if err := board.Serve(ctx, l, handler, log); err != nil {
			log.Warn("the webhook's address failed", "problem", err)
		}
	})
	return nil
}

// listenWebhook opens the address of the door, with TLS if it has a certificate.
func listenWebhook(c *config.Webhook) (net.Listener, error) {
	secure, err := webhookTLS(c)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("prodsmart.follow.webhook.listen: %w: is another program using the port?", err)
	}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	return l, nil
}

// webhookTLS loads the certificate of the door; nil without one.
func webhookTLS(c *config.Webhook) (*tls.Config, error) {
	if c == nil || c.Certificate == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("prodsmart.follow.webhook: the certificate %s with the key %s: %w", c.Certificate, c.Key, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}
