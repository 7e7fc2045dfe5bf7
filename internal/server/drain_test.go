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
	genericapiserver "k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
)

func TestAnswersEndTheConnectionOnceTheServerStops(t *testing.T) {
	config := genericapiserver.NewConfig(codecs)
	config.FeatureGate = utilfeature.DefaultFeatureGate
	config.RequestInfoResolver = genericapiserver.NewRequestInfoResolver(config)
	stopping, stop := context.WithCancel(t.Context())
	handler := drained(stopping, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), config)
	for _, step := range []struct {
		name       string
		before     func()
		code       int
		connection string
	}{
		{"while the server runs", func() {}, http.StatusTeapot, ""},
		{"while the server stops and still takes requests", stop, http.StatusTeapot, "close"},
		{"while the server waits for its last requests and refuses others", config.NonLongRunningRequestWaitGroup.Wait,
			http.StatusServiceUnavailable, "close"},
	} {
		step.before()
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", nil))
		if code, connection := recorder.Code, recorder.Header().Get("Connection"); code != step.code || connection != step.connection {
			t.Errorf("%s: got %d with Connection %q, want %d with %q", step.name, code, connection, step.code, step.connection)
		}
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
					endWatches(stopping, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })).
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
