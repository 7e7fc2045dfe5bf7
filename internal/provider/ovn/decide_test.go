// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

func ownerNamed(name string) owner {
	return owner{types.NamespacedName{Namespace: "team-a", Name: name}, types.UID("uid-of-" + name)}
}

// routesOf lists the routes among rows, as "prefix port".
func routesOf(rows []row) []string {
	var routes []string
	for _, r := range rows {
		if r.table == tableRoute {
			routes = append(routes, r.key)
		}
	}
	slices.Sort(routes)
	return routes
}

func TestAPeeringHasARouteForEachRangeAndNoOther(t *testing.T) {
	a, b := ownerNamed("a"), ownerNamed("b")
	rows := decideNetwork(a, []peering{{peer: b, exposes: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8::/64"),
	}}})
	want := []string{"10.0.0.0/24 peering-uid-of-a-uid-of-b", "2001:db8::/64 peering-uid-of-a-uid-of-b"}
	if diff := cmp.Diff(want, routesOf(rows)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if routes := routesOf(decideNetwork(a, []peering{{peer: b}})); len(routes) > 0 {
		t.Errorf("a peer that exposes nothing has the routes %v", routes)
	}
}

func TestTheTwoEndsOfAPeeringMeet(t *testing.T) {
	a, b := ownerNamed("a"), ownerNamed("b")
	ends := make(map[string]row)
	for _, r := range append(decidePeering(a, peering{peer: b, exposes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}),
		decidePeering(b, peering{peer: a})...) {
		ends[r.key] = r
	}
	here, there := ends[peeringPort(a.uid, b.uid)], ends[peeringPort(b.uid, a.uid)]
	if here.columns["peer"] != there.key || there.columns["peer"] != here.key {
		t.Errorf("%v and %v are not each other's peer", here, there)
	}
	route := ends["10.0.0.0/8 "+here.key]
	if via := fmt.Sprint(route.columns["nexthop"], "/32"); !slices.Contains(there.columns["networks"].([]string), via) {
		t.Errorf("the route leads to %s, and the peer has %v", via, there.columns["networks"])
	}
}

func TestTransitAddressesOfTheTwoEndsDiffer(t *testing.T) {
	for i := range 1000 {
		one, other := types.UID(fmt.Sprint("one-", i)), types.UID(fmt.Sprint("other-", i))
		one4, one6 := transitAddresses(one, other)
		other4, other6 := transitAddresses(other, one)
		if one4 == other4 || one6 == other6 {
			t.Fatalf("%s and %s, %s and %s", one4, other4, one6, other6)
		}
		if !netip.MustParsePrefix("240.0.0.0/5").Contains(one4) || !netip.MustParsePrefix("fd00::/8").Contains(one6) {
			t.Fatalf("%s and %s are not of the ranges that no guest has", one4, one6)
		}
	}
}

func TestMACAddressesAreLocalAndOfOneStation(t *testing.T) {
	for i := range 1000 {
		address, err := net.ParseMAC(macAddress(types.UID(fmt.Sprint(i))))
		if err != nil || address[0]&3 != 2 {
			t.Fatalf("%s (%v)", address, err)
		}
	}
}

