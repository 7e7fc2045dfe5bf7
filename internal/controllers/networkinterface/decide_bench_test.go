// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"testing"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

// BenchmarkDecide decides on a NetworkInterface that nothing is in the way of: what its provider says is new, or known.
func BenchmarkDecide(b *testing.B) {
	network := &v1alpha1.Network{Status: v1alpha1.NetworkStatus{State: v1alpha1.NetworkStateAvailable}}
	realized := provider.InterfaceRealization{State: v1alpha1.NetworkInterfaceStateAvailable, IPs: []string{"10.0.0.1"}}
	fresh := at(0, "nic")
	for _, state := range []struct {
		name   string
		nic    *v1alpha1.NetworkInterface
		writes bool
	}{{"new", fresh, true}, {"unchanged", report(fresh, realized), false}} {
		b.Run(state.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if obstacle := obstacle(state.nic, network); obstacle != nil {
					b.Fatal(obstacle.Message)
				}
				if written := report(state.nic, realized) != nil; written != state.writes {
					b.Fatalf("got write %t, want %t", written, state.writes)
				}
			}
		})
	}
}
