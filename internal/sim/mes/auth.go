package mes

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
)

const scope = "productions_write"

// authorization serves the three token calls. Only Basic opens them.
func (s *Server) authorization(r *http.Request, body []byte) (answer, bool) {
	if !s.basic(r) {
		return text(http.StatusUnauthorized, "Unauthorized"), false
	}
	switch r.Method {
	case http.MethodGet:
		if !s.valid(s.lastToken) {
			switch s.options.NoToken {
			case NoToken400:
				return s.refuse("No authorization"), false
			case NoTokenCreate:
				return s.freshToken(http.StatusOK), true
			}
			return text(http.StatusNotFound, "No authorization"), false
		}
		if s.options.GetToken == GetTokenProlongs {
			s.tokens[s.lastToken] = s.now().Add(s.options.TokenLife)
		}
		return authorized(http.StatusOK, s.lastToken), true
	case http.MethodPost:
		return s.newToken(body)
	case http.MethodDelete:
		clear(s.tokens)
		s.lastToken = ""
		return answer{status: http.StatusNoContent}, true
	}
	return text(http.StatusMethodNotAllowed, "Method not allowed"), false
}

func (s *Server) newToken(body []byte) (answer, bool) {
	if len(body) > 0 {
		var in struct {
			Scopes []string `json:"scopes"`
		}
		if err := json.Unmarshal(body, &in); err != nil {
			return s.refuse("Invalid JSON"), false
		}
		for _, sc := range in.Scopes {
			if sc != scope {
				return s.refuse("Unknown scope %s", sc), false
			}
		}
	}
	switch s.options.NewToken {
	case NewTokenRotate:
		clear(s.tokens)
	case NewTokenSame:
		if s.valid(s.lastToken) {
			return authorized(http.StatusCreated, s.lastToken), true
		}
	}
	return s.freshToken(http.StatusCreated), true
}

func (s *Server) freshToken(status int) answer {
	s.lastToken = rand.Text()
	s.tokens[s.lastToken] = s.now().Add(s.options.TokenLife)
	return authorized(status, s.lastToken)
}

func authorized(status int, token string) answer {
	return answer{
		status: status,
		kind:   "application/json",
		header: http.Header{"Link": {`<http:/api.prodsmart.com/api/authorizations>;rel="self"`}},
		body:   `{"_links":{"self":{"href":"/api/authorizations"}},"scopes":["` + scope + `"],"token":"` + token + `"}`,
	}
}

// admit checks the credentials of a machine call.
func (s *Server) admit(r *http.Request) (answer, bool) {
	token := r.URL.Query().Get("access_token")
	_, _, hasBasic := r.BasicAuth()
	if token == "" && !hasBasic {
		return status(string(s.options.NoCredentials)), false
	}
	tokenOK, basicOK := token != "" && s.valid(token), hasBasic && s.basic(r)
	admitted := tokenOK || basicOK
	if token != "" && hasBasic {
		switch s.options.BothCredentials {
		case BothBasicWins:
			admitted = basicOK
		case BothTokenWins:
			admitted = tokenOK
		case BothMustAgree:
			admitted = tokenOK && basicOK
		}
	}
	if admitted {
		return answer{}, true
	}
	if token != "" && !tokenOK {
		return status(string(s.options.BadToken)), false
	}
	return text(http.StatusUnauthorized, "Unauthorized"), false
}

// status makes an answer of an option that is a number of a status.
func status(option string) answer {
	n, err := strconv.Atoi(option)
	if err != nil {
		n = http.StatusUnauthorized // the options were checked to be numbers
	}
	return text(n, http.StatusText(n))
}

func (s *Server) valid(token string) bool {
	end, ok := s.tokens[token]
	return ok && s.now().Before(end)
}

func (s *Server) basic(r *http.Request) bool {
	key, secret, ok := r.BasicAuth()
	return ok && subtle.ConstantTimeCompare([]byte(key), []byte(s.config.Key)) == 1 &&
		subtle.ConstantTimeCompare([]byte(secret), []byte(s.config.Secret)) == 1
}

// ExpireTokens ends the life of all tokens now.
func (s *Server) ExpireTokens() {
	s.lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}
