// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	applymeta "k8s.io/client-go/applyconfigurations/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	apply "ironcore.dev/networking/pkg/client/applyconfiguration/networking/v1alpha1"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
)

// newNIC returns a NetworkInterface of a Network, with an IPv4 address.
func newNIC(name, network, ip string) *v1alpha1.NetworkInterface {
	return &v1alpha1.NetworkInterface{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.NetworkInterfaceSpec{
			NetworkRef: v1alpha1.LocalObjectReference{Name: network},
			IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol},
			IPs:        []v1alpha1.IPSource{{Value: ip}},
		},
	}
}

func (n namespace) nics(t *testing.T) clientset.NetworkInterfaceInterface {
	t.Helper()
	return n.client(t).NetworkInterfaces(n.name)
}

func (n namespace) createNIC(t *testing.T, nic *v1alpha1.NetworkInterface) *v1alpha1.NetworkInterface {
	t.Helper()
	created, err := n.nics(t).Create(t.Context(), nic, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func (n namespace) deleteNIC(t *testing.T, name string) {
	t.Helper()
	if err := n.nics(t).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// awaitNIC waits for a NetworkInterface to have a state, and a reason for it.
func (n namespace) awaitNIC(t *testing.T, name string, state v1alpha1.NetworkInterfaceState, reason string) *v1alpha1.NetworkInterface {
	t.Helper()
	var nic *v1alpha1.NetworkInterface
	poll(t, patience, func() (err error) {
		if nic, err = n.nics(t).Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			return err
		}
		got := meta.FindStatusCondition(nic.Status.Conditions, v1alpha1.NetworkInterfaceAvailable)
		if got == nil || nic.Status.State != state || got.Reason != reason {
			return fmt.Errorf("%s is %s with the condition %+v, want %s for %s", name, nic.Status.State, got, state, reason)
		}
		return nil
	})
	return nic
}

// isGone waits for the end of a Network.
func (n namespace) isGone(t *testing.T, within time.Duration, name string) {
	t.Helper()
	poll(t, within, func() error {
		_, err := n.networks.Get(t.Context(), name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errorOr(err, fmt.Sprintf("Network %s is still there", name))
	})
}

// counting accepts a Network that knows of so many NetworkInterfaces.
func counting(count int32) func(*v1alpha1.Network) error {
	return func(network *v1alpha1.Network) error {
		if got := network.Status.NetworkInterfaces; got != count {
			return fmt.Errorf("status.networkInterfaces is %d, want %d", got, count)
		}
		return nil
	}
}

func TestKubectlTakesAnInterfaceIntoANetworkAndOut(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	manifest := `
apiVersion: networking.ironcore.dev/v1alpha1
kind: NetworkInterface
metadata: {name: nic}
spec:
  networkRef: {name: net}
  machineRef: {name: m, uid: 7a4b8a9e-6a2c-4b5a-9d3e-000000000001}
  ipFamilies: [IPv4, IPv6]
  ips: [{value: 10.0.0.1}, {value: "2001:db8::1"}]
  prefixes: [{value: 10.1.0.0/24}]
  attributes: {k: v}
`
	checkContains(t, n.kubectlWithInput(t, manifest, "apply", "-f", "-"), "networkinterface.networking.ironcore.dev/nic created")
	checkContains(t, n.kubectl(t, "get", "nic", "nic", "-o", "wide"), "NetworkNotFound")
	checkContains(t, n.kubectl(t, "describe", "nic", "nic"), "There is no Network net: create it.")

	n.create(t, newNetwork("net"))
	n.kubectl(t, "wait", "--for=jsonpath={.status.state}=Available", "nic/nic", "--timeout=10s")
	checkContains(t, n.kubectl(t, "get", "nic"), "NAME   NETWORK   MACHINE   IPS                    STATE       AGE",
		"nic    net       m         10.0.0.1,2001:db8::1   Available")
	n.await(t, "net", counting(1))
	checkContains(t, n.kubectl(t, "get", "networks", "-o", "wide"), "INTERFACES")
	checkContains(t, n.kubectl(t, "get", "ironcore"), "networkinterface.networking.ironcore.dev/nic", "network.networking.ironcore.dev/net")
	for _, selector := range []string{"spec.networkRef.name=net", "spec.machineRef.name=m", "status.state=Available", "metadata.name=nic"} {
		if got := n.kubectl(t, "get", "nic", "-o", "name", "--field-selector="+selector); got != "networkinterface.networking.ironcore.dev/nic\n" {
			t.Errorf("%s selects %q", selector, got)
		}
	}
	nic, err := n.nics(t).Get(t.Context(), "nic", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"10.1.0.0/24"}, nic.Status.Prefixes); diff != "" {
		t.Errorf("status.prefixes (-want +got):\n%s", diff)
	}

	n.kubectl(t, "delete", "network", "net", "--wait=false")
	checkContains(t, n.kubectl(t, "get", "network", "net"), "Terminating,InUse")
	checkContains(t, n.kubectl(t, "get", "network", "net", "-o", "wide"), "Terminating,InUse", "NetworkInterfacesExist")
	checkContains(t, n.kubectl(t, "describe", "network", "net"),
		"The deletion waits for 1 NetworkInterface that is still in this Network: nic.")
	n.kubectl(t, "delete", "nic", "nic")
	n.kubectl(t, "wait", "--for=delete", "network/net", "--timeout=10s")
}

func TestANetworkEndsWithinASecondOfItsLastInterface(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, measuredServer(t))
	n.peered(t, "a", "b")
	n.createNIC(t, newNIC("one", "a", "10.0.0.1"))
	n.createNIC(t, newNIC("two", "a", "10.0.0.2"))
	n.delete(t, "a")
	// The peer does not wait with it.
	n.await(t, "b", pendingFor(v1alpha1.PeeringReasonPeerDeleting))
	n.await(t, "a", pendingFor(v1alpha1.PeeringReasonNetworkDeleting))

	_, err := n.nics(t).Create(t.Context(), newNIC("late", "a", "10.0.0.3"), metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "Network a, which is being deleted") {
		t.Errorf("a new interface was answered with %v, want Forbidden", err)
	}

	n.deleteNIC(t, "one")
	n.await(t, "a", func(network *v1alpha1.Network) error {
		blocked := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkDeletionBlocked)
		want := "The deletion waits for 1 NetworkInterface that is still in this Network: two."
		if blocked == nil || blocked.Message != want {
			return fmt.Errorf("the condition DeletionBlocked is %+v, want %q", blocked, want)
		}
		return nil
	})
	n.deleteNIC(t, "two")
	began := time.Now()
	n.isGone(t, patience, "a")
	if took := time.Since(began); took > time.Second {
		t.Errorf("the Network ended %s after its last interface, want a second at most", took)
	}
}

