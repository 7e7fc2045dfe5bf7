// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"encoding/json"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/ironcorenet"
	"ironcore.dev/networking/internal/provider/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Infrastructure {
		etcd, err := shared.Kubernetes.Etcd().Client()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = etcd.Close() }) // It reports that its context was cancelled, which is what Close does.
		return &infrastructure{world: newWorld(t), etcd: etcd}
	})
}

// infrastructure is a namespace of ironcore-net, with the providers in the test itself instead of a server.
type infrastructure struct {
	*world
	etcd *clientv3.Client
}

func (i *infrastructure) NewProvider(t *testing.T) provider.Provider {
	options := ironcorenet.Options{Kubeconfig: i.proxy.Kubeconfig, Namespace: i.remoteNamespace}
	p, err := ironcorenet.New(options, i.etcd, "/"+t.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (i *infrastructure) ID(t *testing.T, providerID string) string {
	parts := strings.Split(providerID, "/")
	if len(parts) != 6 {
		t.Fatalf("%q is not a provider ID", providerID)
	}
	return parts[4]
}

func (i *infrastructure) Contents(t *testing.T) map[types.UID]string {
	list, err := i.remotes.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	contents := make(map[types.UID]string)
	for _, remote := range list.Items {
		content, err := json.Marshal(remote.Object)
		if err != nil {
			t.Fatal(err)
		}
		contents[types.UID(remote.GetName())] = string(content)
	}
	return contents
}

func (i *infrastructure) SetAway(_ *testing.T, away bool) { i.proxy.setAway(away) }
