// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"ironcore.dev/networking/test/upstream"
)

// shared are the kinds that clients of the group's other server know.
var shared = []string{
	"LoadBalancer", "LoadBalancerRouting", "NATGateway", "Network", "NetworkInterface", "NetworkPolicy", "VirtualIP",
}

// more is what our schema of these kinds has beyond the other server's, and what it says differently. What it requires more,
// the other server's validation refuses to do without; what it does not require, the server fills in.
var more = []string{
	"LoadBalancer.spec: required",
	"LoadBalancer.spec.ipFamilies: not required",
	"LoadBalancer.spec.ipFamilies: list type atomic",
	"LoadBalancer.spec.ips: list type atomic",
	"LoadBalancer.spec.ips[].ephemeral.prefixTemplate: required",
	"LoadBalancer.spec.ips[].ephemeral.prefixTemplate.spec.parentRef.name: required",
	"LoadBalancer.spec.networkRef.name: required",
	"LoadBalancer.spec.ports: list type atomic",
	"LoadBalancer.spec.type: enum Internal, Public",
	"LoadBalancer.status.conditions",
	"LoadBalancer.status.ips: list type atomic",
	"LoadBalancer.status.observedGeneration",
	"LoadBalancerRouting.destinations: not required",
	"LoadBalancerRouting.networkRef: not required",
	"LoadBalancerRouting.destinations: list type atomic",
	"LoadBalancerRouting.destinations[].targetRef.providerID: not required",
	"LoadBalancerRouting.destinations[].targetRef.uid: not required",
	"LoadBalancerRouting.networkRef.name: not required",
	"LoadBalancerRouting.networkRef.uid: not required",
	"NATGateway.spec: required",
	"NATGateway.spec.networkRef.name: required",
	"NATGateway.spec.type: enum Public",
	"NATGateway.status.conditions",
	"NATGateway.status.ips: list type atomic",
	"NATGateway.status.observedGeneration",
	"Network.spec.incomingPeerings: list type map",
	"Network.spec.incomingPeerings: list map keys uid",
	"Network.spec.incomingPeerings: patch merge key uid instead of name",
	"Network.spec.incomingPeerings[].uid: required",
	"Network.spec.peerings: list type map",
	"Network.spec.peerings: list map keys name",
	"Network.spec.peerings[].networkRef.uid",
	"Network.spec.peerings[].prefixes: list type map",
	"Network.spec.peerings[].prefixes: list map keys name",
	"Network.spec.peerings[].prefixes: patch strategy merge",
	"Network.spec.peerings[].prefixes: patch merge key name",
	"Network.spec.peerings[].prefixes[].prefixRef.name: required",
	"Network.status.conditions",
	"Network.status.networkInterfaces",
	"Network.status.observedGeneration",
	"Network.status.peerings: list type map",
	"Network.status.peerings: list map keys name",
	"Network.status.peerings[].lastPhaseTransitionTime",
	"Network.status.peerings[].message",
	"Network.status.peerings[].networkRef",
	"Network.status.peerings[].phase",
	"Network.status.peerings[].prefixes: list type map",
	"Network.status.peerings[].prefixes: list map keys name",
	"Network.status.peerings[].prefixes: patch strategy merge",
	"Network.status.peerings[].prefixes: patch merge key name",
	"Network.status.peerings[].reason",
	"Network.status.peerings[].state: enum Error, Pending, Ready",
	"NetworkInterface.spec: required",
	"NetworkInterface.spec.ipFamilies: not required",
	"NetworkInterface.spec.ipFamilies: list type atomic",
	"NetworkInterface.spec.ips: list type atomic",
	"NetworkInterface.spec.ips[].ephemeral.prefixTemplate: required",
	"NetworkInterface.spec.ips[].ephemeral.prefixTemplate.spec.parentRef.name: required",
	"NetworkInterface.spec.machineRef.name: not required",
	"NetworkInterface.spec.machineRef.uid: not required",
	"NetworkInterface.spec.networkRef.name: required",
	"NetworkInterface.spec.prefixes: list type atomic",
	"NetworkInterface.spec.prefixes[].ephemeral.prefixTemplate: required",
	"NetworkInterface.spec.prefixes[].ephemeral.prefixTemplate.spec.parentRef.name: required",
	"NetworkInterface.spec.virtualIP.ephemeral.virtualIPTemplate: required",
	"NetworkInterface.spec.virtualIP.ephemeral.virtualIPTemplate.spec: required",
	"NetworkInterface.spec.virtualIP.ephemeral.virtualIPTemplate.spec.reclaimPolicy: enum Delete, Retain",
	"NetworkInterface.spec.virtualIP.ephemeral.virtualIPTemplate.spec.targetRef.name: not required",
	"NetworkInterface.spec.virtualIP.ephemeral.virtualIPTemplate.spec.targetRef.uid: not required",
	"NetworkInterface.spec.virtualIP.ephemeral.virtualIPTemplate.spec.type: enum Public",
	"NetworkInterface.spec.virtualIP.virtualIPRef.name: required",
	"NetworkInterface.status.conditions",
	"NetworkInterface.status.gateways",
	"NetworkInterface.status.ips: list type atomic",
	"NetworkInterface.status.macAddress",
	"NetworkInterface.status.mtu",
	"NetworkInterface.status.observedGeneration",
	"NetworkInterface.status.prefixes: list type atomic",
	"NetworkInterface.status.state: enum Available, Error, Pending",
	"NetworkPolicy.spec: required",
	"NetworkPolicy.spec.networkInterfaceSelector: not required",
	"NetworkPolicy.spec.egress: list type atomic",
	"NetworkPolicy.spec.egress[].ports: list type atomic",
	"NetworkPolicy.spec.egress[].to: list type atomic",
	"NetworkPolicy.spec.egress[].to[].ipBlock.except: list type atomic",
	"NetworkPolicy.spec.egress[].to[].objectSelector.kind: enum LoadBalancer, NetworkInterface, VirtualIP",
	"NetworkPolicy.spec.ingress: list type atomic",
	"NetworkPolicy.spec.ingress[].from: list type atomic",
	"NetworkPolicy.spec.ingress[].from[].ipBlock.except: list type atomic",
	"NetworkPolicy.spec.ingress[].from[].objectSelector.kind: enum LoadBalancer, NetworkInterface, VirtualIP",
	"NetworkPolicy.spec.ingress[].ports: list type atomic",
	"NetworkPolicy.spec.networkRef.name: required",
	"NetworkPolicy.spec.policyTypes: list type atomic",
	"NetworkPolicy.spec.policyTypes[]: enum Egress, Ingress",
	"NetworkPolicy.status.conditions: list type map",
	"NetworkPolicy.status.conditions: list map keys type",
	"NetworkPolicy.status.conditions: patch strategy merge",
	"NetworkPolicy.status.conditions: patch merge key type",
	"NetworkPolicy.status.conditions[].lastTransitionTime: required",
	"NetworkPolicy.status.observedGeneration",
	"VirtualIP.spec: required",
	"VirtualIP.spec.targetRef.name: not required",
	"VirtualIP.spec.targetRef.uid: not required",
	"VirtualIP.spec.type: enum Public",
	"VirtualIP.status.conditions",
	"VirtualIP.status.observedGeneration",
}

