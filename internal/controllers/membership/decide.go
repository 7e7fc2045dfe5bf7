// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package membership

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// deletionMayEnd tells whether the deletion of a Network waits for its members and there are none.
func deletionMayEnd(network *v1alpha1.Network, members rules.Members) bool {
	return len(members.Holders()) == 0 && network.DeletionTimestamp != nil && isProtected(network)
}

// settleTime is how long the request that deletes a Network is left to let it go.
const settleTime = 2 * time.Second

// waitForDeletingRequest returns how long to wait for the request that deletes a Network. It looks for members itself, and says so in the
// Network if it finds any: then nobody but the controller lets the Network go. A deletion that is yet to come was written by a
// replica whose clock is ahead: how long ago is not known, and to wait for it could take hours.
func waitForDeletingRequest(network *v1alpha1.Network, now time.Time) time.Duration {
	if meta.IsStatusConditionTrue(network.Status.Conditions, v1alpha1.NetworkDeletionBlocked) {
		return 0
	}
	wait := network.DeletionTimestamp.Add(settleTime).Sub(now)
	if wait > settleTime+time.Second { // Times in the API have no fractions of a second.
		return 0
	}
	return wait
}

// count returns the membership of a Network where it differs from what the Network says, else nil.
func count(network *v1alpha1.Network, members rules.Members) *v1alpha1.NetworkMembership {
	counted := emptyMembership(network)
	counted.NetworkInterfaces = int32(len(members.NetworkInterfaces))
	if network.DeletionTimestamp != nil && isProtected(network) {
		counted.Holders = members.Holders()
	}
	said := ""
	if blocked := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkDeletionBlocked); blocked != nil {
		said = blocked.Message
	}
	if network.Status.NetworkInterfaces == counted.NetworkInterfaces && rules.DeletionMessage(counted.Holders) == said {
		return nil
	}
	return counted
}

// blocked returns the condition that says what a deletion waits for, where it is new or has another reason than before, else
// nil. That the count went down is no news. Before is nil for a Network that is seen for the first time.
func blocked(before, after *v1alpha1.Network) *metav1.Condition {
	now := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.NetworkDeletionBlocked)
	if now == nil || before == nil {
		return now
	}
	then := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.NetworkDeletionBlocked)
	if then != nil && then.Reason == now.Reason && before.UID == after.UID {
		return nil
	}
	return now
}

// isProtected tells whether a deletion waits, or would: ironcore's own controller manager puts its finalizer on before.
func isProtected(network *v1alpha1.Network) bool {
	return slices.ContainsFunc(network.Finalizers, rules.IsProtection)
}

// emptyMembership is the membership of a Network without members.
func emptyMembership(network *v1alpha1.Network) *v1alpha1.NetworkMembership {
	return &v1alpha1.NetworkMembership{ObjectMeta: metav1.ObjectMeta{
		Namespace: network.Namespace, Name: network.Name,
		UID: network.UID, ResourceVersion: network.ResourceVersion,
	}}
}
