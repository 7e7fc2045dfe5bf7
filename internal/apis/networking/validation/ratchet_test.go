// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/networking"
)

// What was stored under other rules can be written as long as the write adds no fault.
func TestRatchetOfNetworks(t *testing.T) {
	network := func(providerID string, peerings ...networking.NetworkPeering) *networking.Network {
		return &networking.Network{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: uidA, ResourceVersion: "7"},
			Spec:       networking.NetworkSpec{ProviderID: providerID, Peerings: peerings},
		}
	}
	peering := func(name, peer string, prefixes ...networking.PeeringPrefix) networking.NetworkPeering {
		return networking.NetworkPeering{
			Name: name, NetworkRef: networking.NetworkPeeringNetworkRef{Name: peer}, Prefixes: prefixes,
		}
	}
	hostBits := networking.PeeringPrefix{Name: "x", Prefix: "10.0.0.1/24"}
	const canonical = `must be in canonical form with all host bits zero: "10.0.0.0/24"`
	stored := network("a b", peering("p", "b"), peering("Q", "c", hostBits))
	for sentence, tc := range map[string]struct {
		stored, sent *networking.Network
		want         []string
	}{
		"nothing changes":              {stored: stored, sent: stored.DeepCopy()},
		"another peering comes before": {stored: stored, sent: network("a b", peering("n", "d"), peering("Q", "c", hostBits))},
		"all peerings go":              {stored: stored, sent: network("a b")},
		"a fault is mended":            {stored: stored, sent: network("a b", peering("q", "c", hostBits))},
		"a second one is added": {
			stored: stored, sent: network("a b", peering("Q", "c", hostBits), peering("r", "d", hostBits)),
			want: []string{`spec.peerings[1].prefixes[0].prefix: Invalid value: "10.0.0.1/24": ` + canonical},
		},
		"a fault becomes another": {
			stored: stored, sent: network("a b", peering("Q", "c", networking.PeeringPrefix{Name: "x", Prefix: "10.0.0.2/24"})),
			want: []string{`spec.peerings[0].prefixes[0].prefix: Invalid value: "10.0.0.2/24": ` + canonical},
		},
		"a name that is too long becomes another": {
			stored: network("", peering(strings.Repeat("x", 254), "b")), sent: network("", peering(strings.Repeat("y", 254), "b")),
			want: []string{"spec.peerings[0].name: Too long: may not be more than 253 bytes"},
		},
		"a list that is too long gets shorter": {
			stored: network("", make([]networking.NetworkPeering, maxPeerings+2)...),
			sent:   network("", make([]networking.NetworkPeering, maxPeerings+1)...),
		},
		"a list that is too long gets longer": {
			stored: network("", make([]networking.NetworkPeering, maxPeerings+1)...),
			sent:   network("", make([]networking.NetworkPeering, maxPeerings+2)...),
			want:   []string{"spec.peerings: Too many: 1002: must have at most 1000 items"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			tc.sent.Labels = map[string]string{"edited": "elsewhere"}
			expect(t, tc.want, ValidateNetworkUpdate(tc.sent, tc.stored))
		})
	}
}

func TestRatchetOfStatuses(t *testing.T) {
	stored := &networking.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: uidA, ResourceVersion: "7"},
		Status:     networking.NetworkStatus{State: "Odd"},
	}
	sent := stored.DeepCopy()
	sent.Status.Peerings = []networking.NetworkPeeringStatus{{Name: "p", State: networking.NetworkPeeringStateReady}}
	expect(t, nil, ValidateNetworkStatusUpdate(sent, stored))
	sent.Status.State = "Stranger"
	expect(t, []string{`status.state: Unsupported value: "Stranger": supported values: "Pending", "Available", "Error"`},
		ValidateNetworkStatusUpdate(sent, stored))

	nic := dualStack(func(n *networking.NetworkInterface) {
		n.Name = "nic.web"
		n.Spec.VirtualIP = &networking.VirtualIPSource{Ephemeral: &networking.EphemeralVirtualIPSource{
			VirtualIPTemplate: &networking.VirtualIPTemplateSpec{Spec: networking.EphemeralVirtualIPSpec{
				Type: networking.VirtualIPTypePublic, IPFamily: networking.IPv4Protocol,
			}},
		}}
		n.Spec.MachineRef = &networking.LocalUIDReference{Name: "m"}
		n.Spec.Prefixes = []networking.PrefixSource{{Value: "192.168.7.7/24"}}
		n.Status.State = "Odd"
	})
	changed := nic.DeepCopy()
	changed.Finalizers = nil
	changed.Spec.Attributes = map[string]string{"k": "v"}
	expect(t, nil, ValidateNetworkInterfaceUpdate(changed, nic))
	expect(t, nil, ValidateNetworkInterfaceStatusUpdate(changed, nic))
}