// An interface is created and its Network deleted at the same time, again and again: whatever comes first, no Network
// may end under an interface that was acknowledged before its deletion was asked for.
func TestNoNetworkEndsUnderAnInterfaceCreatedAnInstantBefore(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	nics := n.nics(t)
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(8)
	for i := range 100 {
		name := fmt.Sprintf("round-%d", i)
		group.Go(func() error {
			if _, err := n.networks.Create(ctx, newNetwork(name), metav1.CreateOptions{}); err != nil {
				return err
			}
			if _, err := nics.Create(ctx, newNIC(name, name, "10.0.0.1"), metav1.CreateOptions{}); err != nil {
				return err
			}
			if err := n.networks.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
				return err
			}
			network, err := n.networks.Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return fmt.Errorf("after its deletion was asked for: %w", err)
			}
			if network.Status.NetworkInterfaces != 1 {
				return fmt.Errorf("%s waits for %d interfaces, want 1", name, network.Status.NetworkInterfaces)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := nics.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	poll(t, patience, func() error {
		left, err := n.networks.List(t.Context(), metav1.ListOptions{})
		if err == nil && len(left.Items) > 0 {
			err = fmt.Errorf("%d Networks are still there", len(left.Items))
		}
		return err
	})
}

func TestOfTwoInterfacesWithOneAddressTheLaterIsNotAvailable(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("net"))
	n.create(t, newNetwork("other"))
	n.createNIC(t, newNIC("first", "net", "10.0.0.1"))
	n.awaitNIC(t, "first", v1alpha1.NetworkInterfaceStateAvailable, "Available")
	n.createNIC(t, newNIC("a-later-one", "net", "10.0.0.1"))
	n.createNIC(t, newNIC("elsewhere", "other", "10.0.0.1"))
	n.awaitNIC(t, "elsewhere", v1alpha1.NetworkInterfaceStateAvailable, "Available")
	later := n.awaitNIC(t, "a-later-one", v1alpha1.NetworkInterfaceStateError, v1alpha1.NetworkInterfaceReasonAddressInUse)
	want := "NetworkInterface first of Network net has 10.0.0.1 already: choose another address."
	if got := later.Status.Conditions[0].Message; got != want {
		t.Errorf("the message is %q, want %q", got, want)
	}
	if len(later.Status.IPs) > 0 {
		t.Errorf("it has %q in force, want none", later.Status.IPs)
	}
	n.awaitNIC(t, "first", v1alpha1.NetworkInterfaceStateAvailable, "Available")
	n.deleteNIC(t, "first")
	n.awaitNIC(t, "a-later-one", v1alpha1.NetworkInterfaceStateAvailable, "Available")
}

func TestAnAddressThatIsGivenUpIsTakenWithinASecond(t *testing.T) {
	t.Parallel()
	measured := measuredServer(t)
	for how, giveUp := range map[string]func(t *testing.T, n namespace){
		"by deletion":            func(t *testing.T, n namespace) { n.deleteNIC(t, "holder") },
		"by a change to another": func(t *testing.T, n namespace) { n.moveNIC(t, "holder", "10.0.0.2") },
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			n := newNamespace(t, measured)
			n.create(t, newNetwork("net"))
			n.createNIC(t, newNIC("holder", "net", "10.0.0.1"))
			n.awaitNIC(t, "holder", v1alpha1.NetworkInterfaceStateAvailable, "Available")
			n.createNIC(t, newNIC("heir", "net", "10.0.0.1"))
			n.awaitNIC(t, "heir", v1alpha1.NetworkInterfaceStateError, v1alpha1.NetworkInterfaceReasonAddressInUse)
			giveUp(t, n)
			began := time.Now()
			n.awaitNIC(t, "heir", v1alpha1.NetworkInterfaceStateAvailable, "Available")
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %s, want a second at most", took)
			}
		})
	}
}

