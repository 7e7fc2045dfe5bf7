// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/prefixes"
)

// Everything here is decided from objects alone, without clients.

const (
	ownerLabel     = v1alpha1.GroupName + "/owner"
	namespaceLabel = v1alpha1.GroupName + "/network-namespace"
	uidLabel       = v1alpha1.GroupName + "/network-uid"
	// A name can be longer than a label may be.
	nameAnnotation = v1alpha1.GroupName + "/network-name"
)

// scheme begins a provider ID, which goes on namespace/name/id/uid.
const scheme = "ironcore-net://"

// identity is the content of a provider ID.
type identity struct {
	namespace, name, id string
	uid                 types.UID
}

func (i identity) String() string {
	return scheme + strings.Join([]string{i.namespace, i.name, i.id, string(i.uid)}, "/")
}

func parseIdentity(providerID string) (identity, bool) {
	text, ok := strings.CutPrefix(providerID, scheme)
	parts := strings.Split(text, "/")
	if !ok || len(parts) != 4 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return identity{}, false
	}
	return identity{parts[0], parts[1], parts[2], types.UID(parts[3])}, true
}

// remote has the fields of a Network of ironcore-net that matter here. Missing and malformed ones are empty.
type remote struct {
	metav1.ObjectMeta
	id       string
	peerings []remotePeering
	// states are what nodes report on the peerings, by the peer's ID.
	states map[string][]string
}

type remotePeering struct {
	name, id string
	prefixes []v1alpha1.PeeringPrefixStatus
}

// source is the Network that a remote one realizes. Only its UID is certain: others can change the name, or remove it.
func (r *remote) source() (name types.NamespacedName, uid types.UID) {
	return types.NamespacedName{Namespace: r.Labels[namespaceLabel], Name: r.Annotations[nameAnnotation]}, types.UID(r.Name)
}

func (r *remote) identity() identity { return identity{r.Namespace, r.Name, r.id, r.UID} }

func readRemote(object *unstructured.Unstructured) *remote {
	r := &remote{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         object.GetNamespace(),
			Name:              object.GetName(),
			UID:               object.GetUID(),
			ResourceVersion:   object.GetResourceVersion(),
			DeletionTimestamp: object.GetDeletionTimestamp(),
			Labels:            object.GetLabels(),
			Annotations:       object.GetAnnotations(),
		},
		states: make(map[string][]string),
	}
	spec, _ := object.Object["spec"].(map[string]any)
	r.id = text(spec["id"])
	for _, item := range items(spec["peerings"]) {
		peering := remotePeering{name: text(item["name"]), id: text(item["id"])}
		for _, prefix := range items(item["prefixes"]) {
			peering.prefixes = append(peering.prefixes,
				v1alpha1.PeeringPrefixStatus{Name: text(prefix["name"]), Prefix: text(prefix["prefix"])})
		}
		r.peerings = append(r.peerings, peering)
	}
	status, _ := object.Object["status"].(map[string]any)
	nodes, _ := status["peerings"].(map[string]any)
	for _, node := range nodes {
		for _, item := range items(node) {
			id := text(item["id"])
			r.states[id] = append(r.states[id], text(item["state"]))
		}
	}
	return r
}

