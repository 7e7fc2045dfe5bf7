// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Each case is a sentence about an object and the errors that its author reads, word for word and in order.
package validation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
)

const (
	uidA = "a0000000-0000-4000-8000-00000000000a"
	uidB = "b0000000-0000-4000-8000-00000000000b"
	uidC = "c0000000-0000-4000-8000-00000000000c"

	// What apimachinery says of a malformed label and subdomain.
	labelRule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start " +
		"and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is " +
		"'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
	subdomainRule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and " +
		"must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
		`'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`
	cidrRule = "must be a range in CIDR notation without leading zeros, for instance 10.0.0.0/24 or 2001:db8::/32"
)

func expect(t *testing.T, want []string, got field.ErrorList) {
	t.Helper()
	var lines []string
	for _, err := range got {
		lines = append(lines, err.Error())
	}
	if diff := cmp.Diff(want, lines, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// networkA is team-a/a, as stored, with the peerings.
func networkA(peerings ...networking.NetworkPeering) *networking.Network {
	return &networking.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: uidA, ResourceVersion: "7"},
		Spec:       networking.NetworkSpec{Peerings: peerings},
		Status:     networking.NetworkStatus{State: networking.NetworkStatePending},
	}
}

// to is a peering that is named after the Network it asks for.
func to(peer string, prefixes ...networking.PeeringPrefix) networking.NetworkPeering {
	return networking.NetworkPeering{
		Name:       peer,
		NetworkRef: networking.NetworkPeeringNetworkRef{Name: peer},
		Prefixes:   prefixes,
	}
}

// via is a peering with the target.
func via(name string, target networking.NetworkPeeringNetworkRef) networking.NetworkPeering {
	return networking.NetworkPeering{Name: name, NetworkRef: target}
}

