// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned/fake"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
)

// One that can't be read is not in the cache, and no event tells when it is gone.
func TestAnInterfaceThatExistsAndIsNotSeenIsLookedForAgain(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("create", "networkinterfaces", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewAlreadyExists(v1alpha1.Resource("networkinterfaces"), "m-secondary")
	})
	interfaces := externalversions.NewSharedInformerFactory(client, 0).Networking().V1alpha1().NetworkInterfaces().Informer()
	r := newReconciler(nil, interfaces, client.NetworkingV1alpha1(), &record.FakeRecorder{})
	if err := r.machines.GetIndexer().Add(parse(decode(t, machineManifest))); err != nil {
		t.Fatal(err)
	}
	again, err := r.reconcile(t.Context(), types.NamespacedName{Namespace: "team-a", Name: "m-secondary"})
	if err != nil || again != retryPeriod {
		t.Errorf("got %v and error %v, want to look again in %v", again, err, retryPeriod)
	}
}
