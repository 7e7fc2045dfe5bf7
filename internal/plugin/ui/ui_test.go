// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestOnlyWhoHasTheAddressGetsIn(t *testing.T) {
	t.Parallel()
	const host, token = "127.0.0.1:1234", "SECRET"
	guarded := guard(host, token, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("inside " + r.URL.Path))
	}))
	for name, c := range map[string]struct {
		method, host, path string
		header             map[string]string
		status             int
		body               string
	}{
		"the address as printed":                {path: "/SECRET/", status: 200, body: "inside /"},
		"a file of the page":                    {path: "/SECRET/page.js", status: 200, body: "inside /page.js"},
		"a link in a terminal":                  {path: "/SECRET/", header: map[string]string{"Sec-Fetch-Site": "none"}, status: 200},
		"the page's own script":                 {path: "/SECRET/frames", header: map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://" + host}, status: 200},
		"without the slash at the end":          {path: "/SECRET", status: 301},
		"without the token":                     {path: "/", status: 403},
		"with a part of the token":              {path: "/SECRE/", status: 403},
		"with more than the token":              {path: "/SECRETS/", status: 403},
		"the files without the token":           {path: "/page.js", status: 403},
		"a name that leads here":                {host: "evil.example:1234", path: "/SECRET/", status: 403},
		"another name of this machine":          {host: "localhost:1234", path: "/SECRET/", status: 403},
		"another port":                          {host: "127.0.0.1:1235", path: "/SECRET/", status: 403},
		"a script of another page":              {path: "/SECRET/", header: map[string]string{"Origin": "http://evil.example"}, status: 403},
		"a script of a page without an origin":  {path: "/SECRET/", header: map[string]string{"Origin": "null"}, status: 403},
		"a page of another port":                {path: "/SECRET/", header: map[string]string{"Origin": "http://127.0.0.1:99"}, status: 403},
		"a picture in a page of another origin": {path: "/SECRET/", header: map[string]string{"Sec-Fetch-Site": "cross-site"}, status: 403},
		"a page of another port of this host":   {path: "/SECRET/", header: map[string]string{"Sec-Fetch-Site": "same-site"}, status: 403},
		"a write":                               {method: http.MethodPost, path: "/SECRET/", status: 405},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := http.MethodGet
			if c.method != "" {
				method = c.method
			}
			request := httptest.NewRequest(method, c.path, nil)
			request.Host = host
			if c.host != "" {
				request.Host = c.host
			}
			for name, value := range c.header {
				request.Header.Set(name, value)
			}
			got := httptest.NewRecorder()
			guarded.ServeHTTP(got, request)
			if got.Code != c.status || c.body != "" && got.Body.String() != c.body {
				t.Errorf("got %d %q, want %d %q", got.Code, got.Body, c.status, c.body)
			}
			if c.status == 403 && strings.Contains(got.Body.String(), "inside") {
				t.Error("it got in")
			}
			if policy := got.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'") {
				t.Errorf("the policy is %q", policy)
			}
		})
	}
}

func TestAPageRestsAtLeastThreeTimesAsLongAsADrawingTook(t *testing.T) {
	t.Parallel()
	for drawing, want := range map[time.Duration]time.Duration{
		0: 250 * time.Millisecond, 10 * time.Millisecond: 250 * time.Millisecond, 400 * time.Millisecond: 1200 * time.Millisecond,
	} {
		if got := pause(drawing); got != want {
			t.Errorf("after %s it rests for %s, want %s", drawing, got, want)
		}
	}
}