func TestValidateNetwork(t *testing.T) {
	type (
		ref    = networking.NetworkPeeringNetworkRef
		prefix = networking.PeeringPrefix
	)
	prefixRef := &networking.LocalObjectReference{Name: "my-prefix"}
	many := func(n int, peering networking.NetworkPeering) []networking.NetworkPeering {
		peerings := make([]networking.NetworkPeering, n)
		for i := range peerings {
			peerings[i] = peering
		}
		return peerings
	}

	for sentence, tc := range map[string]struct {
		network *networking.Network
		want    []string
	}{
		"a Network without peerings is accepted": {
			network: networkA(),
		},
		"peerings within and across namespaces, pinned, by prefix and by reference are accepted": {
			network: networkA(
				to("b"),
				via("far", ref{Namespace: "team-b", Name: "b"}),
				via("dotted", ref{Namespace: "team-b", Name: "net.v2", UID: uidC}),
				to("c",
					prefix{Name: "four", Prefix: "10.0.0.0/24"},
					prefix{Name: "six", Prefix: "2001:db8::/32"},
					prefix{Name: "host", Prefix: "192.0.2.1/32"},
					prefix{Name: "all", Prefix: "::/0"},
					prefix{Name: "ref", PrefixRef: prefixRef}),
			),
		},
		"two peerings may use the same prefix name and range": {
			network: networkA(
				to("b", prefix{Name: "front", Prefix: "10.0.0.0/24"}),
				to("c", prefix{Name: "front", Prefix: "10.0.0.0/24"})),
		},
		"a Network of the own name in another namespace is another Network": {
			network: networkA(via("namesake", ref{Namespace: "team-b", Name: "a"})),
		},
		"as many peerings and prefixes as allowed are accepted": {
			network: large(maxPeerings, maxPrefixes),
		},

		"metadata follows the rules of Kubernetes, and its faults come with those of spec": {
			network: func() *networking.Network {
				n := networkA(to("B"))
				n.Name = "Net_1"
				n.Labels = map[string]string{"app": "no spaces"}
				return n
			}(),
			want: []string{
				`metadata.name: Invalid value: "Net_1": ` + subdomainRule,
				`metadata.labels: Invalid value: "no spaces": a valid label must be an empty string or consist of ` +
					`alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character ` +
					`(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is ` +
					`'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
				`spec.peerings[0].name: Invalid value: "B": ` + subdomainRule,
				`spec.peerings[0].networkRef.name: Invalid value: "B": ` + subdomainRule,
			},
		},
		"a missing name and namespace are required": {
			network: &networking.Network{},
			want: []string{
				"metadata.name: Required value: name or generateName is required",
				"metadata.namespace: Required value",
			},
		},

		"a peering needs a name and a target": {
			network: networkA(networking.NetworkPeering{}, networking.NetworkPeering{}),
			want: []string{
				"spec.peerings[0].name: Required value: must not be empty",
				"spec.peerings[0].networkRef.name: Required value: must not be empty",
				"spec.peerings[1].name: Required value: must not be empty",
				"spec.peerings[1].networkRef.name: Required value: must not be empty",
			},
		},
		"a peering name is a DNS subdomain": {
			network: networkA(
				via("my.peering", ref{Name: "b"}),
				via("-", ref{Name: "c"}),
				via(strings.Repeat("x", 253), ref{Name: "d"}),
				via(strings.Repeat("x", 254), ref{Name: "e"})),
			want: []string{
				`spec.peerings[1].name: Invalid value: "-": ` + subdomainRule,
				"spec.peerings[3].name: Too long: may not be more than 253 bytes",
			},
		},
		"a peering name is used once, and every repetition is reported": {
			network: networkA(
				via("p", ref{Name: "b"}), via("p", ref{Name: "c"}), via("q", ref{Name: "d"}), via("p", ref{Name: "e"})),
			want: []string{
				`spec.peerings[1].name: Duplicate value: "p"`,
				`spec.peerings[3].name: Duplicate value: "p"`,
			},
		},
		"a target is named by a DNS subdomain, its namespace by a DNS label": {
			network: networkA(
				via("p", ref{Namespace: "Team", Name: "b/c"}),
				via("q", ref{Namespace: "team.b", Name: strings.Repeat("x", 254)}),
				via("r", ref{Namespace: strings.Repeat("x", 64), Name: "b"})),
			want: []string{
				`spec.peerings[0].networkRef.name: Invalid value: "b/c": ` + subdomainRule,
				`spec.peerings[0].networkRef.namespace: Invalid value: "Team": ` + labelRule,
				"spec.peerings[1].networkRef.name: Too long: may not be more than 253 bytes",
				`spec.peerings[1].networkRef.namespace: Invalid value: "team.b": must not contain dots`,
				"spec.peerings[2].networkRef.namespace: Too long: may not be more than 63 bytes",
			},
		},
		"a uid pin has the form of a Kubernetes UID": {
			network: networkA(
				via("p", ref{Name: "b", UID: "not-a-uid"}),
				via("q", ref{Name: "c", UID: "B0000000-0000-4000-8000-00000000000B"}),
				via("r", ref{Name: "d", UID: "b0000000-0000-4000-8000-00000000000\n"}),
				via("s", ref{Name: "e", UID: uidB + "0"})),
			want: []string{
				`spec.peerings[0].networkRef.uid: Invalid value: "not-a-uid": ` +
					"must be a lowercase UUID in 8-4-4-4-12 format",
				`spec.peerings[1].networkRef.uid: Invalid value: "B0000000-0000-4000-8000-00000000000B": ` +
					"must be a lowercase UUID in 8-4-4-4-12 format",
				`spec.peerings[2].networkRef.uid: Invalid value: "b0000000-0000-4000-8000-00000000000\n": ` +
					"must be a lowercase UUID in 8-4-4-4-12 format",
				"spec.peerings[3].networkRef.uid: Too long: may not be more than 36 bytes",
			},
		},
		"a Network is no peer of its own, whether the namespace is given or not, pinned or not": {
			network: networkA(
				via("p", ref{Name: "a"}),
				via("q", ref{Namespace: "team-a", Name: "a"}),
				via("r", ref{Name: "a", UID: uidB})),
			want: []string{
				`spec.peerings[0].networkRef: Invalid value: "team-a/a": ` +
					"must name another Network: a Network can't be peered with itself",
				`spec.peerings[1].networkRef: Invalid value: "team-a/a": ` +
					"must name another Network: a Network can't be peered with itself",
				`spec.peerings[2].networkRef: Invalid value: "team-a/a": ` +
					"must name another Network: a Network can't be peered with itself",
			},
		},
		"a Network is the target of one peering, whether the namespace is given or not, pinned or not": {
			network: networkA(
				via("p", ref{Name: "b"}),
				via("q", ref{Namespace: "team-a", Name: "b"}),
				via("r", ref{Name: "b", UID: uidB}),
				via("s", ref{Namespace: "team-b", Name: "b"})),
			want: []string{
				`spec.peerings[1].networkRef: Duplicate value: "team-a/b"`,
				`spec.peerings[2].networkRef: Duplicate value: "team-a/b"`,
			},
		},
		"too many peerings are reported once, without a look at them": {
			network: networkA(many(1001, networking.NetworkPeering{})...),
			want:    []string{"spec.peerings: Too many: 1001: must have at most 1000 items"},
		},

		"a prefix is given directly or by reference": {
			network: networkA(to("b",
				prefix{Name: "neither"},
				prefix{Name: "both", Prefix: "10.0.0.0/24", PrefixRef: prefixRef},
				prefix{Name: "nameless", PrefixRef: &networking.LocalObjectReference{}},
				prefix{Name: "malformed", PrefixRef: &networking.LocalObjectReference{Name: "My_Prefix"}})),
			want: []string{
				"spec.peerings[0].prefixes[0]: Required value: must have either prefix or prefixRef",
				"spec.peerings[0].prefixes[1]: Forbidden: must not have both prefix and prefixRef",
				"spec.peerings[0].prefixes[2].prefixRef.name: Required value: must not be empty",
				`spec.peerings[0].prefixes[3].prefixRef.name: Invalid value: "My_Prefix": ` + subdomainRule,
			},
		},
		"no prefixes are neither everything nor nothing": {
			network: networkA(networking.NetworkPeering{
				Name: "p", NetworkRef: ref{Name: "b"}, Prefixes: []networking.PeeringPrefix{},
			}),
			want: []string{
				`spec.peerings[0].prefixes: Invalid value: "[]": must not be empty: leave prefixes out to expose everything, or ` +
					"take the peering out to expose nothing",
			},
		},
		"a prefix name is a DNS subdomain, used once in its peering": {
			network: networkA(to("b",
				prefix{Prefix: "10.0.0.0/24"},
				prefix{Name: "Front", Prefix: "10.0.1.0/24"},
				prefix{Name: "front", Prefix: "10.0.2.0/24"},
				prefix{Name: "front", PrefixRef: prefixRef})),
			want: []string{
				"spec.peerings[0].prefixes[0].name: Required value: must not be empty",
				`spec.peerings[0].prefixes[1].name: Invalid value: "Front": ` + subdomainRule,
				`spec.peerings[0].prefixes[3].name: Duplicate value: "front"`,
			},
		},
		"a range that isn't canonical is answered with the canonical one": {
			network: networkA(to("b",
				prefix{Name: "a", Prefix: "10.0.0.1/24"},
				prefix{Name: "b", Prefix: "2001:db8::1/32"},
				prefix{Name: "c", Prefix: "2001:DB8::/32"},
				prefix{Name: "d", Prefix: "2001:db8:0:0::/64"})),
			want: []string{
				`spec.peerings[0].prefixes[0].prefix: Invalid value: "10.0.0.1/24": ` +
					`must be in canonical form with all host bits zero: "10.0.0.0/24"`,
				`spec.peerings[0].prefixes[1].prefix: Invalid value: "2001:db8::1/32": ` +
					`must be in canonical form with all host bits zero: "2001:db8::/32"`,
				`spec.peerings[0].prefixes[2].prefix: Invalid value: "2001:DB8::/32": ` +
					`must be in canonical form with all host bits zero: "2001:db8::/32"`,
				`spec.peerings[0].prefixes[3].prefix: Invalid value: "2001:db8:0:0::/64": ` +
					`must be in canonical form with all host bits zero: "2001:db8::/64"`,
			},
		},
		"what is no range is refused": {
			network: networkA(to("b",
				prefix{Name: "a", Prefix: "10.0.0.0"},
				prefix{Name: "b", Prefix: "10.0.0.0/33"},
				prefix{Name: "c", Prefix: "010.0.0.0/8"},
				prefix{Name: "d", Prefix: "10.0.0.0/08"},
				prefix{Name: "e", Prefix: "fe80::%eth0/64"},
				prefix{Name: "f", Prefix: "::ffff:10.0.0.0/104"},
				prefix{Name: "g", Prefix: " 10.0.0.0/8"},
				prefix{Name: "h", Prefix: strings.Repeat("1", 44)})),
			want: []string{
				`spec.peerings[0].prefixes[0].prefix: Invalid value: "10.0.0.0": ` + cidrRule,
				`spec.peerings[0].prefixes[1].prefix: Invalid value: "10.0.0.0/33": ` + cidrRule,
				`spec.peerings[0].prefixes[2].prefix: Invalid value: "010.0.0.0/8": ` + cidrRule,
				`spec.peerings[0].prefixes[3].prefix: Invalid value: "10.0.0.0/08": ` + cidrRule,
				`spec.peerings[0].prefixes[4].prefix: Invalid value: "fe80::%eth0/64": ` + cidrRule,
				`spec.peerings[0].prefixes[5].prefix: Invalid value: "::ffff:10.0.0.0/104": ` +
					"must not be an IPv4-mapped IPv6 range: write it as IPv4",
				`spec.peerings[0].prefixes[6].prefix: Invalid value: " 10.0.0.0/8": ` + cidrRule,
				"spec.peerings[0].prefixes[7].prefix: Too long: may not be more than 43 bytes",
			},
		},
		"too many prefixes are reported once for each peering, without a look at them": {
			network: networkA(to("b", make([]prefix, 65)...), to("c", prefix{Name: "front"})),
			want: []string{
				"spec.peerings[0].prefixes: Too many: 65: must have at most 64 items",
				"spec.peerings[1].prefixes[0]: Required value: must have either prefix or prefixRef",
			},
		},
		"one answer holds every fault": {
			network: networkA(
				via("p", ref{Name: "b"}),
				networking.NetworkPeering{
					Name:       "p",
					NetworkRef: ref{Namespace: "team-a", Name: "b", UID: "x"},
					Prefixes:   []prefix{{Name: "front", Prefix: "10.0.0.0/240"}, {Name: "front"}},
				}),
			want: []string{
				`spec.peerings[1].name: Duplicate value: "p"`,
				`spec.peerings[1].networkRef.uid: Invalid value: "x": must be a lowercase UUID in 8-4-4-4-12 format`,
				`spec.peerings[1].networkRef: Duplicate value: "team-a/b"`,
				`spec.peerings[1].prefixes[0].prefix: Invalid value: "10.0.0.0/240": ` + cidrRule,
				`spec.peerings[1].prefixes[1].name: Duplicate value: "front"`,
				"spec.peerings[1].prefixes[1]: Required value: must have either prefix or prefixRef",
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			expect(t, tc.want, ValidateNetwork(tc.network))
		})
	}
}

func TestAnAnswerListsAThousandErrorsAndCountsTheRest(t *testing.T) {
	network := large(maxPeerings, maxPrefixes)
	for i := range network.Spec.Peerings {
		for j := range network.Spec.Peerings[i].Prefixes {
			network.Spec.Peerings[i].Prefixes[j].Prefix = ""
		}
	}

	errs := ValidateNetwork(network)

	if len(errs) != 1000 {
		t.Fatalf("%d errors, want 1000", len(errs))
	}
	expect(t, []string{
		"spec.peerings[0].prefixes[0]: Required value: must have either prefix or prefixRef",
		"spec.peerings[15].prefixes[39]: Required value: must have either prefix or prefixRef " +
			"(63000 more errors are not listed)",
	}, field.ErrorList{errs[0], errs[999]})
}

func TestValidateNetworkUpdate(t *testing.T) {
	withProviderID := func(id string) *networking.Network {
		n := networkA()
		n.Spec.ProviderID = id
		return n
	}

	for sentence, tc := range map[string]struct {
		stored, network *networking.Network
		want            []string
	}{
		"peerings may change": {
			stored:  networkA(to("b"), to("c")),
			network: networkA(to("d")),
		},
		"an empty providerID may be set": {
			stored:  withProviderID(""),
			network: withProviderID("ironcore-net://ns/name/42/" + uidA),
		},
		"a providerID may be written again as it is": {
			stored:  withProviderID("local://1"),
			network: withProviderID("local://1"),
		},
		"a providerID may take its full length": {
			stored:  withProviderID(""),
			network: withProviderID(strings.Repeat("x", 512)),
		},
		"a providerID that is set can't be changed": {
			stored:  withProviderID("local://1"),
			network: withProviderID("local://2"),
			want:    []string{`spec.providerID: Invalid value: "local://2": field is immutable`},
		},
		"a providerID that is set can't be cleared": {
			stored:  withProviderID("local://1"),
			network: withProviderID(""),
			want:    []string{`spec.providerID: Invalid value: "": field is immutable`},
		},
		"a providerID must not be longer than its maximum": {
			stored:  withProviderID(""),
			network: withProviderID(strings.Repeat("x", 513)),
			want:    []string{"spec.providerID: Too long: may not be more than 512 bytes"},
		},
		"a providerID must not contain a space": {
			stored:  withProviderID(""),
			network: withProviderID("local:// 1"),
			want: []string{
				`spec.providerID: Invalid value: "local:// 1": must consist of printable ASCII characters other than space`,
			},
		},
		"a providerID must not contain a control character": {
			stored:  withProviderID(""),
			network: withProviderID("local://\x7f"),
			want: []string{
				`spec.providerID: Invalid value: "local://\x7f": must consist of printable ASCII characters other than space`,
			},
		},
		"a providerID must not contain what isn't ASCII": {
			stored:  withProviderID(""),
			network: withProviderID("local://\u200b"),
			want: []string{
				`spec.providerID: Invalid value: "local://\u200b": ` +
					"must consist of printable ASCII characters other than space",
			},
		},
		"faults of peerings and an immutable field come in one answer": {
			stored: withProviderID("local://1"),
			network: func() *networking.Network {
				n := withProviderID("local://2")
				n.Spec.Peerings = []networking.NetworkPeering{to("a")}
				return n
			}(),
			want: []string{
				`spec.peerings[0].networkRef: Invalid value: "team-a/a": ` +
					"must name another Network: a Network can't be peered with itself",
				`spec.providerID: Invalid value: "local://2": field is immutable`,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			expect(t, tc.want, ValidateNetworkUpdate(tc.network, tc.stored))
		})
	}
}

func TestValidateNetworkStatusUpdate(t *testing.T) {
	type (
		peering = networking.NetworkPeeringStatus
		prefix  = networking.PeeringPrefixStatus
	)
	available := metav1.Condition{
		Type:               "Available",
		Status:             metav1.ConditionTrue,
		Reason:             "Available",
		LastTransitionTime: metav1.NewTime(time.Unix(1, 0)),
	}

	for sentence, tc := range map[string]struct {
		status networking.NetworkStatus
		want   []string
	}{
		"a provider may report everything that is its own": {
			status: networking.NetworkStatus{
				State:      networking.NetworkStateAvailable,
				Conditions: []metav1.Condition{available},
				Peerings: []peering{
					{Name: "b", Phase: networking.NetworkPeeringPhaseBound},
					{Name: "c", State: networking.NetworkPeeringStateReady, Prefixes: []prefix{
						{Name: "four", Prefix: "10.0.0.0/24"}, {Name: "six", Prefix: "2001:db8::/32"}}},
					{Name: "d", State: networking.NetworkPeeringStateError, Prefixes: []prefix{{Name: "unallocated"}}},
					{Name: "e", State: networking.NetworkPeeringStatePending},
				},
			},
		},
		"an unknown state is answered with the known ones": {
			status: networking.NetworkStatus{State: "Ready", Peerings: []peering{{Name: "b", State: "Available"}}},
			want: []string{
				`status.state: Unsupported value: "Ready": supported values: "Pending", "Available", "Error"`,
				`status.peerings[0].state: Unsupported value: "Available": supported values: "Pending", "Ready", "Error"`,
			},
		},
		"a Network always has a state": {
			status: networking.NetworkStatus{},
			want: []string{
				"status.state: Required value: must be Pending, Available or Error",
			},
		},
		"conditions follow the rules of Kubernetes, one for each type": {
			status: networking.NetworkStatus{
				State: networking.NetworkStatePending,
				Conditions: []metav1.Condition{
					available,
					{Type: "Programmed", Status: "Maybe", Reason: "Trying", LastTransitionTime: available.LastTransitionTime},
					available,
					{Type: "Reachable", Status: metav1.ConditionTrue, Reason: "Probed"},
				},
			},
			want: []string{
				`status.conditions[1].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"`,
				`status.conditions[2]: Duplicate value: "Available"`,
				"status.conditions[3].lastTransitionTime: Required value",
			},
		},
		"too many conditions, peerings and prefixes are reported once, without a look at them": {
			status: networking.NetworkStatus{
				State:      networking.NetworkStatePending,
				Conditions: make([]metav1.Condition, 33),
				Peerings:   []peering{{Name: "b", Prefixes: make([]prefix, 65)}},
			},
			want: []string{
				"status.conditions: Too many: 33: must have at most 32 items",
				"status.peerings[0].prefixes: Too many: 65: must have at most 64 items",
			},
		},
		"too many peerings are reported once": {
			status: networking.NetworkStatus{
				State:    networking.NetworkStatePending,
				Peerings: make([]peering, 1001),
			},
			want: []string{"status.peerings: Too many: 1001: must have at most 1000 items"},
		},
		"prefixes in force have a name of their own and a canonical range": {
			status: networking.NetworkStatus{
				State: networking.NetworkStatePending,
				Peerings: []peering{{Name: "b"}, {Name: "c", Prefixes: []prefix{
					{Prefix: "10.0.0.0/24"},
					{Name: "front", Prefix: "10.0.0.1/24"},
					{Name: "front", Prefix: "everything"},
				}}},
			},
			want: []string{
				"status.peerings[1].prefixes[0].name: Required value: must not be empty",
				`status.peerings[1].prefixes[1].prefix: Invalid value: "10.0.0.1/24": ` +
					`must be in canonical form with all host bits zero: "10.0.0.0/24"`,
				`status.peerings[1].prefixes[2].name: Duplicate value: "front"`,
				`status.peerings[1].prefixes[2].prefix: Invalid value: "everything": ` + cidrRule,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			network := networkA()
			network.Status = tc.status
			expect(t, tc.want, ValidateNetworkStatusUpdate(network, networkA()))
		})
	}
}

