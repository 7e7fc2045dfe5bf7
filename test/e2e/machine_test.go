// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// machineCRD stands for the API server of Machines: it serves the fields that concern NetworkInterfaces.
const machineCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: machines.compute.ironcore.dev}
spec:
  group: compute.ironcore.dev
  names: {plural: machines, singular: machine, kind: Machine, listKind: MachineList}
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              networkInterfaces:
                type: array
                items:
                  type: object
                  required: [name]
                  properties:
                    name: {type: string}
                    networkInterfaceRef: {type: object, properties: {name: {type: string}}}
                    ephemeral:
                      type: object
                      properties:
                        networkInterfaceTemplate: {type: object, x-kubernetes-preserve-unknown-fields: true}
`

var machineResource = schema.GroupVersionResource{Group: "compute.ironcore.dev", Version: "v1alpha1", Resource: "machines"}

// hosted is where a test keeps objects of a kind of the host cluster, and what is made for them here.
type hosted struct {
	*actor
	namespace string
	api       dynamic.ResourceInterface
}

func newHosted(t *testing.T, resource schema.GroupVersionResource) hosted {
	t.Helper()
	client, err := dynamic.NewForConfig(shared.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	namespace := newNamespace(t)
	return hosted{actor: admin(t), namespace: namespace, api: client.Resource(resource).Namespace(namespace)}
}

// machines is where a test keeps Machines and their NetworkInterfaces.
type machines struct{ hosted }

func newMachines(t *testing.T) *machines {
	t.Helper()
	return &machines{newHosted(t, machineResource)}
}

// reference is an entry of a Machine that refers to a NetworkInterface.
func reference(nic string) map[string]any {
	return map[string]any{"name": nic, "networkInterfaceRef": map[string]any{"name": nic}}
}

// template is an entry of a Machine from which a NetworkInterface is made.
func template(name, ip string) map[string]any {
	return map[string]any{"name": name, "ephemeral": map[string]any{"networkInterfaceTemplate": map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"made": "so"}},
		"spec": map[string]any{
			"networkRef": map[string]any{"name": "net"},
			"ipFamilies": []any{"IPv4"},
			"ips":        []any{map[string]any{"value": ip}},
		},
	}}}
}

func machineObject(name string, interfaces ...any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "compute.ironcore.dev/v1alpha1", "kind": "Machine",
		"metadata": map[string]any{"name": name},
		"spec":     map[string]any{"networkInterfaces": interfaces},
	}}
}

func (m *machines) createMachine(t *testing.T, name string, interfaces ...any) types.UID {
	t.Helper()
	created, err := m.api.Create(t.Context(), machineObject(name, interfaces...), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created.GetUID()
}

func (m *machines) deleteMachine(t *testing.T, name string) {
	t.Helper()
	if err := m.api.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (m *machines) createNIC(t *testing.T, name, ip string) *v1alpha1.NetworkInterface {
	t.Helper()
	nic, err := m.networks.NetworkInterfaces(m.namespace).Create(t.Context(), networkInterface(name, ip), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return nic
}

// networkInterface is one of the Network net.
func networkInterface(name, ip string) *v1alpha1.NetworkInterface {
	return &v1alpha1.NetworkInterface{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.NetworkInterfaceSpec{
			NetworkRef: v1alpha1.LocalObjectReference{Name: "net"},
			IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol},
			IPs:        []v1alpha1.IPSource{{Value: ip}},
		},
	}
}

// use sets who uses a NetworkInterface, as a machine manager does.
func (m *machines) use(t *testing.T, nic string, machine string, uid types.UID, providerID string) {
	t.Helper()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		found, err := m.networks.NetworkInterfaces(m.namespace).Get(t.Context(), nic, metav1.GetOptions{})
		if err != nil {
			return err
		}
		found.Spec.MachineRef = &v1alpha1.LocalUIDReference{Name: machine, UID: uid}
		found.Spec.ProviderID = providerID
		_, err = m.networks.NetworkInterfaces(m.namespace).Update(t.Context(), found, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// claim takes a free NetworkInterface for a Machine, if nobody else is faster.
func (m *machines) claim(ctx context.Context, nic, machine string, uid types.UID) error {
	found, err := m.networks.NetworkInterfaces(m.namespace).Get(ctx, nic, metav1.GetOptions{})
	if err != nil || found.Spec.MachineRef != nil {
		return err
	}
	found.Spec.MachineRef = &v1alpha1.LocalUIDReference{Name: machine, UID: uid}
	_, err = m.networks.NetworkInterfaces(m.namespace).Update(ctx, found, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// provide sets the providerID of a NetworkInterface that is used, as a provider does.
func (m *machines) provide(ctx context.Context, nic string) error {
	found, err := m.networks.NetworkInterfaces(m.namespace).Get(ctx, nic, metav1.GetOptions{})
	if err != nil || found.Spec.MachineRef == nil {
		return err
	}
	found.Spec.ProviderID = "e2e://" + string(user(found))
	_, err = m.networks.NetworkInterfaces(m.namespace).Update(ctx, found, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// nicWatch tells of every version of the NetworkInterfaces of a namespace.
type nicWatch struct{ watch.Interface }

func (m *machines) watchNICs(t *testing.T) nicWatch {
	t.Helper()
	list, err := m.networks.NetworkInterfaces(m.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	watch, err := m.networks.NetworkInterfaces(m.namespace).Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watch.Stop)
	return nicWatch{watch}
}

// until yields what the watch told before and with the creation of a NetworkInterface.
func (w nicWatch) until(t *testing.T, last string) iter.Seq[*v1alpha1.NetworkInterface] {
	t.Helper()
	return func(yield func(*v1alpha1.NetworkInterface) bool) {
		for event := range w.ResultChan() {
			nic, ok := event.Object.(*v1alpha1.NetworkInterface)
			if !ok {
				t.Fatalf("the watch ended: %v", event)
			}
			if !yield(nic) || nic.Name == last {
				return
			}
		}
		t.Fatal("the watch ended")
	}
}

// isUsedByOneOf waits for a NetworkInterface to be used by one of the Machines, and returns its name.
func (m *machines) isUsedByOneOf(t *testing.T, nic string, uids []types.UID) (name string) {
	t.Helper()
	eventually(t, 30*time.Second, func(ctx context.Context) error {
		found, err := m.networks.NetworkInterfaces(m.namespace).Get(ctx, nic, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if ref := found.Spec.MachineRef; ref == nil || !slices.Contains(uids, ref.UID) {
			return fmt.Errorf("%s is used by %v, want one of %q", nic, ref, uids)
		}
		name = found.Spec.MachineRef.Name
		return nil
	})
	return name
}

// isUsed waits for a NetworkInterface to be used by a Machine, or by none if the UID is empty.
func (m *machines) isUsed(t *testing.T, nic string, by types.UID) *v1alpha1.NetworkInterface {
	t.Helper()
	var found *v1alpha1.NetworkInterface
	eventually(t, 30*time.Second, func(ctx context.Context) (err error) {
		if found, err = m.networks.NetworkInterfaces(m.namespace).Get(ctx, nic, metav1.GetOptions{}); err != nil {
			return err
		}
		if got := user(found); got != by {
			return fmt.Errorf("%s is used by %q, want %q", nic, got, by)
		}
		return nil
	})
	return found
}

// isTold waits for an Event on an object.
func (m *machines) isTold(t *testing.T, kind, name, reason, words string) {
	t.Helper()
	m.sees(t, m.namespace, kind, name, reason, words)
}

// sees waits for an Event.
func (a *actor) sees(t *testing.T, namespace, kind, name, reason, words string) {
	t.Helper()
	eventually(t, 60*time.Second, func(ctx context.Context) error {
		events, err := a.kubernetes.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{
			FieldSelector: fmt.Sprintf("involvedObject.kind=%s,involvedObject.name=%s,reason=%s", kind, name, reason),
		})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			if strings.Contains(event.Message, words) {
				return nil
			}
		}
		return fmt.Errorf("no Event on %s %s for %s says %q: %v", kind, name, reason, words, events.Items)
	})
}

// isSaid waits for a line in the log of a replica.
func (m *machines) isSaid(t *testing.T, line string) {
	t.Helper()
	eventually(t, 30*time.Second, func(context.Context) error {
		for _, replica := range shared.Replicas {
			log, err := os.ReadFile(replica.LogFile)
			if err != nil {
				return err
			}
			if strings.Contains(string(log), line) {
				return nil
			}
		}
		return fmt.Errorf("no replica says %q", line)
	})
}

func (a *actor) serveMachines(t *testing.T) {
	t.Helper()
	a.kubectlWith(t, machineCRD, "apply", "-f", "-")
	a.kubectl(t, "wait", "--for=condition=Established", "crd/machines.compute.ironcore.dev", "--timeout=30s")
}

// TestMachines has the Machine API come, and go in the end.
func TestMachines(t *testing.T) {
	admin(t).serveMachines(t)
	for name, test := range map[string]func(*testing.T, *machines){
		"a Machine gets a free interface that it refers to":          machineClaims,
		"of two Machines one gets the interface and both are told":   machinesRace,
		"many Machines race for the same interfaces":                 manyMachinesRace,
		"Machines come, change and go at random":                     machinesAtRandom,
		"an ephemeral interface lives as long as its Machine":        machineMakes,
		"an interface that is there already is not adopted":          machineDoesNotAdopt,
		"a Machine created again gets what its namesake had":         machineMadeAgain,
		"an ephemeral interface is not for the Machine's namesake":   machineWithEphemeralsMadeAgain,
		"an interface that a Machine lists no more is free":          machineListsNoMore,
		"a machine manager that claims by itself is left in peace":   machineManagerClaims,
		"a namespace is deleted with everything in it":               namespaceOfMachinesDeletion,
		"a template that can't be made is told to the Machine alone": machineTemplateRefused,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newMachines(t))
		})
	}
}

func machineClaims(t *testing.T, m *machines) {
	m.createNIC(t, "nic", "10.0.0.1")
	uid := m.createMachine(t, "m", reference("nic"), reference("later"))
	nic := m.isUsed(t, "nic", uid)
	if nic.Spec.MachineRef.Name != "m" {
		t.Errorf("machineRef names %q, want m", nic.Spec.MachineRef.Name)
	}
	m.isTold(t, "NetworkInterface", "nic", "Claimed", "Machine m uses it")
	m.createNIC(t, "later", "10.0.0.2")
	m.isUsed(t, "later", uid)
	m.use(t, "nic", "m", uid, "e2e://nic")
	m.deleteMachine(t, "m")
	if nic := m.isUsed(t, "nic", ""); nic.Spec.ProviderID != "" {
		t.Errorf("the providerID %q outlives the machineRef", nic.Spec.ProviderID)
	}
	m.isTold(t, "NetworkInterface", "nic", "Freed", "Machine m is gone")
}

func machinesRace(t *testing.T, m *machines) {
	uids := []types.UID{m.createMachine(t, "one", reference("nic")), m.createMachine(t, "other", reference("nic"))}
	m.createNIC(t, "nic", "10.0.0.1")
	m.isUsed(t, "nic", uids[0])
	m.isTold(t, "Machine", "other", "NetworkInterfaceRefused", "NetworkInterface nic is used by Machine one")
	m.isTold(t, "NetworkInterface", "nic", "MachineRefused", "so Machine other does not get it")
	m.deleteMachine(t, "one")
	m.isUsed(t, "nic", uids[1])
}

// manyMachinesRace has Machines that are created at the same time list the same interfaces. Each interface goes to one
// of them, and stays there.
func manyMachinesRace(t *testing.T, m *machines) {
	const count, rivals = 3, 4
	var listed []any
	for i := range count {
		m.createNIC(t, fmt.Sprintf("nic-%d", i), fmt.Sprintf("10.0.0.%d", i))
		listed = append(listed, reference(fmt.Sprintf("nic-%d", i)))
	}
	watch := m.watchNICs(t)
	uids := make([]types.UID, rivals)
	group, ctx := errgroup.WithContext(t.Context())
	for i := range rivals {
		group.Go(func() error {
			created, err := m.api.Create(ctx, machineObject(fmt.Sprintf("m-%d", i), listed...), metav1.CreateOptions{})
			if err == nil {
				uids[i] = created.GetUID()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		name := fmt.Sprintf("nic-%d", i)
		user := m.isUsedByOneOf(t, name, uids)
		for rival := range rivals {
			if loser := fmt.Sprintf("m-%d", rival); loser != user {
				m.isTold(t, "Machine", loser, "NetworkInterfaceRefused",
					fmt.Sprintf("NetworkInterface %s is used by Machine %s, so Machine %s does not get it", name, user, loser))
				m.isTold(t, "NetworkInterface", name, "MachineRefused", "so Machine "+loser+" does not get it")
			}
		}
	}

	m.createNIC(t, "the-end", "10.0.1.1")
	users := map[string]types.UID{}
	for nic := range watch.until(t, "the-end") {
		before, now := users[nic.Name], user(nic)
		if before != "" && now != before {
			t.Errorf("%s went from Machine %s to %q", nic.Name, before, now)
		}
		users[nic.Name] = now
	}
	if len(users) != count+1 {
		t.Errorf("the watch told of %d interfaces, want %d", len(users), count+1)
	}
}

// machinesAtRandom has Machines be made, created again under their names, and changed in what they list, while a machine
// manager claims interfaces for them by itself and a provider sets the providerID of each that is used.
func machinesAtRandom(t *testing.T, m *machines) {
	const names, interfaces, moves = 4, 3, 25
	nics := m.networks.NetworkInterfaces(m.namespace)
	for i := range interfaces {
		m.createNIC(t, fmt.Sprintf("nic-%d", i), fmt.Sprintf("10.0.0.%d", i))
	}
	watch := m.watchNICs(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	group, ctx := errgroup.WithContext(t.Context())
	for i := range names {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		name := fmt.Sprintf("m-%d", i)
		group.Go(func() error {
			for range moves {
				nic := fmt.Sprintf("nic-%d", random.IntN(interfaces))
				var err error
				switch random.IntN(5) {
				case 0:
					err = m.api.Delete(ctx, name, metav1.DeleteOptions{})
				case 1:
					_, err = m.api.Patch(ctx, name, types.MergePatchType, []byte(`{"spec":{"networkInterfaces":[]}}`), metav1.PatchOptions{})
				case 2:
					_, err = m.api.Create(ctx, machineObject(name, reference(nic)), metav1.CreateOptions{})
				default: // The machine manager makes a Machine and claims at once.
					var made *unstructured.Unstructured
					if made, err = m.api.Create(ctx, machineObject(name, reference(nic)), metav1.CreateOptions{}); err == nil {
						err = m.claim(ctx, nic, name, made.GetUID())
					}
				}
				if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsAlreadyExists(err) {
					return err
				}
				if err := m.provide(ctx, nic); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, func(ctx context.Context) error {
		machines, err := m.api.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		listedBy := map[string][]types.UID{}
		for _, machine := range machines.Items {
			entries, _, _ := unstructured.NestedSlice(machine.Object, "spec", "networkInterfaces")
			for _, entry := range entries {
				name, _, _ := unstructured.NestedString(entry.(map[string]any), "networkInterfaceRef", "name")
				listedBy[name] = append(listedBy[name], machine.GetUID())
			}
		}
		all, err := nics.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, nic := range all.Items {
			by := listedBy[nic.Name]
			if got := user(&nic); got != "" && !slices.Contains(by, got) || got == "" && len(by) > 0 {
				return fmt.Errorf("%s is used by %q, and listed by %q", nic.Name, got, by)
			}
		}
		return nil
	})

	m.createNIC(t, "the-end", "10.0.1.1")
	used := 0
	for nic := range watch.until(t, "the-end") {
		if id := nic.Spec.ProviderID; id != "" && id != "e2e://"+string(user(nic)) {
			t.Errorf("%s is used by Machine %q with the providerID %s", nic.Name, user(nic), id)
		}
		if user(nic) != "" {
			used++
		}
	}
	if used == 0 {
		t.Error("no interface was ever used, which tells nothing")
	}
}

// user is the UID of the Machine that uses a NetworkInterface, empty if none does.
func user(nic *v1alpha1.NetworkInterface) types.UID {
	if nic.Spec.MachineRef == nil {
		return ""
	}
	return nic.Spec.MachineRef.UID
}

func machineMakes(t *testing.T, m *machines) {
	uid := m.createMachine(t, "m", template("eth0", "10.0.0.1"))
	nic := m.isUsed(t, "m-eth0", uid)
	owner := metav1.GetControllerOf(nic)
	if owner == nil || owner.UID != uid || owner.Kind != "Machine" {
		t.Errorf("its controller is %v, want the Machine", owner)
	}
	if got := nic.Annotations["common.ironcore.dev/ephemeral-managed-by"]; got != "ephemeral-manager" {
		t.Errorf("it is managed by %q", got)
	}
	if nic.Labels["made"] != "so" || nic.Spec.NetworkRef.Name != "net" || nic.Spec.IPs[0].Value != "10.0.0.1" {
		t.Errorf("it is not as the template says: %+v", nic)
	}
	m.deleteMachine(t, "m")
	eventually(t, 60*time.Second, func(ctx context.Context) error {
		_, err := m.networks.NetworkInterfaces(m.namespace).Get(ctx, "m-eth0", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("m-eth0 is still there"))
	})
}

func machineDoesNotAdopt(t *testing.T, m *machines) {
	before := m.createNIC(t, "m-eth0", "10.0.0.1")
	uid := m.createMachine(t, "m", template("eth0", "10.0.0.2"))
	m.isTold(t, "Machine", "m", "NetworkInterfaceRefused", "NetworkInterface m-eth0 exists already and was not made for Machine m")
	m.isTold(t, "NetworkInterface", "m-eth0", "MachineRefused", "it is not adopted")
	if nic := m.isUsed(t, "m-eth0", ""); nic.ResourceVersion != before.ResourceVersion {
		t.Errorf("it was written: %+v", nic)
	}
	// Once the name is free, the Machine gets its own.
	if err := m.networks.NetworkInterfaces(m.namespace).Delete(t.Context(), "m-eth0", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if nic := m.isUsed(t, "m-eth0", uid); nic.Spec.IPs[0].Value != "10.0.0.2" {
		t.Errorf("it has %s, want what the template says", nic.Spec.IPs[0].Value)
	}
}

// machineWithEphemeralsMadeAgain has a Machine created again under its name, at once: its namesake's interface goes with
// that.
func machineWithEphemeralsMadeAgain(t *testing.T, m *machines) {
	old := m.isUsed(t, "m-eth0", m.createMachine(t, "m", template("eth0", "10.0.0.1")))
	m.deleteMachine(t, "m")
	uid := m.createMachine(t, "m", template("eth0", "10.0.0.2"))
	eventually(t, 60*time.Second, func(ctx context.Context) error {
		nic, err := m.networks.NetworkInterfaces(m.namespace).Get(ctx, "m-eth0", metav1.GetOptions{})
		if err != nil {
			return err
		}
		owner := metav1.GetControllerOf(nic)
		if nic.UID == old.UID || user(nic) != uid || owner == nil || owner.UID != uid || nic.Spec.IPs[0].Value != "10.0.0.2" {
			return fmt.Errorf("m-eth0 is %+v, want one made for the new Machine", nic)
		}
		return nil
	})
}

func machineMadeAgain(t *testing.T, m *machines) {
	m.createNIC(t, "nic", "10.0.0.1")
	old := m.createMachine(t, "m", reference("nic"))
	m.isUsed(t, "nic", old)
	m.use(t, "nic", "m", old, "e2e://old")
	m.deleteMachine(t, "m")
	uid := m.createMachine(t, "m", reference("nic"))
	if nic := m.isUsed(t, "nic", uid); nic.Spec.ProviderID != "" {
		t.Errorf("the providerID %q outlives the Machine that it was for", nic.Spec.ProviderID)
	}
}

func machineListsNoMore(t *testing.T, m *machines) {
	m.createNIC(t, "nic", "10.0.0.1")
	uid := m.createMachine(t, "m", reference("nic"))
	m.isUsed(t, "nic", uid)
	if _, err := m.api.Patch(t.Context(), "m", types.MergePatchType, []byte(`{"spec":{"networkInterfaces":[]}}`),
		metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	m.isUsed(t, "nic", "")
	m.isTold(t, "NetworkInterface", "nic", "Freed", "Machine m does not list it any more")
}

// machineManagerClaims has somebody claim interfaces for Machines that were created an instant before. None of these
// claims is ever taken back.
func machineManagerClaims(t *testing.T, m *machines) {
	watch := m.watchNICs(t)
	const count = 20
	for i := range count {
		m.createNIC(t, fmt.Sprintf("nic-%d", i), fmt.Sprintf("10.0.0.%d", i))
	}
	for i := range count {
		name := fmt.Sprintf("nic-%d", i)
		m.use(t, name, fmt.Sprintf("m-%d", i), m.createMachine(t, fmt.Sprintf("m-%d", i), reference(name)), "")
	}
	for i := range count {
		m.createNIC(t, fmt.Sprintf("mark-%d", i), "10.0.1.1") // The controller has seen what was before.
		m.isUsed(t, fmt.Sprintf("mark-%d", i), m.createMachine(t, fmt.Sprintf("mark-%d", i), reference(fmt.Sprintf("mark-%d", i))))
	}
	m.createNIC(t, "the-end", "10.0.1.1")
	used := map[string]types.UID{}
	for nic := range watch.until(t, "the-end") {
		if ref := nic.Spec.MachineRef; ref != nil {
			used[nic.Name] = ref.UID
		} else if used[nic.Name] != "" {
			t.Errorf("%s was taken from Machine %s", nic.Name, used[nic.Name])
		}
	}
	if len(used) != 2*count {
		t.Errorf("%d interfaces are used, want %d", len(used), 2*count)
	}
}

func namespaceOfMachinesDeletion(t *testing.T, m *machines) {
	m.create(t, m.namespace, network("net"))
	m.createNIC(t, "nic", "10.0.0.1")
	uid := m.createMachine(t, "m", reference("nic"), template("eth0", "10.0.0.2"))
	m.isUsed(t, "nic", uid)
	m.isUsed(t, "m-eth0", uid)
	if err := m.kubernetes.CoreV1().Namespaces().Delete(t.Context(), m.namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	namespaceIsGone(t, 90*time.Second, m.namespace)
}

func machineTemplateRefused(t *testing.T, m *machines) {
	m.createMachine(t, "m", template("eth0", "10.0.0.999"))
	m.isTold(t, "Machine", "m", "NetworkInterfaceRefused", "spec.ips[0].value")
	if _, err := m.networks.NetworkInterfaces(m.namespace).Get(t.Context(), "m-eth0", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("got %v, want 404", err)
	}
}

// TestTheMachineAPIGoesAndComesBack comes after TestMachines, whose API it takes away.
func TestTheMachineAPIGoesAndComesBack(t *testing.T) {
	m := newMachines(t)
	serve := func(served bool) {
		m.kubectl(t, "patch", "crd", "machines.compute.ironcore.dev", "--type=json",
			fmt.Sprintf(`--patch=[{"op":"replace","path":"/spec/versions/0/served","value":%t}]`, served))
		eventually(t, 30*time.Second, func(ctx context.Context) error {
			_, err := m.api.List(ctx, metav1.ListOptions{})
			if (err == nil) != served || err != nil && !apierrors.IsNotFound(err) {
				return fmt.Errorf("a list of Machines was answered with %v", err)
			}
			return nil
		})
	}
	m.createNIC(t, "nic", "10.0.0.1")
	uid := m.createMachine(t, "m", reference("nic"))
	used := m.isUsed(t, "nic", uid)

	serve(false)
	// The controllers go on with everything else, and machineRef is what clients say.
	m.createNIC(t, "other", "10.0.0.2")
	m.create(t, m.namespace, network("net"))
	m.settles(t, 30*time.Second, m.namespace, "net", func(n *v1alpha1.Network) string {
		if n.Status.NetworkInterfaces != 2 {
			return fmt.Sprintf("it counts %d interfaces, want 2", n.Status.NetworkInterfaces)
		}
		return ""
	})
	m.use(t, "other", "unknown", "7a4b8a9e-6a2c-4b5a-9d3e-000000000001", "")
	m.isSaid(t, "The host cluster does not serve Machines any more")
	m.isUsed(t, "other", "7a4b8a9e-6a2c-4b5a-9d3e-000000000001")

	serve(true)
	m.isUsed(t, "other", "") // There is no such Machine.
	if nic := m.isUsed(t, "nic", uid); nic.Generation != used.Generation {
		t.Errorf("an interface whose Machine never went was written: %+v", nic)
	}

	// With the API go the Machines in it. Once it is back, so is the word of that.
	m.kubectl(t, "delete", "crd", "machines.compute.ironcore.dev", "--timeout=60s")
	m.serveMachines(t)
	m.isUsed(t, "nic", "")
	m.isUsed(t, "nic", m.createMachine(t, "m", reference("nic")))
	m.deleteMachine(t, "m")
	m.isUsed(t, "nic", "")
	m.kubectl(t, "delete", "crd", "machines.compute.ironcore.dev", "--timeout=60s")
}

// TestRolesOfNetworkInterfaces: each verb succeeds for the roles named, and is forbidden to all others.
func TestRolesOfNetworkInterfaces(t *testing.T) {
	namespace := newNamespace(t)
	root := admin(t)
	if _, err := root.networks.NetworkInterfaces(namespace).Create(t.Context(), networkInterface("existing", "10.0.0.1"),
		metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	root.create(t, namespace, network("net"))
	patch := func(patch string, subresources ...string) func(ctx context.Context, a *actor, name string) error {
		return func(ctx context.Context, a *actor, _ string) error {
			_, err := a.networks.NetworkInterfaces(namespace).Patch(ctx, "existing", types.MergePatchType, []byte(patch),
				metav1.PatchOptions{}, subresources...)
			return err
		}
	}
	tenants := map[string]*actor{}
	for _, role := range []string{"", "view", "edit", "admin"} {
		tenants[role] = tenant(t, namespace, role)
	}
	readers, writers := []string{"view", "edit", "admin"}, []string{"edit", "admin"}
	for _, verb := range []struct {
		verb    string
		roles   []string
		attempt func(ctx context.Context, a *actor, name string) error
	}{
		{"get", readers, func(ctx context.Context, a *actor, _ string) error {
			_, err := a.networks.NetworkInterfaces(namespace).Get(ctx, "existing", metav1.GetOptions{})
			return err
		}},
		{"list", readers, func(ctx context.Context, a *actor, _ string) error {
			_, err := a.networks.NetworkInterfaces(namespace).List(ctx, metav1.ListOptions{})
			return err
		}},
		{"watch", readers, func(ctx context.Context, a *actor, _ string) error {
			watch, err := a.networks.NetworkInterfaces(namespace).Watch(ctx, metav1.ListOptions{})
			if err == nil {
				watch.Stop()
			}
			return err
		}},
		{"create", writers, func(ctx context.Context, a *actor, name string) error {
			_, err := a.networks.NetworkInterfaces(namespace).Create(ctx, networkInterface(name, "10.0.0.2"), metav1.CreateOptions{})
			return err
		}},
		{"claim", writers, patch(`{"spec":{"machineRef":{"name":"m","uid":"7a4b8a9e-6a2c-4b5a-9d3e-000000000001"}}}`)},
		{"delete", writers, func(ctx context.Context, a *actor, name string) error {
			return a.networks.NetworkInterfaces(namespace).Delete(ctx, name, metav1.DeleteOptions{})
		}},
		{"delete all with a label", writers, func(ctx context.Context, a *actor, _ string) error {
			return a.networks.NetworkInterfaces(namespace).DeleteCollection(ctx, metav1.DeleteOptions{},
				metav1.ListOptions{LabelSelector: "of=nobody"})
		}},
		{"patch the status", nil, patch(`{"status":{"state":"Error"}}`, "status")},
		{"count members", nil, func(ctx context.Context, a *actor, _ string) error {
			_, err := a.networks.Networks(namespace).CountMembers(ctx, "net", &v1alpha1.NetworkMembership{}, metav1.CreateOptions{})
			return err
		}},
	} {
		for role, a := range tenants {
			err := verb.attempt(t.Context(), a, "of-"+orElse(role, "nobody"))
			switch allowed := slices.Contains(verb.roles, role); {
			case allowed && err != nil:
				t.Errorf("%s may not %s: %v", role, verb.verb, err)
			case !allowed && !apierrors.IsForbidden(err):
				t.Errorf("%s may %s (%v)", orElse(role, "nobody"), verb.verb, err)
			}
		}
	}

	// Of anybody else, a provider ID is dropped.
	for _, role := range []string{"edit", "admin"} {
		nic, err := tenants[role].networks.NetworkInterfaces(namespace).Patch(t.Context(), "existing", types.MergePatchType,
			[]byte(`{"spec":{"providerID":"e2e://mine"}}`), metav1.PatchOptions{})
		if err != nil || nic.Spec.ProviderID != "" {
			t.Errorf("%s set the provider ID %q, error %v", role, nic.Spec.ProviderID, err)
		}
	}

	// The provider may.
	provider := providerActor(t)
	nics := provider.networks.NetworkInterfaces(namespace)
	nic, err := nics.Patch(t.Context(), "existing", types.MergePatchType, []byte(`{"spec":{"providerID":"e2e://nic"}}`), metav1.PatchOptions{})
	if err != nil || nic.Spec.ProviderID != "e2e://nic" {
		t.Errorf("the provider may not set the provider ID: %v", err)
	}
	nic, err = nics.Patch(t.Context(), "existing", types.MergePatchType,
		[]byte(`{"status":{"state":"Available","ips":["10.0.0.1"]}}`), metav1.PatchOptions{}, "status")
	if err != nil || nic.Status.State != v1alpha1.NetworkInterfaceStateAvailable {
		t.Errorf("the provider may not write the status: %v", err)
	}
}
