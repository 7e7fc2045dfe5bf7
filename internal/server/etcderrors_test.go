// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/storage"
)

func TestExplain(t *testing.T) {
	for sentence, tc := range map[string]struct {
		err  error
		code int  // 0: the error stays as it is
		once bool // the same request meets the same limit
	}{
		"a member that stops":                  {err: rpctypes.ErrStopped, code: http.StatusServiceUnavailable},
		"a cluster without a leader":           {err: rpctypes.ErrNoLeader, code: http.StatusServiceUnavailable},
		"a member that is taken out":           {err: status.Error(codes.Unknown, "raft: stopped"), code: http.StatusServiceUnavailable},
		"a connection that ends":               {err: status.Error(codes.Unavailable, "error reading from server: EOF"), code: http.StatusServiceUnavailable},
		"a wrapped error":                      {err: fmt.Errorf("getting: %w", rpctypes.ErrNoLeader), code: http.StatusServiceUnavailable},
		"a write that took too long in etcd":   {err: rpctypes.ErrTimeout, code: http.StatusServiceUnavailable},
		"a deadline":                           {err: context.DeadlineExceeded, code: http.StatusGatewayTimeout},
		"a deadline that gRPC tells of":        {err: status.Error(codes.DeadlineExceeded, "too late"), code: http.StatusGatewayTimeout},
		"a client that went away":              {err: context.Canceled},
		"an answer of the API":                 {err: apierrors.NewNotFound(schema.GroupResource{Resource: "networks"}, "a")},
		"an error of the storage":              {err: storage.NewKeyNotFoundError("/networks/a", 1)},
		"a request that is too large for etcd": {err: rpctypes.ErrRequestTooLarge, code: http.StatusRequestEntityTooLarge, once: true},
		"a request that is too large to send": {
			err:  status.Error(codes.ResourceExhausted, "trying to send message larger than max (2187120 vs. 2097152)"),
			code: http.StatusRequestEntityTooLarge, once: true,
		},
		"a database that is full": {err: rpctypes.ErrNoSpace, code: http.StatusServiceUnavailable, once: true},
		"no error":                {},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := explain(tc.err)
			if tc.code == 0 {
				if !errors.Is(got, tc.err) {
					t.Errorf("got %v, want %v", got, tc.err)
				}
				return
			}
			answer, ok := errors.AsType[*apierrors.StatusError](got)
			wantRetry := int32(retryAfter)
			if tc.once {
				wantRetry = 0
			}
			if !ok || int(answer.ErrStatus.Code) != tc.code || retryAfterOf(answer) != wantRetry {
				t.Errorf("got %#v, want %d with Retry-After %d", got, tc.code, wantRetry)
			}
		})
	}
}

func retryAfterOf(answer *apierrors.StatusError) int32 {
	if answer.ErrStatus.Details == nil {
		return 0
	}
	return answer.ErrStatus.Details.RetryAfterSeconds
}
