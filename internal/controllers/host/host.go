// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package host is for controllers that follow a kind of the host cluster, while the host cluster serves it.
package host

import (
	"context"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// discoveryPeriod is how often the host cluster is asked whether it serves a kind.
const discoveryPeriod = 5 * time.Second

// Cluster is the host cluster.
type Cluster struct {
	Discovery discovery.ServerResourcesInterfaceWithContext
	Client    dynamic.Interface
}

// New returns the cluster of a client configuration. The clients do not limit themselves, as they would by default:
// a thousand Machines that go would then keep their NetworkInterfaces for minutes.
func New(config *rest.Config) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	discovery, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Cluster{Discovery: discovery, Client: client}, nil
}

// whileServed calls work whenever the cluster begins to serve a kind, until the context ends. The context of work ends when the
// cluster says that it no longer serves the kind. As long as it says nothing, work goes on.
func (c *Cluster) whileServed(ctx context.Context, kind Kind, work func(context.Context) error) {
	logger, said := klog.FromContext(ctx), ""
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		served, err := c.serves(ctx, kind.Resource)
		if err != nil && ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			logger.Error(err, "Asking the host cluster whether it serves "+kind.Plural+" failed, will try again")
		}
		if err != nil || !served {
			return
		}
		said = ""
		logger.Info("The host cluster serves " + kind.Plural)
		if err := c.untilGone(ctx, kind.Resource, work); err != nil {
			logger.Error(err, "Working on "+kind.Plural+" ended, will try again")
		} else if ctx.Err() == nil {
			logger.Info("The host cluster does not serve " + kind.Plural + " any more, all stays as it is")
		}
	}, discoveryPeriod)
}

// untilGone works until the context ends or the cluster says that it does not serve the resource any more.
func (c *Cluster) untilGone(ctx context.Context, resource schema.GroupVersionResource, work func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go wait.UntilWithContext(ctx, func(ctx context.Context) {
		if served, err := c.serves(ctx, resource); err == nil && !served {
			cancel()
		}
	}, discoveryPeriod)
	return work(ctx)
}

// serves asks the cluster whether it serves a resource.
func (c *Cluster) serves(ctx context.Context, resource schema.GroupVersionResource) (bool, error) {
	served, err := c.Discovery.ServerResourcesForGroupVersionWithContext(ctx, resource.GroupVersion().String())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(served.APIResources, func(r metav1.APIResource) bool { return r.Name == resource.Resource }), nil
}
