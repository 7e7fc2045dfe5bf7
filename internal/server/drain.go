// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	apirequest "k8s.io/apiserver/pkg/endpoints/request"
)

// watchDrainTime is over how much of the shutdown delay watches are ended, so that not all come back at once elsewhere.
const watchDrainTime = time.Second

// endConnections closes each connection with an answer once stopping is done. A kube-apiserver keeps connections open. If a
// connection is closed under a write, it can't send that write again. So connections end during the shutdown delay, while the
// server still takes every request.
func endConnections(stopping context.Context, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stopping.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, r)
	})
}

// endWatches ends watches soon after stopping is done.
func endWatches(stopping context.Context, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if info, ok := apirequest.RequestInfoFrom(r.Context()); ok && info.Verb == "watch" {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			stop := context.AfterFunc(stopping, func() { time.AfterFunc(rand.N(watchDrainTime), cancel) })
			defer stop()
			r = r.WithContext(ctx)
		}
		handler.ServeHTTP(w, r)
	})
}
