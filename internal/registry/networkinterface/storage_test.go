// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// The storages of both kinds are tested together, on an etcd of the test's own: each looks the other up.
package networkinterface_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/storagebackend"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/install"
	"ironcore.dev/networking/internal/registry/member"
	"ironcore.dev/networking/internal/registry/network"
	"ironcore.dev/networking/internal/registry/networkinterface"
	"ironcore.dev/networking/internal/rules"
	"ironcore.dev/networking/internal/server/standalone/etcdtest"
	"ironcore.dev/networking/test/await"
)

// stage is both storages, and the namespace team-a in them.
type stage struct {
	t          *testing.T
	ctx        context.Context
	networks   network.Storage
	interfaces member.Storage
	lookup     member.Lookup
	// reads counts how often a Network was read for a NetworkInterface.
	reads atomic.Int64
	// atOnce counts the Networks that were removed in one transaction.
	atOnce atomic.Int64
}

func (s *stage) OfNetwork(ctx context.Context, namespace, name string) (rules.Members, error) {
	names, err := s.lookup.OfNetwork(ctx, namespace, name, s.interfaces)
	if err != nil {
		return rules.Members{}, err
	}
	return rules.Members{NetworkInterfaces: names[0]}, nil
}

func (s *stage) RemoveFromEmpty(ctx context.Context, namespace, key string, revision int64) (bool, error) {
	removed, err := s.lookup.RemoveFromEmpty(ctx, namespace, key, revision, s.interfaces)
	if removed {
		s.atOnce.Add(1)
	}
	return removed, err
}

type optionsGetter func(schema.GroupResource) generic.RESTOptions

func (g optionsGetter) GetRESTOptions(resource schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	return g(resource), nil
}

