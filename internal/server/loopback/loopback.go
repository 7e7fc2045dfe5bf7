// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package loopback carries the requests of the embedded controllers to the handlers of their own server, without a socket
// and without TLS. Authentication, authorization, admission and everything else on a request's way stay the same.
package loopback

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// NewTransport returns a transport that hands every request to the handler.
func NewTransport(handler http.Handler) http.RoundTripper {
	return transport{handler}
}

type transport struct {
	handler http.Handler
}

// RoundTrip serves the request. The response to a watch arrives piece by piece, any other one as a whole.
func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Query().Get("watch") == "true" {
		return t.stream(request)
	}
	if request.Body != nil {
		defer request.Body.Close()
	}
	response := &buffered{header: http.Header{}}
	if err := t.serve(request.Context(), response, request); err != nil {
		return nil, err
	}
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	response.WriteHeader(http.StatusOK)
	return answer(request, response.status, response.header, io.NopCloser(&response.body)), nil
}

// stream serves a watch in a goroutine that ends when the caller closes the body of the response.
func (t transport) stream(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	reader, writer := io.Pipe()
	response := &streamed{header: http.Header{}, body: writer, started: make(chan struct{})}
	go func() {
		defer cancel()
		if request.Body != nil {
			defer request.Body.Close()
		}
		err := t.serve(ctx, response, request)
		response.WriteHeader(http.StatusOK)
		writer.CloseWithError(err) // A nil error reads as io.EOF.
	}()
	stop := context.AfterFunc(ctx, func() { writer.CloseWithError(ctx.Err()) })
	select {
	case <-response.started:
		return answer(request, response.status, response.sent, &streamedBody{PipeReader: reader, cancel: cancel, stop: stop}), nil
	case <-request.Context().Done():
		reader.Close()
		return nil, request.Context().Err()
	}
}

// serve calls the handler with the request as a server would see it.
func (t transport) serve(ctx context.Context, response http.ResponseWriter, request *http.Request) (err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("the handler gave up on the request: %v", recovered)
		}
	}()
	served := request.WithContext(ctx)
	served.Proto, served.ProtoMajor, served.ProtoMinor = "HTTP/2.0", 2, 0
	served.RequestURI = request.URL.RequestURI()
	served.RemoteAddr = "127.0.0.1:0"
	if served.Host == "" {
		served.Host = request.URL.Host
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	t.handler.ServeHTTP(response, served)
	return nil
}

func answer(request *http.Request, status int, header http.Header, body io.ReadCloser) *http.Response {
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode:    status,
		Proto:         "HTTP/2.0",
		ProtoMajor:    2,
		Header:        header,
		Body:          body,
		ContentLength: -1,
		Request:       request,
	}
}

// buffered collects a response.
type buffered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffered) Header() http.Header { return b.header }

func (b *buffered) WriteHeader(status int) {
	if b.status == 0 && status >= http.StatusOK {
		b.status = status
	}
}

func (b *buffered) Write(data []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(data)
}

func (b *buffered) Flush() {}

// CloseNotify satisfies the handlers' wrappers, which ask for it; nobody closes a buffered response.
func (b *buffered) CloseNotify() <-chan bool { return nil }

// streamed passes a response on as it is written.
type streamed struct {
	header  http.Header
	body    *io.PipeWriter
	once    sync.Once
	status  int
	sent    http.Header // a copy of header, as it was when the response started
	started chan struct{}
}

func (s *streamed) Header() http.Header { return s.header }

func (s *streamed) WriteHeader(status int) {
	if status < http.StatusOK {
		return
	}
	s.once.Do(func() {
		s.status, s.sent = status, s.header.Clone()
		close(s.started)
	})
}

func (s *streamed) Write(data []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return s.body.Write(data)
}

func (s *streamed) Flush() { s.WriteHeader(http.StatusOK) }

// CloseNotify satisfies the handlers' wrappers, which ask for it; the request's context tells of the end.
func (s *streamed) CloseNotify() <-chan bool { return nil }

// streamedBody ends the handler when it is closed.
type streamedBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	stop   func() bool
}

func (b *streamedBody) Close() error {
	b.stop()
	b.cancel()
	return b.PipeReader.Close()
}