func (n namespace) moveNIC(t *testing.T, name, ip string) {
	t.Helper()
	patch := encode(t, object{"spec": object{"ips": []object{{"value": ip}}}})
	if _, err := n.nics(t).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Interfaces that are created one right after the other, most of them in the same second, get an address in that order:
// before the first of them is known to have it, and before there is a Network.
func TestOverlapInOneNetworkIsToldToTheLater(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("net"))
	routed := func(name, ip string, ranges ...string) *v1alpha1.NetworkInterface {
		nic := newNIC(name, "net", ip)
		for _, text := range ranges {
			nic.Spec.Prefixes = append(nic.Spec.Prefixes, v1alpha1.PrefixSource{Value: text})
		}
		return nic
	}
	// told waits until these and no others are told, each of the words.
	told := func(want map[string]string) {
		t.Helper()
		poll(t, patience, func() error {
			nics, err := n.nics(t).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				return err
			}
			got := map[string]string{}
			for i := range nics.Items {
				nic := &nics.Items[i]
				if nic.Status.State != v1alpha1.NetworkInterfaceStateAvailable {
					return fmt.Errorf("%s is %s", nic.Name, nic.Status.State)
				}
				if condition := meta.FindStatusCondition(nic.Status.Conditions, v1alpha1.NetworkInterfacePrefixesOverlap); condition != nil {
					got[nic.Name], _, _ = strings.Cut(condition.Message, ",")
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				return fmt.Errorf("told (-want +got):\n%s", diff)
			}
			return nil
		})
	}
	n.createNIC(t, routed("z-first", "10.0.0.1", "10.1.0.0/16"))
	n.createNIC(t, routed("b", "10.1.0.5"))
	n.createNIC(t, routed("a", "10.0.0.3", "10.1.7.0/24"))
	n.createNIC(t, routed("c", "10.0.0.4", "10.2.0.0/24"))
	told(map[string]string{
		"a": "10.1.7.0/24 overlaps 10.1.0.0/16 of NetworkInterface z-first",
		"b": "10.1.0.5 overlaps 10.1.0.0/16 of NetworkInterface z-first",
	})
	n.deleteNIC(t, "z-first")
	told(map[string]string{})
	// Who asks for what another has is the later, however old.
	n.kubectl(t, "patch", "nic", "b", "--type=merge", "-p", `{"spec":{"prefixes":[{"value":"10.2.0.0/28"}]}}`)
	told(map[string]string{"b": "10.2.0.0/28 overlaps 10.2.0.0/24 of NetworkInterface c"})
	n.kubectl(t, "patch", "nic", "b", "--type=merge", "-p", `{"spec":{"prefixes":[{"value":"10.3.0.0/28"}]}}`)
	told(map[string]string{})
}

func TestTheFirstOfManyInterfacesGetsTheAddress(t *testing.T) {
	t.Parallel()
	const rounds, rivals = 20, 5
	n := newNamespace(t, shared)
	n.create(t, newNetwork("early"))
	for round := range rounds {
		for _, network := range []string{"early", "late"} {
			for rival := range rivals {
				// The names are in the opposite order.
				n.createNIC(t, newNIC(fmt.Sprintf("%s-%d-%d", network, round, rivals-rival), network, fmt.Sprintf("10.0.0.%d", round)))
			}
		}
	}
	n.create(t, newNetwork("late"))
	for round := range rounds {
		for _, network := range []string{"early", "late"} {
			first := fmt.Sprintf("%s-%d-%d", network, round, rivals)
			n.awaitNIC(t, first, v1alpha1.NetworkInterfaceStateAvailable, "Available")
			for rival := 1; rival < rivals; rival++ {
				name := fmt.Sprintf("%s-%d-%d", network, round, rivals-rival)
				later := n.awaitNIC(t, name, v1alpha1.NetworkInterfaceStateError, v1alpha1.NetworkInterfaceReasonAddressInUse)
				if !strings.HasPrefix(later.Status.Conditions[0].Message, "NetworkInterface "+first+" of Network "+network) {
					t.Errorf("%s says %q, want %s named", name, later.Status.Conditions[0].Message, first)
				}
			}
		}
	}
}

