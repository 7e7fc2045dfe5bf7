// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// The decisions: what a command changes in a Network, and what it refuses. They know the Network as it was read, and nothing else.

package plugin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// Change is what a command changes in a Network.
type Change struct {
	// Lines tell a reader. Without any, nothing changes.
	Lines []string
	// Warnings are what the user should know besides.
	Warnings []string
	// peering is merged into the item of spec.peerings with its name.
	peering map[string]any
	// declined is the new value of the annotation, where it changes. An empty one takes it away.
	declined *string
}

// IsEmpty tells whether nothing changes.
func (c Change) IsEmpty() bool { return len(c.Lines) == 0 }

// Patch is a strategic merge patch that makes the change to this version of the Network alone.
func (c Change) Patch(network *v1alpha1.Network) map[string]any {
	metadata := map[string]any{"uid": network.UID, "resourceVersion": network.ResourceVersion}
	if c.declined != nil {
		var value any
		if *c.declined != "" {
			value = *c.declined
		}
		metadata["annotations"] = map[string]any{v1alpha1.DeclinedPeeringsAnnotation: value}
	}
	patch := map[string]any{"metadata": metadata}
	if c.peering != nil {
		patch["spec"] = map[string]any{"peerings": []any{c.peering}}
	}
	return patch
}

// ParseTarget reads the Network at the other end of a peering: NAME in the namespace own, or NAMESPACE/NAME.
func ParseTarget(own, text string) (types.NamespacedName, error) {
	parts := strings.Split(text, "/")
	if len(parts) > 2 || slices.Contains(parts, "") {
		return types.NamespacedName{}, fmt.Errorf("%q is not the name of a Network: write NAME or NAMESPACE/NAME", text)
	}
	namespace := own
	if len(parts) == 2 {
		namespace = parts[0]
	}
	name := parts[len(parts)-1]
	if len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return types.NamespacedName{}, fmt.Errorf("no Network can be called %q: names have small letters, digits, '-' and '.'", text)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}

// ParsePrefixes reads address ranges, each as CIDR or as NAME=CIDR. Without a name, a range is named after itself.
func ParsePrefixes(texts []string) ([]v1alpha1.PeeringPrefix, error) {
	var prefixes []v1alpha1.PeeringPrefix
	for _, text := range texts {
		name, cidr, named := strings.Cut(text, "=")
		if !named {
			cidr = text
		}
		prefix, err := netip.ParsePrefix(cidr)
		switch {
		case err != nil:
			return nil, fmt.Errorf("--prefix %q is not an address range: write one like 10.0.0.0/24 or 2001:db8::/32", text)
		case prefix != prefix.Masked() || prefix.String() != cidr:
			return nil, fmt.Errorf("--prefix %q is not the beginning of a range: write %s", text, prefix.Masked())
		}
		if !named {
			name = strings.Trim(strings.NewReplacer(":", "-", "/", "-").Replace(cidr), "-")
		}
		prefixes = append(prefixes, v1alpha1.PeeringPrefix{Name: name, Prefix: cidr})
	}
	return prefixes, nil
}

// Wish is what a user wants of a peering.
type Wish struct {
	Target types.NamespacedName
	// Name of the peering; empty if any will do.
	Name string
	// Prefixes are what the target may reach; nil for everything, or as it is.
	Prefixes []v1alpha1.PeeringPrefix
}

