// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/providertest"
	"ironcore.dev/networking/internal/server/standalone"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Infrastructure {
		dir, err := standalone.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		i := &infrastructure{dir: dir}
		i.SetAway(t, false)
		t.Cleanup(func() {
			i.SetAway(t, true)
			if err := dir.Close(); err != nil {
				t.Error(err)
			}
		})
		return i
	})
}

// infrastructure is a real etcd.
type infrastructure struct {
	dir  *standalone.Dir
	etcd *standalone.Etcd // nil while it is away
}

func (i *infrastructure) client(t *testing.T) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: i.etcd.Endpoints(), Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() }) // It reports that its context was cancelled, which is what Close does.
	return client
}

func (i *infrastructure) NewProvider(t *testing.T) provider.Provider {
	return New(i.client(t), "/test", DefaultVNIRange(), DefaultAddressRanges())
}

func (i *infrastructure) ID(_ *testing.T, providerID string) string {
	return strings.TrimPrefix(providerID, "local://")
}

func (i *infrastructure) Contents(t *testing.T) map[types.UID]string {
	t.Helper()
	answer, err := i.client(t).Get(t.Context(), "/test/owner/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	contents := make(map[types.UID]string)
	for _, kv := range answer.Kvs {
		contents[types.UID(strings.TrimPrefix(string(kv.Key), "/test/owner/"))] = kv.String()
	}
	return contents
}

func (i *infrastructure) SetAway(t *testing.T, away bool) {
	t.Helper()
	if away == (i.etcd == nil) {
		return
	}
	if away {
		i.etcd.Close()
		i.etcd = nil
		return
	}
	var err error
	if i.etcd, err = i.dir.StartEtcd(t.Context(), standalone.DefaultQuota); err != nil {
		t.Fatal(err)
	}
}
