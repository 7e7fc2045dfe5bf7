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

// networkChange is what a command changes in a Network.
type networkChange struct {
	// lines describe it to the user. Without any, nothing changes.
	lines []string
	// warnings are printed besides.
	warnings []string
	// peering is merged into the item of spec.peerings with its name.
	peering map[string]any
	// declined is the new value of the annotation, nil if it stays. An empty one removes the annotation.
	declined *string
}

// isEmpty tells whether nothing changes.
func (c networkChange) isEmpty() bool { return len(c.lines) == 0 }

// patch is a strategic merge patch that makes the change to this version of the Network alone.
func (c networkChange) patch(network *v1alpha1.Network) map[string]any {
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

// parseTarget reads the Network at the other end of a peering: NAME in the namespace own, or NAMESPACE/NAME.
func parseTarget(own, text string) (types.NamespacedName, error) {
	parts := strings.Split(text, "/")
	if len(parts) > 2 || slices.Contains(parts, "") {
		return types.NamespacedName{}, fmt.Errorf("%q is not the name of a Network: write NAME or NAMESPACE/NAME", text)
	}
	namespace := own
	if len(parts) == 2 {
		namespace = parts[0]
	}
	name := parts[len(parts)-1]
	if len(validation.IsDNS1123Label(namespace)) > 0 || !isName(name) {
		return types.NamespacedName{}, noNetworkCalled(text)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}

func isName(text string) bool { return len(validation.IsDNS1123Subdomain(text)) == 0 }

func noNetworkCalled(text string) error {
	return fmt.Errorf("no Network can be called %q: names have lower-case letters, digits, '-' and '.'", text)
}

// parsePrefixes reads address ranges, each as CIDR or as NAME=CIDR. Without a name, a range is named after itself.
func parsePrefixes(texts []string) ([]v1alpha1.PeeringPrefix, error) {
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
			return nil, fmt.Errorf("--prefix %q is not in canonical form: write %s", text, prefix.Masked())
		}
		if !named {
			name = strings.Trim(strings.NewReplacer(":", "-", "/", "-").Replace(cidr), "-")
		}
		if !isName(name) {
			return nil, fmt.Errorf("--prefix %q: %q can't be the name of a range: names have lower-case letters, digits, '-' and '.'", text, name)
		}
		if slices.ContainsFunc(prefixes, func(p v1alpha1.PeeringPrefix) bool { return p.Name == name }) {
			return nil, fmt.Errorf("--prefix gives two ranges the name %s: write --prefix NAME=%s", name, cidr)
		}
		prefixes = append(prefixes, v1alpha1.PeeringPrefix{Name: name, Prefix: cidr})
	}
	return prefixes, nil
}

// peerOptions are the arguments and flags of peer and accept.
type peerOptions struct {
	target types.NamespacedName
	// name of the peering; empty if any will do.
	name string
	// prefixes are what the target may reach; nil means everything for a new peering, and no change for an existing one.
	prefixes []v1alpha1.PeeringPrefix
}

// decidePeer adds a peering with a target, or changes the ranges that an existing one exposes. A declined target is no longer
// declined.
func decidePeer(network *v1alpha1.Network, options peerOptions) (networkChange, error) {
	if options.target == rules.NameOf(network) {
		return networkChange{}, fmt.Errorf("%s can't peer with itself: name another one", network.Name)
	}
	change := networkChange{}
	if rules.Declines(network, options.target) {
		change.declined = new(declinedWithout(network, options.target))
		change.lines = append(change.lines, fmt.Sprintf("- declines %s", options.target))
	}
	existing := peeringWith(network, options.target)
	if existing == nil {
		return decideNewPeering(network, options, change)
	}
	if options.name != "" && options.name != existing.Name {
		return networkChange{}, fmt.Errorf("the peering of %s with %s is named %s: leave out --name, or unpeer first",
			network.Name, options.target, existing.Name)
	}
	if options.prefixes != nil && !slices.EqualFunc(existing.Prefixes, options.prefixes, samePrefix) {
		change.peering = map[string]any{"name": existing.Name, "prefixes": replaceList(options.prefixes)}
		change.lines = append(change.lines,
			fmt.Sprintf("- peering %s: %s may reach %s", existing.Name, options.target, reach(existing.Prefixes)),
			fmt.Sprintf("+ peering %s: %s may reach %s", existing.Name, options.target, reach(options.prefixes)))
	}
	return change, nil
}

func decideNewPeering(network *v1alpha1.Network, options peerOptions, change networkChange) (networkChange, error) {
	name, err := freeName(network, options)
	if err != nil {
		return networkChange{}, err
	}
	ref := map[string]any{"name": options.target.Name}
	if options.target.Namespace != network.Namespace {
		ref["namespace"] = options.target.Namespace
	}
	change.peering = map[string]any{"name": name, "networkRef": ref}
	if options.prefixes != nil {
		change.peering["prefixes"] = options.prefixes
	}
	change.lines = append(change.lines, fmt.Sprintf("+ peering %s: %s may reach %s", name, options.target, reach(options.prefixes)))
	return change, nil
}