// TestNoLessThanUpstream compares the published schema with the one that the group's other server publishes: every field is there with
// its type, and lists merge in the same way.
func TestNoLessThanUpstream(t *testing.T) {
	theirs, err := upstream.Read()
	if err != nil {
		t.Fatal(err)
	}
	ours := ourSchemas()
	compare := comparison{upstream: theirs, ours: ours}
	for _, kind := range shared {
		compare.schemas(kind, theirs.Named(kind), ours.Named(kind))
		if ours.Named(kind+"List") == nil {
			t.Errorf("less than upstream: %sList: missing", kind)
		}
	}
	for _, fault := range compare.less {
		t.Errorf("less than upstream: %s", fault)
	}
	if diff := cmp.Diff(more, compare.more); diff != "" {
		t.Errorf("more than upstream (-listed +found):\n%s", diff)
	}
}

func ourSchemas() upstream.Schemas {
	ours := upstream.Schemas{}
	ref := func(name string) spec.Ref { return spec.MustCreateRef("#/components/schemas/" + name) }
	for name, definition := range Definitions(ref) {
		ours[name] = definition.Schema
	}
	return ours
}

// comparison walks two schemas side by side.
type comparison struct {
	upstream, ours upstream.Schemas
	less, more     []string
}

func (c *comparison) schemas(path string, theirs, ours *spec.Schema) {
	if theirs == nil || ours == nil {
		c.less = append(c.less, fmt.Sprintf("%s: missing", path))
		return
	}
	if name := upstream.Reference(theirs); name == upstream.Reference(ours) && strings.HasPrefix(name, "io.k8s.apimachinery.") {
		return // The same type of the same library.
	}
	theirs, ours = c.upstream.Resolve(theirs), c.ours.Resolve(ours)
	if !slices.Equal(theirs.Type, ours.Type) && len(theirs.Type) > 0 && len(ours.Type) > 0 {
		c.less = append(c.less, fmt.Sprintf("%s: type %v instead of %v", path, ours.Type, theirs.Type))
	}
	if number := theirs.Type.Contains("integer"); number && theirs.Format != ours.Format {
		c.less = append(c.less, fmt.Sprintf("%s: format %s instead of %s", path, ours.Format, theirs.Format))
	}
	c.enums(path, theirs, ours)
	for _, name := range sorted(theirs.Required, ours.Required) {
		switch {
		case !slices.Contains(ours.Required, name):
			c.more = append(c.more, fmt.Sprintf("%s.%s: not required", path, name))
		case !slices.Contains(theirs.Required, name):
			c.more = append(c.more, fmt.Sprintf("%s.%s: required", path, name))
		}
	}
	for _, extension := range []string{"list-type", "list-map-keys", "map-type", "patch-strategy", "patch-merge-key"} {
		c.extensions(path, extension, theirs, ours)
	}
	for _, name := range sorted(keys(theirs.Properties), keys(ours.Properties)) {
		path := path + "." + name
		theirProperty, isTheirs := theirs.Properties[name]
		ourProperty, isOurs := ours.Properties[name]
		switch {
		case !isOurs:
			c.less = append(c.less, path+": missing")
		case !isTheirs:
			c.more = append(c.more, path)
		default:
			c.places(path, &theirProperty, &ourProperty)
		}
	}
}

