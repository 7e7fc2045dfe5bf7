// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package ovn is the provider whose packets OVN carries. It writes only rows of OVN's north-bound database; ovn-northd and
// the hypervisors follow:
//
//	Network, peers, NetworkInterfaces → decide.go: the desired rows → a transaction, together with others
//	rows → monitor → decide.go: the rows that are there → status
//
// A Network is a logical router and a logical switch, a NetworkInterface a port of the switch and routes to its addresses, a
// Bound peering a port on either router and routes to what the other side exposes. No route, no packet. NetworkPolicies are ACLs
// of the switch, on groups of its ports. Rows are named by UIDs and say in external_ids what they are for; other rows are never
// touched. A transaction fails if the revision of the router is not the one that it was decided on, so that of two leaders the
// slower one begins again.
package ovn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/ovn-kubernetes/libovsdb/model"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/keymutex"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/ovn/nb"
	"ironcore.dev/networking/internal/provider/prefixes"
	"ironcore.dev/networking/internal/rules"
)

// Name of the provider on the command line.
const Name = "ovn"

const (
	finalizer = v1alpha1.GroupName + "/ovn"
	// scheme begins the provider ID of a Network, followed by the name of its router, and that of a NetworkInterface, followed by
	// the name of its port.
	scheme = "ovn://"
	// maxAttempts bounds how often a change is decided again after another writer was first.
	maxAttempts = 5
)

// Provider realizes Networks in OVN.
type Provider struct {
	mtu      int
	database *database
	prefixes *prefixes.Resolver
	// busy serializes the transactions on one Network.
	busy keymutex.KeyMutex

	mu sync.Mutex
	// found and foundInterface are set while the controllers listen.
	found          provider.Found
	foundInterface func(types.NamespacedName)
	// written are the numbers of the transactions on each Network.
	written map[types.UID]numbers
	// awaiting are the Networks that wait until the south-bound database has a transaction.
	awaiting map[owner]int
	// known are the Networks that are to have rows, with their NetworkInterfaces.
	known map[owner][]types.NamespacedName
}

var _ provider.InterfaceProvider = &Provider{}

// New returns a provider that reads Prefixes from the host cluster, if there is one. One serves a leader for as long as it
// leads.
func New(options Options, host *rest.Config) (*Provider, error) {
	resolver, err := prefixes.New(host)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		mtu:      options.MTU,
		database: newDatabase(options),
		prefixes: resolver,
		busy:     keymutex.NewHashed(256),
		written:  make(map[types.UID]numbers),
		awaiting: make(map[owner]int),
		known:    make(map[owner][]types.NamespacedName),
	}
	p.database.changed, p.database.connected = p.changed, p.wakeAll
	return p, nil
}

// Finalizer keeps a Network until its rows are gone.
func (p *Provider) Finalizer() string { return finalizer }

// Run keeps a copy of the database, and calls found for the Networks whose rows change, or the Prefixes that they refer to.
func (p *Provider) Run(ctx context.Context, found provider.Found) error {
	p.mu.Lock()
	p.found = found
	p.mu.Unlock()
	failed := make(chan error, 1)
	go func() { failed <- p.prefixes.Run(ctx, found) }()
	p.database.run(ctx)
	return <-failed
}

// WatchInterfaces calls found for the NetworkInterfaces whose rows change.
func (p *Provider) WatchInterfaces(ctx context.Context, found func(types.NamespacedName)) {
	p.mu.Lock()
	p.foundInterface = found
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()
	p.foundInterface = nil
	p.mu.Unlock()
}

