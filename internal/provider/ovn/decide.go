// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
)

// Everything here is decided from objects, without clients: the desired rows, and the change from those that are there.

// The tables that the provider writes.
const (
	tableRouter       = "Logical_Router"
	tableRouterPort   = "Logical_Router_Port"
	tableRoute        = "Logical_Router_Static_Route"
	tableRouterPolicy = "Logical_Router_Policy"
	tableSwitch       = "Logical_Switch"
	tableSwitchPort   = "Logical_Switch_Port"
	tableACL          = "ACL"
	tableMACBinding   = "Static_MAC_Binding"
	tablePortGroup    = "Port_Group"
	tableAddressSet   = "Address_Set"
)

// What external_ids say of a row.
const (
	idNetwork  = v1alpha1.GroupName + "/network"     // namespace/name of the Network that it realizes
	idUID      = v1alpha1.GroupName + "/network-uid" // and its UID
	idPart     = v1alpha1.GroupName + "/part"        // what of the Network it is for
	idRevision = v1alpha1.GroupName + "/revision"    // counts the transactions on a router
)

// The parts of a Network that rows are for.
const (
	partNetwork   = "network"
	partPeering   = "peering/"   // and the namespace, name and UID of the peer
	partInterface = "interface/" // and the name and UID of the NetworkInterface
	partPolicies  = "policies"
)

// singleKey is the key of a row of a table in which a Network has only one.
const singleKey = ""

// A guest's gateway is the same in every Network. It uses no address of the Network.
const (
	gateway4 = "169.254.0.1"
	gateway6 = "fe80::1"
)

// row is a row of the north-bound database, in the columns that the provider writes: a string, an int, a bool, a sorted
// []string or a map[string]string. A port group has the names of its ports.
type row struct {
	table string
	// key tells the row from the others of its table that realize the same Network.
	key string
	// part is what of the Network it is for.
	part    string
	columns map[string]any
}

// owner is the Network that rows realize.
type owner struct {
	name types.NamespacedName
	uid  types.UID
}

func ownerOf(network *v1alpha1.Network) owner {
	return owner{rules.NameOf(network), network.UID}
}

// Names of rows follow from UIDs. The router's and the switch's differ: ovn-trace takes either.
func routerName(network types.UID) string    { return "network-" + string(network) }
func switchName(network types.UID) string    { return "switch-" + string(network) }
func lanPort(network types.UID) string       { return "lan-" + string(network) }
func lanSwitchPort(network types.UID) string { return "gateway-" + string(network) }
func interfacePort(nic types.UID) string     { return "nic-" + string(nic) }
func peeringPort(network, peer types.UID) string {
	return "peering-" + string(network) + "-" + string(peer)
}

func interfacePart(nic *v1alpha1.NetworkInterface) string {
	return partInterface + nic.Name + "/" + string(nic.UID)
}

// interfaceOfPart returns the NetworkInterface that a part is.
func interfaceOfPart(part string) (name string, uid types.UID, ok bool) {
	rest, ok := strings.CutPrefix(part, partInterface)
	name, id, found := strings.Cut(rest, "/")
	return name, types.UID(id), ok && found
}

func peeringPart(peer owner) string {
	return partPeering + peer.name.String() + "/" + string(peer.uid)
}

// peerOfPart returns the peer of the peering that a part is.
func peerOfPart(part string) (owner, bool) {
	rest, ok := strings.CutPrefix(part, partPeering)
	fields := strings.Split(rest, "/")
	if !ok || len(fields) != 3 {
		return owner{}, false
	}
	return owner{types.NamespacedName{Namespace: fields[0], Name: fields[1]}, types.UID(fields[2])}, true
}

// row returns one that is for a part of the Network, with the external_ids that say so.
func (o owner) row(table, key, part string, columns map[string]any) row {
	columns["external_ids"] = map[string]string{idNetwork: o.name.String(), idUID: string(o.uid), idPart: part}
	return row{table: table, key: key, part: part, columns: columns}
}

// macAddress derives a locally administered unicast address from a UID.
func macAddress(uid types.UID) string {
	sum := sha256.Sum256([]byte(uid))
	address := net.HardwareAddr(sum[:6])
	address[0] = address[0]&^1 | 2
	return address.String()
}