// places compares what stands at the place of a field, and then what it refers to.
func (c *comparison) places(path string, upstream, ours *spec.Schema) {
	for _, extension := range []string{"list-type", "list-map-keys", "map-type", "patch-strategy", "patch-merge-key"} {
		c.extensions(path, extension, upstream, ours)
	}
	upstream.Extensions, ours.Extensions = nil, nil
	if upstream.Items != nil && ours.Items != nil {
		c.schemas(path+"[]", upstream.Items.Schema, ours.Items.Schema)
	}
	if upstream.AdditionalProperties != nil && ours.AdditionalProperties != nil {
		c.schemas(path+"{}", upstream.AdditionalProperties.Schema, ours.AdditionalProperties.Schema)
	}
	c.schemas(path, upstream, ours)
}

func (c *comparison) extensions(path, name string, upstream, ours *spec.Schema) {
	say := func(schema *spec.Schema) string {
		value, ok := schema.Extensions["x-kubernetes-"+name]
		if !ok {
			return ""
		}
		return strings.Trim(fmt.Sprint(value), "[]")
	}
	theirs, own := say(upstream), say(ours)
	words := strings.ReplaceAll(name, "-", " ")
	switch {
	case theirs == own:
	case theirs == "":
		c.more = append(c.more, fmt.Sprintf("%s: %s %s", path, words, own))
	case own == "":
		c.less = append(c.less, fmt.Sprintf("%s: no %s %s", path, words, theirs))
	default:
		c.more = append(c.more, fmt.Sprintf("%s: %s %s instead of %s", path, words, own, theirs))
	}
}

// enums wants every value that upstream lists, but for the empty one, which its validation refuses.
func (c *comparison) enums(path string, upstream, ours *spec.Schema) {
	theirs, own := values(upstream.Enum), values(ours.Enum)
	switch {
	case len(own) == 0, slices.Equal(theirs, own):
	case len(theirs) == 0:
		c.more = append(c.more, fmt.Sprintf("%s: enum %s", path, strings.Join(own, ", ")))
	default:
		c.less = append(c.less, fmt.Sprintf("%s: enum %s instead of %s", path, own, theirs))
	}
}

func values(enum []any) []string {
	var values []string
	for _, value := range enum {
		if text := fmt.Sprint(value); text != "" {
			values = append(values, text)
		}
	}
	slices.Sort(values)
	return values
}

func keys(properties map[string]spec.Schema) []string { return slices.Collect(maps.Keys(properties)) }

func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}