// Realize writes the rows of a Network, and removes those of NetworkInterfaces that are gone.
func (p *Provider) Realize(
	ctx context.Context, network *v1alpha1.Network, situation provider.Situation,
) (provider.Realization, error) {
	providerID := scheme + routerName(network.UID)
	if id := network.Spec.ProviderID; id != "" && id != providerID {
		return provider.Realization{
			State:   v1alpha1.NetworkStateError,
			Reason:  "ForeignProviderID",
			Message: fmt.Sprintf("spec.providerID %q is not %s, which is the router of this Network.", id, providerID),
		}, nil
	}
	o := ownerOf(network)
	p.begin(o, situation.Interfaces)
	peerings := decidePeerings(network, situation.Peers)
	inForce := make(map[types.UID]bool)
	for _, nic := range situation.Interfaces {
		inForce[nic.UID] = nic.Status.State != v1alpha1.NetworkInterfaceStateError
	}
	err := p.ensure(ctx, o, func(there *realized) ([]row, error) {
		inPlace := make(map[types.UID]bool)
		for nic := range there.plugged {
			inPlace[nic] = inForce[nic]
		}
		return append(decideNetwork(o, peerings), decidePolicies(o, situation.Policies, inPlace)...), nil
	}, func(part string) bool {
		_, nic, isInterface := interfaceOfPart(part)
		return !isInterface || !inForce[nic]
	})
	if err != nil {
		failed := troubleOf(ctx, err)
		realization := failed.Realization(network)
		realization.Policies = realizePolicies(situation.Policies, provider.PolicyRealization{
			Transient: failed.State == v1alpha1.NetworkStatePending, Reason: failed.Reason, Message: failed.Message,
		})
		return realization, failed
	}
	return provider.Realization{
		ProviderID: providerID, State: v1alpha1.NetworkStateAvailable,
		Peerings: p.realizePeerings(ctx, network, situation.Peers), Policies: p.policies(o, situation.Policies),
	}, nil
}

// realizePeerings tells which peerings of a Network carry packets.
func (p *Provider) realizePeerings(
	ctx context.Context, network *v1alpha1.Network, peers map[string]provider.Peer,
) map[string]provider.PeeringRealization {
	realized := make(map[string]provider.PeeringRealization)
	resolve := p.prefixes.For(ctx, network)
	for i := range network.Spec.Peerings {
		item := &network.Spec.Peerings[i]
		realization := provider.PeeringRealization{State: v1alpha1.NetworkPeeringStatePending}
		switch peer, ok := peers[item.Name]; {
		case !ok:
		case !inOVN(peer):
			realization.Reason = "PeerElsewhere"
			realization.Message = fmt.Sprintf("Network %s/%s is not realized in OVN, so no traffic can flow.", peer.Namespace, peer.Name)
		default:
			resolved := prefixes.Decide(item, resolve)
			realization.Prefixes, realization.Reason, realization.Message = resolved.Items, resolved.Reason, resolved.Message
			if resolved.Reason == "" && !peer.Overlaps && p.ready(ownerOf(network), ownerOf(peer.Network)) {
				realization.State = v1alpha1.NetworkPeeringStateReady
			}
		}
		realized[item.Name] = realization
	}
	return realized
}

// policies tells whether the south-bound database has the policies of a Network. If not, the Network is found once it has.
func (p *Provider) policies(o owner, policies []rules.Policy) map[types.UID]provider.PolicyRealization {
	realization := provider.PolicyRealization{
		Transient: true, Reason: v1alpha1.ReasonPending,
		Message: "The provider ovn has written it; ovn-northd has not processed it yet.",
	}
	if len(policies) > 0 && p.inSouthbound(o, o.uid, partPolicies) {
		realization = provider.PolicyRealization{
			InForce: true, Reason: v1alpha1.ReasonRealized, Message: "OVN enforces it on the NetworkInterfaces that it selects.",
		}
	}
	return realizePolicies(policies, realization)
}

func realizePolicies(policies []rules.Policy, alike provider.PolicyRealization) map[types.UID]provider.PolicyRealization {
	realized := make(map[types.UID]provider.PolicyRealization, len(policies))
	for _, policy := range policies {
		realized[policy.UID] = alike
	}
	return realized
}

// ensure makes the rows of a Network the decided ones, in one transaction. Other rows are removed if they belong to a part that is
// decided on.
func (p *Provider) ensure(
	ctx context.Context, o owner, decide func(*realized) ([]row, error), decidedOn func(part string) bool,
) error {
	p.busy.LockKey(string(o.uid))
	defer func() { _ = p.busy.UnlockKey(string(o.uid)) }()
	var err error
	for range maxAttempts {
		if err = p.ensureOnce(ctx, o, decide, decidedOn); !errors.Is(err, errConflict) && !errors.Is(err, errTorn) {
			return err
		}
	}
	return err
}

