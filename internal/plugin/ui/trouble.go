// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
)

// trouble has the errors of the last requests to the API server. Informers don't report that a watch works again.
type trouble struct {
	host    string
	changed func()

	mu sync.Mutex
	// last has the error of the last request by its path, empty if it succeeded.
	last map[string]string
}

func newTrouble(host string, changed func()) *trouble {
	return &trouble{host: host, changed: changed, last: make(map[string]string)}
}

// wrap wraps a client's transport.
func (t *trouble) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if !errors.Is(err, context.Canceled) {
			t.note(request.URL.Path, t.explain(response, err))
		}
		return response, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func (t *trouble) explain(response *http.Response, err error) string {
	switch {
	case err != nil:
		return fmt.Sprintf("%s does not answer: does the server run?", t.host)
	case response.StatusCode == http.StatusUnauthorized:
		return fmt.Sprintf("%s does not accept your credentials any more: kubectl auth whoami", t.host)
	case response.StatusCode == http.StatusForbidden:
		return "You may no longer read Networks and NetworkInterfaces: kubectl auth can-i --list"
	case response.StatusCode >= http.StatusInternalServerError:
		return fmt.Sprintf("%s answers %q: kubectl network doctor tells why", t.host, response.Status)
	}
	return ""
}

func (t *trouble) note(path, text string) {
	t.mu.Lock()
	before := t.last[path]
	t.last[path] = text
	t.mu.Unlock()
	if text != before {
		t.changed()
	}
}

// text returns one of the errors, always the same, or an empty string.
func (t *trouble) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	shown := ""
	for _, text := range t.last {
		shown = max(shown, text)
	}
	return shown
}
