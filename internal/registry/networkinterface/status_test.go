// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry/member"
)

func TestAChangeThatAProviderHasToRealizeIsNotObservedAtOnce(t *testing.T) {
	for sentence, tc := range map[string]struct {
		change func(*networking.NetworkInterfaceSpec)
		want   bool
	}{
		"a first Machine is nothing to realize": {want: true, change: func(spec *networking.NetworkInterfaceSpec) {
			spec.MachineRef = &networking.LocalUIDReference{Name: "m", UID: "u"}
		}},
		"an attribute may be": {change: func(spec *networking.NetworkInterfaceSpec) {
			spec.Attributes = map[string]string{"k": "w"}
		}},
		"so may one that is taken out": {change: func(spec *networking.NetworkInterfaceSpec) { spec.Attributes = nil }},
		"an address is":                {change: func(spec *networking.NetworkInterfaceSpec) { spec.IPs[0].Value = "10.0.0.2" }},
		"a range is": {change: func(spec *networking.NetworkInterfaceSpec) {
			spec.Prefixes = []networking.PrefixSource{{Value: "10.1.0.0/24"}}
		}},
	} {
		t.Run(sentence, func(t *testing.T) {
			stored := &networking.NetworkInterface{
				ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "nic", Generation: 4},
				Spec: networking.NetworkInterfaceSpec{
					IPs: []networking.IPSource{{Value: "10.0.0.1"}}, Attributes: map[string]string{"k": "v"},
				},
				Status: networking.NetworkInterfaceStatus{State: networking.NetworkInterfaceStateAvailable, ObservedGeneration: 4},
			}
			nic := stored.DeepCopy()
			nic.Generation = 5
			tc.change(&nic.Spec)
			prepare(t.Context(), member.Networks(nil), nic, stored, metav1.Now())
			if got := nic.Status.ObservedGeneration == 5; got != tc.want {
				t.Errorf("it is observed at once: %v, want %v", got, tc.want)
			}
		})
	}
}
