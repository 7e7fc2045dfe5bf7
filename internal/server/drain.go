// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// watchDrainTime is over how much of the shutdown delay watches are ended, so that not all come back at once elsewhere.
const watchDrainTime = time.Second

// buildHandlerChain is the library's chain, with clients sent elsewhere from the moment on that the server is told to stop.
// A kube-apiserver keeps connections open, and cannot send a write again that meets one being closed: so each connection
// ends with an answer during the shutdown delay, while the server still takes every request.
func buildHandlerChain(api http.Handler, config *genericapiserver.Config) http.Handler {
	stopping, stop := context.WithCancel(context.Background())
	go func() {
		<-config.ShutdownInitiatedNotify()
		stop()
	}()
	return genericapiserver.DefaultBuildHandlerChain(drain(api, stopping), config)
}

// drain asks for the end of the connection in every answer once stopping is done, and ends watches soon after.
func drain(handler http.Handler, stopping context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stopping.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		if info, ok := apirequest.RequestInfoFrom(r.Context()); ok && info.Verb == "watch" {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(stopping, func() { time.AfterFunc(rand.N(watchDrainTime), cancel) })()
			r = r.WithContext(ctx)
		}
		handler.ServeHTTP(w, r)
	})
}
