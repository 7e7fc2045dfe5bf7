// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package loopback

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// deadline is longer than anything here takes on a busy machine.
const deadline = time.Minute

const (
	plainURL = "http://loopback/apis/networks?limit=5"
	watchURL = "http://loopback/apis/networks?watch=true"
)

func newRequest(ctx context.Context, t *testing.T, url string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// roundTrip sends a request to the handler.
func roundTrip(ctx context.Context, t *testing.T, url string, handler http.HandlerFunc) *http.Response {
	t.Helper()
	response, err := NewTransport(handler).RoundTrip(newRequest(ctx, t, url))
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// within waits for a signal.
func within(t *testing.T, signal <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(deadline):
		t.Fatalf("%s did not happen in %v", what, deadline)
	}
}

func TestAResponseArrivesAsItWasWritten(t *testing.T) {
	type answer struct {
		Status, Body string
		Code         int
		Header       http.Header
	}
	for sentence, tc := range map[string]struct {
		handler http.HandlerFunc
		want    answer
	}{
		"with a status, a header and a body in pieces": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Add("Warning", "one")
				w.Header().Add("Warning", "two")
				w.WriteHeader(http.StatusConflict)
				_, _ = io.WriteString(w, "some")
				w.(http.Flusher).Flush()
				_, _ = io.WriteString(w, "thing")
			},
			want: answer{
				Status: "409 Conflict", Code: 409, Body: "something",
				Header: http.Header{"Content-Type": {"application/json"}, "Warning": {"one", "two"}},
			},
		},
		"with the status of success unless another is written": {
			handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") },
			want:    answer{Status: "200 OK", Code: 200, Body: "fine", Header: http.Header{}},
		},
		"with the first status that is final": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusNotFound)
				w.WriteHeader(http.StatusOK)
			},
			want: answer{Status: "404 Not Found", Code: 404, Header: http.Header{}},
		},
		"with nothing at all": {
			handler: func(http.ResponseWriter, *http.Request) {},
			want:    answer{Status: "200 OK", Code: 200, Header: http.Header{}},
		},
	} {
		for kind, url := range map[string]string{"as a whole": plainURL, "as a watch": watchURL} {
			t.Run(sentence+", "+kind, func(t *testing.T) {
				response := roundTrip(t.Context(), t, url, tc.handler)
				defer response.Body.Close()
				body, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				got := answer{
					Status: response.Status, Code: response.StatusCode, Header: response.Header, Body: string(body),
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// The wrappers of the API server ask for all of this and fail where it is missing.
func TestAHandlerSeesARequestAsFromAServer(t *testing.T) {
	for kind, url := range map[string]string{"for a whole response": plainURL, "for a watch": watchURL} {
		t.Run(kind, func(t *testing.T) {
			response := roundTrip(t.Context(), t, url, func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 2 || r.Host != "loopback" || r.RemoteAddr != "127.0.0.1:0" {
					t.Errorf("got protocol %d, host %q and remote address %q", r.ProtoMajor, r.Host, r.RemoteAddr)
				}
				if want := strings.TrimPrefix(url, "http://loopback"); r.RequestURI != want {
					t.Errorf("got request URI %q, want %q", r.RequestURI, want)
				}
				if body, err := io.ReadAll(r.Body); len(body) > 0 || err != nil {
					t.Errorf("got body %q and error %v", body, err)
				}
				if _, ok := w.(http.Flusher); !ok {
					t.Error("the writer cannot flush")
				}
				if _, ok := w.(http.CloseNotifier); !ok { //nolint:staticcheck // The API server still asks for it.
					t.Error("the writer cannot notify of a close")
				}
			})
			response.Body.Close()
		})
	}
}

func TestTheBodyOfARequestArrivesAndIsClosed(t *testing.T) {
	for kind, url := range map[string]string{"with a whole response": plainURL, "with a watch": watchURL} {
		t.Run(kind, func(t *testing.T) {
			sent := &body{Reader: strings.NewReader("a body"), closed: make(chan struct{})}
			request := newRequest(t.Context(), t, url)
			request.Body = sent
			response, err := NewTransport(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if got, err := io.ReadAll(r.Body); string(got) != "a body" || err != nil {
					t.Errorf("got body %q and error %v", got, err)
				}
			})).RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			within(t, sent.closed, "the end of the request's body")
		})
	}
}

type body struct {
	io.Reader
	closed chan struct{}
}

func (b *body) Close() error {
	close(b.closed)
	return nil
}

func TestAWatchArrivesPieceByPiece(t *testing.T) {
	next := make(chan struct{})
	response := roundTrip(t.Context(), t, watchURL, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.(http.Flusher).Flush() // The headers come before the first event.
		w.Header().Set("Too", "late")
		for _, event := range []string{"first\n", "second\n"} {
			<-next
			_, _ = io.WriteString(w, event)
		}
		<-next
	})
	defer response.Body.Close()
	if diff := cmp.Diff(http.Header{"Content-Type": {"application/json"}}, response.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	reader := bufio.NewReader(response.Body)
	for _, want := range []string{"first\n", "second\n"} {
		next <- struct{}{} // The handler has not ended: it waits for this.
		if got, err := reader.ReadString('\n'); got != want || err != nil {
			t.Fatalf("got %q and error %v, want %q", got, err, want)
		}
	}
	close(next)
	if _, err := reader.ReadByte(); err != io.EOF {
		t.Errorf("after the handler's end: got %v, want EOF", err)
	}
}

func TestClosingAWatchEndsItsHandler(t *testing.T) {
	for sentence, wait := range map[string]func(w http.ResponseWriter, r *http.Request){
		"that waits for its context": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"that writes on and on": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := io.WriteString(w, "event"); err != nil {
					return
				}
			}
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			ended := make(chan struct{})
			response := roundTrip(t.Context(), t, watchURL, func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				w.(http.Flusher).Flush()
				wait(w, r)
			})
			if err := response.Body.Close(); err != nil {
				t.Errorf("closing the body: %v", err)
			}
			within(t, ended, "the handler's end")
		})
	}
}