func TestDecideInterface(t *testing.T) {
	nic := &v1alpha1.NetworkInterface{ObjectMeta: metav1.ObjectMeta{Name: "nic", UID: "uid-of-nic"}}
	rows := decideInterface(ownerNamed("a"), nic,
		[]netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")},
		[]netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")})
	want := []string{"10.0.0.1/32 lan-uid-of-a", "10.1.0.0/24 lan-uid-of-a", "2001:db8::1/128 lan-uid-of-a"}
	if diff := cmp.Diff(want, routesOf(rows)); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	port := rows[slices.IndexFunc(rows, func(r row) bool { return r.table == tableSwitchPort })]
	mac := macAddress(nic.UID)
	if diff := cmp.Diff([]string{mac + " 10.0.0.1 2001:db8::1 10.1.0.0/24"}, port.columns["port_security"]); diff != "" {
		t.Errorf("port security (-want +got):\n%s", diff)
	}
	for _, r := range rows {
		if name, uid, ok := interfaceOfPart(r.part); !ok || name != "nic" || uid != "uid-of-nic" {
			t.Errorf("%v is for %q", r.key, r.part)
		}
	}
}

func TestDecideAddresses(t *testing.T) {
	type spec = v1alpha1.NetworkInterfaceSpec
	ip := func(texts ...string) (sources []v1alpha1.IPSource) {
		for _, text := range texts {
			sources = append(sources, v1alpha1.IPSource{Value: text})
		}
		return sources
	}
	for sentence, tc := range map[string]struct {
		spec     spec
		reason   string
		gateways []string
	}{
		"addresses of both families have a gateway each": {
			spec: spec{IPs: ip("2001:db8::1", "10.0.0.1")}, gateways: []string{gateway6, gateway4},
		},
		"an address without a value is missing": {
			spec: spec{IPs: ip("")}, reason: v1alpha1.NetworkInterfaceReasonAddressMissing,
		},
		"the gateway's address is no guest's": {spec: spec{IPs: ip(gateway4)}, reason: "AddressUnusable"},
		"a multicast address is no guest's":   {spec: spec{IPs: ip("ff02::1")}, reason: "AddressUnusable"},
		"a range needs an address of its kind": {
			spec:   spec{IPs: ip("10.0.0.1"), Prefixes: []v1alpha1.PrefixSource{{Value: "2001:db8::/64"}}},
			reason: "PrefixUnreachable",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, got := decideAddresses(&v1alpha1.NetworkInterface{Spec: tc.spec})
			if got.Reason != tc.reason || !slices.Equal(got.Gateways, tc.gateways) ||
				(got.State == v1alpha1.NetworkInterfaceStateAvailable) != (tc.reason == "") {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestDecideChange(t *testing.T) {
	a := ownerNamed("a")
	port := func(part, name, mac string) row {
		return a.row(tableRouterPort, name, part, map[string]any{"name": name, "mac": mac, "networks": []string{"b", "a"}})
	}
	there := func(r row) found {
		f := found{r, "uuid-of-" + r.key}
		f.columns["networks"] = []string{"a", "b"}
		return f
	}
	for sentence, tc := range map[string]struct {
		desired []row
		there   []found
		want    string
	}{
		"what is as it should be is left alone, in whatever order its sets are": {
			desired: []row{port("network", "p", "02")}, there: []found{there(port("network", "p", "02"))},
		},
		"what is missing is inserted": {
			desired: []row{port("network", "p", "02")}, want: "insert p",
		},
		"what differs is updated where it differs": {
			desired: []row{port("network", "p", "02")}, there: []found{there(port("network", "p", "03"))}, want: "update p: mac",
		},
		"what belongs to a part that is decided on and should not be is removed": {
			there: []found{there(port("network", "p", "02"))}, want: "remove p",
		},
		"what belongs to another part is left alone": {
			there: []found{there(port("interface/nic/uid", "p", "02"))},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			change := decideChange(tc.desired, tc.there, func(part string) bool { return part == "network" })
			var got []string
			for _, r := range change.insert {
				got = append(got, "insert "+r.key)
			}
			for _, u := range change.update {
				for column := range u.columns {
					got = append(got, "update "+u.there.key+": "+column)
				}
			}
			for _, f := range change.remove {
				got = append(got, "remove "+f.key)
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, ", "), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if change.empty() != (tc.want == "") {
				t.Errorf("empty is %v", change.empty())
			}
		})
	}
}

func TestWhatIsReportedOfANetworkInterfaceThatWasNotWritten(t *testing.T) {
	const pending, failed, available = v1alpha1.NetworkInterfaceStatePending, v1alpha1.NetworkInterfaceStateError,
		v1alpha1.NetworkInterfaceStateAvailable
	refused, held := errors.New("constraint violation"), &heldError{found{row: row{key: "10.0.0.1", part: "interface/other/uid"}}}
	for sentence, tc := range map[string]struct {
		state v1alpha1.NetworkInterfaceState
		err   error
		want  provider.InterfaceRealization
	}{
		"what is in force stays while the database is away":          {state: available, err: &awayError{refused}},
		"what is in force stays where another client was first":      {state: available, err: errConflict},
		"what is in force stays where the database refuses a change": {state: available, err: refused},
		"an address of another is not in force": {state: available, err: held, want: provider.InterfaceRealization{
			State: failed, Reason: "AddressInUse", Message: held.Error(),
		}},
		"what is not in force yet says why": {state: pending, err: refused, want: provider.InterfaceRealization{
			State: pending, Reason: "NBRefused", Message: "OVN's north-bound database refuses: constraint violation",
		}},
	} {
		nic := &v1alpha1.NetworkInterface{Status: v1alpha1.NetworkInterfaceStatus{State: tc.state}}
		if diff := cmp.Diff(tc.want, unwritten(nic, explain(tc.err))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sentence, diff)
		}
	}
}

func TestWhichTransactionAPartWaitsFor(t *testing.T) {
	const kept, gone, nic = partPeering + "ns/kept/1", partPeering + "ns/gone/2", partInterface + "nic/3"
	desired := []row{{part: partPolicies}, {part: kept}, {part: nic}}
	changed := change{
		insert: []row{{part: kept}, {part: nic}},
		remove: []found{{row: row{part: kept}}, {row: row{part: gone}}, {row: row{part: partInterface + "another/4"}}},
	}
	n := numbers{partPolicies: 5, kept: 5, gone: 5}
	n.note(changed, desired, 7)
	if diff := cmp.Diff(numbers{partPolicies: 5, kept: 7}, n); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	for sentence, tc := range map[string]struct {
		part       string
		last, want int
	}{
		"the one that changed it":                            {part: partPolicies, last: 9, want: 5},
		"the last one, where a former leader wrote it":       {part: gone, last: 9, want: 9},
		"the last one of a database that was restored since": {part: kept, last: 3, want: 3},
	} {
		if got := n.of(tc.part, tc.last); got != tc.want {
			t.Errorf("%s: got %d, want %d", sentence, got, tc.want)
		}
		if got := n.of(tc.part, tc.last+100); got != tc.want {
			t.Errorf("%s, asked again: got %d, want %d", sentence, got, tc.want)
		}
	}
}
