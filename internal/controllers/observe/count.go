// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// The values of the label resource.
const (
	networks   = "networks"
	peerings   = "peerings"
	interfaces = "networkinterfaces"
)

// situation is what objects are counted by: a state or phase, and its reason.
type situation struct{ resource, state, reason string }

// figures are how many objects are in each situation, and since when the oldest one has been.
type figures map[situation]figure

type figure struct {
	count  int
	oldest time.Time
}

func (f figures) add(s situation, since time.Time) {
	was, ok := f[s]
	if !ok || since.Before(was.oldest) {
		was.oldest = since
	}
	was.count++
	f[s] = was
}

// count returns the figures of Networks, their peerings, and NetworkInterfaces.
func count(allNetworks []*v1alpha1.Network, allInterfaces []*v1alpha1.NetworkInterface) figures {
	f := figures{}
	for _, network := range allNetworks {
		reason, since := available(network.Status.Conditions, network.CreationTimestamp)
		f.add(situation{networks, string(network.Status.State), reason}, since)
		for i := range network.Status.Peerings {
			peering := &network.Status.Peerings[i]
			since := network.CreationTimestamp.Time
			if peering.LastPhaseTransitionTime != nil {
				since = peering.LastPhaseTransitionTime.Time
			}
			f.add(situation{peerings, string(peering.Phase), peering.Reason}, since)
		}
	}
	for _, nic := range allInterfaces {
		reason, since := available(nic.Status.Conditions, nic.CreationTimestamp)
		f.add(situation{interfaces, string(nic.Status.State), reason}, since)
	}
	return f
}

// available returns the reason of the condition Available, and since when its status is what it is.
func available(conditions []metav1.Condition, created metav1.Time) (reason string, since time.Time) {
	condition := meta.FindStatusCondition(conditions, v1alpha1.NetworkAvailable)
	if condition == nil {
		return "", created.Time
	}
	return condition.Reason, condition.LastTransitionTime.Time
}
