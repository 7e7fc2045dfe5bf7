// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package prefix creates the ephemeral Prefixes that NetworkInterfaces and LoadBalancers ask for, and deletes them with
// their entry. It works while the host cluster serves Prefixes (ipam.ironcore.dev), and does nothing while it does not. It
// changes no Prefix.
package prefix

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/host"
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/rules"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
)

// Name of the controller in flags, logs and metrics.
const Name = "prefix"

var resource = kind.GroupVersion().WithResource("prefixes")

const (
	// retryPeriod is the first delay after the host cluster refused a Prefix, and maxRetryPeriod the longest.
	retryPeriod    = 10 * time.Second
	maxRetryPeriod = 10 * time.Minute
)

// byEphemeralPrefix is the index of NetworkInterfaces and LoadBalancers by the Prefixes that they ask for.
const byEphemeralPrefix = "ephemeralPrefix"

// byMaker is the index of Prefixes by the UID of the object that they were made for.
const byMaker = "maker"

func makerUID(obj any) ([]string, error) {
	prefix, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return nil, fmt.Errorf("got a %T where a Prefix was expected", obj)
	}
	if maker := makerOf(prefix); maker != nil {
		return []string{string(maker.UID)}, nil
	}
	return nil, nil
}

// Indexers are to be added to the informers of NetworkInterfaces and LoadBalancers before they start.
func Indexers() cache.Indexers {
	return cache.Indexers{byEphemeralPrefix: func(obj any) ([]string, error) {
		object, ok := obj.(metav1.Object)
		if !ok {
			return nil, fmt.Errorf("got a %T where an object was expected", obj)
		}
		var names []string
		for name := range templates(object) {
			names = append(names, types.NamespacedName{Namespace: object.GetNamespace(), Name: name}.String())
		}
		return names, nil
	}}
}

// New returns a controller that is fed by the informers. It works while the host serves Prefixes.
func New(cluster *host.Cluster, interfaces, balancers cache.SharedIndexInformer, client clientset.NetworkingV1alpha1Interface,
	recorder record.EventRecorder) *host.Controller {
	return host.NewController(cluster, Name, host.Kind{Resource: resource, Plural: "Prefixes"}, func() host.Work {
		return newReconciler(cluster.Client, interfaces, balancers, client, recorder)
	})
}

// reconciler works on Prefixes for as long as they are served.
type reconciler struct {
	host                            dynamic.Interface
	interfaces, balancers, prefixes cache.SharedIndexInformer
	client                          clientset.NetworkingV1alpha1Interface
	recorder                        record.EventRecorder
	loop                            *queue.Loop[types.NamespacedName] // the keys are names of Prefixes, which may not exist

	// refusals delays further tries of Prefixes that the host cluster refused.
	refusals workqueue.TypedRateLimiter[types.NamespacedName]

	mu sync.Mutex
	// lastEvents has the last message to each object that does not get a Prefix.
	lastEvents map[types.NamespacedName]map[types.UID]string
}

func newReconciler(client dynamic.Interface, interfaces, balancers cache.SharedIndexInformer,
	api clientset.NetworkingV1alpha1Interface, recorder record.EventRecorder) *reconciler {
	r := &reconciler{
		host:       client,
		interfaces: interfaces,
		balancers:  balancers,
		prefixes: dynamicinformer.NewFilteredDynamicInformer(
			client, resource, metav1.NamespaceAll, 0, cache.Indexers{byMaker: makerUID}, nil).Informer(),
		client:     api,
		recorder:   recorder,
		refusals:   workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](retryPeriod, maxRetryPeriod),
		lastEvents: make(map[types.NamespacedName]map[types.UID]string),
	}
	r.loop = queue.New(Name, r.reconcile)
	return r
}

// Healthy returns what keeps the controller from making progress, or nil.
func (r *reconciler) Healthy() error { return r.loop.Healthy() }

// Run works until the context ends.
func (r *reconciler) Run(ctx context.Context, workers int) error {
	if err := r.prefixes.SetTransform(metadataOnly); err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { r.prefixes.RunWithContext(ctx) })
	if !cache.WaitForCacheSync(ctx.Done(), r.prefixes.HasSynced) {
		return nil
	}
	return r.loop.Run(ctx, workers,
		queue.FollowEach(r.prefixes, func(prefix *metav1.PartialObjectMetadata) { r.loop.Add(rules.NameOf(prefix), 0) }),
		queue.FollowEach(r.interfaces, func(nic *v1alpha1.NetworkInterface) { r.queueOf(nic) }),
		queue.FollowEach(r.balancers, func(balancer *v1alpha1.LoadBalancer) { r.queueOf(balancer) }),
	)
}

// metadataOnly drops everything of a Prefix that the controller does not need.
func metadataOnly(obj any) (any, error) {
	object, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return obj, nil
	}
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace:         object.GetNamespace(),
		Name:              object.GetName(),
		UID:               object.GetUID(),
		ResourceVersion:   object.GetResourceVersion(),
		DeletionTimestamp: object.GetDeletionTimestamp(),
		Annotations:       object.GetAnnotations(),
		OwnerReferences:   object.GetOwnerReferences(),
	}}, nil
}

