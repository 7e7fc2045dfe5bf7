// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	apirequest "k8s.io/apiserver/pkg/endpoints/request"
)

func TestAnswersEndTheConnectionOnceTheServerStops(t *testing.T) {
	stopping, stop := context.WithCancel(t.Context())
	handler := drain(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), stopping)
	answer := func() *http.Response {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", nil))
		return recorder.Result()
	}
	if got := answer().Header.Get("Connection"); got != "" {
		t.Errorf("while the server runs, Connection is %q, want none", got)
	}
	stop()
	got := answer()
	if got.Header.Get("Connection") != "close" || got.StatusCode != http.StatusTeapot {
		t.Errorf("while the server stops, got %d with Connection %q, want the handler's answer and close",
			got.StatusCode, got.Header.Get("Connection"))
	}
}

func TestWatchesEndSoonAfterTheServerStopsAndNothingElseDoes(t *testing.T) {
	for verb, ends := range map[string]bool{"watch": true, "get": false} {
		t.Run(verb, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stopping, stop := context.WithCancel(t.Context())
				defer stop()
				client, leave := context.WithCancel(apirequest.WithRequestInfo(t.Context(), &apirequest.RequestInfo{Verb: verb}))
				defer leave()
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					drain(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), stopping).
						ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil).WithContext(client))
				}()
				synctest.Wait()
				stop()
				deadline, cancel := context.WithTimeout(t.Context(), watchDrainTime)
				defer cancel()
				select {
				case <-ended:
					if !ends {
						t.Error("the request was ended")
					}
				case <-deadline.Done():
					if ends {
						t.Error("the request goes on")
					}
				}
				leave()
				<-ended
			})
		})
	}
}