// transitAddresses are the addresses of a Network's router port towards a peer. No packet carries them, and each is looked up on
// one port only. So they may be equal to others, and they are from ranges that no guest has.
func transitAddresses(network, peer types.UID) (v4, v6 netip.Addr) {
	sum := sha256.Sum256([]byte(string(network) + "/" + string(peer)))
	four, six := [4]byte(sum[:4]), [16]byte(sum[16:])
	four[0], six[0] = 0xf0|four[0]&0x07, 0xfd
	end := byte(0)
	if network < peer { // The two ends of a peering differ.
		end = 1
	}
	four[3], six[15] = four[3]&^1|end, six[15]&^1|end
	return netip.AddrFrom4(four), netip.AddrFrom16(six)
}

// peering is a Bound peering of a Network.
type peering struct {
	peer owner
	// exposes are the ranges that the peer lets the Network reach.
	exposes []netip.Prefix
}

// inOVN tells whether a peer is realized in OVN too.
func inOVN(peer provider.Peer) bool { return strings.HasPrefix(peer.Spec.ProviderID, scheme) }

// decidePeerings returns the peerings of a Network that get rows.
func decidePeerings(network *v1alpha1.Network, peers map[string]provider.Peer) []peering {
	var peerings []peering
	for i := range network.Spec.Peerings {
		if peer, ok := peers[network.Spec.Peerings[i].Name]; ok && inOVN(peer) && !peer.Overlaps {
			peerings = append(peerings, peering{peer: ownerOf(peer.Network), exposes: peer.Exposes})
		}
	}
	return peerings
}

// decideNetwork returns all rows of a Network except those of its NetworkInterfaces and policies.
func decideNetwork(o owner, peerings []peering) []row {
	lan := lanPort(o.uid)
	rows := []row{
		o.row(tableRouter, singleKey, partNetwork, map[string]any{"name": routerName(o.uid)}),
		o.row(tableSwitch, singleKey, partNetwork, map[string]any{"name": switchName(o.uid)}),
		o.row(tableRouterPort, lan, partNetwork, map[string]any{
			"name": lan, "mac": macAddress(o.uid), "peer": "",
			"networks": []string{gateway4 + "/32", gateway6 + "/128"},
		}),
		o.row(tableSwitchPort, lanSwitchPort(o.uid), partNetwork, map[string]any{
			"name": lanSwitchPort(o.uid), "type": "router", "addresses": []string{"router"}, "port_security": []string(nil),
			"options": map[string]string{"router-port": lan, "arp_proxy": gateway4 + " " + gateway6},
		}),
		// What comes from a peer goes to the Network's own guests or nowhere: peerings are not transitive.
		o.routerPolicy(300, fmt.Sprintf("inport == %q", lan), "allow"),
		o.routerPolicy(200, fmt.Sprintf("outport == %q", lan), "allow"),
		o.routerPolicy(100, "1", "drop"),
	}
	for _, peering := range peerings {
		rows = append(rows, decidePeering(o, peering)...)
	}
	return rows
}

func (o owner) routerPolicy(priority int, match, action string) row {
	return o.row(tableRouterPolicy, fmt.Sprintf("%d %s", priority, match), partNetwork,
		map[string]any{"priority": priority, "match": match, "action": action})
}

// decidePeering returns the rows of a peering on the side of one Network: a port that leads to the peer, and a route for
// each range that the peer exposes.
func decidePeering(o owner, p peering) []row {
	port, part := peeringPort(o.uid, p.peer.uid), peeringPart(p.peer)
	own4, own6 := transitAddresses(o.uid, p.peer.uid)
	there4, there6 := transitAddresses(p.peer.uid, o.uid)
	rows := []row{o.row(tableRouterPort, port, part, map[string]any{
		"name": port, "mac": macAddress(types.UID(port)), "peer": peeringPort(p.peer.uid, o.uid),
		"networks": []string{own4.String() + "/32", own6.String() + "/128"},
	})}
	for _, exposed := range p.exposes {
		via := there4
		if exposed.Addr().Is6() {
			via = there6
		}
		rows = append(rows, o.route(exposed, via, port, part))
	}
	return rows
}

