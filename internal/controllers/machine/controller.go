// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package machine keeps NetworkInterfaces in step with the Machines that list them, by UID. It works while the host cluster
// serves Machines, and changes nothing while it does not.
package machine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/host"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/rules"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Name of the controller in flags, logs and metrics.
const Name = "machine"

var resource = kind.GroupVersion().WithResource("machines")

const (
	// retryPeriod is how often something is tried again that only others can make possible.
	retryPeriod = 10 * time.Second
	// longestRetry is how long the wait for the next try becomes in the end.
	longestRetry = 10 * time.Minute
)

// New returns a controller that is fed by the informer of NetworkInterfaces and writes through the client. It works while the host
// serves Machines.
func New(cluster *host.Cluster, interfaces cache.SharedIndexInformer, client clientset.NetworkInterfacesGetter,
	recorder record.EventRecorder) *host.Controller {
	return host.NewController(cluster, Name, host.Kind{Resource: resource, Plural: "Machines"}, func() host.Work {
		return newReconciler(cluster.Client, interfaces, client, recorder)
	})
}

// machineReconciler works on Machines for as long as they are served.
type machineReconciler struct {
	host                 dynamic.Interface
	interfaces, machines cache.SharedIndexInformer
	client               clientset.NetworkInterfacesGetter
	recorder             record.EventRecorder
	loop                 *queue.Loop[types.NamespacedName] // the keys are names of NetworkInterfaces, which may not exist

	// refused are the NetworkInterfaces that the server refuses to make, tried again with growing delay until their Machine
	// changes.
	refused workqueue.TypedRateLimiter[types.NamespacedName]

	mu         sync.Mutex
	lastEvents map[types.NamespacedName]string
}

// machinesListing is the index of Machines by the NetworkInterfaces that they list.
const machinesListing = "listing"

func newReconciler(client dynamic.Interface, interfaces cache.SharedIndexInformer, api clientset.NetworkInterfacesGetter,
	recorder record.EventRecorder) *machineReconciler {
	indexers := cache.Indexers{machinesListing: func(obj any) ([]string, error) {
		m, ok := obj.(*machine)
		if !ok {
			return nil, fmt.Errorf("got a %T where a Machine was expected", obj)
		}
		var names []string
		for name := range m.interfaces {
			names = append(names, types.NamespacedName{Namespace: m.Namespace, Name: name}.String())
		}
		return names, nil
	}}
	r := &machineReconciler{
		host:       client,
		interfaces: interfaces,
		client:     api,
		recorder:   recorder,
		machines: dynamicinformer.NewFilteredDynamicInformer(
			client, resource, metav1.NamespaceAll, 0, indexers, nil).Informer(),
		refused:    workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](retryPeriod, longestRetry),
		lastEvents: make(map[types.NamespacedName]string),
	}
	r.loop = queue.New(Name, r.reconcile)
	return r
}

// Healthy returns what keeps the controller from making progress, or nil.
func (r *machineReconciler) Healthy() error { return r.loop.Healthy() }

// Run works until the context ends.
func (r *machineReconciler) Run(ctx context.Context, workers int) error {
	if err := r.machines.SetTransform(func(obj any) (any, error) {
		if object, ok := obj.(*unstructured.Unstructured); ok {
			return parse(object), nil
		}
		return obj, nil
	}); err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { r.machines.RunWithContext(ctx) })
	// Nothing is decided before all Machines are known: one that is not known yet would be taken for gone.
	if !cache.WaitForCacheSync(ctx.Done(), r.machines.HasSynced) {
		return nil
	}
	return r.loop.Run(ctx, workers,
		queue.Follow(r.machines, func(before, after *machine) { r.changed(ctx, before, after) }),
		queue.FollowEach(r.interfaces, r.queue),
	)
}

func (r *machineReconciler) queue(nic *v1alpha1.NetworkInterface) {
	r.loop.Add(rules.NameOf(nic), 0)
}