// Interfaces change between few addresses, again and again. Never do two of them have the same in force, not for a
// moment.
func TestAnAddressIsNeverInForceTwice(t *testing.T) {
	t.Parallel()
	const players, addresses, moves = 8, 4, 40
	n := newNamespace(t, shared)
	n.create(t, newNetwork("net"))
	list, err := n.nics(t).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	watch, err := n.nics(t).Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	nics := n.nics(t)
	group, ctx := errgroup.WithContext(t.Context())
	for player := range players {
		random := rand.New(rand.NewPCG(seed, uint64(player)))
		name := fmt.Sprintf("nic-%d", player)
		address := func() string { return fmt.Sprintf("10.0.0.%d", random.IntN(addresses)) }
		group.Go(func() error {
			_, err := nics.Create(ctx, newNIC(name, "net", address()), metav1.CreateOptions{})
			for move := 0; err == nil && move < moves; move++ {
				if random.IntN(8) == 0 {
					if err = nics.Delete(ctx, name, metav1.DeleteOptions{}); err == nil {
						_, err = nics.Create(ctx, newNIC(name, "net", address()), metav1.CreateOptions{})
					}
					continue
				}
				patch := fmt.Appendf(nil, `{"spec":{"ips":[{"value":%q}]}}`, address())
				_, err = nics.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	poll(t, patience, func() error {
		all, err := nics.List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		return membershipSettled([]v1alpha1.Network{*n.get(t, "net")}, all.Items)
	})

	n.createNIC(t, newNIC("the-end", "nowhere", "10.0.0.1"))
	holders, gained := map[string]string{}, 0
	for event := range watch.ResultChan() {
		nic, ok := event.Object.(*v1alpha1.NetworkInterface)
		if !ok {
			t.Fatalf("the watch ended: %v", event)
		}
		if nic.Name == "the-end" {
			break
		}
		maps.DeleteFunc(holders, func(_, holder string) bool { return holder == nic.Name })
		if event.Type == apiwatch.Deleted || nic.Status.State != v1alpha1.NetworkInterfaceStateAvailable {
			continue
		}
		for _, ip := range nic.Status.IPs {
			if holder := holders[ip]; holder != "" {
				t.Errorf("%s gets %s while %s has it", nic.Name, ip, holder)
			}
			holders[ip] = nic.Name
			gained++
		}
	}
	t.Logf("addresses were in force in %d events", gained)
	if gained < players {
		t.Errorf("addresses were in force in %d events, which tells nothing", gained)
	}
}

func TestAnInterfaceWithoutAddressesSaysWhichAreMissing(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("net"))
	nic := newNIC("nic", "net", "")
	nic.Spec.IPs[0].Ephemeral = &v1alpha1.EphemeralPrefixSource{PrefixTemplate: &v1alpha1.PrefixTemplateSpec{
		Spec: v1alpha1.PrefixSpec{IPFamily: v1alpha1.IPv4Protocol, ParentRef: &v1alpha1.LocalObjectReference{Name: "p"}},
	}}
	nic.Spec.VirtualIP = &v1alpha1.VirtualIPSource{VirtualIPRef: &v1alpha1.LocalObjectReference{Name: "v"}}
	n.createNIC(t, nic)
	nic = n.awaitNIC(t, "nic", v1alpha1.NetworkInterfaceStatePending, v1alpha1.NetworkInterfaceReasonAddressMissing)
	want := "The local provider allocates no addresses: give a value to spec.ips[0]. " +
		"There is no VirtualIP v: create it."
	if got := nic.Status.Conditions[0].Message; got != want {
		t.Errorf("the message is %q, want %q", got, want)
	}
}

// A VirtualIP leads to one of those that name it. The others are told as well once it is there.
func TestInterfacesThatNameAVirtualIPFollowIt(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("net"))
	says := func(name, want string) {
		t.Helper()
		poll(t, patience, func() error {
			nic, err := n.nics(t).Get(t.Context(), name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			available := meta.FindStatusCondition(nic.Status.Conditions, "Available")
			if available == nil || available.Message != want {
				return fmt.Errorf("%s says %+v, want %q", name, available, want)
			}
			return nil
		})
	}
	for i, name := range []string{"first", "second"} {
		nic := newNIC(name, "net", fmt.Sprintf("10.0.0.%d", i+1))
		nic.Spec.VirtualIP = &v1alpha1.VirtualIPSource{VirtualIPRef: &v1alpha1.LocalObjectReference{Name: "v"}}
		n.createNIC(t, nic)
		says(name, "There is no VirtualIP v: create it.")
	}
	n.kubectlWithInput(t, `{"apiVersion":"networking.ironcore.dev/v1alpha1","kind":"VirtualIP","metadata":{"name":"v"},
		"spec":{"type":"Public","ipFamily":"IPv4"}}`, "create", "-f-")
	n.awaitNIC(t, "first", v1alpha1.NetworkInterfaceStateAvailable, "Available")
	says("second", "VirtualIP v leads to NetworkInterface first: choose another one.")
	n.kubectl(t, "delete", "nic", "first")
	n.awaitNIC(t, "second", v1alpha1.NetworkInterfaceStateAvailable, "Available")
	n.kubectl(t, "delete", "virtualip", "v")
	says("second", "There is no VirtualIP v: create it.")
}

func TestServerSideApplyOwnsWhatEachManagerSaysOfAnInterface(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	const uid, other = types.UID("7a4b8a9e-6a2c-4b5a-9d3e-000000000001"), types.UID("7a4b8a9e-6a2c-4b5a-9d3e-000000000002")
	spec := func() *apply.NetworkInterfaceSpecApplyConfiguration {
		return apply.NetworkInterfaceSpec().WithNetworkRef(apply.LocalObjectReference().WithName("net")).
			WithIPFamilies(v1alpha1.IPv4Protocol).WithIPs(apply.IPSource().WithValue("10.0.0.1"))
	}
	machine := func(uid types.UID) *apply.NetworkInterfaceSpecApplyConfiguration {
		return apply.NetworkInterfaceSpec().WithMachineRef(apply.LocalUIDReference().WithName("m").WithUID(uid))
	}
	applyAs := func(manager string, force bool, spec *apply.NetworkInterfaceSpecApplyConfiguration) (*v1alpha1.NetworkInterface, error) {
		return n.nics(t).Apply(t.Context(), apply.NetworkInterface("nic", n.name).WithSpec(spec).
			WithStatus(apply.NetworkInterfaceStatus().WithState("Available")), metav1.ApplyOptions{FieldManager: manager, Force: force})
	}
	ref := func(uid types.UID) *v1alpha1.LocalUIDReference {
		return &v1alpha1.LocalUIDReference{Name: "m", UID: uid}
	}
	for _, step := range []struct {
		manager    string
		force      bool
		spec       *apply.NetworkInterfaceSpecApplyConfiguration
		attributes map[string]string
		machine    *v1alpha1.LocalUIDReference
	}{
		{"owner", false, spec().WithAttributes(map[string]string{"a": "1"}), map[string]string{"a": "1"}, nil},
		{"machines", false, machine(uid).WithAttributes(map[string]string{"b": "2"}), map[string]string{"a": "1", "b": "2"}, ref(uid)},
		{"owner", false, spec(), map[string]string{"b": "2"}, ref(uid)},
		// A reference is one thing: who takes it over takes over the name too, and takes it away.
		{"others", true, machine(other), map[string]string{"b": "2"}, ref(other)},
		{"others", false, apply.NetworkInterfaceSpec(), map[string]string{"b": "2"}, nil},
		{"machines", false, machine(uid), nil, ref(uid)},
	} {
		nic, err := applyAs(step.manager, step.force, step.spec)
		if err != nil {
			t.Fatalf("%s: %v", step.manager, err)
		}
		if diff := cmp.Diff(step.attributes, nic.Spec.Attributes); diff != "" {
			t.Errorf("after %s applied, attributes (-want +got):\n%s", step.manager, diff)
		}
		if diff := cmp.Diff(step.machine, nic.Spec.MachineRef); diff != "" {
			t.Errorf("after %s applied, machineRef (-want +got):\n%s", step.manager, diff)
		}
		if nic.Status.State != v1alpha1.NetworkInterfaceStatePending {
			t.Errorf("after %s applied, the state is %s", step.manager, nic.Status.State)
		}
	}
	for field, spec := range map[string]*apply.NetworkInterfaceSpecApplyConfiguration{
		".spec.ips":        apply.NetworkInterfaceSpec().WithIPs(apply.IPSource().WithValue("10.0.0.2")),
		".spec.machineRef": machine(other),
	} {
		if _, err := applyAs("others", false, spec); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), field) {
			t.Errorf("another manager's %s was answered with %v, want a conflict", field, err)
		}
	}

	said := func(conditionType string) *apply.NetworkInterfaceStatusApplyConfiguration {
		return apply.NetworkInterfaceStatus().WithConditions(applymeta.Condition().WithType(conditionType).
			WithStatus("True").WithReason("Done").WithMessage("").WithLastTransitionTime(metav1.Now()))
	}
	for _, step := range []struct {
		manager    string
		status     *apply.NetworkInterfaceStatusApplyConfiguration
		conditions []string
		ips        []string
	}{
		{"provider", said("Routed").WithState("Available").WithIPs("10.0.0.1"), []string{"Available", "Ready", "Routed"}, []string{"10.0.0.1"}},
		{"firewall", said("Filtered"), []string{"Available", "Ready", "Routed", "Filtered"}, []string{"10.0.0.1"}},
		{"provider", apply.NetworkInterfaceStatus().WithState("Error"), []string{"Available", "Ready", "Filtered"}, nil},
	} {
		nic, err := n.nics(t).ApplyStatus(t.Context(), apply.NetworkInterface("nic", n.name).WithStatus(step.status).
			WithSpec(apply.NetworkInterfaceSpec().WithAttributes(map[string]string{"c": "3"})),
			metav1.ApplyOptions{FieldManager: step.manager})
		if err != nil {
			t.Fatalf("%s: %v", step.manager, err)
		}
		var conditions []string
		for _, condition := range nic.Status.Conditions {
			conditions = append(conditions, condition.Type)
		}
		if diff := cmp.Diff(step.conditions, conditions); diff != "" {
			t.Errorf("after %s applied, conditions (-want +got):\n%s", step.manager, diff)
		}
		if diff := cmp.Diff(step.ips, nic.Status.IPs); diff != "" {
			t.Errorf("after %s applied, ips (-want +got):\n%s", step.manager, diff)
		}
		if len(nic.Spec.Attributes) > 0 {
			t.Errorf("an apply of the status wrote the spec: %v", nic.Spec.Attributes)
		}
	}
}

func TestAnOutsideProviderHasTheStateOfInterfacesToItself(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	n.create(t, newNetwork("net"))
	n.updateStatus(t, "net", func(status *v1alpha1.NetworkStatus) { status.State = v1alpha1.NetworkStateAvailable })
	n.createNIC(t, newNIC("nic", "net", "10.0.0.1"))
	n.await(t, "net", counting(1)) // The controllers have seen it.
	n.awaitNIC(t, "nic", v1alpha1.NetworkInterfaceStatePending, "Pending")

	patch := encode(t, object{"status": object{"state": "Available", "ips": []string{"10.0.0.1"}}})
	var version string
	for range 3 {
		nic, err := n.nics(t).Patch(t.Context(), "nic", types.MergePatchType, patch, metav1.PatchOptions{}, "status")
		if err != nil {
			t.Fatal(err)
		}
		if version != "" && nic.ResourceVersion != version {
			t.Errorf("the same patch again made resourceVersion %s of %s", nic.ResourceVersion, version)
		}
		version = nic.ResourceVersion
	}
	n.awaitNIC(t, "nic", v1alpha1.NetworkInterfaceStateAvailable, "Available")
}

// The server says what is in the way as long as nobody else has said anything, and takes it back.
func TestBesideAnOutsideProviderTheServerExplainsAndDecidesNothing(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	n.createNIC(t, newNIC("first", "net", "10.0.0.1"))
	n.awaitNIC(t, "first", v1alpha1.NetworkInterfaceStatePending, v1alpha1.NetworkInterfaceReasonNetworkNotFound)
	n.create(t, newNetwork("net"))
	n.awaitNIC(t, "first", v1alpha1.NetworkInterfaceStatePending, "Pending")
	n.updateStatus(t, "net", func(status *v1alpha1.NetworkStatus) { status.State = v1alpha1.NetworkStateAvailable })

	n.createNIC(t, newNIC("a-later-one", "net", "10.0.0.1"))
	later := n.awaitNIC(t, "a-later-one", v1alpha1.NetworkInterfaceStatePending, v1alpha1.NetworkInterfaceReasonAddressInUse)
	want := "NetworkInterface first of Network net has 10.0.0.1 already: choose another address."
	if got := later.Status.Conditions[0].Message; got != want {
		t.Errorf("the message is %q, want %q", got, want)
	}
	n.deleteNIC(t, "first")
	n.awaitNIC(t, "a-later-one", v1alpha1.NetworkInterfaceStatePending, "Pending")

	patch := encode(t, object{"status": object{"conditions": []object{{"type": "Available", "status": "False", "reason": "Programming",
		"message": "Says the provider.", "lastTransitionTime": "2026-01-01T00:00:00Z"}}}})
	if _, err := n.nics(t).Patch(t.Context(), "a-later-one", types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	n.delete(t, "net")
	n.createNIC(t, newNIC("elsewhere", "nowhere", "10.0.0.1"))
	n.create(t, newNetwork("nowhere"))
	n.awaitNIC(t, "elsewhere", v1alpha1.NetworkInterfaceStatePending, "Pending")
	n.await(t, "nowhere", counting(1)) // The controllers have seen all.
	n.awaitNIC(t, "a-later-one", v1alpha1.NetworkInterfaceStatePending, "Programming")
	expectNoWrites(t, n.server)
}

func TestABurstOfInterfacesCostsAHandfulOfNetworkWrites(t *testing.T) {
	t.Parallel()
	const burst = 1000
	n := newNamespace(t, measuredServer(t))
	n.create(t, newNetwork("net"))
	network := n.await(t, "net", available)
	began := time.Now()
	n.createMany(t, "net", burst)
	seen := n.history(t, network, counting(burst))
	took := time.Since(began)
	t.Logf("the count was written %d times in %s", len(seen), took)
	if most := int(took/time.Second) + 2; len(seen) > most { // At most one a second.
		t.Errorf("%d interfaces made %d writes of the Network in %s, want %d at most", burst, len(seen), took, most)
	}
	for _, version := range seen {
		if version.Generation != network.Generation || !cmp.Equal(version.ManagedFields, network.ManagedFields) {
			t.Errorf("resourceVersion %s has another generation or other managedFields", version.ResourceVersion)
		}
	}
}

// createMany creates interfaces in parallel, each with an address of its own.
func (n namespace) createMany(t *testing.T, network string, count int) {
	t.Helper()
	nics := n.nics(t)
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(32)
	for i := range count {
		group.Go(func() error {
			nic := newNIC(fmt.Sprintf("nic-%05d", i), network, fmt.Sprintf("10.0.%d.%d", i/256, i%256))
			_, err := nics.Create(ctx, nic, metav1.CreateOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// Not parallel: it measures.
func TestTenThousandInterfacesInOneNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("takes about a minute")
	}
	const total = 10_000
	n := newNamespace(t, measuredServer(t))
	n.create(t, newNetwork("net"))
	began := time.Now()
	n.createMany(t, "net", total)
	t.Logf("%d creates took %s", total, time.Since(began))
	n.await(t, "net", counting(total))
	poll(t, 10*patience, func() error {
		list, err := n.nics(t).List(t.Context(), metav1.ListOptions{FieldSelector: "status.state!=Available", ResourceVersion: "0"})
		if err == nil && len(list.Items) > 0 {
			err = fmt.Errorf("%d interfaces are not Available", len(list.Items))
		}
		return err
	})
	t.Logf("all were Available %s after the first create", time.Since(began))
	if used := residentMemory(t, n.server); used > 700<<20 {
		t.Errorf("the server uses %d MiB, want 700 at most", used>>20)
	}

	n.delete(t, "net")
	blocked := n.get(t, "net")
	condition := meta.FindStatusCondition(blocked.Status.Conditions, v1alpha1.NetworkDeletionBlocked)
	want := "The deletion waits for 10000 NetworkInterfaces that are still in this Network: " +
		"nic-00000, nic-00001, nic-00002, nic-00003, nic-00004 and 9995 more."
	if condition == nil || condition.Message != want {
		t.Errorf("the condition DeletionBlocked is %+v, want %q", condition, want)
	}
	began = time.Now()
	if err := n.nics(t).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Logf("their deletion took %s", time.Since(began))
	began = time.Now()
	n.isGone(t, patience, "net")
	if took := time.Since(began); took > time.Second {
		t.Errorf("the Network ended %s after its last interface, want a second at most", took)
	}
}

// Interfaces and Networks come and go at random and the server is killed in between. In the end, each Network counts
// right, none is left over, and each interface says what it waits for.
func TestRandomMembershipSettlesAcrossAKill(t *testing.T) {
	t.Parallel()
	const names, players, moves = 4, 4, 60
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	n := newNamespace(t, ownServer(t))
	nics := n.nics(t)
	var refused atomic.Int32
	play := func(ctx context.Context, random *rand.Rand) error {
		network := fmt.Sprintf("net-%d", random.IntN(names))
		nic := fmt.Sprintf("nic-%d", random.IntN(3*names))
		var err error
		switch random.IntN(5) {
		case 0, 1:
			_, err = nics.Create(ctx, newNIC(nic, network, fmt.Sprintf("10.0.0.%d", random.IntN(3))), metav1.CreateOptions{})
			if apierrors.IsForbidden(err) {
				refused.Add(1)
				return nil
			}
		case 2:
			err = nics.Delete(ctx, nic, metav1.DeleteOptions{})
		case 3:
			_, err = n.networks.Create(ctx, newNetwork(network), metav1.CreateOptions{})
		case 4:
			err = n.networks.Delete(ctx, network, metav1.DeleteOptions{})
		}
		if apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	}
	for round := range 2 {
		group, ctx := errgroup.WithContext(t.Context())
		for player := range players {
			random := rand.New(rand.NewPCG(seed, uint64(round*players+player)))
			group.Go(func() error {
				for range moves {
					if err := play(ctx, random); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			n.Kill()
			n.mustStart(t)
		}
	}
	t.Logf("%d interfaces were refused by Networks that were being deleted", refused.Load())
	poll(t, patience, func() error {
		networks, err := n.networks.List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		all, err := nics.List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		return membershipSettled(networks.Items, all.Items)
	})
	expectNoWrites(t, n.server)
}

// membershipSettled tells what is not as the documentation says it is at rest.
func membershipSettled(networks []v1alpha1.Network, nics []v1alpha1.NetworkInterface) error {
	var wrong []error
	members := map[string]int32{}
	available := map[string]string{}
	for _, nic := range nics {
		members[nic.Spec.NetworkRef.Name]++
		if nic.Status.State == v1alpha1.NetworkInterfaceStateAvailable {
			place := nic.Spec.NetworkRef.Name + " " + nic.Spec.IPs[0].Value
			if other, ok := available[place]; ok {
				wrong = append(wrong, fmt.Errorf("%s and %s both have %s", other, nic.Name, place))
			}
			available[place] = nic.Name
		}
	}
	exists := map[string]v1alpha1.Network{}
	for _, network := range networks {
		exists[network.Name] = network
		if network.Status.NetworkInterfaces != members[network.Name] {
			wrong = append(wrong, fmt.Errorf("%s counts %d, want %d", network.Name, network.Status.NetworkInterfaces, members[network.Name]))
		}
		if network.DeletionTimestamp != nil && members[network.Name] == 0 {
			wrong = append(wrong, fmt.Errorf("%s waits for nothing", network.Name))
		}
	}
	for _, nic := range nics {
		reason := nic.Status.Conditions[0].Reason
		place := nic.Spec.NetworkRef.Name + " " + nic.Spec.IPs[0].Value
		want := "Available"
		network, found := exists[nic.Spec.NetworkRef.Name]
		switch {
		case !found:
			want = v1alpha1.NetworkInterfaceReasonNetworkNotFound
		case network.DeletionTimestamp != nil && network.Status.State == v1alpha1.NetworkStatePending:
			want = v1alpha1.NetworkInterfaceReasonNetworkNotAvailable // It was deleted before it was realized.
		case available[place] != nic.Name && available[place] != "":
			want = v1alpha1.NetworkInterfaceReasonAddressInUse
		}
		if reason != want {
			wrong = append(wrong, fmt.Errorf("%s is %s for %s, want %s", nic.Name, nic.Status.State, reason, want))
		}
	}
	return errors.Join(wrong...)
}

// An address is stored in one spelling, whichever is sent by whatever verb: a write of the stored one in another is no change.
func TestAnAddressHasOneSpelling(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("lan"))
	const sent, stored = "2001:DB8:0::0001", "2001:db8::1"
	manifest := `{"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "NetworkInterface", "metadata": {"name": "nic"},
		"spec": {"networkRef": {"name": "lan"}, "ips": [{"value": "` + sent + `"}]}}`
	n.kubectlWithInput(t, manifest, "apply", "-f", "-")
	settled := n.awaitNIC(t, "nic", v1alpha1.NetworkInterfaceStateAvailable, "Available")
	patch := `{"spec":{"ips":[{"value":"` + sent + `"}]}}`
	for _, args := range [][]string{
		{"apply", "-f", "-"},
		{"apply", "--server-side", "--force-conflicts", "--field-manager=kubectl-client-side-apply", "-f", "-"},
		{"replace", "-f", "-"},
		{"patch", "nic", "nic", "--type=merge", "-p", patch},
		{"patch", "nic", "nic", "--type=strategic", "-p", patch},
		{"patch", "nic", "nic", "--type=json", "-p", `[{"op":"replace","path":"/spec/ips/0/value","value":"` + sent + `"}]`},
	} {
		n.kubectlWithInput(t, manifest, args...)
		nic, err := n.nics(t).Get(t.Context(), "nic", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if nic.Spec.IPs[0].Value != stored || nic.Generation != settled.Generation {
			t.Errorf("after %s: %s at generation %d, want %s at %d", args[0], nic.Spec.IPs[0].Value, nic.Generation, stored, settled.Generation)
		}
	}
	n.kubectl(t, "patch", "nic", "nic", "--subresource=status", "--type=merge", "-p", `{"status":{"ips":["`+sent+`"]}}`)
	if nic := n.awaitNIC(t, "nic", v1alpha1.NetworkInterfaceStateAvailable, "Available"); len(nic.Status.IPs) != 1 || nic.Status.IPs[0] != stored {
		t.Errorf("status.ips: %v, want %s", nic.Status.IPs, stored)
	}
}
