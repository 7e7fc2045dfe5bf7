// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net/http"

	genericapiserver "k8s.io/apiserver/pkg/server"

	"ironcore.dev/networking/internal/server/guard"
)

// buildHandlerChain returns the handlers that a request passes:
//
//	endConnections                      while the server stops, the answer ends the connection  (drain.go)
//	→ the chain of k8s.io/apiserver     authentication, audit, authorization
//	→ endWatches                        while the server stops, watches end                     (drain.go)
//	→ answerVersion                     /version                                                (version.go)
//	→ guard.Writes                      limits on the body of a write                           (guard)
//	→ api                               decoding, internal/admission, internal/registry, etcd
func buildHandlerChain(api http.Handler, config *genericapiserver.Config) http.Handler {
	stopping, stop := context.WithCancel(context.Background())
	go func() {
		<-config.ShutdownInitiatedNotify()
		stop()
	}()
	return drained(stopping, api, config)
}

// drained ends connections outside the library's chain, because filters of the chain answer requests too: a server that stops
// refuses requests there. It also waits for every connection, so each connection has to be told to end.
func drained(stopping context.Context, api http.Handler, config *genericapiserver.Config) http.Handler {
	inner := endWatches(stopping, answerVersion(guard.Writes(api, scheme, codecs)))
	return endConnections(stopping, genericapiserver.DefaultBuildHandlerChain(inner, config))
}