// changed queues the NetworkInterfaces that a Machine lists or uses, before or after the change.
func (r *machineReconciler) changed(ctx context.Context, old, now *machine) {
	for _, m := range []*machine{old, now} {
		if m == nil {
			continue
		}
		for name := range m.interfaces {
			r.refused.Forget(types.NamespacedName{Namespace: m.Namespace, Name: name})
			r.loop.Add(types.NamespacedName{Namespace: m.Namespace, Name: name}, 0)
		}
		used, err := index.UsedBy(r.interfaces.GetIndexer(), m.UID)
		if err != nil {
			klog.FromContext(ctx).Error(err, "Finding the NetworkInterfaces of a Machine failed", "machine", klog.KObj(m))
		}
		for _, name := range used {
			r.loop.Add(name, 0)
		}
	}
}

// listing returns the Machines that list a NetworkInterface, the oldest first.
func (r *machineReconciler) listing(name types.NamespacedName) ([]*machine, error) {
	objects, err := r.machines.GetIndexer().ByIndex(machinesListing, name.String())
	if err != nil {
		return nil, err
	}
	var found []*machine
	for _, object := range objects {
		found = append(found, object.(*machine))
	}
	slices.SortFunc(found, func(a, b *machine) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
	return found, nil
}

func (r *machineReconciler) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	machines, err := r.listing(name)
	if err != nil {
		return 0, err
	}
	nic, err := listers.NewNetworkInterfaceLister(r.interfaces.GetIndexer()).NetworkInterfaces(name.Namespace).Get(name.Name)
	switch {
	case apierrors.IsNotFound(err):
		return r.create(ctx, name, machines)
	case err != nil || nic.DeletionTimestamp != nil:
		return 0, err
	}
	r.refused.Forget(name)
	maker := makerOf(nic)
	switch {
	case maker != nil && deletionCause(nic, maker, withUID(machines, maker.UID)) != "":
		return r.remove(ctx, nic, maker)
	case nic.Spec.MachineRef != nil:
		return r.hold(ctx, nic, machines)
	default:
		return 0, r.claim(ctx, nic, machines)
	}
}

// remove deletes an ephemeral NetworkInterface whose Machine does not want it any more. The cache may not have seen what the
// Machine wants: the host cluster is asked before.
func (r *machineReconciler) remove(
	ctx context.Context, nic *v1alpha1.NetworkInterface, maker *metav1.OwnerReference,
) (time.Duration, error) {
	now, err := r.read(ctx, nic.Namespace, maker.Name)
	if errors.Is(err, errNotServed) {
		return retryPeriod, nil
	}
	if err != nil {
		return 0, err
	}
	why := deletionCause(nic, maker, now)
	if why == "" {
		return 0, nil // The Machine's event comes.
	}
	err = r.client.NetworkInterfaces(nic.Namespace).Delete(ctx, nic.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &nic.UID, ResourceVersion: &nic.ResourceVersion},
	})
	if err != nil {
		return 0, err
	}
	r.recorder.Event(nic, corev1.EventTypeNormal, "Deleted", why)
	return 0, nil
}

// create makes a NetworkInterface that is to live as long as its Machine.
func (r *machineReconciler) create(ctx context.Context, name types.NamespacedName, machines []*machine) (time.Duration, error) {
	m := firstMaker(name.Name, machines)
	if m == nil {
		r.refused.Forget(name)
		r.tell(name, nil, nil)
		return 0, nil
	}
	if fault := m.interfaces[name.Name].fault; fault != nil {
		r.tell(name, nil, []refusal{{m, fmt.Sprintf("The template of NetworkInterface %s can't be read: %v", name.Name, fault)}})
		return 0, nil
	}
	nic, err := r.client.NetworkInterfaces(name.Namespace).Create(ctx, ephemeralInterface(name.Name, m), metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		return retryPeriod, nil // Its event comes, unless it can't be read.
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return 0, err // The Machine goes too.
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err):
		r.tell(name, nil, []refusal{{m, fmt.Sprintf("NetworkInterface %s can't be made: %v", name.Name, err)}})
		return r.refused.When(name), nil
	case err != nil:
		return 0, err
	}
	r.recorder.Event(reference(m), corev1.EventTypeNormal, "NetworkInterfaceCreated", "Created NetworkInterface "+nic.Name)
	return 0, nil
}

