// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"
)

// Kind is a kind of the host cluster.
type Kind struct {
	Resource schema.GroupVersionResource
	// Plural is what the objects are called in logs.
	Plural string
}

// Work is what a controller does while its kind is served.
type Work interface {
	// Healthy returns what keeps it from making progress, or nil.
	Healthy() error
	// Run works until the context ends.
	Run(ctx context.Context, workers int) error
}

// Controller works while the host cluster serves a kind, and leaves everything as it is while that does not.
type Controller struct {
	cluster *Cluster
	name    string
	kind    Kind
	begin   func() Work
	working atomic.Pointer[Work] // nil while the kind is not served
}

// NewController returns a controller that begins anew whenever the kind comes to be served.
func NewController(cluster *Cluster, name string, kind Kind, begin func() Work) *Controller {
	return &Controller{cluster: cluster, name: name, kind: kind, begin: begin}
}

// Healthy returns what keeps the controller from making progress, or nil.
func (c *Controller) Healthy() error {
	if work := c.working.Load(); work != nil {
		return (*work).Healthy()
	}
	return nil
}

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithValues("controller", c.name))
	c.cluster.whileServed(ctx, c.kind, func(ctx context.Context) error {
		work := c.begin()
		c.working.Store(&work)
		defer c.working.Store(nil)
		return work.Run(ctx, workers)
	})
	return nil
}