// DecidePeer has a Network name a target, or exposes other ranges to one that it names. A target that the Network declines is
// no longer declined.
func DecidePeer(network *v1alpha1.Network, wish Wish) (Change, error) {
	if wish.Target == rules.NameOf(network) {
		return Change{}, fmt.Errorf("%s can't peer with itself: name another one", network.Name)
	}
	change := Change{}
	if rules.Declines(network, wish.Target) {
		change.declined = new(without(network, wish.Target))
		change.Lines = append(change.Lines, fmt.Sprintf("- declines %s", wish.Target))
	}
	existing := naming(network, wish.Target)
	if existing == nil {
		return decideNew(network, wish, change)
	}
	if wish.Name != "" && wish.Name != existing.Name {
		return Change{}, fmt.Errorf("the peering of %s with %s is named %s: leave out --name, or unpeer first",
			network.Name, wish.Target, existing.Name)
	}
	if wish.Prefixes != nil && !slices.EqualFunc(existing.Prefixes, wish.Prefixes, samePrefix) {
		change.peering = map[string]any{"name": existing.Name, "prefixes": replaced(wish.Prefixes)}
		change.Lines = append(change.Lines,
			fmt.Sprintf("- peering %s: %s may reach %s", existing.Name, wish.Target, Reach(existing.Prefixes)),
			fmt.Sprintf("+ peering %s: %s may reach %s", existing.Name, wish.Target, Reach(wish.Prefixes)))
	}
	return change, nil
}

func decideNew(network *v1alpha1.Network, wish Wish, change Change) (Change, error) {
	name, err := freeName(network, wish)
	if err != nil {
		return Change{}, err
	}
	ref := map[string]any{"name": wish.Target.Name}
	if wish.Target.Namespace != network.Namespace {
		ref["namespace"] = wish.Target.Namespace
	}
	change.peering = map[string]any{"name": name, "networkRef": ref}
	if wish.Prefixes != nil {
		change.peering["prefixes"] = wish.Prefixes
	}
	change.Lines = append(change.Lines, fmt.Sprintf("+ peering %s: %s may reach %s", name, wish.Target, Reach(wish.Prefixes)))
	return change, nil
}

// freeName names a new peering: after its target, with the namespace where another peering has that name.
func freeName(network *v1alpha1.Network, wish Wish) (string, error) {
	candidates := []string{wish.Target.Name, wish.Target.Namespace + "." + wish.Target.Name}
	if wish.Name != "" {
		candidates = []string{wish.Name}
	}
	for _, name := range candidates {
		if !slices.ContainsFunc(network.Spec.Peerings, func(p v1alpha1.NetworkPeering) bool { return p.Name == name }) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s has a peering %s with another Network: choose a name by --name",
		network.Name, strings.Join(candidates, " and a peering "))
}

// replaced is a list of prefixes in a strategic merge patch that leaves nothing of the earlier list.
func replaced(prefixes []v1alpha1.PeeringPrefix) []any {
	list := []any{map[string]any{"$patch": "replace"}}
	for _, prefix := range prefixes {
		list = append(list, prefix)
	}
	return list
}

func samePrefix(a, b v1alpha1.PeeringPrefix) bool {
	return a.Name == b.Name && a.Prefix == b.Prefix && a.PrefixRef == nil && b.PrefixRef == nil
}

// DecideUnpeer takes a Network's peering with a target away.
func DecideUnpeer(network *v1alpha1.Network, target types.NamespacedName) (Change, error) {
	existing := naming(network, target)
	if existing == nil {
		return Change{}, fmt.Errorf("%s has no peering with %s: kubectl network peerings %s -n %s lists those that it has",
			network.Name, target, network.Name, network.Namespace)
	}
	change := Change{
		Lines:   []string{fmt.Sprintf("- peering %s: %s may reach %s", existing.Name, target, Reach(existing.Prefixes))},
		peering: map[string]any{"name": existing.Name, "$patch": "delete"},
	}
	for _, applier := range appliers(network, existing.Name) {
		change.Warnings = append(change.Warnings, fmt.Sprintf(
			"%s applies the peering %s and may bring it back: take it out of what it applies too", applier, existing.Name))
	}
	return change, nil
}