// hold frees a NetworkInterface whose Machine is gone, was created again, or lists it no more.
func (r *machineReconciler) hold(ctx context.Context, nic *v1alpha1.NetworkInterface, machines []*machine) (time.Duration, error) {
	name := rules.NameOf(nic)
	if withUID(machines, nic.Spec.MachineRef.UID) != nil {
		r.tell(name, nic, refusals(nic, machines))
		return 0, nil
	}
	// The cache may not have seen what the claimant has: the host cluster is asked before anything is taken away.
	now, err := r.read(ctx, nic.Namespace, nic.Spec.MachineRef.Name)
	if errors.Is(err, errNotServed) {
		return retryPeriod, nil
	}
	if err != nil {
		return 0, err
	}
	why := releaseCause(nic, now)
	if why == "" {
		return 0, nil // The Machine's event comes.
	}
	if _, err := r.client.NetworkInterfaces(nic.Namespace).Update(ctx, freed(nic), metav1.UpdateOptions{}); err != nil {
		return 0, err
	}
	r.recorder.Event(nic, corev1.EventTypeNormal, "Freed", why)
	return 0, nil
}

// errNotServed tells that the host cluster does not serve Machines.
var errNotServed = errors.New("the host cluster does not serve Machines")

// read returns a Machine as it is now, or nil if there is none. It lists rather than gets: the answer to a get does not
// tell a Machine that is gone from an API that is.
func (r *machineReconciler) read(ctx context.Context, namespace, name string) (*machine, error) {
	list, err := r.host.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String(),
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil, errNotServed
	case err != nil:
		return nil, fmt.Errorf("reading Machine %s/%s: %w", namespace, name, err)
	case len(list.Items) == 0:
		return nil, nil
	}
	return parse(&list.Items[0]), nil
}

// claim gives a free NetworkInterface to the first Machine that lists it.
func (r *machineReconciler) claim(ctx context.Context, nic *v1alpha1.NetworkInterface, machines []*machine) error {
	m := chosen(nic, machines)
	if m == nil {
		r.tell(rules.NameOf(nic), nic, refusals(nic, machines))
		return nil
	}
	if _, err := r.client.NetworkInterfaces(nic.Namespace).Update(ctx, claimed(nic, m), metav1.UpdateOptions{}); err != nil {
		return err
	}
	r.recorder.Event(nic, corev1.EventTypeNormal, "Claimed", "Machine "+m.Name+" uses it")
	return nil
}

// tell tells Machines, and the NetworkInterface if there is one, what the Machines do not get; once as long as it stays
// the same.
func (r *machineReconciler) tell(name types.NamespacedName, nic *v1alpha1.NetworkInterface, refused []refusal) {
	var said strings.Builder
	for _, why := range refused {
		fmt.Fprintf(&said, "%s %s\n", why.machine.UID, why.message)
	}
	r.mu.Lock()
	again := r.lastEvents[name] == said.String()
	r.lastEvents[name] = said.String()
	if len(refused) == 0 {
		delete(r.lastEvents, name)
	}
	r.mu.Unlock()
	if again {
		return
	}
	for _, why := range refused {
		r.recorder.Event(reference(why.machine), corev1.EventTypeWarning, "NetworkInterfaceRefused", why.message)
		if nic != nil {
			r.recorder.Event(nic, corev1.EventTypeWarning, "MachineRefused", why.message)
		}
	}
}

func reference(m *machine) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: kind.GroupVersion().String(), Kind: kind.Kind,
		Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion,
	}
}
