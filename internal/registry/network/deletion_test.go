// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/rules"
)

// Another request ends the deletion while this one looks for interfaces, and a third one creates a Network of the name.
func TestADeletionEndsWellWhenAnotherNetworkTakesTheNameMeanwhile(t *testing.T) {
	ctx := genericrequest.WithNamespace(t.Context(), "team-a")
	named := func() *networking.Network {
		return &networking.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"}}
	}
	var storage Storage
	looks := 0
	storage = startStorage(t, func(context.Context, string, string) (rules.Members, error) {
		if looks++; looks == 1 {
			if _, gone, err := storage.Network.Delete(ctx, "a", rest.ValidateAllObjectFunc, &metav1.DeleteOptions{}); err != nil || !gone {
				t.Errorf("the other deletion: gone %v, %v", gone, err)
			}
			if _, err := storage.Network.Create(ctx, named(), nil, &metav1.CreateOptions{}); err != nil {
				t.Error(err)
			}
		}
		return rules.Members{}, nil
	})
	if _, err := storage.Network.Create(ctx, named(), nil, &metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, gone, err := storage.Network.Delete(ctx, "a", rest.ValidateAllObjectFunc, &metav1.DeleteOptions{}); err != nil || !gone {
		t.Errorf("gone %v, %v; the Network of this deletion is gone", gone, err)
	}
	obj, err := storage.Network.Get(ctx, "a", &metav1.GetOptions{})
	if err != nil || obj.(*networking.Network).DeletionTimestamp != nil {
		t.Errorf("the new Network does not live: %v", err)
	}
}
