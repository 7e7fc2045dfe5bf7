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

func available(nic *v1alpha1.NetworkInterface) {
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
	for sentence, tc := range map[string]struct {
		network *v1alpha1.Network
		want    *provider.InterfaceRealization
	}{
		"a Network that is missing": {
			want: &provider.InterfaceRealization{
				State: "Pending", Reason: "NetworkNotFound", Message: "There is no Network net: create it.",
			},
		},
		"a Network that is not available": {
			network: network(v1alpha1.NetworkStatePending),
			want: &provider.InterfaceRealization{
				State: "Pending", Reason: "NetworkNotAvailable",
				Message: "Network net is not available yet: its network provider has to realize it first.",
			},
		},
		"a Network that is deleted before it was available": {
			network: deleted(network(v1alpha1.NetworkStatePending)),
			want: &provider.InterfaceRealization{
				State: "Pending", Reason: "NetworkNotAvailable",
				Message: "Network net is being deleted and never becomes available: " +
					"delete this NetworkInterface to let the Network go.",
			},
		},
		"none, where the Network is available":                       {network: network(v1alpha1.NetworkStateAvailable)},
		"none, where the Network was available and is being deleted": {network: deleted(network(v1alpha1.NetworkStateAvailable))},
	} {
		t.Run(sentence, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, obstacle(at(0, "nic"), tc.network)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	spec := func(ip, prefix string) *v1alpha1.NetworkInterfaceSpec {
		return &v1alpha1.NetworkInterfaceSpec{IPs: []v1alpha1.IPSource{{}, {Value: ip}}, Prefixes: []v1alpha1.PrefixSource{{}, {Value: prefix}}}
	}
	for sentence, tc := range map[string]struct {
		spec *v1alpha1.NetworkInterfaceSpec
		want string
	}{
		"an address and a range":                {spec("10.0.0.1", "10.1.0.0/24"), ""},
		"a range with host bits, which is read": {spec("10.0.0.1", "10.1.0.1/24"), ""},
		"no address":                            {spec("banana", "10.1.0.0/24"), "banana"},
		"an address with a zone":                {spec("fe80::1%eth0", "10.1.0.0/24"), "fe80::1%eth0"},
		"no range":                              {spec("10.0.0.1", "10.1.0.0"), "10.1.0.0"},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := malformed(tc.spec); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			nic := at(0, "nic", func(nic *v1alpha1.NetworkInterface) { nic.Spec = *tc.spec })
			network := &v1alpha1.Network{Status: v1alpha1.NetworkStatus{State: v1alpha1.NetworkStateAvailable}}
			if got := obstacle(nic, network); (got != nil) != (tc.want != "") {
				t.Errorf("the obstacle is %+v", got)
			}
		})
	}
}

