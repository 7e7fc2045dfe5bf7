// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func decode(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

const machineManifest = `
apiVersion: compute.ironcore.dev/v1alpha1
kind: Machine
metadata: {namespace: team-a, name: m, uid: uid-of-m, resourceVersion: "7"}
spec:
  networkInterfaces:
  - name: primary
    networkInterfaceRef: {name: nic}
  - name: secondary
    ephemeral:
      networkInterfaceTemplate:
        metadata: {labels: {app: web}, annotations: {note: kept}}
        spec:
          providerID: forged
          networkRef: {name: net}
          ipFamilies: [IPv4]
          ips: [{value: 10.0.0.1}]
  - name: unreadable
    ephemeral: {networkInterfaceTemplate: {spec: {ips: 5}}}
  - name: without-either
  - not an entry
`

func TestAnEphemeralInterfaceIsMadeOfItsTemplate(t *testing.T) {
	m := parse(decode(t, machineManifest))
	yes := true
	want := &v1alpha1.NetworkInterface{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-a", Name: "m-secondary",
			Labels: map[string]string{"app": "web"},
			Annotations: map[string]string{
				"note": "kept", "common.ironcore.dev/ephemeral-managed-by": "ephemeral-manager",
				"networking.ironcore.dev/template-digest": m.interfaces["m-secondary"].digest,
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "compute.ironcore.dev/v1alpha1", Kind: "Machine", Name: "m", UID: "uid-of-m",
				Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		Spec: v1alpha1.NetworkInterfaceSpec{
			NetworkRef: v1alpha1.LocalObjectReference{Name: "net"},
			MachineRef: &v1alpha1.LocalUIDReference{Name: "m", UID: "uid-of-m"},
			IPFamilies: []v1alpha1.IPFamily{"IPv4"},
			IPs:        []v1alpha1.IPSource{{Value: "10.0.0.1"}},
		},
	}
	if diff := cmp.Diff(want, ephemeralInterface("m-secondary", m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhenAnEphemeralInterfaceIsDeleted(t *testing.T) {
	madeOf := func(change func(*v1alpha1.NetworkInterface)) *v1alpha1.NetworkInterface {
		nic := ephemeralInterface("m-secondary", parse(decode(t, machineManifest)))
		change(nic)
		return nic
	}
	as := func(from, to string) *machine {
		return parse(decode(t, strings.Replace(machineManifest, from, to, 1)))
	}
	same := func(*v1alpha1.NetworkInterface) {}
	for sentence, tc := range map[string]struct {
		nic  *v1alpha1.NetworkInterface
		now  *machine
		want string
	}{
		"not while its Machine lists it": {nic: madeOf(same), now: as("", "")},
		"not when it was changed itself": {
			nic: madeOf(func(nic *v1alpha1.NetworkInterface) { nic.Spec.IPs, nic.Labels = nil, nil }), now: as("", ""),
		},
		"not when another entry changed":           {nic: madeOf(same), now: as("{name: nic}", "{name: other}")},
		"not when its template can't be read":      {nic: madeOf(same), now: as("ips: [{value: 10.0.0.1}]", "ips: 5")},
		"not when its Machine refers to it by now": {nic: madeOf(same), now: as("{name: nic}", "{name: m-secondary}"), want: ""},
		"not when it is not known what it was made of": {
			nic: madeOf(func(nic *v1alpha1.NetworkInterface) { delete(nic.Annotations, templateAnnotation) }),
			now: as("10.0.0.1", "10.0.0.2"),
		},
		"when its entry was dropped": {
			nic: madeOf(same), now: as("name: secondary", "name: third"), want: "Machine m does not list it any more",
		},
		"when its entry has another address": {
			nic: madeOf(same), now: as("10.0.0.1", "10.0.0.2"), want: "Machine m has another template for it now",
		},
		"when its entry has another label": {
			nic: madeOf(same), now: as("app: web", "app: db"), want: "Machine m has another template for it now",
		},
		"when its Machine is gone":           {nic: madeOf(same), want: "Machine m is gone"},
		"when its Machine was created again": {nic: madeOf(same), now: as("uid-of-m", "other"), want: "Machine m was deleted and created again"},
	} {
		t.Run(sentence, func(t *testing.T) {
			maker := makerOf(tc.nic)
			if maker == nil {
				t.Fatal("it has no maker")
			}
			if got := deletionCause(tc.nic, maker, tc.now); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	for sentence, foreign := range map[string]*v1alpha1.NetworkInterface{
		"one without an owner":          madeOf(func(nic *v1alpha1.NetworkInterface) { nic.OwnerReferences = nil }),
		"one that somebody else made":   madeOf(func(nic *v1alpha1.NetworkInterface) { nic.Annotations = nil }),
		"one of another kind of object": madeOf(func(nic *v1alpha1.NetworkInterface) { nic.OwnerReferences[0].Kind = "Pod" }),
	} {
		if makerOf(foreign) != nil {
			t.Errorf("%s is taken for ephemeral", sentence)
		}
	}
}

func TestParse(t *testing.T) {
	m := parse(decode(t, machineManifest))
	for name, tc := range map[string]struct{ listed, ephemeral, faulty bool }{
		"nic":              {listed: true},
		"m-secondary":      {listed: true, ephemeral: true},
		"m-unreadable":     {listed: true, ephemeral: true, faulty: true},
		"m-without-either": {},
		"m-primary":        {},
	} {
		if m.lists(name) != tc.listed || (m.interfaces[name].template != nil) != tc.ephemeral ||
			(m.interfaces[name].fault != nil) != tc.faulty {
			t.Errorf("%s is %+v, want %+v", name, m.interfaces[name], tc)
		}
	}
	if len(m.interfaces) != 3 {
		t.Errorf("it lists %d, want 3", len(m.interfaces))
	}
}

// that is a Machine that refers to nic.
func that(name string, changes ...func(*machine)) *machine {
	m := &machine{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name, UID: types.UID("uid-of-" + name)},
		interfaces: map[string]listed{"nic": {}},
	}
	for _, change := range changes {
		change(m)
	}
	return m
}

func ephemeral(m *machine) {
	m.interfaces = map[string]listed{"nic": {template: &v1alpha1.NetworkInterface{}}}
}

func deleting(m *machine) { m.DeletionTimestamp = &metav1.Time{} }

// nic is a NetworkInterface that is used by a Machine, if one is named, and was made for one, if another is.
func nic(user, maker string) *v1alpha1.NetworkInterface {
	nic := &v1alpha1.NetworkInterface{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "nic"}}
	if user != "" {
		nic.Spec.ProviderID = "x://1"
		nic.Spec.MachineRef = &v1alpha1.LocalUIDReference{Name: user, UID: types.UID("uid-of-" + user)}
	}
	if maker != "" {
		nic.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(that(maker), kind)}
	}
	return nic
}

func TestWhoMayUseAFreeInterface(t *testing.T) {
	for sentence, tc := range map[string]struct {
		maker    string
		machines []*machine
		want     string
	}{
		"nobody, where no Machine lists it":                  {},
		"the first of those that refer to it":                {machines: []*machine{that("a"), that("b")}, want: "a"},
		"the next one, where the first is being deleted":     {machines: []*machine{that("a", deleting), that("b")}, want: "b"},
		"the Machine that it was made for":                   {maker: "a", machines: []*machine{that("a", ephemeral)}, want: "a"},
		"no Machine with a template that it was not made of": {maker: "b", machines: []*machine{that("a", ephemeral)}},
		"no Machine with a template where it was there":      {machines: []*machine{that("a", ephemeral)}},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := ""
			if m := chosen(nic("", tc.maker), tc.machines); m != nil {
				got = m.Name
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestForWhomAMissingInterfaceIsMade(t *testing.T) {
	for sentence, tc := range map[string]struct {
		machines []*machine
		want     string
	}{
		"nobody who refers to it":          {machines: []*machine{that("a")}},
		"the first with a template":        {machines: []*machine{that("a"), that("b", ephemeral), that("c", ephemeral)}, want: "b"},
		"no Machine that is being deleted": {machines: []*machine{that("a", ephemeral, deleting)}},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := ""
			if m := firstMaker("nic", tc.machines); m != nil {
				got = m.Name
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWhenAMachinesUseEnds(t *testing.T) {
	for sentence, tc := range map[string]struct {
		now  *machine
		want string
	}{
		"not while it lists the interface":    {now: that("a")},
		"not while it is being deleted":       {now: that("a", deleting)},
		"when it is gone":                     {want: "Machine a is gone"},
		"when it was created again":           {now: that("a", func(m *machine) { m.UID = "other" }), want: "Machine a was deleted and created again"},
		"when it does not list the interface": {now: that("a", func(m *machine) { m.interfaces = nil }), want: "Machine a does not list it any more"},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := releaseCause(nic("a", ""), tc.now); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestFreeingAndClaiming(t *testing.T) {
	used := nic("a", "")
	if diff := cmp.Diff(nic("", ""), freed(used)); diff != "" {
		t.Errorf("freed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(nic("a", ""), used); diff != "" {
		t.Errorf("the cached NetworkInterface was changed (-before +after):\n%s", diff)
	}
	got := claimed(nic("", ""), that("a")).Spec.MachineRef
	if diff := cmp.Diff(&v1alpha1.LocalUIDReference{Name: "a", UID: "uid-of-a"}, got); diff != "" {
		t.Errorf("claimed (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	for sentence, tc := range map[string]struct {
		nic      *v1alpha1.NetworkInterface
		machines []*machine
		want     []string
	}{
		"the user is not refused": {nic: nic("a", ""), machines: []*machine{that("a")}},
		"another one is, and told who uses it": {
			nic: nic("a", ""), machines: []*machine{that("a"), that("b")},
			want: []string{"NetworkInterface nic is used by Machine a, so Machine b does not get it"},
		},
		"one that is being deleted is not told": {nic: nic("a", ""), machines: []*machine{that("b", deleting)}},
		"one with a template of the name is told that nothing is adopted": {
			nic: nic("", ""), machines: []*machine{that("a", ephemeral)},
			want: []string{"NetworkInterface nic exists already and was not made for Machine a: it is not adopted"},
		},
		"a machine manager that claimed such a one by itself is left in peace": {
			nic: nic("a", ""), machines: []*machine{that("a", ephemeral)},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			var got []string
			for _, refusal := range refusals(tc.nic, tc.machines) {
				got = append(got, refusal.message)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
