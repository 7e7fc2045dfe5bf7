// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// loadOwner returns the value of the owner label of this server's objects: several servers may share a namespace of ironcore-net.
// It is random, and stored in etcd, so that all replicas use the same.
func loadOwner(ctx context.Context, etcd *clientv3.Client, key string) (string, error) {
	drawn := string(uuid.NewUUID())
	answer, err := etcd.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, drawn)).
		Else(clientv3.OpGet(key)).
		Commit()
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the owner label of this server's objects in ironcore-net: %w", err)
	case answer.Succeeded:
		return drawn, nil
	}
	return string(answer.Responses[0].GetResponseRange().Kvs[0].Value), nil
}
