// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package members

import (
	"context"
	"errors"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestIsAnswer(t *testing.T) {
	for sentence, tc := range map[string]struct {
		err  error
		want bool
	}{
		"a value is":                         {nil, true},
		"a refusal is":                       {rpctypes.ErrPermissionDenied, true},
		"silence is not":                     {context.DeadlineExceeded, false},
		"the end of the probes is not":       {context.Canceled, false},
		"that there is no leader is not":     {rpctypes.ErrNoLeader, false},
		"that the leader is silent is not":   {rpctypes.ErrTimeout, false},
		"that the leader has changed is not": {rpctypes.ErrLeaderChanged, false},
		"a connection that fails is not":     {status.Error(codes.Unavailable, "connection refused"), false},
		"what has no code is not":            {errors.New("something"), false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := isAnswer(tc.err); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
