// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestPeeringsAreBoundOnceBothNetworksNameEachOther(t *testing.T) {
	t.Parallel()
	n, other := newNamespace(t, shared), newNamespace(t, shared)

	t.Run("in one namespace", func(t *testing.T) {
		a := n.create(t, newNetwork("a", to("b")))
		n.await(t, "a", pendingFor(v1alpha1.PeeringReasonPeerNotFound))
		b := n.create(t, newNetwork("b"))
		n.await(t, "a", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted))
		n.setPeerings(t, "b", to("a"))
		n.await(t, "a", boundTo(b))
		n.await(t, "b", boundTo(a))
	})
	t.Run("across namespaces, where the names are the same", func(t *testing.T) {
		first := n.create(t, newNetwork("net", across(other.name, "net")))
		n.await(t, "net", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted))
		second := other.create(t, newNetwork("net", across(n.name, "net")))
		n.await(t, "net", boundTo(second))
		other.await(t, "net", boundTo(first))
	})
	t.Run("with many, each on its own", func(t *testing.T) {
		hub := n.create(t, newNetwork("hub", to("s1"), across(other.name, "s2"), to("s3")))
		one, two := n.create(t, newNetwork("s1", to("hub"))), other.create(t, newNetwork("s2", across(n.name, "hub")))
		settled := n.await(t, "hub", func(network *v1alpha1.Network) error {
			return expectItems(network, "s1 Bound Bound", "s2 Bound Bound", "s3 Pending PeerNotFound")
		})
		checkClaims(t, settled, one, two)
		n.await(t, "s1", boundTo(hub))
		other.await(t, "s2", boundTo(hub))
	})
}

func TestPeeringsEndWhenOneSideEndsThem(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)

	t.Run("by dropping the peering", func(t *testing.T) {
		n.peered(t, "a", "b")
		n.setPeerings(t, "a")
		n.await(t, "b", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted))
	})
	t.Run("by naming another Network, which binds if it names this one", func(t *testing.T) {
		c, _ := n.peered(t, "c", "d")
		e := n.create(t, newNetwork("e", to("c")))
		n.await(t, "e", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted))
		n.setPeerings(t, "c", to("e"))
		n.await(t, "c", boundTo(e))
		n.await(t, "e", boundTo(c))
		n.await(t, "d", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted))
	})
	t.Run("by asking for another uid", func(t *testing.T) {
		n.peered(t, "f", "g")
		n.setPeerings(t, "f", pinned(to("g"), strangerUID))
		n.await(t, "f", pendingFor(v1alpha1.PeeringReasonPeerUIDMismatch))
		n.await(t, "g", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted))
	})
	t.Run("by deletion", func(t *testing.T) {
		n.peered(t, "h", "i")
		n.delete(t, "i")
		n.await(t, "h", pendingFor(v1alpha1.PeeringReasonPeerNotFound))
	})
}

func TestPeeringsAreBoundWhileBothNetworksAreAvailable(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	setState := func(name string, state v1alpha1.NetworkState) {
		t.Helper()
		n.mergePatch(t, name, object{"status": object{"state": state}}, "status")
	}
	a, b := n.create(t, newNetwork("a", to("b"))), n.create(t, newNetwork("b", to("a")))
	n.await(t, "a", pendingFor(v1alpha1.PeeringReasonNetworkNotAvailable))
	setState("a", v1alpha1.NetworkStateAvailable)
	n.await(t, "a", pendingFor(v1alpha1.PeeringReasonPeerNotAvailable))
	setState("b", v1alpha1.NetworkStateAvailable)
	n.await(t, "a", boundTo(b))
	n.await(t, "b", boundTo(a))
	setState("b", v1alpha1.NetworkStateError)
	n.await(t, "a", pendingFor(v1alpha1.PeeringReasonPeerNotAvailable))
	n.await(t, "b", pendingFor(v1alpha1.PeeringReasonNetworkNotAvailable))
	setState("b", v1alpha1.NetworkStateAvailable)
	n.await(t, "a", boundTo(b))
}

func TestANetworkMadeAgainInheritsNothing(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)

	t.Run("its peer drops the old claim before it takes the new one", func(t *testing.T) {
		a, b := n.peered(t, "a", "b")
		n.delete(t, "b")
		again := n.create(t, newNetwork("b", to("a")))

		var claims []types.UID
		for _, version := range n.history(t, a, boundTo(again)) {
			claim := types.UID("none")
			if len(version.Spec.IncomingPeerings) > 0 {
				claim = version.Spec.IncomingPeerings[0].UID
			}
			if len(claims) == 0 || claims[len(claims)-1] != claim {
				claims = append(claims, claim)
			}
		}
		if claims[0] != b.UID {
			claims = append([]types.UID{b.UID}, claims...) // The watch began after the release.
		}
		if diff := cmp.Diff([]types.UID{b.UID, "none", again.UID}, claims); diff != "" {
			t.Errorf("the claims that a has held over time differ (-want +got):\n%s", diff)
		}
		n.await(t, "b", boundTo(a))
	})
	t.Run("a new one that names nobody is bound to nobody", func(t *testing.T) {
		n.peered(t, "c", "d")
		n.delete(t, "d")
		n.create(t, newNetwork("d"))
		n.await(t, "c", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted))
	})
	t.Run("a peering with a uid accepts the one Network alone", func(t *testing.T) {
		e, f := n.create(t, newNetwork("e")), n.create(t, newNetwork("f", to("e")))
		n.setPeerings(t, "e", pinned(to("f"), f.UID))
		n.await(t, "e", boundTo(f))
		n.await(t, "f", boundTo(e))
		n.delete(t, "f")
		n.create(t, newNetwork("f", to("e")))
		n.await(t, "e", pendingFor(v1alpha1.PeeringReasonPeerUIDMismatch))
		n.await(t, "f", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted))
	})
}

func TestATenantLearnsNothingOfNetworksThatDoNotNameItsOwn(t *testing.T) {
	t.Parallel()
	n, other := newNamespace(t, shared), newNamespace(t, shared)
	n.create(t, newNetwork("curious", across(other.name, "secret")))
	before := n.await(t, "curious", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted))

	for _, step := range []struct {
		what   string
		change func(t *testing.T)
	}{
		{"is made", func(t *testing.T) {
			other.create(t, newNetwork("secret"))
			other.await(t, "secret", available)
		}},
		{"names another one", func(t *testing.T) { other.setPeerings(t, "secret", across(n.name, "another")) }},
		{"names the tenant's, but another uid", func(t *testing.T) {
			other.setPeerings(t, "secret", pinned(across(n.name, "curious"), strangerUID))
		}},
		{"is being deleted", func(t *testing.T) {
			other.mergePatch(t, "secret", object{"metadata": object{"finalizers": []string{"example.com/provider"}}})
			other.delete(t, "secret")
		}},
		{"is gone", func(t *testing.T) {
			other.mergePatch(t, "secret", object{"metadata": object{"finalizers": nil}})
		}},
	} {
		t.Run("the other Network "+step.what, func(t *testing.T) {
			step.change(t)
			// By the time that a later change shows its effect, the controllers have looked at this one.
			n.peered(t, "barrier", "barrier-peer")
			n.delete(t, "barrier")
			n.await(t, "barrier-peer", pendingFor(v1alpha1.PeeringReasonPeerNotFound))
			n.delete(t, "barrier-peer")
			if diff := cmp.Diff(before, n.get(t, "curious")); diff != "" {
				t.Errorf("the tenant's Network tells of it (-want +got):\n%s", diff)
			}
		})
	}
}