func (p *Provider) ensureOnce(
	ctx context.Context, o owner, decide func(*realized) ([]row, error), decidedOn func(part string) bool,
) error {
	connection, err := p.database.await(ctx)
	if err != nil {
		return err
	}
	there, err := read(connection, o.uid)
	if err != nil {
		return err
	}
	desired, err := decide(there)
	if err != nil {
		return err
	}
	change := decideChange(desired, there.rows, decidedOn)
	if change.empty() {
		return nil
	}
	number, err := p.database.transact(ctx, connection, there.operations(o.uid, change))
	if number > 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.numbers(o.uid).note(change, desired, number)
	}
	return err
}

// numbers returns what is known of the transactions on a Network. The caller holds the lock.
func (p *Provider) numbers(network types.UID) numbers {
	if p.written[network] == nil {
		p.written[network] = make(numbers)
	}
	return p.written[network]
}

// ready tells whether the south-bound database has both sides of a peering. If not, the Network is found once it has.
func (p *Provider) ready(o, peer owner) bool {
	connection, err := p.database.current()
	if err != nil {
		return false
	}
	ports, err := table(connection, tableRouterPort)
	if err != nil {
		return false
	}
	if _, row, err := ports.RowByModel(&nb.LogicalRouterPort{Name: peeringPort(peer.uid, o.uid)}); err != nil || row == nil {
		return false // Its event comes.
	}
	// Both are asked: each is waited for.
	own, theirs := p.inSouthbound(o, o.uid, peeringPart(peer)), p.inSouthbound(o, peer.uid, peeringPart(o))
	return own && theirs
}

// inSouthbound tells whether the south-bound database has the last change of a part of a Network. If not, asks is found once it
// has.
func (p *Provider) inSouthbound(asks owner, network types.UID, part string) bool {
	connection, err := p.database.current()
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock() // Whoever finds those that wait comes before or after both.
	global, err := configuration(connection)
	if err != nil {
		return false
	}
	needed := p.numbers(network).of(part, global.NbCfg)
	if global.SbCfg >= needed {
		return true
	}
	p.awaiting[asks] = max(p.awaiting[asks], needed)
	return false
}

// Release removes the rows of a Network.
func (p *Provider) Release(ctx context.Context, network *v1alpha1.Network) (gone bool, err error) {
	o := ownerOf(network)
	p.begin(o, nil)
	err = p.ensure(ctx, o, func(*realized) ([]row, error) { return nil, nil }, func(string) bool { return true })
	if err != nil {
		return false, troubleOf(ctx, err)
	}
	p.prefixes.Forget(o.uid)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.written, o.uid)
	delete(p.awaiting, o)
	delete(p.known, o)
	return true, nil
}

// RealizeInterface writes the rows of a NetworkInterface.
func (p *Provider) RealizeInterface(
	ctx context.Context, nic *v1alpha1.NetworkInterface, network *v1alpha1.Network, _ *v1alpha1.VirtualIP,
) (provider.InterfaceRealization, error) {
	providerID := scheme + interfacePort(nic.UID)
	if id := nic.Spec.ProviderID; id != "" && id != providerID {
		return provider.InterfaceRealization{
			State: v1alpha1.NetworkInterfaceStateError, Reason: "ForeignProviderID",
			Message: fmt.Sprintf("spec.providerID %q is not %s, which is the port of this NetworkInterface.", id, providerID),
		}, nil
	}
	given, realization := decideAddresses(nic)
	realization.ProviderID, realization.MACAddress, realization.MTU = providerID, macAddress(nic.UID), int32(p.mtu)
	o, part, plugged := ownerOf(network), interfacePart(nic), false
	err := p.ensure(ctx, o, func(there *realized) ([]row, error) {
		plugged = there.plugged[nic.UID]
		if realization.State != v1alpha1.NetworkInterfaceStateAvailable {
			return nil, nil
		}
		if there.router == nil || there.logicalSwitch == nil {
			return nil, errors.New("the rows of its Network are missing") // They are put back.
		}
		desired := decideInterface(o, nic, given.ips, given.prefixes)
		if other, ok := holder(desired, there.rows); ok {
			return nil, &heldError{other}
		}
		return append(desired, decideNewPort(o, nic.UID, there.rows)...), nil
	}, func(candidate string) bool { return candidate == part })
	realization.Plugged = &plugged
	if err == nil {
		return realization, nil
	}
	failed := troubleOf(ctx, err)
	return unwritten(nic, failed), failed
}