func TestValidateNetworkRealization(t *testing.T) {
	known := metav1.ObjectMeta{UID: uidA, ResourceVersion: "7"}
	available := networking.NetworkStatus{State: networking.NetworkStateAvailable}
	for sentence, tc := range map[string]struct {
		stored      string // provider ID
		realization networking.NetworkRealization
		want        []string
	}{
		"a first provider ID is accepted": {
			realization: networking.NetworkRealization{ObjectMeta: known, ProviderID: "local://5", Status: available},
		},
		"the same provider ID is accepted": {
			stored:      "local://5",
			realization: networking.NetworkRealization{ObjectMeta: known, ProviderID: "local://5", Status: available},
		},
		"one that was stored under other rules is no fault of the provider": {
			stored:      "local 5",
			realization: networking.NetworkRealization{ObjectMeta: known, ProviderID: "local 5", Status: available},
		},
		"a provider ID may be left out": {
			stored:      "local://5",
			realization: networking.NetworkRealization{ObjectMeta: known, Status: available},
		},
		"another provider ID is refused": {
			stored:      "local://5",
			realization: networking.NetworkRealization{ObjectMeta: known, ProviderID: "local://6", Status: available},
			want:        []string{`providerID: Invalid value: "local://6": field is immutable`},
		},
		"every fault is told": {
			realization: networking.NetworkRealization{
				ProviderID: "local 5",
				Status:     networking.NetworkStatus{State: "Odd", Conditions: make([]metav1.Condition, 33)},
			},
			want: []string{
				"metadata.uid: Required value: must be the one of the Network decided on",
				"metadata.resourceVersion: Required value: must be the one of the Network decided on",
				`providerID: Invalid value: "local 5": must consist of printable ASCII characters other than space`,
				`status.state: Unsupported value: "Odd": supported values: "Pending", "Available", "Error"`,
				"status.conditions: Too many: 33: must have at most 32 items",
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			network := networkA()
			network.Spec.ProviderID = tc.stored
			expect(t, tc.want, ValidateNetworkRealization(&tc.realization, network))
		})
	}
}

