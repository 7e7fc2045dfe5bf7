// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/rules"
)

// maxRequests is how many requests one answer holds at most.
const maxRequests = 500

// targetIndex finds the Networks with a peering that names a given Network, as "namespace/name".
const targetIndex = "peeringTarget"

var indexes = cache.Indexers{
	storage.FieldIndex(targetIndex): func(obj any) ([]string, error) {
		network, ok := obj.(*networking.Network)
		if !ok {
			return nil, fmt.Errorf("got a %T where a Network was expected", obj)
		}
		targets := make([]string, 0, len(network.Spec.Peerings))
		for i := range network.Spec.Peerings {
			targets = append(targets, target(network, &network.Spec.Peerings[i]).String())
		}
		return targets, nil
	},
}

// RequestsREST serves networks/peeringrequests: who asks for a peering with a Network and is not named back. Nothing of it
// is stored.
type RequestsREST struct {
	rest.TableConvertor
	store *genericregistry.Store
	view  View
}

var _ rest.Getter = &RequestsREST{}

// New returns an empty answer.
func (*RequestsREST) New() runtime.Object { return &networking.NetworkPeeringRequests{} }

// Destroy does nothing: the store belongs to REST.
func (*RequestsREST) Destroy() {}

// Get returns the requests that a Network has.
func (r *RequestsREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.store.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	asked := obj.(*networking.Network)
	list, err := r.store.ListPredicate(genericrequest.WithNamespace(ctx, metav1.NamespaceAll), storage.SelectionPredicate{
		Label:       labels.Everything(),
		Field:       byIndexAlone{fields.OneTermEqualSelector(targetIndex, rules.NameOf(asked).String())},
		GetAttrs:    definition.Fields.Attributes,
		IndexFields: []string{targetIndex},
	}, &internalversion.ListOptions{})
	if err != nil {
		return nil, err
	}
	return requests(asked, list.(*networking.NetworkList).Items), nil
}

// count is how many requests a Network has, for a cell of a table. A list has a thousand of them: to read the watch cache for
// each takes half of the time of the list.
func (r *RequestsREST) count(_ context.Context, asked *networking.Network) any {
	related, all := r.view.Related(rules.NameOf(asked))
	network := external(asked)
	if !all || network == nil {
		return unknown
	}
	return int64(rules.CountAsking(related, network))
}

const unknown = "<unknown>"

// byIndexAlone selects by an index alone. An object has many values there, which field selectors can't match: what comes from
// elsewhere than the index is left for the caller to sort out.
type byIndexAlone struct{ fields.Selector }

func (byIndexAlone) Matches(fields.Fields) bool { return true }

func (s byIndexAlone) DeepCopySelector() fields.Selector { return s }

// requests lists which of the Networks ask the given one for a peering: those that name it, aren't named back, and aren't
// declined.
func requests(asked *networking.Network, networks []networking.Network) *networking.NetworkPeeringRequests {
	answer := &networking.NetworkPeeringRequests{ObjectMeta: metav1.ObjectMeta{
		Namespace: asked.Namespace, Name: asked.Name, UID: asked.UID, ResourceVersion: asked.ResourceVersion,
	}}
	for i := range networks {
		asker := &networks[i]
		peering := peeringTowards(asker, asked)
		if peering < 0 || asker.UID == asked.UID || asker.DeletionTimestamp != nil || peeringTowards(asked, asker) >= 0 ||
			rules.Declines(asked, rules.NameOf(asker)) {
			continue
		}
		answer.Requests = append(answer.Requests, networking.NetworkPeeringRequest{
			Namespace: asker.Namespace, Name: asker.Name, UID: asker.UID,
			PeeringName: asker.Spec.Peerings[peering].Name,
			Prefixes:    asker.Spec.Peerings[peering].Prefixes,
			Since:       since(asker, asker.Spec.Peerings[peering].Name),
		})
	}
	slices.SortFunc(answer.Requests, func(a, b networking.NetworkPeeringRequest) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	answer.Total = int32(len(answer.Requests))
	answer.Requests = answer.Requests[:min(len(answer.Requests), maxRequests)]
	return answer
}

// peeringTowards returns which peering of a Network names the other one, by UID too where it is pinned, or -1.
func peeringTowards(network, other *networking.Network) int {
	return slices.IndexFunc(network.Spec.Peerings, func(peering networking.NetworkPeering) bool {
		uid := peering.NetworkRef.UID
		return target(network, &peering) == rules.NameOf(other) && (uid == "" || uid == other.UID)
	})
}

// since is when a peering became Pending; before its status tells, when its Network was made.
func since(network *networking.Network, peering string) *metav1.Time {
	for i := range network.Status.Peerings {
		if item := &network.Status.Peerings[i]; item.Name == peering && item.LastPhaseTransitionTime != nil {
			return item.LastPhaseTransitionTime
		}
	}
	return &network.CreationTimestamp
}
