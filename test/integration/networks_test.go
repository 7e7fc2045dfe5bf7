// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// What tests do with Networks again and again: make them, change them, wait for them.

// strangerUID is the metadata.uid of no Network.
const strangerUID types.UID = "7ad4ac42-54e6-46ab-a8ef-6c4a6b2a40b8"

// newNetwork returns a Network with the peerings.
func newNetwork(name string, peerings ...v1alpha1.NetworkPeering) *v1alpha1.Network {
	return &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.NetworkSpec{Peerings: peerings},
	}
}

// to returns a peering with a Network of the same namespace, under the name of that Network.
func to(target string) v1alpha1.NetworkPeering {
	return v1alpha1.NetworkPeering{Name: target, NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: target}}
}

// across returns a peering with a Network of another namespace, under the name of that Network.
func across(namespace, target string) v1alpha1.NetworkPeering {
	peering := to(target)
	peering.NetworkRef.Namespace = namespace
	return peering
}

// pinned returns the peering with the UID that the other Network must have.
func pinned(peering v1alpha1.NetworkPeering, uid types.UID) v1alpha1.NetworkPeering {
	peering.NetworkRef.UID = uid
	return peering
}

// claimOf returns the claim that a Network holds while it is bound to the given one.
func claimOf(network *v1alpha1.Network) v1alpha1.NetworkPeeringClaimRef {
	return v1alpha1.NetworkPeeringClaimRef{Namespace: network.Namespace, Name: network.Name, UID: network.UID}
}

