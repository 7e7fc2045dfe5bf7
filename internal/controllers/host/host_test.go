// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
)

// serving is a cluster that always serves the kind.
type serving struct {
	discovery.ServerResourcesInterfaceWithContext
}

func (serving) ServerResourcesForGroupVersionWithContext(context.Context, string) (*metav1.APIResourceList, error) {
	return &metav1.APIResourceList{APIResources: []metav1.APIResource{{Name: "machines"}}}, nil
}

func TestWorkThatEndsWithAnErrorIsDoneAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log ktesting.BufferTL
		ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), ktesting.NewLogger(&log, ktesting.NewConfig())))
		defer cancel()
		tries := 0
		kind := Kind{Resource: schema.GroupVersionResource{Resource: "machines"}, Plural: "Machines"}
		(&Cluster{Discovery: serving{}}).whileServed(ctx, kind, func(context.Context) error {
			if tries++; tries == 2 {
				cancel()
			}
			return errors.New("nobody answers")
		})
		said := log.String()
		if !strings.Contains(said, "Working on Machines ended, will try again") || strings.Contains(said, "does not serve") {
			t.Errorf("the log says:\n%s", said)
		}
	})
}