func TestClosingAWholeResponseCancelsNothing(t *testing.T) {
	var served context.Context
	response := roundTrip(t.Context(), t, plainURL, func(_ http.ResponseWriter, r *http.Request) { served = r.Context() })
	response.Body.Close()
	if served.Err() != nil {
		t.Errorf("the handler's context has ended: %v", served.Err())
	}
}

func TestTheRequestsContextEndsIt(t *testing.T) {
	t.Run("while a whole response is made", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := NewTransport(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})).RoundTrip(newRequest(ctx, t, plainURL))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want that of the context", err)
		}
	})
	t.Run("before a watch starts, however long its handler takes to notice", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		notice, ended := make(chan struct{}), make(chan struct{})
		_, err := NewTransport(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			defer close(ended)
			cancel()
			<-r.Context().Done()
			<-notice
		})).RoundTrip(newRequest(ctx, t, watchURL))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want that of the context", err)
		}
		close(notice)
		within(t, ended, "the handler's end")
	})
	t.Run("while a watch goes on, however long its handler takes to notice", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		notice, ended := make(chan struct{}), make(chan struct{})
		response := roundTrip(ctx, t, watchURL, func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			<-notice
		})
		defer response.Body.Close()
		cancel()
		if _, err := response.Body.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("reading on: got error %v, want that of the context", err)
		}
		close(notice)
		within(t, ended, "the handler's end")
	})
}

func TestAPanicOfTheHandlerIsAnError(t *testing.T) {
	const want = "the handler gave up on the request: out of order"
	t.Run("of the request", func(t *testing.T) {
		_, err := NewTransport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half of")
			panic("out of order")
		})).RoundTrip(newRequest(t.Context(), t, plainURL))
		if err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	})
	t.Run("at the end of what a watch wrote before", func(t *testing.T) {
		response := roundTrip(t.Context(), t, watchURL, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half of")
			panic("out of order")
		})
		defer response.Body.Close()
		got, err := io.ReadAll(response.Body)
		if string(got) != "half of" || err == nil || err.Error() != want {
			t.Errorf("got %q and error %v, want %s", got, err, want)
		}
	})
}
