// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"testing"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// BenchmarkClash compares a NetworkInterface with all others of a large Network, each with a range that is apart from the others.
func BenchmarkClash(b *testing.B) {
	var others []*v1alpha1.NetworkInterface
	for i := range 5000 {
		others = append(others, asking(fmt.Sprint(i), fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), fmt.Sprintf("10.%d.%d.0/24", 100+i/250, i%250)))
	}
	nic := asking("nic", "10.0.255.1", "10.99.0.0/24", "10.99.1.0/24")
	b.ReportAllocs()
	for b.Loop() {
		if clash, ok := DecideClash(ClashesOf(nic, others), func(*v1alpha1.NetworkInterface) bool { return true }); ok {
			b.Fatal(clash)
		}
	}
}