func (o owner) route(prefix netip.Prefix, via netip.Addr, port, part string) row {
	return o.row(tableRoute, prefix.String()+" "+port, part,
		map[string]any{"ip_prefix": prefix.String(), "nexthop": via.String(), "output_port": port})
}

// addresses are what a NetworkInterface has in force.
type addresses struct {
	ips      []netip.Addr
	prefixes []netip.Prefix
}

// decideAddresses returns the addresses that a NetworkInterface may have, and what is to be said of it.
func decideAddresses(nic *v1alpha1.NetworkInterface) (addresses, provider.InterfaceRealization) {
	ips, prefixes, missing := provider.Given(nic)
	not := func(state v1alpha1.NetworkInterfaceState, reason, message string) (addresses, provider.InterfaceRealization) {
		return addresses{}, provider.InterfaceRealization{State: state, Reason: reason, Message: message}
	}
	if len(missing) > 0 {
		return not(v1alpha1.NetworkInterfaceStatePending, v1alpha1.NetworkInterfaceReasonAddressMissing,
			fmt.Sprintf("The provider ovn allocates no addresses, and %s has none: give it a value.", strings.Join(missing, ", ")))
	}
	var a addresses
	realization := provider.InterfaceRealization{
		State: v1alpha1.NetworkInterfaceStateAvailable, IPs: ips, Prefixes: prefixes,
	}
	gateways := map[bool]string{true: gateway4, false: gateway6}
	has := make(map[bool]bool)
	for _, text := range ips {
		address, err := netip.ParseAddr(text)
		if err != nil || text == gateway4 || text == gateway6 || rules.NotUnicast(rules.OneAddress(address)) != "" {
			return not(v1alpha1.NetworkInterfaceStateError, "AddressUnusable",
				fmt.Sprintf("%s can't be the address of a guest: choose another.", text))
		}
		if !has[address.Is4()] {
			realization.Gateways = append(realization.Gateways, gateways[address.Is4()])
			has[address.Is4()] = true
		}
		a.ips = append(a.ips, address)
	}
	for _, text := range prefixes {
		prefix, err := netip.ParsePrefix(text)
		if err != nil || !has[prefix.Addr().Is4()] {
			return not(v1alpha1.NetworkInterfaceStateError, "PrefixUnreachable",
				fmt.Sprintf("The range %s needs an address of its family to be reached through: add one to spec.ips.", text))
		}
		a.prefixes = append(a.prefixes, prefix.Masked())
	}
	return a, realization
}

// unwritten returns what is reported of a NetworkInterface whose rows could not be written. One that is Available stays so, unless
// another has its address: what is in the database is still in force, or is put back, and no other is to get the address meanwhile.
func unwritten(nic *v1alpha1.NetworkInterface, failed *provider.Trouble) provider.InterfaceRealization {
	if nic.Status.State == v1alpha1.NetworkInterfaceStateAvailable && failed.State != v1alpha1.NetworkStateError {
		return provider.InterfaceRealization{}
	}
	return provider.InterfaceRealization{
		State: v1alpha1.NetworkInterfaceState(failed.State), Reason: failed.Reason, Message: failed.Message,
	}
}

// decideInterface returns the rows of a NetworkInterface with the given addresses and ranges: its port, and the routes and
// bindings that lead to it. A range is reached through the address of its family.
func decideInterface(o owner, nic *v1alpha1.NetworkInterface, addresses []netip.Addr, prefixes []netip.Prefix) []row {
	port, lan, part, mac := interfacePort(nic.UID), lanPort(o.uid), interfacePart(nic), macAddress(nic.UID)
	known := mac
	var rows []row
	for _, address := range addresses {
		known += " " + address.String()
		rows = append(rows,
			o.route(netip.PrefixFrom(address, address.BitLen()), address, lan, part),
			row{table: tableMACBinding, key: address.String(), part: part, columns: map[string]any{
				"logical_port": lan, "ip": address.String(), "mac": mac, "override_dynamic_mac": true,
			}})
	}
	allowed := known
	for _, prefix := range prefixes {
		via := slices.IndexFunc(addresses, func(address netip.Addr) bool { return address.Is4() == prefix.Addr().Is4() })
		if via < 0 {
			continue
		}
		allowed += " " + prefix.String()
		rows = append(rows, o.route(prefix, addresses[via], lan, part))
	}
	return append(rows, o.row(tableSwitchPort, port, part, map[string]any{
		"name": port, "type": "", "addresses": []string{known}, "port_security": []string{allowed},
		"options": map[string]string(nil),
	}))
}