func (n namespace) create(t *testing.T, network *v1alpha1.Network) *v1alpha1.Network {
	t.Helper()
	created, err := n.networks.Create(t.Context(), network, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func (n namespace) get(t *testing.T, name string) *v1alpha1.Network {
	t.Helper()
	network, err := n.networks.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return network
}

// update changes a Network by PUT, and again if someone else was faster.
func (n namespace) update(t *testing.T, name string, change func(*v1alpha1.Network)) *v1alpha1.Network {
	t.Helper()
	var network *v1alpha1.Network
	if err := retry.RetryOnConflict(retry.DefaultBackoff, func() (err error) {
		network = n.get(t, name)
		change(network)
		network, err = n.networks.Update(t.Context(), network, metav1.UpdateOptions{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return network
}

// setPeerings replaces the peerings of a Network.
func (n namespace) setPeerings(t *testing.T, name string, peerings ...v1alpha1.NetworkPeering) {
	t.Helper()
	n.update(t, name, func(network *v1alpha1.Network) { network.Spec.Peerings = peerings })
}

// updateStatus changes the status of a Network by PUT, and again if someone else was faster.
func (n namespace) updateStatus(t *testing.T, name string, change func(*v1alpha1.NetworkStatus)) *v1alpha1.Network {
	t.Helper()
	var network *v1alpha1.Network
	if err := retry.RetryOnConflict(retry.DefaultBackoff, func() (err error) {
		network = n.get(t, name)
		change(&network.Status)
		network, err = n.networks.UpdateStatus(t.Context(), network, metav1.UpdateOptions{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return network
}

// mergePatch changes a Network, or a subresource of it, by JSON merge patch without a resourceVersion.
func (n namespace) mergePatch(t *testing.T, name string, patch any, subresources ...string) *v1alpha1.Network {
	t.Helper()
	network, err := n.networks.Patch(t.Context(), name, types.MergePatchType, encode(t, patch),
		metav1.PatchOptions{FieldManager: "merge-patch"}, subresources...)
	if err != nil {
		t.Fatal(err)
	}
	return network
}

func (n namespace) delete(t *testing.T, name string) {
	t.Helper()
	if err := n.networks.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// await waits for a Network to be as the check wants it.
func (n namespace) await(t *testing.T, name string, check func(*v1alpha1.Network) error) *v1alpha1.Network {
	t.Helper()
	var network *v1alpha1.Network
	poll(t, patience, func() (err error) {
		if network, err = n.networks.Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			return err
		}
		if err := check(network); err != nil {
			return fmt.Errorf("%s/%s: %w", n.name, name, err)
		}
		return nil
	})
	return network
}

// available accepts a Network that can take part in peerings.
func available(network *v1alpha1.Network) error {
	if network.Status.State != v1alpha1.NetworkStateAvailable {
		return fmt.Errorf("status.state is %s, want Available", network.Status.State)
	}
	return nil
}

// boundTo accepts a Network with peerings that are all Bound, and with the claims of exactly these Networks, in order.
func boundTo(peers ...*v1alpha1.Network) func(*v1alpha1.Network) error {
	return func(network *v1alpha1.Network) error {
		for _, peering := range network.Status.Peerings {
			if peering.Phase != v1alpha1.NetworkPeeringPhaseBound {
				return fmt.Errorf("peering %s is %s: %s", peering.Name, peering.Phase, peering.Message)
			}
		}
		var claims []v1alpha1.NetworkPeeringClaimRef
		for _, peer := range peers {
			claims = append(claims, claimOf(peer))
		}
		if diff := cmp.Diff(claims, network.Spec.IncomingPeerings); diff != "" {
			return fmt.Errorf("spec.incomingPeerings differs (-want +got):\n%s", diff)
		}
		if network.Status.ObservedGeneration != network.Generation {
			return fmt.Errorf("status.observedGeneration is %d, want %d", network.Status.ObservedGeneration, network.Generation)
		}
		return nil
	}
}

// pendingFor accepts a Network with peerings that are all Pending for the given reasons, in order, and without claims.
func pendingFor(reasons ...string) func(*v1alpha1.Network) error {
	return func(network *v1alpha1.Network) error {
		var got []string
		for _, peering := range network.Status.Peerings {
			if peering.Phase != v1alpha1.NetworkPeeringPhasePending {
				return fmt.Errorf("peering %s is %s, want Pending", peering.Name, peering.Phase)
			}
			got = append(got, peering.Reason)
		}
		if !slices.Equal(got, reasons) {
			return fmt.Errorf("the reasons of status.peerings are %q, want %q", got, reasons)
		}
		if len(network.Spec.IncomingPeerings) > 0 {
			return fmt.Errorf("spec.incomingPeerings has %v, want none", network.Spec.IncomingPeerings)
		}
		return nil
	}
}

// peered makes two Networks that name each other and waits until they are bound.
func (n namespace) peered(t *testing.T, a, b string) (*v1alpha1.Network, *v1alpha1.Network) {
	t.Helper()
	first, second := n.create(t, newNetwork(a, to(b))), n.create(t, newNetwork(b, to(a)))
	return n.await(t, a, boundTo(second)), n.await(t, b, boundTo(first))
}

func encode(t *testing.T, object any) []byte {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// object is JSON to be.
type object = map[string]any

// expectItems compares status.peerings, each item as "name phase reason".
func expectItems(network *v1alpha1.Network, want ...string) error {
	var got []string
	for _, item := range network.Status.Peerings {
		got = append(got, fmt.Sprintf("%s %s %s", item.Name, item.Phase, item.Reason))
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("status.peerings are %q, want %q", got, want)
	}
	return nil
}

// errorOr returns the error, or one of the message where there is none.
func errorOr(err error, message string) error {
	if err != nil {
		return err
	}
	return errors.New(message)
}

// history watches a Network from the given version on, until the check accepts one, and returns all that came.
func (n namespace) history(t *testing.T, from *v1alpha1.Network,
	check func(*v1alpha1.Network) error) []*v1alpha1.Network {
	t.Helper()
	watch, err := n.networks.Watch(t.Context(), metav1.SingleObject(from.ObjectMeta))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	var seen []*v1alpha1.Network
	wrong := errors.New("nothing was seen")
	for timeout := time.After(patience); ; {
		select {
		case event := <-watch.ResultChan():
			network, ok := event.Object.(*v1alpha1.Network)
			if !ok {
				t.Fatalf("the watch of %s ended: %v", from.Name, event)
			}
			seen = append(seen, network)
			if wrong = check(network); wrong == nil {
				return seen
			}
		case <-timeout:
			t.Fatalf("after %s: %v", patience, wrong)
		}
	}
}
