// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package virtualip

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/rules"
	"ironcore.dev/networking/pkg/client/clientset/versioned/fake"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
)

// The watches of the two kinds are apart: the cache may have a VirtualIP before the NetworkInterface that it belongs to.
func TestTheServerIsAskedBeforeAVirtualIPIsTakenAway(t *testing.T) {
	nic := &v1alpha1.NetworkInterface{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "v", UID: "1"}}
	asking := nic.DeepCopy()
	asking.Spec.VirtualIP = &v1alpha1.VirtualIPSource{Ephemeral: &v1alpha1.EphemeralVirtualIPSource{
		VirtualIPTemplate: &v1alpha1.VirtualIPTemplateSpec{Spec: v1alpha1.EphemeralVirtualIPSpec{
			Type: v1alpha1.VirtualIPTypePublic, IPFamily: v1alpha1.IPv4Protocol,
		}},
	}}
	created := nic.DeepCopy()
	created.UID = "2"
	led := &v1alpha1.VirtualIP{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "v", UID: "vip"}}
	led.Spec.TargetRef = &v1alpha1.LocalUIDReference{Name: "v", UID: "1"}
	const asked, freed, removed = "get networkinterfaces", "update virtualips", "delete virtualips"

	for sentence, tc := range map[string]struct {
		vip *v1alpha1.VirtualIP
		// seen is what the cache has, stored what the server has.
		seen, stored *v1alpha1.NetworkInterface
		failure      error
		want         []string
	}{
		"its target is only in the server":               {vip: led, stored: nic, want: []string{asked}},
		"its target is nowhere":                          {vip: led, want: []string{asked, freed}},
		"its target was created again":                   {vip: led, stored: created, want: []string{asked, freed}},
		"its target can't be read":                       {vip: led, failure: errors.New("unreadable"), want: []string{asked}},
		"whoever asks for it is only in the server":      {vip: ephemeral(asking), stored: asking, want: []string{asked}},
		"who asked for it asks again":                    {vip: ephemeral(asking), seen: nic, stored: asking, want: []string{asked}},
		"who asked for it does so no more":               {vip: ephemeral(asking), seen: nic, stored: nic, want: []string{asked, removed}},
		"who asked for it is nowhere":                    {vip: ephemeral(asking), want: []string{asked, removed}},
		"nobody is asked where the cache has its target": {vip: led, seen: nic, stored: nic},
	} {
		t.Run(sentence, func(t *testing.T) {
			client := fake.NewClientset(tc.vip)
			if tc.stored != nil {
				if err := client.Tracker().Add(tc.stored); err != nil {
					t.Fatal(err)
				}
			}
			client.PrependReactor("get", "networkinterfaces", func(clienttesting.Action) (bool, runtime.Object, error) {
				return tc.failure != nil, nil, tc.failure
			})
			of := externalversions.NewSharedInformerFactory(client, 0).Networking().V1alpha1()
			vips, interfaces := of.VirtualIPs().Informer(), of.NetworkInterfaces().Informer()
			err := errors.Join(vips.AddIndexers(Indexers()), interfaces.AddIndexers(index.InterfaceIndexers()), vips.GetIndexer().Add(tc.vip))
			if err != nil {
				t.Fatal(err)
			}
			if tc.seen != nil {
				if err := interfaces.GetIndexer().Add(tc.seen); err != nil {
					t.Fatal(err)
				}
			}
			c := New(vips, interfaces, client.NetworkingV1alpha1(), nil)
			if _, err := c.reconcile(t.Context(), rules.NameOf(tc.vip)); !errors.Is(err, tc.failure) {
				t.Errorf("got error %v, want %v", err, tc.failure)
			}
			var got []string
			for _, action := range client.Actions() {
				got = append(got, action.GetVerb()+" "+action.GetResource().Resource)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}
