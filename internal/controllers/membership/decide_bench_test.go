// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package membership

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// BenchmarkCount counts the members of a Network that says their number already, and of one that is being deleted and
// is to tell the first names.
func BenchmarkCount(b *testing.B) {
	for _, members := range []int{2, 1000} {
		names := make([]string, members)
		for i := range names {
			names[i] = fmt.Sprintf("nic-%d", i)
		}
		counted := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "net", UID: "u"}}
		counted.Status.NetworkInterfaces = int32(members)
		deleting := counted.DeepCopy()
		deleting.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
		deleting.Finalizers = []string{v1alpha1.NetworkInterfacesFinalizer}
		for _, state := range []struct {
			name    string
			network *v1alpha1.Network
			writes  bool
		}{{"unchanged", counted, false}, {"deletion begins", deleting, true}} {
			b.Run(fmt.Sprintf("%s/%d members", state.name, members), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if written := count(state.network, rules.Members{NetworkInterfaces: names}) != nil; written != state.writes {
						b.Fatalf("got write %t, want %t", written, state.writes)
					}
				}
			})
		}
	}
}