func newStage(t *testing.T) *stage {
	t.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	codec := serializer.NewCodecFactory(scheme).LegacyCodec(v1alpha1.SchemeGroupVersion)
	config := storagebackend.NewDefaultConfig("/registry", codec)
	client := etcdtest.Client(t)
	config.Transport.ServerList = client.Endpoints()
	options := optionsGetter(func(resource schema.GroupResource) generic.RESTOptions {
		return generic.RESTOptions{
			StorageConfig:  config.ForResource(resource),
			Decorator:      genericregistry.StorageWithCacher(),
			ResourcePrefix: resource.Group + "/" + resource.Resource,
		}
	})
	s := &stage{t: t, ctx: genericrequest.WithNamespace(t.Context(), "team-a"), lookup: member.Lookup{Etcd: client, Prefix: config.Prefix}}
	var err error
	s.networks, err = network.NewStorage(scheme, options, s, blind{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.networks.Network.Destroy)
	s.interfaces, err = networkinterface.NewStorage(scheme, options, func(ctx context.Context, name string) (*networking.Network, error) {
		s.reads.Add(1)
		obj, err := s.networks.Network.Get(ctx, name, &metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return obj.(*networking.Network), nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.interfaces.Main.Destroy)
	// The watch caches answer lists once they are filled.
	await.Success(t, 10*time.Second, func(context.Context) error {
		return errors.Join(s.networks.Network.ReadinessCheck(), s.interfaces.Main.ReadinessCheck())
	})
	return s
}

// blind sees nothing.
type blind struct{}

func (blind) Network(types.NamespacedName) *v1alpha1.Network { return nil }

func (blind) Related(types.NamespacedName) ([]*v1alpha1.Network, bool) { return nil, false }

func (blind) InterfacesOf(*v1alpha1.Network) []*v1alpha1.NetworkInterface { return nil }

func (blind) MayHaveMembers(string) bool { return false }

func (s *stage) createNetwork(name string) {
	s.t.Helper()
	_, err := s.networks.Network.Create(s.ctx, &networking.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name}},
		nil, &metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) network(name string) *networking.Network {
	s.t.Helper()
	obj, err := s.networks.Network.Get(s.ctx, name, &metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return obj.(*networking.Network)
}

// awaitCached waits until the watch cache has a version of a Network.
func (s *stage) awaitCached(stored *networking.Network) {
	s.t.Helper()
	await.Success(s.t, 10*time.Second, func(context.Context) error {
		obj, err := s.networks.Network.Get(s.ctx, stored.Name, &metav1.GetOptions{ResourceVersion: "0"})
		if err == nil && obj.(*networking.Network).ResourceVersion != stored.ResourceVersion {
			err = errors.New("another version is in the cache")
		}
		return err
	})
}

func (s *stage) tryCreate(name, network string) (*networking.NetworkInterface, error) {
	obj, err := s.interfaces.Main.Create(s.ctx, &networking.NetworkInterface{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name},
		Spec: networking.NetworkInterfaceSpec{
			NetworkRef: networking.LocalObjectReference{Name: network},
			IPFamilies: []networking.IPFamily{networking.IPv4Protocol},
			IPs:        []networking.IPSource{{Value: "10.0.0.1"}},
		},
		Status: networking.NetworkInterfaceStatus{State: networking.NetworkInterfaceStateAvailable, IPs: []string{"10.6.6.6"}},
	}, nil, &metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	return obj.(*networking.NetworkInterface), nil
}

func (s *stage) create(name, network string) *networking.NetworkInterface {
	s.t.Helper()
	nic, err := s.tryCreate(name, network)
	if err != nil {
		s.t.Fatal(err)
	}
	return nic
}

// update changes a NetworkInterface through one of its endpoints.
func (s *stage) update(through rest.Updater, name string, change func(*networking.NetworkInterface)) *networking.NetworkInterface {
	s.t.Helper()
	obj, _, err := through.Update(s.ctx, name, rest.DefaultUpdatedObjectInfo(nil,
		func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
			nic := old.DeepCopyObject().(*networking.NetworkInterface)
			change(nic)
			return nic, nil
		}), nil, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return obj.(*networking.NetworkInterface)
}

func (s *stage) deleteNetwork(name string, options ...string) {
	s.t.Helper()
	if _, _, err := s.networks.Network.Delete(s.ctx, name, rest.ValidateAllObjectFunc,
		&metav1.DeleteOptions{DryRun: options}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) isGone(name string) bool {
	s.t.Helper()
	_, err := s.networks.Network.Get(s.ctx, name, &metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		s.t.Fatal(err)
	}
	return err != nil
}

func TestANewInterfaceStartsAsPendingWithTheReason(t *testing.T) {
	s := newStage(t)
	s.createNetwork("net")
	for network, want := range map[string]metav1.Condition{
		"net": {Type: "Available", Status: "False", Reason: "Pending",
			Message: "The network provider has not realized the NetworkInterface yet."},
		"nowhere": {Type: "Available", Status: "False", Reason: "NetworkNotFound",
			Message: "There is no Network nowhere: create it."},
	} {
		nic := s.create("in-"+network, network)
		status := nic.Status
		if status.LastStateTransitionTime == nil || len(status.Conditions) != 2 || status.Conditions[0].LastTransitionTime.IsZero() {
			t.Fatalf("in %s: the status does not say since when it is what it is: %+v", network, status)
		}
		status.LastStateTransitionTime = nil
		ready := want
		ready.Type = "Ready"
		if diff := cmp.Diff(networking.NetworkInterfaceStatus{
			State: networking.NetworkInterfaceStatePending, Conditions: []metav1.Condition{want, ready},
		}, status, cmpopts.IgnoreFields(metav1.Condition{}, "LastTransitionTime")); diff != "" {
			t.Errorf("in %s: status (-want +got):\n%s", network, diff)
		}
		if nic.Generation != 1 {
			t.Errorf("in %s: generation %d, want 1", network, nic.Generation)
		}
	}
}

func TestAMalformedInterfaceIsInvalidRatherThanInNoNetwork(t *testing.T) {
	s := newStage(t)
	for _, name := range []string{"", "a/b"} {
		if _, err := s.tryCreate("nic", name); !apierrors.IsInvalid(err) {
			t.Errorf("with networkRef %q: got %v, want Invalid", name, err)
		}
	}
}

func TestTheDeletionOfANetworkWaitsForItsInterfaces(t *testing.T) {
	s := newStage(t)
	for i := range 20 {
		// Each was created an instant before, and caches know nothing of it yet.
		name := fmt.Sprintf("net-%d", i)
		s.createNetwork(name)
		s.create(fmt.Sprintf("nic-%d", i), name)
		s.deleteNetwork(name)
		network := s.network(name)
		if network.DeletionTimestamp == nil || !slices.Contains(network.Finalizers, v1alpha1.NetworkInterfacesFinalizer) {
			t.Fatalf("%s: deletionTimestamp %v and finalizers %q", name, network.DeletionTimestamp, network.Finalizers)
		}
		if network.Status.NetworkInterfaces != 1 {
			t.Errorf("%s has %d interfaces, want 1", name, network.Status.NetworkInterfaces)
		}
		blocked := meta.FindStatusCondition(network.Status.Conditions, "DeletionBlocked")
		want := &metav1.Condition{
			Type: "DeletionBlocked", Status: "True", Reason: "NetworkInterfacesExist",
			Message:            fmt.Sprintf("The deletion waits for 1 NetworkInterface that is still in this Network: nic-%d.", i),
			ObservedGeneration: 1,
		}
		if diff := cmp.Diff(want, blocked, cmpopts.IgnoreFields(metav1.Condition{}, "LastTransitionTime")); diff != "" {
			t.Errorf("%s: condition (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheDeletionOfACollectionWaitsForInterfacesToo(t *testing.T) {
	s := newStage(t)
	s.createNetwork("empty")
	s.createNetwork("used")
	s.create("nic", "used")
	if _, err := s.networks.Network.DeleteCollection(s.ctx, rest.ValidateAllObjectFunc, &metav1.DeleteOptions{},
		&internalversion.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if !s.isGone("empty") {
		t.Error("the Network without interfaces is still there")
	}
	if s.isGone("used") {
		t.Error("the Network with an interface is gone")
	}
}

func TestANetworkWithoutInterfacesIsDeletedAtOnce(t *testing.T) {
	s := newStage(t)
	s.createNetwork("alone")
	s.deleteNetwork("alone")
	if !s.isGone("alone") {
		t.Error("it is still there, where there are no interfaces")
	}
	s.createNetwork("beside")
	s.createNetwork("used")
	s.create("nic", "used")
	s.deleteNetwork("beside")
	if !s.isGone("beside") {
		t.Error("it is still there, where another Network has an interface")
	}
}

func TestADeletionIsOneTransactionIfNothingStandsInItsWay(t *testing.T) {
	refuse := func(context.Context, runtime.Object) error { return errors.New("no") }
	asked := false
	refuseOnce := func(ctx context.Context, obj runtime.Object) error {
		if !asked {
			asked = true
			return refuse(ctx, obj)
		}
		return nil
	}
	for sentence, tc := range map[string]struct {
		finalizers []string
		beside     bool // Another Network of the namespace has an interface.
		validate   rest.ValidateObjectFunc
		options    metav1.DeleteOptions
		atOnce     int64
		stays      bool
		refused    bool
	}{
		"nothing does":                                            {atOnce: 1},
		"it is the one that was meant":                            {options: metav1.DeleteOptions{Preconditions: &metav1.Preconditions{}}, atOnce: 1},
		"dependents go in the background":                         {options: metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)}, atOnce: 1},
		"dependents would be orphans":                             {options: metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationOrphan)}},
		"another Network has an interface that no cache has seen": {beside: true},
		"somebody's finalizer holds it":                           {finalizers: []string{"example.com/hold"}, stays: true},
		"it is a dry run":                                         {options: metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}, stays: true},
		"admission refuses it":                                    {validate: refuse, stays: true, refused: true},
		"admission refuses what the cache has, and nothing else":  {validate: refuseOnce},
		"another one was meant": {
			options: metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions("another")}, stays: true, refused: true,
		},
		"it has changed since": {
			options: metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: new("1")}}, stays: true, refused: true,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := newStage(t)
			if _, err := s.networks.Network.Create(s.ctx, &networking.Network{ObjectMeta: metav1.ObjectMeta{
				Namespace: "team-a", Name: "net", Finalizers: tc.finalizers,
			}}, nil, &metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			stored := s.network("net")
			if tc.beside {
				s.create("nic", "another")
			}
			s.awaitCached(stored)
			validate := tc.validate
			if validate == nil {
				validate = rest.ValidateAllObjectFunc
			}
			_, gone, err := s.networks.Network.Delete(s.ctx, "net", validate, &tc.options)
			if (err != nil) != tc.refused {
				t.Errorf("got %v, want an error: %v", err, tc.refused)
			}
			if got := s.isGone("net"); got == tc.stays {
				t.Errorf("it is gone: %v, want %v", got, !tc.stays)
			}
			if got := s.atOnce.Load(); got != tc.atOnce || tc.atOnce > 0 && !gone {
				t.Errorf("%d removed in one transaction, want %d; gone %v", got, tc.atOnce, gone)
			}
		})
	}
}

