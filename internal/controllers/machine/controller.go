// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package machine keeps Machines and the NetworkInterfaces that they list together, by UID. Machines are served by the
// host cluster, or not: the controller works while they are, and leaves everything as it is while they are not.
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
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/workloop"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Name of the controller in flags, logs and metrics.
const Name = "machine"

var resource = kind.GroupVersion().WithResource("machines")

const (
	// discoveryPeriod is how often the host cluster is asked whether it serves Machines.
	discoveryPeriod = 5 * time.Second
	// retryPeriod is how often something is tried again that only others can make possible.
	retryPeriod = 10 * time.Second
)

// Host is the cluster that may serve Machines.
type Host struct {
	Discovery discovery.ServerResourcesInterfaceWithContext
	Client    dynamic.Interface
}

// NewHost returns the cluster of a client configuration. The clients do not limit themselves, as they would by default:
// a thousand Machines that go would then keep their NetworkInterfaces for minutes.
func NewHost(config *rest.Config) (*Host, error) {
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
	return &Host{Discovery: discovery, Client: client}, nil
}

// Controller works while the host serves Machines. Use New.
type Controller struct {
	host       *Host
	interfaces cache.SharedIndexInformer
	client     clientset.NetworkInterfacesGetter
	recorder   record.EventRecorder
}

// New returns a controller that is fed by the informer of NetworkInterfaces and writes through the client.
func New(host *Host, interfaces cache.SharedIndexInformer, client clientset.NetworkInterfacesGetter,
	recorder record.EventRecorder) *Controller {
	return &Controller{host: host, interfaces: interfaces, client: client, recorder: recorder}
}

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	logger := klog.FromContext(ctx).WithValues("controller", Name)
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if served, err := c.served(ctx); err != nil || !served {
			return
		}
		logger.Info("The host cluster serves Machines")
		if err := c.runWhileServed(ctx, workers); err != nil {
			logger.Error(err, "Working on Machines ended, will try again")
		}
		if ctx.Err() == nil {
			logger.Info("The host cluster does not serve Machines any more, NetworkInterfaces stay as they are")
		}
	}, discoveryPeriod)
	return nil
}

// served asks the host cluster whether it serves Machines.
func (c *Controller) served(ctx context.Context) (bool, error) {
	served, err := c.host.Discovery.ServerResourcesForGroupVersionWithContext(ctx, resource.GroupVersion().String())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(served.APIResources, func(r metav1.APIResource) bool { return r.Name == resource.Resource }), nil
}

// runWhileServed works until the context ends or the host cluster says that it does not serve Machines any more. As
// long as it says nothing, the work waits.
func (c *Controller) runWhileServed(ctx context.Context, workers int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go wait.UntilWithContext(ctx, func(ctx context.Context) {
		if served, err := c.served(ctx); err == nil && !served {
			cancel()
		}
	}, discoveryPeriod)
	return newKeeping(c).run(ctx, workers)
}

// keeping is the work on the Machines of a time in which they are served.
type keeping struct {
	*Controller
	machines cache.SharedIndexInformer
	loop     *workloop.Loop[types.NamespacedName] // the keys are names of NetworkInterfaces, which may not exist

	mu sync.Mutex
	// told is what Machines and NetworkInterfaces were told last, lest they are told again.
	told map[types.NamespacedName]string
}

// machinesListing is the index of Machines by the NetworkInterfaces that they list.
const machinesListing = "listing"

func newKeeping(c *Controller) *keeping {
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
	k := &keeping{
		Controller: c,
		machines: dynamicinformer.NewFilteredDynamicInformer(
			c.host.Client, resource, metav1.NamespaceAll, 0, indexers, nil).Informer(),
		told: make(map[types.NamespacedName]string),
	}
	k.loop = workloop.New(Name, k.reconcile)
	return k
}

func (k *keeping) run(ctx context.Context, workers int) error {
	if err := k.machines.SetTransform(func(obj any) (any, error) {
		if object, ok := obj.(*unstructured.Unstructured); ok {
			return parse(object), nil
		}
		return obj, nil
	}); err != nil {
		return err
	}
	if _, err := k.machines.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { k.changed(ctx, nil, obj.(*machine)) },
		UpdateFunc: func(old, obj any) { k.changed(ctx, old.(*machine), obj.(*machine)) },
		DeleteFunc: func(obj any) { k.changed(ctx, workloop.Deleted[*machine](obj), nil) },
	}); err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { k.machines.RunWithContext(ctx) })
	// Nothing is decided before all Machines are known: one that is not known yet would be taken for gone.
	if !cache.WaitForCacheSync(ctx.Done(), k.machines.HasSynced) {
		return nil
	}
	queue := func(obj any) { k.queue(workloop.Deleted[*v1alpha1.NetworkInterface](obj)) }
	registration, err := k.interfaces.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: queue, UpdateFunc: func(_, obj any) { queue(obj) }, DeleteFunc: queue,
	})
	if err != nil {
		return err
	}
	defer k.interfaces.RemoveEventHandler(registration)
	k.loop.Run(ctx, workers)
	return nil
}

func (k *keeping) queue(nic *v1alpha1.NetworkInterface) {
	k.loop.Add(types.NamespacedName{Namespace: nic.Namespace, Name: nic.Name}, 0)
}