// queueOf queues the Prefixes that an object asks for, and those that were made for it.
func (r *reconciler) queueOf(object metav1.Object) {
	for name := range templates(object) {
		key := types.NamespacedName{Namespace: object.GetNamespace(), Name: name}
		r.refusals.Forget(key)
		r.loop.Add(key, 0)
	}
	prefixes, err := r.prefixes.GetIndexer().ByIndex(byMaker, string(object.GetUID()))
	if err != nil {
		return // The index exists.
	}
	for _, prefix := range prefixes {
		r.loop.Add(rules.NameOf(prefix.(*metav1.PartialObjectMetadata)), 0)
	}
}

// asking returns the NetworkInterfaces and LoadBalancers that ask for a Prefix.
func (r *reconciler) asking(name types.NamespacedName) ([]metav1.Object, error) {
	var found []metav1.Object
	for _, informer := range []cache.SharedIndexInformer{r.interfaces, r.balancers} {
		objects, err := informer.GetIndexer().ByIndex(byEphemeralPrefix, name.String())
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			found = append(found, object.(metav1.Object))
		}
	}
	return found, nil
}

func (r *reconciler) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	asking, err := r.asking(name)
	if err != nil {
		return 0, err
	}
	obj, exists, err := r.prefixes.GetIndexer().GetByKey(name.String())
	if err != nil {
		return 0, err
	}
	if !exists {
		return r.create(ctx, name, chosen(asking))
	}
	r.refusals.Forget(name)
	prefix := obj.(*metav1.PartialObjectMetadata)
	r.tell(name, refused(prefix, asking),
		fmt.Sprintf("Prefix %s exists already and was not made for this object: it is not adopted", name.Name))
	return 0, r.remove(ctx, prefix)
}

// create creates a Prefix for the object that asks for it, which owns it.
func (r *reconciler) create(ctx context.Context, name types.NamespacedName, maker metav1.Object) (time.Duration, error) {
	if maker == nil {
		r.refusals.Forget(name)
		r.tell(name, nil, "")
		return 0, nil
	}
	prefix, err := ephemeralPrefix(name.Name, maker)
	if err != nil {
		return 0, err
	}
	_, err = r.host.Resource(resource).Namespace(name.Namespace).Create(ctx, prefix, metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		return 0, nil // Its event comes.
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return 0, err // The object that asks for it will be deleted too.
	case apierrors.IsNotFound(err):
		return retryPeriod, nil // The host cluster no longer serves the API.
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err):
		r.tell(name, []metav1.Object{maker}, fmt.Sprintf("Prefix %s can't be made: %v", name.Name, err))
		return r.refusals.When(name), nil
	case err != nil:
		return 0, err
	}
	r.tell(name, nil, "")
	r.recorder.Event(maker.(runtime.Object), corev1.EventTypeNormal, "PrefixCreated", "Created Prefix "+name.Name)
	return 0, nil
}

// remove deletes a Prefix that its maker no longer asks for. It asks the server first, because the cache may be behind.
func (r *reconciler) remove(ctx context.Context, prefix *metav1.PartialObjectMetadata) error {
	maker := makerOf(prefix)
	if maker == nil || prefix.DeletionTimestamp != nil || !dropped(prefix.Name, maker, r.cached(prefix.Namespace, maker)) {
		return nil
	}
	now, err := r.read(ctx, prefix.Namespace, maker)
	if err != nil || !dropped(prefix.Name, maker, now) {
		return err
	}
	err = r.host.Resource(resource).Namespace(prefix.Namespace).Delete(ctx, prefix.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &prefix.UID, ResourceVersion: &prefix.ResourceVersion},
	})
	if err != nil {
		return err
	}
	r.recorder.Event(now.(runtime.Object), corev1.EventTypeNormal, "PrefixDeleted", "Deleted Prefix "+prefix.Name)
	return nil
}

// cached returns a maker as the cache has it, nil if it has none.
func (r *reconciler) cached(namespace string, maker *metav1.OwnerReference) metav1.Object {
	informer := r.interfaces
	if maker.Kind == kindBalancer.Kind {
		informer = r.balancers
	}
	obj, _, _ := informer.GetIndexer().GetByKey(namespace + "/" + maker.Name)
	object, _ := obj.(metav1.Object)
	return object
}

// read returns a maker as it is now, nil if there is none.
func (r *reconciler) read(ctx context.Context, namespace string, maker *metav1.OwnerReference) (now metav1.Object, err error) {
	if maker.Kind == kindBalancer.Kind {
		now, err = r.client.LoadBalancers(namespace).Get(ctx, maker.Name, metav1.GetOptions{})
	} else {
		now, err = r.client.NetworkInterfaces(namespace).Get(ctx, maker.Name, metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return now, err
}

// tell tells objects by an Event why they do not get a Prefix, once until the reason changes.
func (r *reconciler) tell(name types.NamespacedName, objects []metav1.Object, message string) {
	now := make(map[types.UID]string, len(objects))
	r.mu.Lock()
	before := r.lastEvents[name]
	for _, object := range objects {
		now[object.GetUID()] = message
	}
	if r.lastEvents[name] = now; len(now) == 0 {
		delete(r.lastEvents, name)
	}
	r.mu.Unlock()
	for _, object := range objects {
		if before[object.GetUID()] != message {
			r.recorder.Event(object.(runtime.Object), corev1.EventTypeWarning, "PrefixRefused", message)
		}
	}
}