// What the cache has may be older than what is stored.
func TestOnlyTheVersionThatWasLookedAtIsRemovedAtOnce(t *testing.T) {
	s := newStage(t)
	s.createNetwork("net")
	key, err := s.networks.Network.KeyFunc(s.ctx, "net")
	if err != nil {
		t.Fatal(err)
	}
	revision, err := strconv.ParseInt(s.network("net").ResourceVersion, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		revision int64
		want     bool
	}{{revision - 1, false}, {revision, true}, {revision, false}} {
		if removed, err := s.RemoveFromEmpty(s.ctx, "team-a", key, step.revision); err != nil || removed != step.want {
			t.Errorf("of revision %d: removed %v, %v, want %v", step.revision, removed, err, step.want)
		}
	}
}

func TestNoInterfaceIsCreatedWhileItsNetworkIsRemovedAtOnce(t *testing.T) {
	s := newStage(t)
	for i := range 100 {
		net, nic := fmt.Sprintf("net-%d", i), fmt.Sprintf("nic-%d", i)
		s.createNetwork(net)
		s.awaitCached(s.network(net))
		var deleting sync.WaitGroup
		deleting.Go(func() {
			if _, _, err := s.networks.Network.Delete(s.ctx, net, rest.ValidateAllObjectFunc, &metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
		created, err := s.tryCreate(nic, net)
		deleting.Wait()
		// One that is created after the Network says that there is none.
		if err == nil && s.isGone(net) && meta.FindStatusCondition(created.Status.Conditions, "Available").Reason != "NetworkNotFound" {
			t.Fatalf("%s is gone, and has an interface", net)
		}
		if !apierrors.IsForbidden(err) && err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.interfaces.Main.Delete(s.ctx, nic, rest.ValidateAllObjectFunc, &metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	if s.atOnce.Load() == 0 {
		t.Error("none was removed in one transaction")
	}
}

// Left to itself, the watch cache would take a tenth of a second each time to know that it has seen all.
func TestDeletionsBesideInterfacesDoNotWaitForTheWatchCache(t *testing.T) {
	const count, most = 50, 4 * time.Second // To wait for the cache would take 0.1 s each.
	s := newStage(t)
	s.create("nic", "nowhere")
	for i := range count {
		s.createNetwork(fmt.Sprintf("net-%d", i))
	}
	began := time.Now()
	for i := range count {
		s.deleteNetwork(fmt.Sprintf("net-%d", i))
	}
	if took := time.Since(began); took > most {
		t.Errorf("%d deletions took %s, want %s at most", count, took, most)
	}
}

func TestADryRunOfADeletionChangesNothing(t *testing.T) {
	s := newStage(t)
	s.createNetwork("net")
	s.create("nic", "net")
	before := s.network("net")
	s.deleteNetwork("net", metav1.DryRunAll)
	if diff := cmp.Diff(before, s.network("net")); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestANetworkThatIsBeingDeletedTakesNoNewInterfaces(t *testing.T) {
	s := newStage(t)
	s.createNetwork("net")
	s.create("nic", "net")
	s.deleteNetwork("net")
	_, err := s.tryCreate("late", "net")
	want := `networkinterfaces.networking.ironcore.dev "late" is forbidden: spec.networkRef names Network net, ` +
		"which is being deleted: wait until it is gone, or name another"
	if !apierrors.IsForbidden(err) || err.Error() != want {
		t.Errorf("got %v, want Forbidden: %s", err, want)
	}
}

func TestWhatADeletionWaitsForIsNotTheProvidersToWrite(t *testing.T) {
	s := newStage(t)
	s.createNetwork("net")
	s.create("nic", "net")
	s.deleteNetwork("net")
	before := s.network("net")
	if _, _, err := s.networks.Status.Update(s.ctx, "net", rest.DefaultUpdatedObjectInfo(nil,
		func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
			network := old.DeepCopyObject().(*networking.Network)
			network.Status.NetworkInterfaces = 6
			network.Status.Conditions = nil
			return network, nil
		}), nil, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, s.network("net")); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestAMembershipIsAppliedToTheNetworkItWasCountedFor(t *testing.T) {
	s := newStage(t)
	s.createNetwork("net")
	before := s.network("net")
	membership := &networking.NetworkMembership{
		ObjectMeta:        metav1.ObjectMeta{Name: "net", UID: before.UID, ResourceVersion: before.ResourceVersion},
		NetworkInterfaces: 7,
	}
	answer, err := s.networks.Membership.Create(s.ctx, "net", membership.DeepCopy(), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	after := s.network("net")
	want := before.DeepCopy()
	want.Status.NetworkInterfaces = 7
	want.ResourceVersion = answer.(*networking.NetworkMembership).ResourceVersion
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("network (-want +got):\n%s", diff)
	}
	if _, err := s.networks.Membership.Create(s.ctx, "net", membership, rest.ValidateAllObjectFunc,
		&metav1.CreateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("a second time with the old resourceVersion: got %v, want Conflict", err)
	}
}

func TestTheProviderIDEndsWithTheMachine(t *testing.T) {
	const one, other = types.UID("a0000000-0000-4000-8000-00000000000a"), types.UID("b0000000-0000-4000-8000-00000000000b")
	s := newStage(t)
	s.create("nic", "net")
	generation := int64(1)
	for _, step := range []struct {
		sentence string
		change   func(*networking.NetworkInterfaceSpec)
		want     string
	}{
		{"set with the Machine", func(spec *networking.NetworkInterfaceSpec) {
			spec.MachineRef, spec.ProviderID = &networking.LocalUIDReference{Name: "m", UID: one}, "x://1"
		}, "x://1"},
		{"kept with the Machine", func(spec *networking.NetworkInterfaceSpec) {
			spec.Attributes = map[string]string{"k": "v"}
		}, "x://1"},
		{"ended when another Machine takes over", func(spec *networking.NetworkInterfaceSpec) {
			spec.MachineRef = &networking.LocalUIDReference{Name: "m", UID: other}
		}, ""},
		{"set again", func(spec *networking.NetworkInterfaceSpec) { spec.ProviderID = "x://2" }, "x://2"},
		{"changed with the Machine", func(spec *networking.NetworkInterfaceSpec) {
			spec.MachineRef, spec.ProviderID = &networking.LocalUIDReference{Name: "m", UID: one}, "x://3"
		}, "x://3"},
		{"ended when the interface is freed", func(spec *networking.NetworkInterfaceSpec) { spec.MachineRef = nil }, ""},
		{"set before the Machine", func(spec *networking.NetworkInterfaceSpec) { spec.ProviderID = "x://4" }, "x://4"},
		{"kept when a Machine comes", func(spec *networking.NetworkInterfaceSpec) {
			spec.MachineRef = &networking.LocalUIDReference{Name: "m", UID: one}
		}, "x://4"},
		{"ended when the interface is freed, whatever else is asked", func(spec *networking.NetworkInterfaceSpec) {
			spec.MachineRef, spec.ProviderID = nil, "x://5"
		}, ""},
	} {
		nic := s.update(s.interfaces.Main, "nic", func(nic *networking.NetworkInterface) { step.change(&nic.Spec) })
		if step.sentence != "set again" && step.sentence != "set before the Machine" { // That is the provider's, not the users'.
			generation++
		}
		if nic.Spec.ProviderID != step.want || nic.Generation != generation {
			t.Errorf("%s: providerID %q and generation %d, want %q and %d",
				step.sentence, nic.Spec.ProviderID, nic.Generation, step.want, generation)
		}
	}
}

func TestAWriteOfAnInterfaceLeavesItsStatus(t *testing.T) {
	s := newStage(t)
	before := s.create("nic", "net")
	after := s.update(s.interfaces.Main, "nic", func(nic *networking.NetworkInterface) {
		nic.Labels = map[string]string{"a": "b"}
		nic.Status = networking.NetworkInterfaceStatus{State: networking.NetworkInterfaceStateAvailable}
	})
	if diff := cmp.Diff(before.Status, after.Status); diff != "" {
		t.Errorf("status (-before +after):\n%s", diff)
	}
	if after.Generation != 1 {
		t.Errorf("a label made generation %d, want 1", after.Generation)
	}
}

func TestAWriteOfTheStatusWritesNothingElse(t *testing.T) {
	s := newStage(t)
	before := s.create("nic", "net")
	after := s.update(s.interfaces.Status, "nic", func(nic *networking.NetworkInterface) {
		nic.Labels = map[string]string{"a": "b"}
		nic.Finalizers = []string{"example.org/f"}
		nic.Spec.ProviderID = "x://1"
		nic.Status.State = networking.NetworkInterfaceStateAvailable
		nic.Status.LastStateTransitionTime = &metav1.Time{}
		nic.Status.IPs = []string{"10.0.0.1"}
		nic.Status.Conditions = append(nic.Status.Conditions, metav1.Condition{
			Type: "Programmed", Status: "True", Reason: "Done", LastTransitionTime: metav1.Now(),
		})
	})
	if diff := cmp.Diff(before.Spec, after.Spec); diff != "" {
		t.Errorf("spec (-before +after):\n%s", diff)
	}
	want := before.ObjectMeta
	want.ResourceVersion = after.ResourceVersion
	if diff := cmp.Diff(want, after.ObjectMeta); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	status := after.Status
	if status.State != "Available" || !slices.Equal(status.IPs, []string{"10.0.0.1"}) || status.LastStateTransitionTime.IsZero() {
		t.Errorf("status is %+v", status)
	}
	if available := meta.FindStatusCondition(status.Conditions, "Available"); available == nil ||
		available.Status != "True" || available.Reason != "Available" {
		t.Errorf("the condition Available is %+v", available)
	}
	if !meta.IsStatusConditionTrue(status.Conditions, "Programmed") {
		t.Error("the provider's own condition is missing")
	}

	again := s.update(s.interfaces.Status, "nic", func(nic *networking.NetworkInterface) {
		nic.Status.LastStateTransitionTime, nic.Status.Conditions = nil, nic.Status.Conditions[1:]
	})
	if again.ResourceVersion != after.ResourceVersion {
		t.Errorf("a write that changes nothing made resourceVersion %s of %s", again.ResourceVersion, after.ResourceVersion)
	}
}

func TestInterfacesAreSelectedByField(t *testing.T) {
	s := newStage(t)
	s.create("one", "net")
	s.create("two", "net")
	s.create("three", "other")
	s.update(s.interfaces.Main, "two", func(nic *networking.NetworkInterface) {
		nic.Spec.MachineRef = &networking.LocalUIDReference{Name: "m", UID: "a0000000-0000-4000-8000-00000000000a"}
	})
	s.update(s.interfaces.Status, "three", func(nic *networking.NetworkInterface) { nic.Status.State = "Error" })
	for selector, want := range map[string][]string{
		"metadata.name=one":                              {"one"},
		"spec.networkRef.name=net":                       {"one", "two"},
		"spec.networkRef.name=net,spec.machineRef.name=": {"one"},
		"spec.machineRef.name=m":                         {"two"},
		"status.state=Error":                             {"three"},
		"status.state!=Error":                            {"one", "two"},
	} {
		list, err := s.interfaces.Main.List(s.ctx, &internalversion.ListOptions{FieldSelector: fields.ParseSelectorOrDie(selector)})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, nic := range list.(*networking.NetworkInterfaceList).Items {
			got = append(got, nic.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s selects %q, want %q", selector, got, want)
		}
	}
}

func TestTheTableTellsWhoUsesAnInterfaceAndWhatKeepsIt(t *testing.T) {
	s := newStage(t)
	s.create("free", "nowhere")
	s.create("used", "net")
	s.update(s.interfaces.Main, "used", func(nic *networking.NetworkInterface) {
		nic.Spec.MachineRef = &networking.LocalUIDReference{Name: "m", UID: "a0000000-0000-4000-8000-00000000000a"}
		nic.Spec.ProviderID = "x://1"
	})
	s.update(s.interfaces.Status, "used", func(nic *networking.NetworkInterface) {
		nic.Status.State, nic.Status.IPs = networking.NetworkInterfaceStateAvailable, []string{"10.0.0.1", "2001:db8::1"}
	})
	list, err := s.interfaces.Main.List(s.ctx, &internalversion.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := s.interfaces.Main.ConvertToTable(s.ctx, list, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := [][]any{{}}
	for _, column := range table.ColumnDefinitions {
		got[0] = append(got[0], column.Name)
	}
	for _, row := range table.Rows {
		got = append(got, row.Cells)
	}
	want := [][]any{
		{"Name", "Network", "Machine", "IPs", "State", "Age", "Provider ID", "Reason"},
		{"free", "nowhere", "<none>", "<none>", "Pending", "0s", "<none>", "NetworkNotFound"},
		{"used", "net", "m", "10.0.0.1,2001:db8::1", "Available", "0s", "x://1", "<none>"},
	}
	age := slices.Index(got[0], "Age")
	for _, row := range got[1:] {
		row[age] = "0s"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestACreationReadsTheNetworkOnceBeforeAndOnceAfter(t *testing.T) {
	s := newStage(t)
	s.createNetwork("net")
	apply := func(name, network string) error {
		nic := &networking.NetworkInterface{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name},
			Spec: networking.NetworkInterfaceSpec{
				NetworkRef: networking.LocalObjectReference{Name: network},
				IPFamilies: []networking.IPFamily{networking.IPv4Protocol},
				IPs:        []networking.IPSource{{Value: "10.0.0.1"}},
			},
		}
		_, created, err := s.interfaces.Main.Update(s.ctx, name, rest.DefaultUpdatedObjectInfo(nic), nil,
			rest.ValidateAllObjectUpdateFunc, true, &metav1.UpdateOptions{})
		if err == nil && !created {
			t.Errorf("%s was not created", name)
		}
		return err
	}
	for how, create := range map[string]func(name, network string) error{
		"posted":  func(name, network string) error { _, err := s.tryCreate(name, network); return err },
		"applied": apply,
	} {
		for _, network := range []string{"net", "missing"} {
			before := s.reads.Load()
			if err := create(how+"-in-"+network, network); err != nil {
				t.Fatal(err)
			}
			if reads := s.reads.Load() - before; reads != 2 {
				t.Errorf("%s in Network %s: it was read %d times, want twice", how, network, reads)
			}
		}
		if err := create(how+"-in-none", ""); !apierrors.IsInvalid(err) {
			t.Errorf("%s without a Network: got %v, want Invalid", how, err)
		}
	}
}
