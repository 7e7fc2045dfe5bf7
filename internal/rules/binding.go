// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Lookup returns the Network of a name, or nil if there is none.
type Lookup func(name types.NamespacedName) *v1alpha1.Network

// DecideBinding returns the binding that a Network should have, given the other Networks. It decides on a Network as a whole,
// so that the claims and the phases of one Network always agree.
func DecideBinding(network *v1alpha1.Network, lookup Lookup) *v1alpha1.NetworkBinding {
	binding := &v1alpha1.NetworkBinding{}
	binding.Namespace, binding.Name = network.Namespace, network.Name
	binding.UID, binding.ResourceVersion = network.UID, network.ResourceVersion

	claims := make(map[types.NamespacedName]types.UID, len(network.Spec.IncomingPeerings))
	for _, claim := range network.Spec.IncomingPeerings {
		claims[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = claim.UID
	}
	items := PeeringItems(network)
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		target := PeeringTarget(network.Namespace, peering.NetworkRef.Namespace, peering.NetworkRef.Name)
		peer := lookup(target)
		decision := v1alpha1.NetworkPeeringBinding{Name: peering.Name, Phase: v1alpha1.NetworkPeeringPhasePending}
		decision.Reason, decision.Message = pendingReason(peeringCase{
			network: network, ref: peering.NetworkRef, target: target, peer: peer, claim: claims[target],
		})
		if decision.Reason == "" {
			decision.Phase = v1alpha1.NetworkPeeringPhaseBound
			decision.Reason = v1alpha1.PeeringReasonBound
			decision.Message = fmt.Sprintf("This Network and %s name each other and are available.", target)
			missing := unresolvedPrefixes(items[peering.Name])
			switch {
			case isOverlapping(network, items[peering.Name]):
				decision.Reason = v1alpha1.PeeringReasonPrefixesOverlap
				decision.Message = fmt.Sprintf("This Network and %s name each other and are available, but no traffic flows, since "+
					"addresses are in use elsewhere: the condition PrefixesOverlap says which.", target)
			case len(missing) > 0:
				decision.Reason = v1alpha1.PeeringReasonPrefixUnresolved
				decision.Message = fmt.Sprintf("This Network and %s name each other and are available, but nothing is exposed "+
					"through prefix %s: the condition PeeringsRealized says what is missing.", target, firstNames(missing))
			}
			binding.IncomingPeerings = append(binding.IncomingPeerings,
				v1alpha1.NetworkPeeringClaimRef{Namespace: target.Namespace, Name: target.Name, UID: peer.UID})
		}
		binding.Peerings = append(binding.Peerings, decision)
	}
	return binding
}

// PeeringItems returns the items of status.peerings by the name of their peering. A peering without an item has an empty one:
// an object that another server stored may have fewer items than peerings, more, or several of one name, of which the first
// counts.
func PeeringItems(network *v1alpha1.Network) map[string]v1alpha1.NetworkPeeringStatus {
	items := make(map[string]v1alpha1.NetworkPeeringStatus, len(network.Status.Peerings))
	for i := range network.Status.Peerings {
		item := &network.Status.Peerings[i]
		if _, ok := items[item.Name]; !ok {
			items[item.Name] = *item
		}
	}
	return items
}

// isOverlapping tells whether a peering is not in force because of overlaps.
func isOverlapping(network *v1alpha1.Network, item v1alpha1.NetworkPeeringStatus) bool {
	return item.State == v1alpha1.NetworkPeeringStateError &&
		meta.IsStatusConditionTrue(network.Status.Conditions, v1alpha1.NetworkPrefixesOverlap)
}

// unresolvedPrefixes lists the prefixes of a peering that have no range, by the provider's word.
func unresolvedPrefixes(item v1alpha1.NetworkPeeringStatus) []string {
	var missing []string
	for _, prefix := range item.Prefixes {
		if prefix.Prefix == "" {
			missing = append(missing, prefix.Name)
		}
	}
	return missing
}

