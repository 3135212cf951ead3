// Package correlation gives every request one correlation id. Traefik interprets it; it has no
// built-in middleware that makes an id.
package correlation

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
)

const header = "X-Correlation-Id"

// What the services accept.
var sane = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`)

// Config is what a middleware sets.
type Config struct {
	// Status answers the request with this instead of passing it on.
	Status int `json:"status,omitempty"`
}

// CreateConfig gives the defaults.
func CreateConfig() *Config { return &Config{} }

// New makes the middleware. The answer's writer is passed on as it is: wrapped by an interpreted
// type, it could not be upgraded to a WebSocket.
func New(_ context.Context, next http.Handler, config *Config, _ string) (http.Handler, error) {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		id, err := chosen(request.Header.Values(header))
		if err != nil {
			http.Error(answer, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
		request.Header.Set(header, id)
		answer.Header().Set(header, id)
		if config.Status != 0 {
			http.Error(answer, http.StatusText(config.Status), config.Status)
			return
		}
		next.ServeHTTP(answer, request)
	}), nil
}

func chosen(given []string) (string, error) {
	if len(given) == 1 && sane.MatchString(given[0]) {
		return given[0], nil
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return "", err
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]), nil
}
