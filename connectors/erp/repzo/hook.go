package repzo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// skew is how far a webhook's time may be from ours.
	skew = 5 * time.Minute
	// largestHook is the most that a webhook may have, in bytes.
	largestHook = 4 << 20
)

// Hook is the door for Repzo's webhooks, which are Svix messages. It calls hint for each
// that is signed with the secret (whsec_ and base64) and not older than five minutes: it
// says that something changed, and that the next read should come soon. The body goes
// through the signature check and nowhere else: it may hold a person's token. hint must
// not wait.
func Hook(secret string, hint func()) (http.Handler, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 8 {
		return nil, errors.New("the secret of the webhook must be whsec_ and base64, as the dashboard shows it")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "only POST", http.StatusMethodNotAllowed)
			return
		}
		id, stamp := r.Header.Get("svix-id"), r.Header.Get("svix-timestamp")
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if late := time.Since(time.Unix(seconds, 0)); err != nil || id == "" || late > skew || late < -skew {
			http.Error(w, "no signed webhook of these minutes", http.StatusUnauthorized)
			return
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		if _, err := io.Copy(mac, http.MaxBytesReader(w, r.Body, largestHook)); err != nil {
			http.Error(w, "the body is too large, or was cut off", http.StatusRequestEntityTooLarge)
			return
		}
		if !signed(r.Header.Get("svix-signature"), mac.Sum(nil)) {
			http.Error(w, "the signature is wrong", http.StatusUnauthorized)
			return
		}
		hint()
		w.WriteHeader(http.StatusNoContent)
	}), nil
}

// signed says whether one of several signatures, with spaces between, is the wanted one.
func signed(header string, want []byte) bool {
	ok := false
	for one := range strings.FieldsSeq(header) {
		text, v1 := strings.CutPrefix(one, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		ok = ok || v1 && err == nil && hmac.Equal(got, want)
	}
	return ok
}
