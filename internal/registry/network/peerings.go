// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/rules"
)

// What the server derives in the same write as the change it follows from. Pure functions of the new and the stored
// Network; the strategies call them.

// mirrorPeerings starts a Network as Pending, gives every peering its item in status.peerings, in order, and drops items and
// claims of peerings that are gone or name another Network now. The network carries the stored status and claims when it is
// called; old is the stored Network, empty on create.
func mirrorPeerings(network, old *networking.Network, now metav1.Time) {
	if network.Status.State == "" {
		network.Status.State = networking.NetworkStatePending
	}
	if network.Generation == old.Generation && isMirrored(network) {
		return
	}
	kept := make(map[string]networking.NetworkPeeringStatus, len(network.Status.Peerings))
	before := make(map[string]*networking.NetworkPeering, len(old.Spec.Peerings))
	for i := range old.Spec.Peerings {
		before[old.Spec.Peerings[i].Name] = &old.Spec.Peerings[i]
	}
	items := worstReports(old.Status.Peerings)
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		if same := before[peering.Name]; same != nil && same.NetworkRef.UID == peering.NetworkRef.UID &&
			target(old, same) == target(network, peering) {
			kept[peering.Name] = items[peering.Name]
		}
	}

	claims := make(map[types.NamespacedName]networking.NetworkPeeringClaimRef, len(network.Spec.IncomingPeerings))
	for _, claim := range network.Spec.IncomingPeerings {
		claims[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = claim
	}
	network.Spec.IncomingPeerings = nil
	var statuses []networking.NetworkPeeringStatus
	undecided := false
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		status := newPeeringStatus(network, peering.Name, now)
		claim, isClaimed := claims[target(network, peering)]
		switch before, isKept := kept[peering.Name]; {
		case before.Phase != "":
			*status = before
		case isKept:
			adoptForeignItem(status, before, isClaimed)
			fallthrough
		default:
			undecided = undecided || status.Reason == v1alpha1.PeeringReasonEvaluating
		}
		status.NetworkRef = peerRef(network, peering)
		if status.Phase == networking.NetworkPeeringPhaseBound {
			if isClaimed {
				network.Spec.IncomingPeerings = append(network.Spec.IncomingPeerings, claim)
				status.NetworkRef.UID = claim.UID
			}
		}
		statuses = append(statuses, *status)
	}
	network.Status.Peerings = statuses

	// Without a new item that only the controller can decide on, the phases already speak for this generation.
	observed := old.Status.ObservedGeneration == old.Generation
	if !undecided && (observed || len(statuses) == 0) {
		network.Status.ObservedGeneration = network.Generation
	}
}

// isMirrored tells whether status.peerings has the items of spec.peerings. Another server may have stored others.
func isMirrored(network *networking.Network) bool {
	return network.Status.ObservedGeneration > 0 && slices.EqualFunc(network.Status.Peerings, network.Spec.Peerings,
		func(item networking.NetworkPeeringStatus, peering networking.NetworkPeering) bool {
			return item.Name == peering.Name && item.Phase != "" && item.NetworkRef != nil
		})
}

// adoptForeignItem gives a peering that another server stored, and no phase with it, what is known of it: the provider's word, and that
// it was in force if there is a claim. So it stays in force until the controller has decided.
func adoptForeignItem(status *networking.NetworkPeeringStatus, stored networking.NetworkPeeringStatus, isClaimed bool) {
	status.State = stored.State
	seen := sets.New("")
	for _, prefix := range stored.Prefixes {
		if !seen.Has(prefix.Name) {
			status.Prefixes = append(status.Prefixes, prefix)
		}
		seen.Insert(prefix.Name)
	}
	if isClaimed && status.Reason == v1alpha1.PeeringReasonEvaluating {
		status.Phase = networking.NetworkPeeringPhaseBound
	}
}