// firstNames keeps a message short however many names there are.
func firstNames(names []string) string {
	const most = 3
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// OwnReason returns why no peering of a Network can be Bound yet as far as the Network alone can tell, or an empty
// reason. The server uses it for new peerings, so that they start with the words that the controller would choose.
func OwnReason(deleting bool, state v1alpha1.NetworkState) (reason, message string) {
	switch {
	case deleting:
		return v1alpha1.PeeringReasonNetworkDeleting, "This Network is being deleted."
	case state != v1alpha1.NetworkStateAvailable:
		return v1alpha1.PeeringReasonNetworkNotAvailable,
			"This Network is not available yet: its network provider has to realize it first."
	}
	return "", ""
}

// peeringCase is all that the decision on one peering depends on.
type peeringCase struct {
	network *v1alpha1.Network
	ref     v1alpha1.NetworkPeeringNetworkRef
	target  types.NamespacedName
	peer    *v1alpha1.Network // nil if there is none
	claim   types.UID         // of the target in the network's incomingPeerings, empty if there is none
}

// checks are held in this order against a peering; the first that gives a reason decides. What a check reveals about the
// peer comes after acceptance: a tenant learns nothing of a Network that doesn't name the tenant's own, in spec.peerings or
// by declining it.
var checks = []func(peeringCase) (reason, message string){
	ownNetworkTakesPart,
	neitherDeclines,
	peerAccepts,
	peerIsThePinnedOne,
	peerIsNotDeleting,
	earlierClaimIsReleased,
	peerIsAvailable,
}

func pendingReason(c peeringCase) (reason, message string) {
	for _, check := range checks {
		if reason, message = check(c); reason != "" {
			return reason, message
		}
	}
	return "", ""
}

// ownNetworkTakesPart: a Network takes part in peerings from its being available until its deletion.
func ownNetworkTakesPart(c peeringCase) (reason, message string) {
	return OwnReason(c.network.DeletionTimestamp != nil, c.network.Status.State)
}

// neitherDeclines: the owner of neither Network refuses the other. Who declines chooses to tell that the Network exists.
func neitherDeclines(c peeringCase) (reason, message string) {
	own := types.NamespacedName{Namespace: c.network.Namespace, Name: c.network.Name}
	switch {
	case Declines(c.network, c.target):
		return v1alpha1.PeeringReasonPeeringDeclined,
			fmt.Sprintf("This Network declines %s: take it out of the annotation %s, or remove the peering.",
				c.target, v1alpha1.DeclinedPeeringsAnnotation)
	case c.peer != nil && Declines(c.peer, own):
		return v1alpha1.PeeringReasonPeeringDeclined,
			fmt.Sprintf("The owner of Network %s declined this peering: remove it, or ask the owner to accept.", c.target)
	}
	return "", ""
}

// peerAccepts: the other Network exists and names this one. Across namespaces both failures read the same.
func peerAccepts(c peeringCase) (reason, message string) {
	sameNamespace := c.target.Namespace == c.network.Namespace
	switch {
	case c.peer == nil && sameNamespace:
		return v1alpha1.PeeringReasonPeerNotFound,
			fmt.Sprintf("There is no Network %s: create it, with a peering that names %s.", c.target.Name, c.network.Name)
	case c.peer == nil || !Names(c.peer, c.network):
		subject := fmt.Sprintf("Network %s does not exist or does not name", c.target)
		if sameNamespace {
			subject = fmt.Sprintf("Network %s does not name", c.target.Name)
		}
		return v1alpha1.PeeringReasonPeeringNotAccepted,
			fmt.Sprintf("%s %s/%s in its spec.peerings: its owner accepts by adding such a peering.",
				subject, c.network.Namespace, c.network.Name)
	}
	return "", ""
}

// peerIsThePinnedOne: where networkRef.uid is given, only the Network with that UID will do.
func peerIsThePinnedOne(c peeringCase) (reason, message string) {
	if c.ref.UID != "" && c.ref.UID != c.peer.UID {
		return v1alpha1.PeeringReasonPeerUIDMismatch,
			fmt.Sprintf("Network %s has another uid than networkRef.uid asks for: correct or remove it to accept this Network.",
				c.target)
	}
	return "", ""
}

// peerIsNotDeleting: a Network that is being deleted takes part in no peering.
func peerIsNotDeleting(c peeringCase) (reason, message string) {
	if c.peer.DeletionTimestamp != nil {
		return v1alpha1.PeeringReasonPeerDeleting, fmt.Sprintf("Network %s is being deleted.", c.target)
	}
	return "", ""
}

// earlierClaimIsReleased: the claim of a Network that was created again under its name is released in a step of its own.
func earlierClaimIsReleased(c peeringCase) (reason, message string) {
	if c.claim != "" && c.claim != c.peer.UID {
		return v1alpha1.PeeringReasonPeerReplaced,
			fmt.Sprintf("Network %s was deleted and created again: the claim of the earlier one is released first.", c.target)
	}
	return "", ""
}

// peerIsAvailable: the provider has realized the other Network.
func peerIsAvailable(c peeringCase) (reason, message string) {
	if c.peer.Status.State != v1alpha1.NetworkStateAvailable {
		return v1alpha1.PeeringReasonPeerNotAvailable,
			fmt.Sprintf("Network %s is not available yet: its network provider has to realize it first.", c.target)
	}
	return "", ""
}

// Declines tells whether the owner of a Network refuses every peering with the named one.
func Declines(network metav1.Object, name types.NamespacedName) bool {
	declined, found := network.GetAnnotations()[v1alpha1.DeclinedPeeringsAnnotation]
	if !found {
		return false
	}
	wanted := name.String()
	if !strings.Contains(declined, wanted) { // The usual case: the list may be long.
		return false
	}
	for entry := range strings.SplitSeq(declined, ",") {
		if strings.TrimSpace(entry) == wanted {
			return true
		}
	}
	return false
}

// Asks tells whether a Network asks another one for a peering: it names it, is not named back, and is not declined.
func Asks(asker, asked *v1alpha1.Network) bool {
	return asker.UID != asked.UID && asker.DeletionTimestamp == nil && Names(asker, asked) && !Names(asked, asker) &&
		!Declines(asked, NameOf(asker))
}

// CountAsking returns how many of the given Networks ask one for a peering, as Asks tells of each. It goes through the peerings of the
// asked Network once, and only through those of the others that it does not name back.
func CountAsking(networks []*v1alpha1.Network, asked *v1alpha1.Network) int {
	if len(networks) == 0 {
		return 0
	}
	named := make(map[types.NamespacedName]types.UID, len(asked.Spec.Peerings))
	for i := range asked.Spec.Peerings {
		peering := &asked.Spec.Peerings[i]
		target := TargetOf(asked, peering)
		if _, ok := named[target]; !ok {
			named[target] = peering.NetworkRef.UID
		}
	}
	count := 0
	for _, asker := range networks {
		pin, isNamed := named[NameOf(asker)]
		if isNamed && (pin == "" || pin == asker.UID) {
			continue
		}
		if Asks(asker, asked) {
			count++
		}
	}
	return count
}

// Names tells whether a peering of the peer names the network, by UID too where it is pinned.
func Names(peer, network *v1alpha1.Network) bool {
	target := NameOf(network)
	for i := range peer.Spec.Peerings {
		ref := &peer.Spec.Peerings[i].NetworkRef
		if PeeringTarget(peer.Namespace, ref.Namespace, ref.Name) == target {
			return ref.UID == "" || ref.UID == network.UID
		}
	}
	return false
}
