package webhook

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Signature is how a message is signed: with HMAC, the API secret as the key and
// the body as it came as the data. The documentation names two headers, two
// algorithms and two spellings that contradict each other, so that only the tenant
// shows which it is.
type Signature string

// The signatures.
const (
	// Auto takes any of the others.
	Auto         Signature = "auto"
	SHA1Hex      Signature = "sha1-hex"
	SHA1Base64   Signature = "sha1-base64"
	SHA256Hex    Signature = "sha256-hex"
	SHA256Base64 Signature = "sha256-base64"
	// Off takes everything, for tests on one computer.
	Off Signature = "off"
)

// Signatures are all that may be configured.
func Signatures() []Signature {
	return []Signature{Auto, SHA1Hex, SHA1Base64, SHA256Hex, SHA256Base64, Off}
}

func (s Signature) check() error {
	if slices.Contains(Signatures(), s) {
		return nil
	}
	return fmt.Errorf("signature: %q is none of %v", string(s), Signatures())
}

// headers are where a signature may be, whatever its algorithm is.
func headers() []string { return []string{"x-prodsmart-hmac-sha256", "x-prodsmart-hmac-sha1"} }

// mostValues is how many values of one header are looked at.
const mostValues = 4

// Match is one way in which a message is genuine: the signature, and the header that
// it stood in.
type Match struct {
	Signature Signature
	Header    string
}

// Matches gives all ways in which a body is genuine by one of the secrets, in the order
// of the headers. How long it takes does not tell how much of a signature was right.
func Matches(h http.Header, body []byte, secrets []prodsmart.Secret) (all []Match) {
	genuine := map[string][][]byte{} // by algorithm, of each secret
	for _, secret := range secrets {
		for algorithm, sum := range map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New} {
			mac := hmac.New(sum, []byte(secret.Reveal()))
			mac.Write(body)
			genuine[algorithm] = append(genuine[algorithm], mac.Sum(nil))
		}
	}
	for _, name := range headers() {
		values := h.Values(name)
		for _, value := range values[:min(len(values), mostValues)] {
			digest, spelling := decoded(strings.TrimSpace(value))
			for algorithm, sums := range genuine {
				for _, sum := range sums {
					if hmac.Equal(sum, digest) {
						all = append(all, Match{Signature(algorithm + "-" + spelling), name})
					}
				}
			}
		}
	}
	return all
}

// signed says whether a message has a signature, right or wrong.
func signed(h http.Header) bool {
	return slices.ContainsFunc(headers(), func(name string) bool { return strings.TrimSpace(h.Get(name)) != "" })
}

// matches finds the signature by which a body is genuine, and its header; empty if
// there is none.
func (c *Config) matches(h http.Header, body []byte) (found Signature, where string) {
	if c.Signature == Off {
		return Off, ""
	}
	for _, m := range Matches(h, body, c.Secrets) {
		if c.Signature == Auto || c.Signature == m.Signature {
			found, where = m.Signature, m.Header
		}
	}
	return found, where
}

// decoded reads a signature in any spelling; the digest is empty if it is none.
func decoded(text string) (digest []byte, spelling string) {
	if b, err := hex.DecodeString(text); err == nil && (len(b) == sha1.Size || len(b) == sha256.Size) {
		return b, "hex"
	}
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	if b, err := base64.RawStdEncoding.DecodeString(plain); err == nil && (len(b) == sha1.Size || len(b) == sha256.Size) {
		return b, "base64"
	}
	return nil, ""
}

// unsigned says what is wrong with a signature, without showing it.
func unsigned(h http.Header, want Signature) string {
	for _, name := range headers() {
		if value := strings.TrimSpace(h.Get(name)); value != "" {
			if _, spelling := decoded(value); spelling == "" {
				return fmt.Sprintf("a signature in %s that is neither hex nor base64 of SHA-1 or SHA-256", name)
			}
			return fmt.Sprintf("a wrong signature in %s: is the secret that of the API key, and signature: %s what the tenant uses", name, want)
		}
	}
	return "a message without a signature"
}
