// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// loadOwner returns what marks this server's objects among those of all that share a namespace of ironcore-net: a value
// that is drawn once, kept beside the Networks in etcd, and so the same for all replicas.
func loadOwner(ctx context.Context, etcd *clientv3.Client, key string) (string, error) {
	drawn := string(uuid.NewUUID())
	answer, err := etcd.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, drawn)).
		Else(clientv3.OpGet(key)).
		Commit()
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the mark of this server's objects in ironcore-net: %w", err)
	case answer.Succeeded:
		return drawn, nil
	}
	return string(answer.Responses[0].GetResponseRange().Kvs[0].Value), nil
}
