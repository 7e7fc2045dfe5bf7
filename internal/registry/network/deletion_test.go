// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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

func TestACollectionIsDeletedByAsManyWorkersAsTheStoreHas(t *testing.T) {
	s := newStage(t)
	for i := range 20 {
		network := asking(fmt.Sprintf("n%d", i))
		network.Namespace, network.UID = "team-a", ""
		if _, err := s.Network.Create(s.ctx, network, nil, &metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, workers := range []int{20, 1, 0} {
		s.Network.DeleteCollectionWorkers = workers
		var (
			mu                sync.Mutex
			now, most, wanted int
			all               = make(chan struct{})
		)
		wanted = max(workers, 1)
		// Nobody goes on before as many are at work as are to be.
		validate := func(ctx context.Context, _ runtime.Object) error {
			mu.Lock()
			if now++; now == wanted && most < wanted {
				close(all)
			}
			most = max(most, now)
			mu.Unlock()
			defer func() {
				mu.Lock()
				now--
				mu.Unlock()
			}()
			select {
			case <-all:
				return errors.New("it stays")
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		ctx, cancel := context.WithTimeout(s.ctx, 20*time.Second)
		defer cancel()
		if _, err := s.Network.DeleteCollection(ctx, validate, &metav1.DeleteOptions{}, &internalversion.ListOptions{}); err == nil {
			t.Error("there is no error")
		}
		if most != wanted {
			t.Errorf("of %d workers %d were at work, want %d", workers, most, wanted)
		}
	}
}