// change turns the rows that are there into the desired ones.
type change struct {
	insert []row
	update []update
	remove []found
}

type update struct {
	there   found
	columns map[string]any // to write
}

// found is a row that is there.
type found struct {
	row
	uuid string
}

func (c change) empty() bool { return len(c.insert)+len(c.update)+len(c.remove) == 0 }

// parts are the parts of the Network that the change concerns.
func (c change) parts() map[string]bool {
	parts := make(map[string]bool)
	for _, r := range c.insert {
		parts[r.part] = true
	}
	for _, u := range c.update {
		parts[u.there.part] = true
	}
	for _, f := range c.remove {
		parts[f.part] = true
	}
	return parts
}

// numbers are the numbers of the last transactions that changed the parts of a Network.
type numbers map[string]int

// note notes the number of the transaction that made a change. Parts of NetworkInterfaces, and those that are gone, are not waited for.
func (n numbers) note(c change, desired []row, number int) {
	for part := range c.parts() {
		if _, _, isInterface := interfaceOfPart(part); isInterface {
			continue
		}
		n[part] = number
		if !slices.ContainsFunc(desired, func(r row) bool { return r.part == part }) {
			delete(n, part)
		}
	}
}

// of returns the transaction that a part waits for, given the last one that the copy knows. It is that one, if a former leader wrote the
// part, or if the database was restored and counts from a lower number again.
func (n numbers) of(part string, last int) int {
	if number, ok := n[part]; !ok || number > last {
		n[part] = last
	}
	return n[part]
}

// decideChange compares the desired rows of a Network with those that are there. Other rows are removed if they belong to a part
// that is decided on.
func decideChange(desired []row, there []found, decidedOn func(part string) bool) change {
	known := make(map[place]found, len(there))
	for _, f := range there {
		known[f.place()] = f
	}
	kept := make(map[string]bool, len(desired))
	var c change
	for _, r := range desired {
		f, ok := known[r.place()]
		if !ok {
			c.insert = append(c.insert, r)
			continue
		}
		kept[f.uuid] = true
		differing := make(map[string]any)
		for column, value := range r.columns {
			if !sameValue(value, f.columns[column]) {
				differing[column] = value
			}
		}
		if len(differing) > 0 {
			c.update = append(c.update, update{f, differing})
		}
	}
	for _, f := range there {
		if !kept[f.uuid] && decidedOn(f.part) {
			c.remove = append(c.remove, f)
		}
	}
	return c
}

// place identifies a row of a Network.
type place struct{ table, key string }

func (r row) place() place { return place{r.table, r.key} }

// holder returns a row of another part that has the place of a desired row.
func holder(desired []row, there []found) (found, bool) {
	parts := make(map[place]string, len(desired))
	for _, r := range desired {
		parts[r.place()] = r.part
	}
	for _, f := range there {
		if part, ok := parts[f.place()]; ok && part != f.part {
			return f, true
		}
	}
	return found{}, false
}

// sameValue compares values of a column. Sets have no order, and an empty one may be nil.
func sameValue(a, b any) bool {
	switch a := a.(type) {
	case []string:
		b, _ := b.([]string)
		a, b = slices.Clone(a), slices.Clone(b)
		slices.Sort(a)
		slices.Sort(b)
		return slices.Equal(a, b)
	case map[string]string:
		b, _ := b.(map[string]string)
		return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
	}
	return reflect.DeepEqual(a, b)
}

func aclKey(direction string, priority int, match string) string {
	return fmt.Sprintf("%s %d %s", direction, priority, match)
}
