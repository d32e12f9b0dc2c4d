package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
		Args:    oneConnection,
		Example: "  prodsmart-gateway certificate -c gateway.yaml\n  prodsmart-gateway certificate export -o gateway.der\n  prodsmart-gateway certificate trust bend",
	}
	path := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
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
// No secret is needed for that.
func secured(talk io.Writer, path string, names []string) ([]secure, error) {
	offline := config.Options{SkipSecrets: true}
	if len(names) > 0 {
		c, err := connectionOf(talk, path, names[0], offline)
		if err == nil && c.Kind != config.KindOPCUA {
			err = fmt.Errorf("the connection %s is of %s; only OPC UA has certificates to trust", c.Name, c.Kind)
		}
		if err != nil {
			return nil, err
		}
		return []secure{{c.Name, c.OPCUA()}}, nil
	}
	well, problems := config.Connections(path, offline)
	if err := problems.Print(talk); err != nil {
		return nil, err
	}
	var all []secure
	for _, c := range well {
		if c.Kind == config.KindOPCUA {
			all = append(all, secure{c.Name, c.OPCUA()})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no OPC UA connection that can be used; only those need certificates", path)
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
		for _, kept := range []struct{ folder, title string }{
			{trustedFolder, "in the list of trusted ones"}, {rejectedFolder, "refused; certificate trust CONNECTION accepts what a server shows"},
		} {
			if err := showFolder(w, filepath.Join(dir, kept.folder), kept.title); err != nil {
				return err
			}
		}
	}
	for _, s := range all {
		if err := showConnection(w, s); err != nil {
			return err
		}
	}
	return nil
}

// The folders of servers' certificates below a folder of certificates.
const (
	trustedFolder  = "trusted"
	rejectedFolder = "rejected"
)

// showFolder prints the certificates of a folder, which need not be there.
func showFolder(w io.Writer, folder, title string) error {
	files, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for i, f := range files {
		if f.IsDir() {
			continue
		}
		if i == 0 {
			if err := printed(w, "%s\n", title); err != nil {
				return err
			}
		}
		file := filepath.Join(folder, f.Name())
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := printed(w, "  file       %s\n", visible(file)); err != nil {
			return err
		}
		c, err := opcua.ParseCertificate(raw)
		if err != nil {
			err = printed(w, "  %v\n", err)
		} else {
			err = describe(w, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// showConnection prints which certificate a connection accepts.
func showConnection(w io.Writer, s secure) error {
	if err := printed(w, "connection %s, %s, security %s, trust %s\n", s.name, s.Endpoint, s.Security, s.Trust); err != nil {
		return err
	}
	switch s.Trust {
	case opcua.TrustAny:
		return printed(w, "  any certificate is accepted\n")
	case opcua.TrustList:
		return printed(w, "  the list of trusted ones decides\n")
	}
	pinned, err := opcua.Pinned(s.CertificateDir, s.Endpoint)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return printed(w, "  no certificate of this server is kept; the first one that it shows will be\n")
	case err != nil:
		return err
	}
	return describe(w, pinned)
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
		Use: "export [CONNECTION]", Short: "Write the gateway's own certificate to a file for a server's list of trusted ones", Args: oneConnection,
		Example: "  prodsmart-gateway certificate export -o gateway.der\n  prodsmart-gateway certificate export -o gateway.pem --pem",
	}
	path := configFlag(c)
	file := c.Flags().StringP("output", "o", "", "the `file` to write")
	text := c.Flags().Bool("pem", false, "write PEM instead of DER")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *file == "" {
			return usage{c, errors.New("the file is missing: certificate export -o FILE")}
		}
		own, _, err := ownOf(c.ErrOrStderr(), *path, args)
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

// oneConnection refuses more than the name of a connection.
func oneConnection(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage{c, fmt.Errorf("at most one connection: %s", c.CommandPath()+" [CONNECTION]")}
	}
	return nil
}

// ownOf finds the gateway's certificate and its folder.
func ownOf(talk io.Writer, path string, names []string) (opcua.Certificate, string, error) {
	all, err := secured(talk, path, names)
	if err != nil {
		return opcua.Certificate{}, "", err
	}
	dirs := folders(all)
	if len(dirs) > 1 {
		return opcua.Certificate{}, "", fmt.Errorf("the connections keep their certificates in several folders (%s): name the connection", strings.Join(dirs, ", "))
	}
	own, err := opcua.OwnCertificate(dirs[0])
	return own, dirs[0], err
}

func certificateRenew() *cobra.Command {
	c := &cobra.Command{
		Use: "renew [CONNECTION]", Short: "Make the gateway a certificate of its own again; every server must then trust the other one", Args: oneConnection,
		Example: "  prodsmart-gateway certificate renew --yes",
	}
	path := configFlag(c)
	yes := c.Flags().Bool("yes", false, "do not ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		own, dir, err := ownOf(c.ErrOrStderr(), *path, args)
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
