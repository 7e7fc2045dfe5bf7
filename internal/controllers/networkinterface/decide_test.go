// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// at is a NetworkInterface that asks for 10.0.0.1 and was created so many seconds after noon.
func at(second int, name string, changes ...func(*v1alpha1.NetworkInterface)) *v1alpha1.NetworkInterface {
	nic := &v1alpha1.NetworkInterface{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-a", Name: name, UID: types.UID("uid-of-" + name),
			CreationTimestamp: metav1.NewTime(noon.Add(time.Duration(second) * time.Second)),
		},
		Spec: v1alpha1.NetworkInterfaceSpec{
			NetworkRef: v1alpha1.LocalObjectReference{Name: "net"},
			IPs:        []v1alpha1.IPSource{{Value: "10.0.0.1"}, {Ephemeral: &v1alpha1.EphemeralPrefixSource{}}},
		},
	}
	for _, change := range changes {
		change(nic)
	}
	return nic
}

func inForce(nic *v1alpha1.NetworkInterface) {
	nic.Status.State = v1alpha1.NetworkInterfaceStateAvailable
	nic.Status.IPs = []string{"10.0.0.1"}
}

func TestObstacle(t *testing.T) {
	network := func(state v1alpha1.NetworkState) *v1alpha1.Network {
		return &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: "net"}, Status: v1alpha1.NetworkStatus{State: state}}
	}
	deleted := func(network *v1alpha1.Network) *v1alpha1.Network {
		network.DeletionTimestamp = &metav1.Time{Time: noon}
		return network
	}
	available := network(v1alpha1.NetworkStateAvailable)
	addressInUse := &provider.InterfaceRealization{
		State: "Error", Reason: "AddressInUse",
		Message: "NetworkInterface rival of Network net has 10.0.0.1 already: choose another address.",
	}
	for sentence, tc := range map[string]struct {
		nic     *v1alpha1.NetworkInterface
		network *v1alpha1.Network
		rivals  []*v1alpha1.NetworkInterface
		want    *provider.InterfaceRealization
	}{
		"a Network that is missing": {
			nic: at(0, "nic"),
			want: &provider.InterfaceRealization{
				State: "Pending", Reason: "NetworkNotFound", Message: "There is no Network net: create it.",
			},
		},
		"a Network that is not available": {
			nic: at(0, "nic"), network: network(v1alpha1.NetworkStatePending),
			want: &provider.InterfaceRealization{
				State: "Pending", Reason: "NetworkNotAvailable",
				Message: "Network net is not available yet: its network provider has to realize it first.",
			},
		},
		"a Network that is deleted before it was available": {
			nic: at(0, "nic"), network: deleted(network(v1alpha1.NetworkStatePending)),
			want: &provider.InterfaceRealization{
				State: "Pending", Reason: "NetworkNotAvailable",
				Message: "Network net is being deleted and never becomes available: " +
					"delete this NetworkInterface to let the Network go.",
			},
		},
		"none, where the Network was available and is being deleted": {
			nic: at(0, "nic"), network: deleted(network(v1alpha1.NetworkStateAvailable)),
		},
		"none, where it is alone with its address": {nic: at(0, "nic"), network: available},
		"an earlier one with its address": {
			nic: at(1, "nic"), network: available, rivals: []*v1alpha1.NetworkInterface{at(0, "rival")}, want: addressInUse,
		},
		"none, where the other one came later": {
			nic: at(0, "nic"), network: available, rivals: []*v1alpha1.NetworkInterface{at(1, "rival")},
		},
		"none, where the name decides of two of the same second": {
			nic: at(0, "nic"), network: available, rivals: []*v1alpha1.NetworkInterface{at(0, "rival")},
		},
		"a later one that has the address in force": {
			nic: at(0, "nic"), network: available, rivals: []*v1alpha1.NetworkInterface{at(1, "rival", inForce)}, want: addressInUse,
		},
		"none, where it has the address in force itself": {
			nic: at(1, "nic", inForce), network: available, rivals: []*v1alpha1.NetworkInterface{at(0, "rival")},
		},
		"the earlier of two that both have it in force": {
			nic: at(1, "nic", inForce), network: available,
			rivals: []*v1alpha1.NetworkInterface{at(0, "rival", inForce)}, want: addressInUse,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := obstacle(tc.nic, tc.network, func(address string) []*v1alpha1.NetworkInterface {
				if address != "10.0.0.1" {
					t.Errorf("asked for the rivals for %q", address)
				}
				return append(tc.rivals, tc.nic)
			})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReport(t *testing.T) {
	words := metav1.Condition{
		Type: "Available", Status: "False", Reason: "AddressMissing", Message: "Give it.", LastTransitionTime: metav1.NewTime(noon),
	}
	pending := v1alpha1.NetworkInterfaceStatus{State: "Pending", Conditions: []metav1.Condition{words}}
	availableAs := func(ips ...string) v1alpha1.NetworkInterfaceStatus {
		return v1alpha1.NetworkInterfaceStatus{State: "Available", IPs: ips, Conditions: []metav1.Condition{
			{Type: "Available", Status: "True", Reason: "Available", Message: "It is.", LastTransitionTime: metav1.NewTime(noon)},
		}}
	}
	for sentence, tc := range map[string]struct {
		stored      v1alpha1.NetworkInterfaceStatus
		realization provider.InterfaceRealization
		want        *v1alpha1.NetworkInterfaceStatus
	}{
		"a provider that has nothing to say changes nothing": {stored: availableAs("10.0.0.1")},
		"what is as it was is not written": {
			stored:      availableAs("10.0.0.1"),
			realization: provider.InterfaceRealization{State: "Available", IPs: []string{"10.0.0.1"}},
		},
		"what is explained as it was is not written": {
			stored:      pending,
			realization: provider.InterfaceRealization{State: "Pending", Reason: "AddressMissing", Message: "Give it."},
		},
		"a new address is written": {
			stored:      availableAs("10.0.0.1"),
			realization: provider.InterfaceRealization{State: "Available", IPs: []string{"10.0.0.2"}},
			want:        new(availableAs("10.0.0.2")),
		},
		"an explanation that is no more is left to the server to replace": {
			stored:      pending,
			realization: provider.InterfaceRealization{State: "Available", IPs: []string{"10.0.0.1"}},
			want:        &v1alpha1.NetworkInterfaceStatus{State: "Available", IPs: []string{"10.0.0.1"}},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			nic := &v1alpha1.NetworkInterface{Status: tc.stored}
			before := nic.DeepCopy()
			var got *v1alpha1.NetworkInterfaceStatus
			if update := report(nic, tc.realization); update != nil {
				got = &update.Status
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, nic); diff != "" {
				t.Errorf("the cached NetworkInterface was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestConcernsRivals(t *testing.T) {
	for sentence, tc := range map[string]struct {
		old, nic *v1alpha1.NetworkInterface
		want     bool
	}{
		"one that comes":                    {nil, at(0, "nic"), true},
		"one that goes":                     {at(0, "nic"), nil, true},
		"one that was made again":           {at(0, "nic"), at(0, "nic", func(n *v1alpha1.NetworkInterface) { n.UID = "other" }), true},
		"one whose address comes in force":  {at(0, "nic"), at(0, "nic", inForce), true},
		"one that asks for another address": {at(0, "nic"), at(0, "nic", func(n *v1alpha1.NetworkInterface) { n.Spec.IPs = nil }), true},
		"but none that is labelled": {
			at(0, "nic"), at(0, "nic", func(n *v1alpha1.NetworkInterface) { n.Labels = map[string]string{"a": "b"} }), false,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := concernsRivals(tc.old, tc.nic); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}