// freeName names a new peering: after its target, with the namespace where another peering has that name.
func freeName(network *v1alpha1.Network, options peerOptions) (string, error) {
	candidates := []string{options.target.Name, options.target.Namespace + "." + options.target.Name}
	if options.name != "" {
		candidates = []string{options.name}
	}
	for _, name := range candidates {
		if !slices.ContainsFunc(network.Spec.Peerings, func(p v1alpha1.NetworkPeering) bool { return p.Name == name }) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s has a peering %s with another Network: choose a name by --name",
		network.Name, strings.Join(candidates, " and a peering "))
}

// replaceList is a list in a strategic merge patch that replaces the whole earlier list.
func replaceList(prefixes []v1alpha1.PeeringPrefix) []any {
	list := []any{map[string]any{"$patch": "replace"}}
	for _, prefix := range prefixes {
		list = append(list, prefix)
	}
	return list
}

func samePrefix(a, b v1alpha1.PeeringPrefix) bool {
	return a.Name == b.Name && a.Prefix == b.Prefix && a.PrefixRef == nil && b.PrefixRef == nil
}

// decideUnpeer removes a Network's peering with a target.
func decideUnpeer(network *v1alpha1.Network, target types.NamespacedName) (networkChange, error) {
	existing := peeringWith(network, target)
	if existing == nil {
		return networkChange{}, fmt.Errorf("%s has no peering with %s: kubectl network peerings %s -n %s lists those that it has",
			network.Name, target, network.Name, network.Namespace)
	}
	change := networkChange{
		lines:   []string{fmt.Sprintf("- peering %s: %s may reach %s", existing.Name, target, reach(existing.Prefixes))},
		peering: map[string]any{"name": existing.Name, "$patch": "delete"},
	}
	for _, applier := range appliers(network, existing.Name) {
		change.warnings = append(change.warnings, fmt.Sprintf(
			"%s applies the peering %s and may bring it back: remove it from its manifest too", applier, existing.Name))
	}
	return change, nil
}

// decideAccept adds a peering with a target, if the target asks for one.
func decideAccept(network *v1alpha1.Network, request requestState, options peerOptions) (networkChange, error) {
	// The requests leave out a target that the Network names already.
	if request == requestAbsent && peeringWith(network, options.target) == nil {
		return networkChange{}, fmt.Errorf("%s does not ask for a peering with %s: kubectl network peer %s %s -n %s asks it for one",
			options.target, network.Name, network.Name, options.target, network.Namespace)
	}
	return decidePeer(network, options)
}

// decideDecline adds a target to those that the Network declines.
func decideDecline(network *v1alpha1.Network, target types.NamespacedName) (networkChange, error) {
	switch {
	case target == rules.NameOf(network):
		return networkChange{}, errors.New("a Network can't decline itself: name another one")
	case rules.Declines(network, target):
		return networkChange{}, nil
	}
	value := target.String()
	if declined := strings.Trim(network.Annotations[v1alpha1.DeclinedPeeringsAnnotation], ", "); declined != "" {
		value = declined + "," + value
	}
	change := networkChange{lines: []string{fmt.Sprintf("+ declines %s", target)}, declined: &value}
	if peering := peeringWith(network, target); peering != nil {
		change.warnings = append(change.warnings, fmt.Sprintf("%s still names %s, without effect: kubectl network unpeer %s %s -n %s",
			network.Name, target, network.Name, target, network.Namespace))
	}
	return change, nil
}

// decideWait tells whether the peering with a target is Bound. An error means that it never will be.
func decideWait(network *v1alpha1.Network, target types.NamespacedName) (v1alpha1.NetworkPeeringStatus, bool, error) {
	peering := peeringWith(network, target)
	if peering == nil {
		return v1alpha1.NetworkPeeringStatus{}, false,
			fmt.Errorf("the peering of %s with %s was removed in the meantime", network.Name, target)
	}
	item := rules.PeeringItems(network)[peering.Name]
	if item.Reason == v1alpha1.PeeringReasonPeeringDeclined {
		return item, false, errors.New(item.Message)
	}
	return item, item.Phase == v1alpha1.NetworkPeeringPhaseBound, nil
}

// appliers are the field managers that own a peering by server-side apply: they may bring it back.
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

// declinedWithout returns the annotation without a target.
func declinedWithout(network *v1alpha1.Network, target types.NamespacedName) string {
	entries := strings.Split(network.Annotations[v1alpha1.DeclinedPeeringsAnnotation], ",")
	return strings.Join(slices.DeleteFunc(entries, func(entry string) bool {
		return strings.TrimSpace(entry) == target.String()
	}), ",")
}

// peeringWith returns the peering of a Network that names a target, or nil.
func peeringWith(network *v1alpha1.Network, target types.NamespacedName) *v1alpha1.NetworkPeering {
	for i := range network.Spec.Peerings {
		if peering := &network.Spec.Peerings[i]; rules.TargetOf(network, peering) == target {
			return peering
		}
	}
	return nil
}

// reach says in words what a peer may reach.
func reach(prefixes []v1alpha1.PeeringPrefix) string {
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