// peerRef is the Network that a peering means, with its namespace.
func peerRef(network *networking.Network, peering *networking.NetworkPeering) *networking.NetworkPeeringNetworkRef {
	peer := target(network, peering)
	return &networking.NetworkPeeringNetworkRef{Namespace: peer.Namespace, Name: peer.Name, UID: peering.NetworkRef.UID}
}

const evaluating = "The peering controller has not decided on this peering yet."

// newPeeringStatus is where a peering starts, with the reason that the controller would give if the Network itself
// already tells it.
func newPeeringStatus(network *networking.Network, name string, now metav1.Time) *networking.NetworkPeeringStatus {
	reason, message := rules.OwnReason(network.DeletionTimestamp != nil, v1alpha1.NetworkState(network.Status.State))
	if reason == "" {
		reason, message = v1alpha1.PeeringReasonEvaluating, evaluating
	}
	return &networking.NetworkPeeringStatus{
		Name:                    name,
		Phase:                   networking.NetworkPeeringPhasePending,
		Reason:                  reason,
		Message:                 message,
		LastPhaseTransitionTime: &now,
	}
}

// target returns the Network that a peering means.
func target(network *networking.Network, peering *networking.NetworkPeering) types.NamespacedName {
	return rules.PeeringTarget(network.Namespace, peering.NetworkRef.Namespace, peering.NetworkRef.Name)
}

// worstReports returns the items by their names, of several with one name the worst.
func worstReports(items []networking.NetworkPeeringStatus) map[string]networking.NetworkPeeringStatus {
	byName := make(map[string]networking.NetworkPeeringStatus, len(items))
	for _, item := range items {
		if before, ok := byName[item.Name]; !ok || worse(item.State, before.State) {
			byName[item.Name] = item
		}
	}
	return byName
}

// worse tells which of two reports on one peering counts: an agent may send one for each of its nodes.
func worse(state, than networking.NetworkPeeringState) bool {
	order := []networking.NetworkPeeringState{"", networking.NetworkPeeringStateReady, networking.NetworkPeeringStatePending,
		networking.NetworkPeeringStateError}
	return slices.Index(order, state) > slices.Index(order, than)
}

// applyRealization puts into the Network what the provider inside the server made of it: the provider ID and the status
// change together.
func applyRealization(network *networking.Network, realized *networking.NetworkRealization, _ metav1.Time) {
	if realized.ProviderID != "" {
		network.Spec.ProviderID = realized.ProviderID
	}
	network.Status = mergeProviderStatus(realized.Status, network.Status)
}

// applyBinding puts a decision into the Network: claims and phases change together. The items of the status mirror the
// peerings, as the decisions do.
func applyBinding(network *networking.Network, decided *networking.NetworkBinding, now metav1.Time) {
	network.Spec.IncomingPeerings = decided.IncomingPeerings
	claims := make(map[types.NamespacedName]types.UID, len(decided.IncomingPeerings))
	for _, claim := range decided.IncomingPeerings {
		claims[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = claim.UID
	}
	for i := range decided.Peerings {
		decision, item, peering := &decided.Peerings[i], &network.Status.Peerings[i], &network.Spec.Peerings[i]
		if item.Phase != decision.Phase {
			item.LastPhaseTransitionTime = &now
		}
		if item.Phase == networking.NetworkPeeringPhaseBound && decision.Phase != item.Phase {
			// What was reported of one binding says nothing of the next. A report that came before the first stays: an agent
			// that knows nothing of phases sends it once.
			item.State, item.Prefixes = "", nil
		}
		item.Phase, item.Reason, item.Message = decision.Phase, decision.Reason, decision.Message
		if most := wordsOf(network, peering); len(item.Message) > most {
			item.Message = strings.ToValidUTF8(item.Message[:most], "") // There is room for no more.
		}
		item.NetworkRef = peerRef(network, peering)
		if uid := claims[target(network, peering)]; uid != "" && item.Phase == networking.NetworkPeeringPhaseBound {
			item.NetworkRef.UID = uid
		}
	}
	network.Status.ObservedGeneration = network.Generation
}
