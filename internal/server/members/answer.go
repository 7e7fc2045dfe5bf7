// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package members

import (
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
)

// isAnswer tells whether the outcome of a probe shows that the member answers, be it with a refusal. One that has no leader, or
// can't reach it, does not serve. A probe whose time is over ends with an error of its context, which has no code of gRPC.
func isAnswer(err error) bool {
	var refusal rpctypes.EtcdError
	return err == nil || errors.As(err, &refusal) && refusal.Code() != codes.Unavailable
}