// items returns the objects in a list.
func items(list any) []map[string]any {
	values, _ := list.([]any)
	var objects []map[string]any
	for _, value := range values {
		if object, ok := value.(map[string]any); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

// text returns a string, or a number as one: an ID is a string in the spec and a number in the status.
func text(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case int64:
		return strconv.FormatInt(value, 10)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return ""
}

// object is the content of a create or of a merge patch. The server refuses it unless its resourceVersion is the current one, or
// the object does not exist and it has none.
func (r *remote) object() *unstructured.Unstructured {
	// An empty list is written too: a merge patch keeps what it leaves out.
	peerings := []any{}
	for _, peering := range r.peerings {
		item := map[string]any{"name": peering.name, "id": peering.id}
		var prefixes []any
		for _, prefix := range peering.prefixes {
			prefixes = append(prefixes, map[string]any{"name": prefix.Name, "prefix": prefix.Prefix})
		}
		if prefixes != nil {
			item["prefixes"] = prefixes
		}
		peerings = append(peerings, item)
	}
	spec := map[string]any{"peerings": peerings}
	if r.id != "" {
		spec["id"] = r.id
	}
	object := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(kind)
	object.SetNamespace(r.Namespace)
	object.SetName(r.Name)
	object.SetResourceVersion(r.ResourceVersion)
	object.SetLabels(r.Labels)
	object.SetAnnotations(r.Annotations)
	return object
}

// inLine tells whether what is there is what is desired.
func (desired *remote) inLine(there *remote) bool {
	return (desired.id == "" || desired.id == there.id) && desired.leadsBack(there) &&
		reflect.DeepEqual(desired.peerings, there.peerings)
}

// leadsBack tells whether the labels and annotations name the source. Only this server has a reason to change them.
func (desired *remote) leadsBack(there *remote) bool {
	return contains(there.Labels, desired.Labels) && contains(there.Annotations, desired.Annotations)
}

// ledBack tells whether a part of the labels and annotations that name the source is left.
func (r *remote) ledBack() bool {
	name, _ := r.source()
	return name.Namespace != "" || name.Name != "" || r.Labels[uidLabel] != ""
}

// unpeered returns a remote Network as it is, but for its peerings.
func (r *remote) unpeered() *remote {
	alone := *r
	alone.peerings = nil
	return &alone
}

// onto returns the desired change of what is there.
func (desired *remote) onto(there *remote) *remote {
	change := *desired
	change.ResourceVersion = there.ResourceVersion
	if there.id != "" && there.id != desired.id {
		change.id = "" // It can't be changed.
	}
	return &change
}

func contains(all, some map[string]string) bool {
	for key, value := range some {
		if there, ok := all[key]; !ok || there != value {
			return false
		}
	}
	return true
}

// sameAs tells whether two remote Networks should be the same.
func (desired *remote) sameAs(other *remote) bool {
	return desired.id == other.id && maps.Equal(desired.Labels, other.Labels) &&
		maps.Equal(desired.Annotations, other.Annotations) && reflect.DeepEqual(desired.peerings, other.peerings)
}

// peeringCase is what is known of a peering before the remote Network is read.
type peeringCase struct {
	name string
	// desired is the remote peering, or nil if the peering is not Bound, its ranges overlap or all its prefixes lack a range.
	desired *remotePeering
	// prefixes are the ranges of the peering's prefixes.
	prefixes []v1alpha1.PeeringPrefixStatus
	// reason and message say what is wrong.
	reason, message string
}

// decidePeering decides how a peering is realized. If none of its prefixes has a range, there is no remote peering: one without
// prefixes would expose everything.
func decidePeering(
	peering *v1alpha1.NetworkPeering, peer provider.Peer, namespace string, resolve prefixes.Resolve,
) peeringCase {
	decided := peeringCase{name: peering.Name}
	if peer.Network == nil {
		return decided
	}
	identity, ok := parseIdentity(peer.Spec.ProviderID)
	if !ok || identity.namespace != namespace {
		decided.reason = "PeerElsewhere"
		decided.message = fmt.Sprintf("Network %s/%s is not one of namespace %s of ironcore-net, so no traffic can flow.",
			peer.Namespace, peer.Name, namespace)
		return decided
	}
	resolved := prefixes.Decide(peering, resolve)
	decided.prefixes, decided.reason, decided.message = resolved.Items, resolved.Reason, resolved.Message
	desired := &remotePeering{name: peering.Name, id: identity.id}
	for _, item := range resolved.Items {
		if item.Prefix != "" {
			desired.prefixes = append(desired.prefixes, item)
		}
	}
	if !peer.Overlaps && (len(peering.Prefixes) == 0 || len(desired.prefixes) > 0) {
		decided.desired = desired
	}
	return decided
}

// decideRemote returns the remote Network as it should be.
func decideRemote(network *v1alpha1.Network, namespace, owner, id string, peerings []peeringCase) *remote {
	desired := &remote{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      string(network.UID),
			Labels: map[string]string{
				ownerLabel:     owner,
				namespaceLabel: network.Namespace,
				uidLabel:       string(network.UID),
			},
			Annotations: map[string]string{nameAnnotation: network.Name},
		},
		id: id,
	}
	for i := range peerings {
		if peerings[i].desired != nil {
			desired.peerings = append(desired.peerings, *peerings[i].desired)
		}
	}
	return desired
}

// decideStates returns the state of each peering in the data plane. One that the remote Network does not have as desired is
// Pending, whatever nodes report.
func decideStates(peerings []peeringCase, there *remote) map[string]provider.PeeringRealization {
	states := make(map[string]provider.PeeringRealization, len(peerings))
	for i := range peerings {
		peering := &peerings[i]
		realized := provider.PeeringRealization{
			State:   v1alpha1.NetworkPeeringStatePending,
			Reason:  peering.reason,
			Message: peering.message,
		}
		switch {
		case peering.desired == nil:
			realized.Prefixes = peering.prefixes // None has a range, or the peer's ranges overlap.
		case there.has(peering.desired):
			realized.Prefixes = peering.prefixes
			if peering.reason == "" {
				realized.State = combine(there.states[peering.desired.id])
			}
		}
		states[peering.name] = realized
	}
	return states
}

func (r *remote) has(desired *remotePeering) bool {
	for i := range r.peerings {
		if reflect.DeepEqual(&r.peerings[i], desired) {
			return true
		}
	}
	return false
}

// combine makes one state of those that nodes report: an error anywhere is one, and all nodes have to be ready.
func combine(states []string) v1alpha1.NetworkPeeringState {
	ready := len(states) > 0
	for _, state := range states {
		switch v1alpha1.NetworkPeeringState(state) {
		case v1alpha1.NetworkPeeringStateError:
			return v1alpha1.NetworkPeeringStateError
		case v1alpha1.NetworkPeeringStateReady:
		default:
			ready = false
		}
	}
	if ready {
		return v1alpha1.NetworkPeeringStateReady
	}
	return v1alpha1.NetworkPeeringStatePending
}

// decideState returns the state of a Network, given its remote one and the identity in spec.providerID, empty if there is none.
func decideState(known identity, there *remote) provider.Realization {
	switch {
	case there.DeletionTimestamp != nil:
		return provider.Realization{
			State:  v1alpha1.NetworkStatePending,
			Reason: "RemoteDeleting",
			Message: fmt.Sprintf("Somebody deletes %s/%s in ironcore-net: it is put back once it is gone.",
				there.Namespace, there.Name),
		}
	case there.id == "":
		return provider.Realization{
			State:   v1alpha1.NetworkStatePending,
			Reason:  "WaitingForID",
			Message: fmt.Sprintf("ironcore-net has not given %s/%s an ID yet.", there.Namespace, there.Name),
		}
	case known.id == "":
		return provider.Realization{ProviderID: there.identity().String(), State: v1alpha1.NetworkStateAvailable}
	case known.id != there.id:
		return provider.Realization{
			State:  v1alpha1.NetworkStateError,
			Reason: "RemoteIDChanged",
			Message: fmt.Sprintf("%[1]s/%[2]s in ironcore-net has the ID %[3]s instead of %[4]s, which can't be changed: "+
				"delete %[1]s/%[2]s there, and it is put back with its own ID, or delete this Network and make it again.",
				there.Namespace, there.Name, there.id, known.id),
		}
	case known.uid != there.UID:
		return provider.Realization{
			State:  v1alpha1.NetworkStateAvailable,
			Reason: "RemoteReplaced",
			Message: fmt.Sprintf("%s/%s was deleted in ironcore-net and put back with the same ID; "+
				"the uid in spec.providerID is that of the first one.", there.Namespace, there.Name),
		}
	}
	return provider.Realization{State: v1alpha1.NetworkStateAvailable}
}

// isOurs tells whether the owner may delete a remote Network: it has the owner's label, or it lost the label and spec.providerID
// names it.
func isOurs(network *v1alpha1.Network, there *remote, owner string) bool {
	switch there.Labels[ownerLabel] {
	case owner:
		return true
	case "":
		known, ok := parseIdentity(network.Spec.ProviderID)
		return ok && known == there.identity()
	}
	return false
}

// droppedPeers lists the IDs that one remote Network was peered with and another is not.
func droppedPeers(before, after *remote) []string {
	kept := make(map[string]bool)
	if after != nil {
		for i := range after.peerings {
			kept[after.peerings[i].id] = true
		}
	}
	var dropped []string
	for i := range before.peerings {
		if id := before.peerings[i].id; !kept[id] {
			dropped = append(dropped, id)
		}
	}
	return dropped
}
