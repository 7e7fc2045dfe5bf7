// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package picture shows Networks, the interfaces in them and their peerings: as a tree, as a graph, and as data.
package picture

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// Picture is the data of all formats, and the output of -o json.
type Picture struct {
	Networks []Network `json:"networks"`
	Peerings []Peering `json:"peerings"`
}

// Network has the interfaces in it.
type Network struct {
	// ID is namespace/name.
	ID        string `json:"id"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// State is Pending, Available, Error, Terminating or Unknown.
	State      string `json:"state"`
	Reason     string `json:"reason,omitempty"`
	Message    string `json:"message,omitempty"`
	ProviderID string `json:"providerID,omitempty"`
	// Unknown means that a peering names it, but it was not read or does not exist.
	Unknown    bool        `json:"unknown,omitempty"`
	Interfaces []Interface `json:"interfaces"`
}

// Interface joins a machine to a Network.
type Interface struct {
	Name    string   `json:"name"`
	State   string   `json:"state"`
	IPs     []string `json:"ips,omitempty"`
	Machine string   `json:"machine,omitempty"`
}

// Kind is the progress of a peering.
type Kind string

const (
	// Bound: both name each other, and traffic may flow.
	Bound Kind = "Bound"
	// Pending: both name each other, and something is in the way.
	Pending Kind = "Pending"
	// Request: one names the other and is not named back.
	Request Kind = "Request"
)

// Peering joins two Networks. Two Networks that name each other have one Peering.
type Peering struct {
	// From and To are IDs. In a Request, From asks.
	From    string `json:"from"`
	To      string `json:"to"`
	Kind    Kind   `json:"kind"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// Draw returns the picture of Networks and the interfaces in them, sorted by name.
func Draw(networks []v1alpha1.Network, interfaces []v1alpha1.NetworkInterface) Picture {
	picture := Picture{Networks: []Network{}, Peerings: []Peering{}}
	members := make(map[string][]Interface)
	for i := range interfaces {
		nic := &interfaces[i]
		id := nic.Namespace + "/" + nic.Spec.NetworkRef.Name
		members[id] = append(members[id], drawInterface(nic))
	}
	known := make(map[types.NamespacedName]*v1alpha1.Network, len(networks))
	for i := range networks {
		network := &networks[i]
		known[rules.NameOf(network)] = network
	}
	unknown := make(map[types.NamespacedName]bool)
	for name, network := range known {
		drawn := drawNetwork(network)
		drawn.Interfaces = append(drawn.Interfaces, members[name.String()]...)
		slices.SortFunc(drawn.Interfaces, func(a, b Interface) int { return cmp.Compare(a.Name, b.Name) })
		picture.Networks = append(picture.Networks, drawn)
		items := rules.PeeringItems(network)
		for i := range network.Spec.Peerings {
			peering := &network.Spec.Peerings[i]
			target := rules.TargetOf(network, peering)
			peer := known[target]
			unknown[target] = unknown[target] || peer == nil
			if drawn, ok := drawPeering(name, target, peer, items[peering.Name]); ok {
				picture.Peerings = append(picture.Peerings, drawn)
			}
		}
	}
	for name, really := range unknown {
		if really {
			picture.Networks = append(picture.Networks, Network{ID: name.String(), Namespace: name.Namespace, Name: name.Name,
				State: "Unknown", Unknown: true, Interfaces: []Interface{}})
		}
	}
	picture.sort()
	return picture
}

func (p Picture) sort() {
	slices.SortFunc(p.Networks, func(a, b Network) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(p.Peerings, func(a, b Peering) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}

// WithRequests adds the requests of Networks in other namespaces, which were not read themselves.
func (p Picture) WithRequests(answers []*v1alpha1.NetworkPeeringRequests) Picture {
	all := Picture{Networks: slices.Clone(p.Networks), Peerings: slices.Clone(p.Peerings)}
	shown, joined := make(map[string]bool), make(map[[2]string]bool)
	for _, network := range p.Networks {
		shown[network.ID] = true
	}
	for _, peering := range p.Peerings {
		joined[[2]string{peering.From, peering.To}], joined[[2]string{peering.To, peering.From}] = true, true
	}
	for _, answer := range answers {
		asked := answer.Namespace + "/" + answer.Name
		for _, request := range answer.Requests {
			asker := request.Namespace + "/" + request.Name
			if !shown[asked] || joined[[2]string{asker, asked}] {
				continue // It is gone, or the request was accepted in the meantime.
			}
			if !shown[asker] {
				shown[asker] = true
				all.Networks = append(all.Networks, Network{ID: asker, Namespace: request.Namespace, Name: request.Name,
					State: "Unknown", Unknown: true, Interfaces: []Interface{}})
			}
			all.Peerings = append(all.Peerings, Peering{From: asker, To: asked, Kind: Request,
				Reason: v1alpha1.PeeringReasonPeeringNotAccepted, Message: asked + " does not name " + asker + " in its spec.peerings."})
		}
	}
	all.sort()
	return all
}

func drawNetwork(network *v1alpha1.Network) Network {
	drawn := Network{
		ID: network.Namespace + "/" + network.Name, Namespace: network.Namespace, Name: network.Name,
		State: string(network.Status.State), ProviderID: network.Spec.ProviderID, Interfaces: []Interface{},
	}
	condition := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkAvailable)
	if network.DeletionTimestamp != nil {
		drawn.State = "Terminating"
		condition = meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkDeletionBlocked)
	}
	if condition != nil && drawn.State != string(v1alpha1.NetworkStateAvailable) {
		drawn.Reason, drawn.Message = condition.Reason, condition.Message
	}
	return drawn
}

func drawInterface(nic *v1alpha1.NetworkInterface) Interface {
	drawn := Interface{Name: nic.Name, State: string(nic.Status.State), IPs: nic.Status.IPs}
	if nic.DeletionTimestamp != nil {
		drawn.State = "Terminating"
	}
	if nic.Spec.MachineRef != nil {
		drawn.Machine = nic.Spec.MachineRef.Name
	}
	return drawn
}

// mutualReasons are the reasons that a peering has only if its peer names it back. They tell so even if the peer was not read.
var mutualReasons = []string{
	v1alpha1.PeeringReasonPeerUIDMismatch, v1alpha1.PeeringReasonPeerDeleting, v1alpha1.PeeringReasonPeerReplaced,
	v1alpha1.PeeringReasonPeerNotAvailable,
}

// drawPeering draws a Network's peering. If two Networks name each other, only the one whose name sorts first draws it.
func drawPeering(name, target types.NamespacedName, peer *v1alpha1.Network, item v1alpha1.NetworkPeeringStatus) (Peering, bool) {
	drawn := Peering{From: name.String(), To: target.String(), Kind: Pending, Reason: item.Reason, Message: item.Message}
	mutual := slices.Contains(mutualReasons, item.Reason)
	if peer != nil {
		mutual = names(peer, name)
		if mutual && strings.Compare(target.String(), name.String()) < 0 {
			return Peering{}, false
		}
	}
	switch {
	case item.Phase == v1alpha1.NetworkPeeringPhaseBound:
		drawn.Kind = Bound
	case !mutual:
		drawn.Kind = Request
	}
	return drawn, true
}

// names tells whether a Network names another one, whatever its UID.
func names(network *v1alpha1.Network, other types.NamespacedName) bool {
	return slices.ContainsFunc(network.Spec.Peerings, func(peering v1alpha1.NetworkPeering) bool {
		return rules.TargetOf(network, &peering) == other
	})
}

// Around returns a namespace's part of the picture: its Networks, their peerings and their peers.
func (p Picture) Around(namespace string) Picture {
	part := Picture{Networks: []Network{}, Peerings: []Peering{}}
	shown := make(map[string]bool)
	for _, network := range p.Networks {
		shown[network.ID] = network.Namespace == namespace
	}
	inside := maps.Clone(shown)
	for _, peering := range p.Peerings {
		if inside[peering.From] || inside[peering.To] {
			part.Peerings = append(part.Peerings, peering)
			shown[peering.From], shown[peering.To] = true, true
		}
	}
	for _, network := range p.Networks {
		if shown[network.ID] {
			part.Networks = append(part.Networks, network)
		}
	}
	return part
}