func TestValidateNetworkBinding(t *testing.T) {
	type claim = networking.NetworkPeeringClaimRef
	var (
		network = networkA(
			to("b"),
			via("far", networking.NetworkPeeringNetworkRef{Namespace: "team-b", Name: "c", UID: uidC}))
		metadata = metav1.ObjectMeta{Name: "a", Namespace: "team-a", UID: uidA, ResourceVersion: "7"}
		claimB   = claim{Namespace: "team-a", Name: "b", UID: uidB}
		claimC   = claim{Namespace: "team-b", Name: "c", UID: uidC}
	)
	bound := func(name string) networking.NetworkPeeringBinding {
		return networking.NetworkPeeringBinding{Name: name, Phase: networking.NetworkPeeringPhaseBound, Reason: "Bound"}
	}
	pending := func(name string) networking.NetworkPeeringBinding {
		return networking.NetworkPeeringBinding{
			Name: name, Phase: networking.NetworkPeeringPhasePending, Reason: "PeerNotFound", Message: "There is no Network."}
	}
	decisions := func(decisions ...networking.NetworkPeeringBinding) []networking.NetworkPeeringBinding {
		return decisions
	}

	for sentence, tc := range map[string]struct {
		network *networking.Network // by default team-a/a with a peering to b and a pinned one to team-b/c
		binding networking.NetworkBinding
		want    []string
	}{
		"nothing bound and nothing claimed fit": {
			binding: networking.NetworkBinding{ObjectMeta: metadata, Peerings: decisions(pending("b"), pending("far"))},
		},
		"the claims of the bound peerings fit, in any order": {
			binding: networking.NetworkBinding{
				ObjectMeta:       metadata,
				IncomingPeerings: []claim{claimC, claimB},
				Peerings:         decisions(bound("b"), bound("far")),
			},
		},
		"a Network without peerings takes an empty binding": {
			network: networkA(),
			binding: networking.NetworkBinding{ObjectMeta: metadata},
		},
		"uid and resourceVersion are required": {
			binding: networking.NetworkBinding{Peerings: decisions(pending("b"), pending("far"))},
			want: []string{
				"metadata.uid: Required value: must be the one of the Network decided on",
				"metadata.resourceVersion: Required value: must be the one of the Network decided on",
			},
		},
		"a missing decision is refused, and the rest can't be held against the Network": {
			binding: networking.NetworkBinding{
				ObjectMeta: metadata, IncomingPeerings: []claim{claimB}, Peerings: decisions(pending("far"))},
			want: []string{
				"peerings: Invalid value: 1: must have 2 items, one for each of spec.peerings of the Network, in the same order",
			},
		},
		"a decision too many is refused": {
			binding: networking.NetworkBinding{
				ObjectMeta: metadata, Peerings: decisions(pending("b"), pending("far"), pending("d"))},
			want: []string{
				"peerings: Invalid value: 3: must have 2 items, one for each of spec.peerings of the Network, in the same order",
			},
		},
		"decisions in another order are refused": {
			binding: networking.NetworkBinding{ObjectMeta: metadata, Peerings: decisions(pending("far"), pending("b"))},
			want: []string{
				`peerings[0].name: Invalid value: "far": must be "b", the name of item 0 of spec.peerings of the Network`,
				`peerings[1].name: Invalid value: "b": must be "far", the name of item 1 of spec.peerings of the Network`,
			},
		},
		"a decision has a known phase and a CamelCase reason": {
			binding: networking.NetworkBinding{ObjectMeta: metadata, Peerings: decisions(
				networking.NetworkPeeringBinding{Name: "b"},
				networking.NetworkPeeringBinding{Name: "far", Phase: "Ready", Reason: "not found"})},
			want: []string{
				"peerings[0].phase: Required value: must be Pending or Bound",
				"peerings[0].reason: Required value: must say why the phase is what it is",
				`peerings[1].phase: Unsupported value: "Ready": supported values: "Pending", "Bound"`,
				`peerings[1].reason: Invalid value: "not found": ` +
					"must be one CamelCase word: a capital letter, then letters and digits",
			},
		},
		"a reason begins with a capital letter": {
			binding: networking.NetworkBinding{ObjectMeta: metadata, Peerings: decisions(
				networking.NetworkPeeringBinding{Name: "b", Phase: "Pending", Reason: "peerNotFound"},
				networking.NetworkPeeringBinding{Name: "far", Phase: "Pending", Reason: "4Gone"})},
			want: []string{
				`peerings[0].reason: Invalid value: "peerNotFound": ` +
					"must be one CamelCase word: a capital letter, then letters and digits",
				`peerings[1].reason: Invalid value: "4Gone": ` +
					"must be one CamelCase word: a capital letter, then letters and digits",
			},
		},
		"reason and message have a maximum": {
			binding: networking.NetworkBinding{ObjectMeta: metadata, Peerings: decisions(
				networking.NetworkPeeringBinding{
					Name: "b", Phase: "Pending", Reason: strings.Repeat("X", 128), Message: strings.Repeat("x", 1024)},
				networking.NetworkPeeringBinding{
					Name: "far", Phase: "Pending", Reason: strings.Repeat("X", 129), Message: strings.Repeat("x", 1025)})},
			want: []string{
				"peerings[1].reason: Too long: may not be more than 128 bytes",
				"peerings[1].message: Too long: may not be more than 1024 bytes",
			},
		},
		"a bound peering without its claim is refused": {
			binding: networking.NetworkBinding{
				ObjectMeta: metadata, IncomingPeerings: []claim{claimB}, Peerings: decisions(bound("b"), bound("far"))},
			want: []string{
				`incomingPeerings: Required value: must hold the claim of "team-b/c", because peering "far" is Bound`,
			},
		},
		"a claim without its bound peering is refused": {
			binding: networking.NetworkBinding{
				ObjectMeta: metadata, IncomingPeerings: []claim{claimB, claimC}, Peerings: decisions(bound("b"), pending("far"))},
			want: []string{
				`incomingPeerings[1]: Invalid value: "team-b/c": must be a Network that a Bound peering of this Network names`,
			},
		},
		"a claim of the right name in the wrong namespace is refused": {
			binding: networking.NetworkBinding{
				ObjectMeta:       metadata,
				IncomingPeerings: []claim{{Namespace: "team-b", Name: "b", UID: uidB}},
				Peerings:         decisions(bound("b"), pending("far")),
			},
			want: []string{
				`incomingPeerings[0]: Invalid value: "team-b/b": must be a Network that a Bound peering of this Network names`,
				`incomingPeerings: Required value: must hold the claim of "team-a/b", because peering "b" is Bound`,
			},
		},
		"a claim of a Network other than the pinned one is refused": {
			binding: networking.NetworkBinding{
				ObjectMeta:       metadata,
				IncomingPeerings: []claim{{Namespace: "team-b", Name: "c", UID: uidB}},
				Peerings:         decisions(pending("b"), bound("far")),
			},
			want: []string{
				`incomingPeerings[0].uid: Invalid value: "` + uidB + `": must be "` + uidC +
					`", which peering "far" asks for`,
			},
		},
		"a second claim for one target is refused": {
			binding: networking.NetworkBinding{
				ObjectMeta: metadata,
				IncomingPeerings: []claim{
					claimB,
					{Namespace: "team-a", Name: "b", UID: uidC},
				},
				Peerings: decisions(bound("b"), pending("far")),
			},
			want: []string{`incomingPeerings[1]: Duplicate value: "team-a/b"`},
		},
		"two claims of one uid are refused": {
			binding: networking.NetworkBinding{
				ObjectMeta: metadata,
				IncomingPeerings: []claim{
					{Namespace: "team-a", Name: "b", UID: uidC},
					claimC,
				},
				Peerings: decisions(bound("b"), bound("far")),
			},
			want: []string{`incomingPeerings[1].uid: Duplicate value: "` + uidC + `"`},
		},
		"a claim names its claimant in full": {
			binding: networking.NetworkBinding{
				ObjectMeta:       metadata,
				IncomingPeerings: []claim{{}, {Namespace: "team-a", Name: "b", UID: "b"}},
				Peerings:         decisions(bound("b"), pending("far")),
			},
			want: []string{
				"incomingPeerings[0].namespace: Required value: must not be empty",
				"incomingPeerings[0].name: Required value: must not be empty",
				"incomingPeerings[0].uid: Required value: must be the metadata.uid of the claiming Network",
				`incomingPeerings[1].uid: Invalid value: "b": must be a lowercase UUID in 8-4-4-4-12 format`,
			},
		},
		"too many claims are reported once, without a look at them": {
			network: networkA(),
			binding: networking.NetworkBinding{ObjectMeta: metadata, IncomingPeerings: make([]claim, 1001)},
			want:    []string{"incomingPeerings: Too many: 1001: must have at most 1000 items"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if tc.network == nil {
				tc.network = network
			}
			expect(t, tc.want, ValidateNetworkBinding(&tc.binding, tc.network))
		})
	}
}

// large is a valid Network with so many peerings, each with so many prefixes.
func large(peerings, prefixes int) *networking.Network {
	network := networkA()
	for i := range peerings {
		peering := via(fmt.Sprintf("peering-%d", i), networking.NetworkPeeringNetworkRef{
			Namespace: "team-b",
			Name:      fmt.Sprintf("network-%d", i),
			UID:       uidB,
		})
		for j := range prefixes {
			peering.Prefixes = append(peering.Prefixes, networking.PeeringPrefix{
				Name:   fmt.Sprintf("prefix-%d", j),
				Prefix: fmt.Sprintf("10.%d.%d.0/24", i%256, j),
			})
		}
		network.Spec.Peerings = append(network.Spec.Peerings, peering)
	}
	return network
}

func BenchmarkValidateNetwork(b *testing.B) {
	for _, peerings := range []int{8, 1000} {
		b.Run(fmt.Sprintf("%d peerings", peerings), func(b *testing.B) {
			network := large(peerings, 1)
			b.ReportAllocs()
			for b.Loop() {
				if errs := ValidateNetwork(network); len(errs) > 0 {
					b.Fatal(errs.ToAggregate())
				}
			}
		})
	}
}