// changed queues the NetworkInterfaces that a Machine lists or uses, before or after the change.
func (k *keeping) changed(ctx context.Context, old, now *machine) {
	for _, m := range []*machine{old, now} {
		if m == nil {
			continue
		}
		for name := range m.interfaces {
			k.loop.Add(types.NamespacedName{Namespace: m.Namespace, Name: name}, 0)
		}
		used, err := index.UsedBy(k.interfaces.GetIndexer(), m.UID)
		if err != nil {
			klog.FromContext(ctx).Error(err, "Finding the NetworkInterfaces of a Machine failed", "machine", klog.KObj(m))
		}
		for _, name := range used {
			k.loop.Add(name, 0)
		}
	}
}

// listing returns the Machines that list a NetworkInterface, the oldest first.
func (k *keeping) listing(name types.NamespacedName) ([]*machine, error) {
	objects, err := k.machines.GetIndexer().ByIndex(machinesListing, name.String())
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

func (k *keeping) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	machines, err := k.listing(name)
	if err != nil {
		return 0, err
	}
	nic, err := listers.NewNetworkInterfaceLister(k.interfaces.GetIndexer()).NetworkInterfaces(name.Namespace).Get(name.Name)
	switch {
	case apierrors.IsNotFound(err):
		return k.create(ctx, name, machines)
	case err != nil || nic.DeletionTimestamp != nil:
		return 0, err
	case nic.Spec.MachineRef != nil:
		return k.hold(ctx, nic, machines)
	default:
		return 0, k.claim(ctx, nic, machines)
	}
}

// create makes a NetworkInterface that is to live as long as its Machine.
func (k *keeping) create(ctx context.Context, name types.NamespacedName, machines []*machine) (time.Duration, error) {
	m := maker(name.Name, machines)
	if m == nil {
		k.tell(name, nil, nil)
		return 0, nil
	}
	if fault := m.interfaces[name.Name].fault; fault != nil {
		k.tell(name, nil, []refusal{{m, fmt.Sprintf("The template of NetworkInterface %s can't be read: %v", name.Name, fault)}})
		return 0, nil
	}
	nic, err := k.client.NetworkInterfaces(name.Namespace).Create(ctx, made(name.Name, m), metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		return 0, nil // Its event comes.
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return retryPeriod, nil // The Machine goes too.
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err):
		k.tell(name, nil, []refusal{{m, fmt.Sprintf("NetworkInterface %s can't be made: %v", name.Name, err)}})
		return retryPeriod, nil
	case err != nil:
		return 0, err
	}
	k.recorder.Event(reference(m), corev1.EventTypeNormal, "NetworkInterfaceCreated", "Created NetworkInterface "+nic.Name)
	return 0, nil
}

// hold frees a NetworkInterface whose Machine is gone, was made again, or lists it no more.
func (k *keeping) hold(ctx context.Context, nic *v1alpha1.NetworkInterface, machines []*machine) (time.Duration, error) {
	name := types.NamespacedName{Namespace: nic.Namespace, Name: nic.Name}
	if keeper(nic, machines) != nil {
		k.tell(name, nic, refusals(nic, machines))
		return 0, nil
	}
	// The cache may not have seen what the claimant has: the host cluster is asked before anything is taken away.
	now, err := k.read(ctx, nic.Namespace, nic.Spec.MachineRef.Name)
	if errors.Is(err, errNotServed) {
		return retryPeriod, nil
	}
	if err != nil {
		return 0, err
	}
	why := end(nic, now)
	if why == "" {
		return 0, nil // The Machine's event comes.
	}
	if _, err := k.client.NetworkInterfaces(nic.Namespace).Update(ctx, freed(nic), metav1.UpdateOptions{}); err != nil {
		return 0, err
	}
	k.recorder.Event(nic, corev1.EventTypeNormal, "Freed", why)
	return 0, nil
}

// errNotServed tells that the host cluster does not serve Machines.
var errNotServed = errors.New("the host cluster does not serve Machines")

// read returns a Machine as it is now, or nil if there is none. It lists rather than gets: the answer to a get does not
// tell a Machine that is gone from an API that is.
func (k *keeping) read(ctx context.Context, namespace, name string) (*machine, error) {
	list, err := k.host.Client.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{
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
func (k *keeping) claim(ctx context.Context, nic *v1alpha1.NetworkInterface, machines []*machine) error {
	m := chosen(nic, machines)
	if m == nil {
		k.tell(types.NamespacedName{Namespace: nic.Namespace, Name: nic.Name}, nic, refusals(nic, machines))
		return nil
	}
	if _, err := k.client.NetworkInterfaces(nic.Namespace).Update(ctx, claimed(nic, m), metav1.UpdateOptions{}); err != nil {
		return err
	}
	k.recorder.Event(nic, corev1.EventTypeNormal, "Claimed", "Machine "+m.Name+" uses it")
	return nil
}

// tell tells Machines, and the NetworkInterface if there is one, what the Machines do not get; once as long as it stays
// the same.
func (k *keeping) tell(name types.NamespacedName, nic *v1alpha1.NetworkInterface, refused []refusal) {
	var said strings.Builder
	for _, r := range refused {
		fmt.Fprintf(&said, "%s %s\n", r.machine.UID, r.message)
	}
	k.mu.Lock()
	again := k.told[name] == said.String()
	k.told[name] = said.String()
	if len(refused) == 0 {
		delete(k.told, name)
	}
	k.mu.Unlock()
	if again {
		return
	}
	for _, r := range refused {
		k.recorder.Event(reference(r.machine), corev1.EventTypeWarning, "NetworkInterfaceRefused", r.message)
		if nic != nil {
			k.recorder.Event(nic, corev1.EventTypeWarning, "MachineRefused", r.message)
		}
	}
}

func reference(m *machine) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: kind.GroupVersion().String(), Kind: kind.Kind,
		Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion,
	}
}
