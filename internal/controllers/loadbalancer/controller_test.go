// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
	"ironcore.dev/networking/pkg/client/clientset/versioned/fake"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
)

// The watches of the two kinds are apart: the cache may have a routing before the LoadBalancer that it was made for.
func TestTheServerIsAskedBeforeARoutingIsDeleted(t *testing.T) {
	balancer := &v1alpha1.LoadBalancer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "lb", UID: "1"}}
	routing := &v1alpha1.LoadBalancerRouting{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: "lb", OwnerReferences: []metav1.OwnerReference{owner(balancer)},
	}}
	for sentence, tc := range map[string]struct {
		stored  []runtime.Object
		failure error
		want    []string
	}{
		"its LoadBalancer is only in the server": {stored: []runtime.Object{routing, balancer}, want: []string{"get"}},
		"its LoadBalancer can't be read":         {stored: []runtime.Object{routing}, failure: errors.New("unreadable"), want: []string{"get"}},
		"its LoadBalancer is nowhere":            {stored: []runtime.Object{routing}, want: []string{"get", "delete"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			client := fake.NewClientset(tc.stored...)
			client.PrependReactor("get", "loadbalancers", func(clienttesting.Action) (bool, runtime.Object, error) {
				return tc.failure != nil, nil, tc.failure
			})
			of := externalversions.NewSharedInformerFactory(client, 0).Networking().V1alpha1()
			informers := Informers{
				Balancers: of.LoadBalancers().Informer(), Routings: of.LoadBalancerRoutings().Informer(),
				Networks: of.Networks().Informer(), Interfaces: of.NetworkInterfaces().Informer(),
			}
			if err := informers.Routings.GetIndexer().Add(routing); err != nil {
				t.Fatal(err)
			}
			c := New(informers, client.NetworkingV1alpha1(), nil)
			if _, err := c.reconcile(t.Context(), rules.NameOf(routing)); !errors.Is(err, tc.failure) {
				t.Errorf("got error %v, want %v", err, tc.failure)
			}
			var got []string
			for _, action := range client.Actions() {
				got = append(got, action.GetVerb())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}
