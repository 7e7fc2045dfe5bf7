// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package ui serves a page on the loopback interface that shows Networks and follows their changes. It reads with the user's own
// credentials, so it answers only requests with the secret in its address, and none from another page.
package ui

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
)

//go:embed page
var files embed.FS

// Serve serves the page until the context ends, and calls ready with its address once it can be opened. Port 0 means any free port.
func Serve(ctx context.Context, config *rest.Config, namespace string, port int, requests Requests, svg SVG, ready func(url string)) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("--port %d can't be used: %w", port, err)
	}
	defer listener.Close()
	f, err := follow(ctx, config, namespace, requests, svg)
	if err != nil {
		return err
	}
	host, token := listener.Addr().String(), rand.Text()
	server := &http.Server{
		Handler:           guard(host, token, handler(f)),
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    1 << 16,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	ready("http://" + host + "/" + token + "/")
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// guard refuses requests without the token and requests of other origins.
func guard(host, token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		given, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
		switch {
		case r.Host != host: // DNS rebinding: another page's host name that resolves to this address.
			http.Error(w, "Open the address that kubectl network ui printed.", http.StatusForbidden)
		case origin != "" && origin != "http://"+host, site != "" && site != "same-origin" && site != "none":
			http.Error(w, "Pages of other origins may not read this.", http.StatusForbidden)
		case subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1:
			http.Error(w, "Open the address that kubectl network ui printed, with all of its letters.", http.StatusForbidden)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			header.Set("Allow", "GET, HEAD")
			http.Error(w, "This page is read only.", http.StatusMethodNotAllowed)
		case r.URL.Path == "/"+token:
			http.Redirect(w, r, "/"+token+"/", http.StatusMovedPermanently)
		default:
			http.StripPrefix("/"+token, next).ServeHTTP(w, r)
		}
	})
}

func handler(f *feed) http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(page))
	mux.HandleFunc("/frames", f.serve)
	return mux
}

// serve sends a frame now and after each change, as server-sent events.
func (f *feed) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	namespace := r.URL.Query().Get("namespace")
	var sent []byte
	for {
		draw, changed := f.current(namespace)
		began := time.Now()
		drawn, err := draw()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if rest := pause(time.Since(began)); !bytes.Equal(drawn, sent) {
			if _, err := fmt.Fprintf(w, "data: %s\n\n", drawn); err != nil {
				return
			}
			if out.Flush() != nil {
				return
			}
			sent = drawn
			if !waitFor(r.Context(), time.After(rest)) {
				return
			}
		}
		if !waitFor(r.Context(), changed) {
			return
		}
	}
}

// waitFor waits for an event, and returns false if the context ends before.
func waitFor[T any](ctx context.Context, event <-chan T) bool {
	select {
	case <-ctx.Done():
		return false
	case <-event:
		return true
	}
}
