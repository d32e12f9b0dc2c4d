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
	"time"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/opcua"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

func certificateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "certificate [CONNECTION]", Short: "Show, export and renew the gateway's OPC UA certificate, and trust a server's",
		Long: `certificate shows the certificate with which the gateway introduces itself to OPC
UA servers, and which server's certificate each connection accepts. A server
must be told once to trust the gateway's: export it, or find its thumbprint in
the server's list of rejected ones.`,
		Example: "  prodsmart-gateway certificate -c gateway.yaml\n  prodsmart-gateway certificate export -o gateway.der\n  prodsmart-gateway certificate trust bend",
	}
	path := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usage{c, errors.New("at most one connection: certificate [CONNECTION]")}
		}
		all, err := secured(c.ErrOrStderr(), *path, args)
		if err != nil {
			return err
		}
		return showCertificates(c.OutOrStdout(), all)
	}
	c.AddCommand(certificateExport(), certificateTrust(), certificateRenew())
	return c
}

// secure is an OPC UA connection and where its certificates lie.
type secure struct {
	name string
	opcua.Config
}

// secured finds the OPC UA connections of a configuration, or the named one.
func secured(talk io.Writer, path string, names []string) ([]secure, error) {
	name := ""
	if len(names) > 0 {
		name = names[0]
	}
	site, err := loadFor(talk, path, name)
	if err != nil {
		return nil, err
	}
	var all []secure
	var known []string
	for _, c := range site.Connections {
		if c.Kind != config.KindOPCUA {
			continue
		}
		known = append(known, c.Name)
		if name == "" || c.Name == name {
			all = append(all, secure{c.Name, opcuaSettings(c, site)})
		}
	}
	if len(all) == 0 {
		hint := "it has none"
		if len(known) > 0 {
			hint = "it has " + strings.Join(known, ", ")
		}
		return nil, fmt.Errorf("%s has no OPC UA connection %s; %s", path, name, hint)
	}
	return all, nil
}

// folders are the folders of certificates, each once.
func folders(all []secure) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range all {
		if !seen[s.CertificateDir] {
			seen[s.CertificateDir] = true
			out = append(out, s.CertificateDir)
		}
	}
	return out
}

func showCertificates(w io.Writer, all []secure) error {
	for _, dir := range folders(all) {
		own, err := opcua.OwnCertificate(dir)
		if err != nil {
			return err
		}
		if err := printed(w, "own certificate in %s\n", dir); err != nil {
			return err
		}
		if err := describe(w, own); err != nil {
			return err
		}
		rejected, err := os.ReadDir(filepath.Join(dir, "rejected"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, f := range rejected {
			if err := printed(w, "  refused    %s\n", visible(filepath.Join(dir, "rejected", f.Name()))); err != nil {
				return err
			}
		}
	}
	for _, s := range all {
		if err := printed(w, "connection %s, %s\n", s.name, s.Endpoint); err != nil {
			return err
		}
		pinned, err := opcua.Pinned(s.CertificateDir, s.Endpoint)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = printed(w, "  no certificate of this server is kept\n")
		case err == nil:
			err = describe(w, pinned)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// describe prints what identifies a certificate.
func describe(w io.Writer, c opcua.Certificate) error {
	ends := c.NotAfter.UTC().Format(time.DateOnly)
	if left := time.Until(c.NotAfter); left < 0 {
		ends += ", has expired"
	} else if left < 60*24*time.Hour {
		ends += fmt.Sprintf(", ends in %d days", int(left.Hours()/24))
	}
	return printed(w, "  thumbprint %s\n  subject    %s\n  uri        %s\n  valid      %s to %s\n",
		c.Thumbprint, visible(c.Subject), visible(c.ApplicationURI), c.NotBefore.UTC().Format(time.DateOnly), ends)
}

func certificateExport() *cobra.Command {
	c := &cobra.Command{
		Use: "export", Short: "Write the gateway's own certificate to a file for a server's list of trusted ones", Args: noArgs,
		Example: "  prodsmart-gateway certificate export -o gateway.der\n  prodsmart-gateway certificate export -o gateway.pem --pem",
	}
	path := configFlag(c)
	file := c.Flags().StringP("output", "o", "", "the `file` to write")
	text := c.Flags().Bool("pem", false, "write PEM instead of DER")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *file == "" {
			return usage{c, errors.New("the file is missing: certificate export -o FILE")}
		}
		own, _, err := ownOf(c.ErrOrStderr(), *path)
		if err != nil {
			return err
		}
		raw := own.DER
		if *text {
			raw = own.PEM()
		}
		if err := os.WriteFile(*file, raw, 0o644); err != nil {
			return fmt.Errorf("the certificate can not be written: %w", err)
		}
		return printed(c.OutOrStdout(), "%s: %s\n", *file, own)
	}
	return c
}

// ownOf finds the gateway's certificate and its folder.
func ownOf(talk io.Writer, path string) (opcua.Certificate, string, error) {
	all, err := secured(talk, path, nil)
	if err != nil {
		return opcua.Certificate{}, "", err
	}
	dir := folders(all)[0]
	own, err := opcua.OwnCertificate(dir)
	return own, dir, err
}

func certificateRenew() *cobra.Command {
	c := &cobra.Command{
		Use: "renew", Short: "Make the gateway a certificate of its own again; every server must then trust the other one", Args: noArgs,
		Example: "  prodsmart-gateway certificate renew --yes",
	}
	path := configFlag(c)
	yes := c.Flags().Bool("yes", false, "do not ask")
	c.RunE = func(c *cobra.Command, _ []string) error {
		own, dir, err := ownOf(c.ErrOrStderr(), *path)
		if err != nil {
			return err
		}
		if err := describe(c.OutOrStdout(), own); err != nil {
			return err
		}
		if !*yes && !agreed(c.OutOrStdout(), c.InOrStdin(), "Every server must be told to trust the certificate that takes its place. Renew it?") {
			return errors.New("nothing was changed; --yes answers the question")
		}
		renewed, err := opcua.RenewCertificate(dir)
		if err != nil {
			return err
		}
		return describe(c.OutOrStdout(), renewed)
	}
	return c
}

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
	before, err := opcua.Pinned(s.CertificateDir, s.Endpoint)
	switch {
	case err == nil && before.Thumbprint == offered.Thumbprint:
		if err := describe(w, offered); err != nil {
			return err
		}
		return printed(w, "%s is accepted already.\n", s.name)
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
	if err := opcua.Accept(s.CertificateDir, s.Endpoint, offered.DER); err != nil {
		return err
	}
	return printed(w, "%s is accepted; a gateway that runs takes it at its next attempt.\n", s.name)
}

// agreed asks a question that only a y answers with yes.
func agreed(w io.Writer, in io.Reader, question string) bool {
	fmt.Fprintf(w, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(in).ReadString('\n')
	fmt.Fprintln(w)
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
