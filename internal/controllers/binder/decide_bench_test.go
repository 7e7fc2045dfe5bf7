// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package binder

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// BenchmarkCompare compares a Network with what is decided of it: nothing new, which is most often the case, and all
// peerings newly Bound.
func BenchmarkCompare(b *testing.B) {
	for _, peerings := range []int{2, 1000} {
		allBound := make([]peering, peerings)
		allPending := make([]peering, peerings)
		for i := range peerings {
			allBound[i] = peering{bound, "Bound", types.UID(fmt.Sprintf("uid-%d", i))}
			allPending[i] = peering{pending, "PeerNotAvailable", ""}
		}
		for _, network := range []struct {
			name   string
			stored []peering
			want   change
		}{{"unchanged", allBound, unchanged}, {"bind", allPending, bind}} {
			b.Run(fmt.Sprintf("%s/%d peerings", network.name, peerings), func(b *testing.B) {
				before, after := stored(network.stored...), decided(allBound...)
				now := time.Now()
				b.ReportAllocs()
				for b.Loop() {
					change := compare(before, after)
					if change != network.want || pace(before, after, change, time.Time{}, now) > 0 {
						b.Fatalf("got change %d, want %d at once", change, network.want)
					}
				}
			})
		}
	}
}
