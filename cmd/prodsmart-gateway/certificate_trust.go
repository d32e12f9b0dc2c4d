package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/opcua"
)

func certificateTrust() *cobra.Command {
	c := &cobra.Command{
		Use: "trust CONNECTION", Short: "Fetch the certificate that a server shows, and accept it from now on",
		Example: "  prodsmart-gateway certificate trust bend",
	}
	path := configFlag(c)
	yes := c.Flags().Bool("yes", false, "do not ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage{c, errors.New("one connection is needed: certificate trust CONNECTION")}
		}
		all, err := secured(c.ErrOrStderr(), *path, args)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return trust(ctx, all[0], *yes, c.OutOrStdout(), c.InOrStdin())
	}
	return c
}

// trust shows what a server offers beside what was accepted before, and accepts
// it if a person agrees.
func trust(ctx context.Context, s secure, yes bool, w io.Writer, in io.Reader) error {
	der, err := opcua.Offered(ctx, s.Config)
	if err != nil {
		return err
	}
	offered, err := opcua.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Endpoint, err)
	}
	before, err := accepted(s, offered)
	switch {
	case s.Trust == opcua.TrustAny:
		if err := describe(w, offered); err != nil {
			return err
		}
		return printed(w, "%s has trust any: this certificate is accepted as every other.\n", s.name)
	case err == nil && before.Thumbprint == offered.Thumbprint:
		if err := describe(w, offered); err != nil {
			return err
		}
		return printed(w, "%s accepts it already.\n", s.name)
	case err == nil:
		if err := printed(w, "accepted before:\n"); err != nil {
			return err
		}
		if err := describe(w, before); err != nil {
			return err
		}
	}
	if err := printed(w, "%s shows:\n", s.Endpoint); err != nil {
		return err
	}
	if err := describe(w, offered); err != nil {
		return err
	}
	if !yes && !agreed(w, in, "Compare the thumbprint with the one on the server. Accept it?") {
		return errors.New("nothing was changed; --yes answers the question")
	}
	if err := accept(s, offered); err != nil {
		return err
	}
	return printed(w, "%s is accepted; a gateway that runs takes it at its next attempt.\n", s.name)
}

// listedFile is where the list of trusted ones has a certificate that was
// accepted here.
func listedFile(s secure, c opcua.Certificate) string {
	return filepath.Join(s.CertificateDir, trustedFolder, c.Thumbprint+".der")
}

// accepted is the certificate that a connection accepted before the offered
// one: itself if it was accepted already. The error is fs.ErrNotExist if there
// is none.
func accepted(s secure, offered opcua.Certificate) (opcua.Certificate, error) {
	if s.Trust != opcua.TrustList {
		return opcua.Pinned(s.CertificateDir, s.Endpoint)
	}
	raw, err := os.ReadFile(listedFile(s, offered))
	if err != nil {
		return opcua.Certificate{}, err
	}
	return opcua.ParseCertificate(raw)
}

// accept makes a connection accept a certificate, in the way its trust asks for.
func accept(s secure, c opcua.Certificate) error {
	if s.Trust != opcua.TrustList {
		return opcua.Accept(s.CertificateDir, s.Endpoint, c.DER)
	}
	file := listedFile(s, c)
	err := os.MkdirAll(filepath.Dir(file), 0o700)
	if err == nil {
		err = os.WriteFile(file, c.DER, 0o644)
	}
	if err != nil {
		return fmt.Errorf("the certificate can not be put into the list: %w", err)
	}
	err = os.Remove(filepath.Join(s.CertificateDir, rejectedFolder, c.Thumbprint+".der"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// agreed asks a question that only a y answers with yes.
func agreed(w io.Writer, in io.Reader, question string) bool {
	fmt.Fprintf(w, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(in).ReadString('\n')
	fmt.Fprintln(w)
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