func TestReport(t *testing.T) {
	words := metav1.Condition{
		Type: "Available", Status: "False", Reason: "AddressMissing", Message: "Give it.", LastTransitionTime: metav1.NewTime(noon),
	}
	unready := metav1.Condition{Type: "Ready", Status: "False", LastTransitionTime: metav1.NewTime(noon)}
	pending := v1alpha1.NetworkInterfaceStatus{State: "Pending", Conditions: []metav1.Condition{words, unready}}
	availableAs := func(ips ...string) v1alpha1.NetworkInterfaceStatus {
		return v1alpha1.NetworkInterfaceStatus{State: "Available", IPs: ips, Conditions: []metav1.Condition{
			{Type: "Available", Status: "True", Reason: "Available", Message: "It is.", LastTransitionTime: metav1.NewTime(noon)},
			{Type: "Ready", Status: "True", LastTransitionTime: metav1.NewTime(noon)},
		}}
	}
	stale := availableAs("10.0.0.1")
	stale.Conditions = stale.Conditions[:1]
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
			want: &v1alpha1.NetworkInterfaceStatus{
				State: "Available", IPs: []string{"10.0.0.1"}, Conditions: []metav1.Condition{unready},
			},
		},
		"what a replica of an earlier release left out is put back": {
			stored:      stale,
			realization: provider.InterfaceRealization{State: "Available", IPs: []string{"10.0.0.1"}},
			want:        &stale,
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

func TestExplain(t *testing.T) {
	in := func(state v1alpha1.NetworkInterfaceState, reason, message string) v1alpha1.NetworkInterfaceStatus {
		return v1alpha1.NetworkInterfaceStatus{State: state, IPs: []string{"10.0.0.1"}, Conditions: []metav1.Condition{
			{Type: "Available", Status: "False", Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(noon)},
		}}
	}
	missing := &provider.InterfaceRealization{State: "Pending", Reason: "NetworkNotFound", Message: "Create it."}
	for sentence, tc := range map[string]struct {
		stored   v1alpha1.NetworkInterfaceStatus
		obstacle *provider.InterfaceRealization
		want     *v1alpha1.NetworkInterfaceStatus
	}{
		"an obstacle is named": {
			stored: in("Pending", "Pending", "Not yet."), obstacle: missing,
			want: new(in("Pending", "NetworkNotFound", "Create it.")),
		},
		"an obstacle to which the state does not belong is named": {
			stored:   in("Pending", "NetworkNotFound", "Create it."),
			obstacle: &provider.InterfaceRealization{State: "Error", Reason: "AddressInUse", Message: "Choose another."},
			want:     new(in("Pending", "AddressInUse", "Choose another.")),
		},
		"an obstacle that is named already is not written": {stored: in("Pending", "NetworkNotFound", "Create it."), obstacle: missing},
		"an obstacle that is gone is left to the server to replace": {
			stored: in("Pending", "NetworkNotFound", "Create it."),
			want:   &v1alpha1.NetworkInterfaceStatus{State: "Pending", IPs: []string{"10.0.0.1"}},
		},
		"a Network that is not available yet is not worth a write": {
			stored:   in("Pending", "Pending", "Not yet."),
			obstacle: &provider.InterfaceRealization{State: "Pending", Reason: "NetworkNotAvailable", Message: "Not yet."},
		},
		"nothing is said where nothing is in the way":    {stored: in("Pending", "Pending", "Not yet.")},
		"another state is theirs":                        {stored: in("Error", "Error", "It is not."), obstacle: missing},
		"the words of those who realize it are not ours": {stored: in("Pending", "Programming", "Wait."), obstacle: missing},
	} {
		t.Run(sentence, func(t *testing.T) {
			var got *v1alpha1.NetworkInterfaceStatus
			if update := explain(&v1alpha1.NetworkInterface{Status: tc.stored}, tc.obstacle); update != nil {
				got = &update.Status
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConcernsContenders(t *testing.T) {
	for sentence, tc := range map[string]struct {
		old, nic *v1alpha1.NetworkInterface
		want     bool
	}{
		"one that comes":                    {nil, at(0, "nic"), true},
		"one that goes":                     {at(0, "nic"), nil, true},
		"one that was created again":        {at(0, "nic"), at(0, "nic", func(n *v1alpha1.NetworkInterface) { n.UID = "other" }), true},
		"one whose address comes in force":  {at(0, "nic"), at(0, "nic", available), true},
		"one that asks for another address": {at(0, "nic"), at(0, "nic", func(n *v1alpha1.NetworkInterface) { n.Spec.IPs = nil }), true},
		"one that loses its address": {
			at(0, "nic", available), at(0, "nic", available, func(n *v1alpha1.NetworkInterface) { n.Status.State = "Error" }), true,
		},
		"but none that learns that it gets none": {
			at(0, "nic"), at(0, "nic", func(n *v1alpha1.NetworkInterface) { n.Status.State = "Error" }), false,
		},
		"and none whose Network is not available for a time": {
			at(0, "nic", available), at(0, "nic", available, func(n *v1alpha1.NetworkInterface) { n.Status.State = "Pending" }), false,
		},
		"but none that is labelled": {
			at(0, "nic"), at(0, "nic", func(n *v1alpha1.NetworkInterface) { n.Labels = map[string]string{"a": "b"} }), false,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := concernsContenders(tc.old, tc.nic); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}