// begin notes what is to have rows from now on. What the Network waits for is found out anew.
func (p *Provider) begin(o owner, interfaces []*v1alpha1.NetworkInterface) {
	names := make([]types.NamespacedName, 0, len(interfaces))
	for _, nic := range interfaces {
		names = append(names, rules.NameOf(nic))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[o] = names
	delete(p.awaiting, o)
}

// troubleOf explains an error, and logs it.
func troubleOf(ctx context.Context, err error) *provider.Trouble {
	explained := explain(err)
	klog.FromContext(ctx).V(2).Info("OVN is in trouble", "reason", explained.Reason, "err", err)
	return explained
}

// wakeAll finds everything that is to have rows: it may have waited for the database, which may have been restored without some of
// the rows.
func (p *Provider) wakeAll() {
	p.mu.Lock()
	known := maps.Clone(p.known)
	p.mu.Unlock()
	for o, interfaces := range known {
		p.tell(o)
		for _, name := range interfaces {
			p.tellInterface(name)
		}
	}
}

func (p *Provider) tell(o owner) {
	p.mu.Lock()
	found := p.found
	p.mu.Unlock()
	if found != nil {
		found(o.name, o.uid)
	}
}

func (p *Provider) tellInterface(name types.NamespacedName) {
	p.mu.Lock()
	found := p.foundInterface
	p.mu.Unlock()
	if found != nil {
		found(name)
	}
}

// progressed finds the Networks whose transaction the south-bound database has now.
func (p *Provider) progressed(last int) {
	p.mu.Lock()
	var ready []owner
	for o, needed := range p.awaiting {
		if needed <= last {
			ready = append(ready, o)
			delete(p.awaiting, o)
		}
	}
	p.mu.Unlock()
	for _, o := range ready {
		p.tell(o)
	}
}

// changed finds the Networks and NetworkInterfaces of a row that changed.
func (p *Provider) changed(before, after model.Model) {
	if global, ok := after.(*nb.NBGlobal); ok {
		p.progressed(global.SbCfg)
		return
	}
	for _, m := range []model.Model{before, after} {
		if m == nil {
			continue
		}
		ids := externalIDs(m)
		if binding, ok := m.(*nb.StaticMACBinding); ok {
			ids = p.idsOfRouter(types.UID(strings.TrimPrefix(binding.LogicalPort, lanPort(""))))
		}
		namespace, name, ok := strings.Cut(ids[idNetwork], "/")
		if !ok {
			continue
		}
		p.tell(owner{types.NamespacedName{Namespace: namespace, Name: name}, types.UID(ids[idUID])})
		if nic, _, ok := interfaceOfPart(ids[idPart]); ok {
			p.tellInterface(types.NamespacedName{Namespace: namespace, Name: nic})
		}
		if peer, ok := peerOfPart(ids[idPart]); ok {
			p.tell(peer)
		}
	}
}

// idsOfRouter returns the external_ids of the router of a Network.
func (p *Provider) idsOfRouter(network types.UID) map[string]string {
	connection, err := p.database.current()
	if err != nil {
		return nil
	}
	router, err := first(connection, tableRouter, &nb.LogicalRouter{ExternalIDs: map[string]string{idUID: string(network)}})
	if err != nil || router == nil {
		return nil
	}
	return externalIDs(router)
}