// DecideAccept has a Network name a target, if that asks.
func DecideAccept(network *v1alpha1.Network, asks Asks, wish Wish) (Change, error) {
	// Who is named already is not among the requests.
	if asks == AsksNot && naming(network, wish.Target) == nil {
		return Change{}, fmt.Errorf("%s does not ask for a peering with %s: kubectl network peer %s %s -n %s asks it for one",
			wish.Target, network.Name, network.Name, wish.Target, network.Namespace)
	}
	return DecidePeer(network, wish)
}

// DecideDecline refuses a Network for good.
func DecideDecline(network *v1alpha1.Network, target types.NamespacedName) (Change, error) {
	switch {
	case target == rules.NameOf(network):
		return Change{}, errors.New("a Network can't decline itself: name another one")
	case rules.Declines(network, target):
		return Change{}, nil
	}
	value := target.String()
	if declined := strings.Trim(network.Annotations[v1alpha1.DeclinedPeeringsAnnotation], ", "); declined != "" {
		value = declined + "," + value
	}
	change := Change{Lines: []string{fmt.Sprintf("+ declines %s", target)}, declined: &value}
	if peering := naming(network, target); peering != nil {
		change.Warnings = append(change.Warnings, fmt.Sprintf("%s still names %s, without effect: kubectl network unpeer %s %s -n %s",
			network.Name, target, network.Name, target, network.Namespace))
	}
	return change, nil
}

// DecideWait tells whether the peering with a target is Bound. An error ends the waiting: nothing will come of it.
func DecideWait(network *v1alpha1.Network, target types.NamespacedName) (v1alpha1.NetworkPeeringStatus, bool, error) {
	peering := naming(network, target)
	if peering == nil {
		return v1alpha1.NetworkPeeringStatus{}, false,
			fmt.Errorf("the peering of %s with %s was taken away meanwhile", network.Name, target)
	}
	item := rules.PeeringItems(network)[peering.Name]
	if item.Reason == v1alpha1.PeeringReasonPeeringDeclined {
		return item, false, errors.New(item.Message)
	}
	return item, item.Phase == v1alpha1.NetworkPeeringPhaseBound, nil
}

// appliers are those who own a peering by server-side apply, and so may apply it again.
func appliers(network *v1alpha1.Network, peering string) (managers []string) {
	for _, entry := range network.ManagedFields {
		if entry.Operation != metav1.ManagedFieldsOperationApply || entry.FieldsV1 == nil {
			continue
		}
		var owned struct {
			Spec struct {
				Peerings map[string]any `json:"f:peerings"`
			} `json:"f:spec"`
		}
		key, err := json.Marshal(map[string]string{"name": peering})
		if err != nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &owned) != nil {
			continue
		}
		if _, ok := owned.Spec.Peerings["k:"+string(key)]; ok {
			managers = append(managers, entry.Manager)
		}
	}
	return managers
}

// without is the annotation with one entry less.
func without(network *v1alpha1.Network, target types.NamespacedName) string {
	entries := strings.Split(network.Annotations[v1alpha1.DeclinedPeeringsAnnotation], ",")
	return strings.Join(slices.DeleteFunc(entries, func(entry string) bool {
		return strings.TrimSpace(entry) == target.String()
	}), ",")
}

// naming returns the peering of a Network that names a target, or nil.
func naming(network *v1alpha1.Network, target types.NamespacedName) *v1alpha1.NetworkPeering {
	for i := range network.Spec.Peerings {
		if peering := &network.Spec.Peerings[i]; rules.TargetOf(network, peering) == target {
			return peering
		}
	}
	return nil
}

// Reach says in words what a peer may reach.
func Reach(prefixes []v1alpha1.PeeringPrefix) string {
	if len(prefixes) == 0 {
		return "everything"
	}
	words := make([]string, 0, len(prefixes))
	for _, prefix := range prefixes {
		word := prefix.Prefix
		if prefix.PrefixRef != nil {
			word = "the Prefix " + prefix.PrefixRef.Name
		}
		words = append(words, cmp.Or(word, prefix.Name))
	}
	return strings.Join(words, ", ")
}
