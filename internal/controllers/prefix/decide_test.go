// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package prefix

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func template(labels map[string]string, spec v1alpha1.PrefixSpec) *v1alpha1.EphemeralPrefixSource {
	return &v1alpha1.EphemeralPrefixSource{PrefixTemplate: &v1alpha1.PrefixTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{"note": "mine"}}, Spec: spec,
	}}
}

// nic is team-a/nic, which asks for Prefixes nic-1 and nic-pf-0.
func nic(uid types.UID, created time.Time) *v1alpha1.NetworkInterface {
	return &v1alpha1.NetworkInterface{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "nic", UID: uid, CreationTimestamp: metav1.NewTime(created)},
		Spec: v1alpha1.NetworkInterfaceSpec{
			IPs: []v1alpha1.IPSource{{Value: "10.0.0.1"}, {Ephemeral: template(map[string]string{"a": "b"}, v1alpha1.PrefixSpec{
				IPFamily: v1alpha1.IPv6Protocol, PrefixLength: 128, ParentRef: &v1alpha1.LocalObjectReference{Name: "root"},
			})}},
			Prefixes: []v1alpha1.PrefixSource{{Ephemeral: template(nil, v1alpha1.PrefixSpec{IPFamily: v1alpha1.IPv4Protocol, Prefix: "10.1.0.0/24"})}},
		},
	}
}

func balancer(uid types.UID, created time.Time) *v1alpha1.LoadBalancer {
	return &v1alpha1.LoadBalancer{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "nic", UID: uid, CreationTimestamp: metav1.NewTime(created)},
		Spec: v1alpha1.LoadBalancerSpec{IPs: []v1alpha1.IPSource{
			{Ephemeral: template(nil, v1alpha1.PrefixSpec{})}, {Ephemeral: template(nil, v1alpha1.PrefixSpec{})},
		}},
	}
}

func deleting[T metav1.Object](object T) T {
	now := metav1.Now()
	object.SetDeletionTimestamp(&now)
	return object
}

func TestTemplates(t *testing.T) {
	for sentence, tc := range map[string]struct {
		object metav1.Object
		want   []string
	}{
		"a NetworkInterface asks for addresses and ranges":    {nic("a", time.Now()), []string{"nic-1", "nic-pf-0"}},
		"a LoadBalancer asks for addresses":                   {balancer("a", time.Now()), []string{"nic-0", "nic-1"}},
		"whoever brings its addresses asks for none":          {&v1alpha1.NetworkInterface{}, nil},
		"an entry without a template, of before, is no entry": {&v1alpha1.LoadBalancer{Spec: v1alpha1.LoadBalancerSpec{IPs: []v1alpha1.IPSource{{Ephemeral: &v1alpha1.EphemeralPrefixSource{}}}}}, nil},
	} {
		t.Run(sentence, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, slices.Sorted(maps.Keys(templates(tc.object)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChosen(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	for sentence, tc := range map[string]struct {
		asking []metav1.Object
		want   types.UID
	}{
		"nobody, if nobody asks":             {},
		"who was created first":              {[]metav1.Object{nic("late", late), balancer("early", early)}, "early"},
		"of two of one second, the same one": {[]metav1.Object{nic("b", early), balancer("a", early)}, "a"},
		"nobody that is being deleted":       {[]metav1.Object{deleting(nic("a", early))}, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			var got types.UID
			if object := chosen(tc.asking); object != nil {
				got = object.GetUID()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestMade(t *testing.T) {
	got, err := ephemeralPrefix("nic-1", nic("uid", time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{
		"apiVersion": "ipam.ironcore.dev/v1alpha1", "kind": "Prefix",
		"metadata": map[string]any{
			"namespace": "team-a", "name": "nic-1", "labels": map[string]any{"a": "b"},
			"annotations": map[string]any{"note": "mine", "common.ironcore.dev/ephemeral-managed-by": "ephemeral-manager"},
			"ownerReferences": []any{map[string]any{
				"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "NetworkInterface", "name": "nic", "uid": "uid",
				"controller": true, "blockOwnerDeletion": true,
			}},
		},
		"spec": map[string]any{"ipFamily": "IPv6", "prefixLength": int64(128), "parentRef": map[string]any{"name": "root"}},
	}, got.Object); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMakerOf(t *testing.T) {
	const managed = v1alpha1.EphemeralManager
	prefix := func(name, ownerKind, annotation string) *metav1.PartialObjectMetadata {
		controller := true
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Name: name, Annotations: map[string]string{v1alpha1.EphemeralManagedByAnnotation: annotation},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: ownerKind, Name: "nic", UID: "uid", Controller: &controller,
			}},
		}}
	}
	ofAnotherGroup := prefix("nic-0", "NetworkInterface", managed)
	ofAnotherGroup.OwnerReferences[0].APIVersion = "example.org/v1"
	for sentence, tc := range map[string]struct {
		prefix *metav1.PartialObjectMetadata
		made   bool
	}{
		"the annotation and the owner tell":                           {prefix("nic-0", "NetworkInterface", managed), true},
		"a LoadBalancer may be the owner":                             {prefix("nic-0", "LoadBalancer", managed), true},
		"the annotation alone does not":                               {&metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.EphemeralManagedByAnnotation: managed}}}, false},
		"the owner alone does not":                                    {prefix("nic-0", "NetworkInterface", ""), false},
		"of a range of ironcore's, the owner and the name do":         {prefix("nic-pf-12", "NetworkInterface", ""), true},
		"of a name that only looks like it, they do not":              {prefix("other-pf-12", "NetworkInterface", ""), false},
		"another kind's owner does not":                               {prefix("nic-0", "VirtualIP", managed), false},
		"another group's owner does not":                              {ofAnotherGroup, false},
		"a LoadBalancer has no ranges, and its name tells nothing":    {prefix("nic-pf-0", "LoadBalancer", ""), false},
		"the name of a NetworkInterface alone is no name of a Prefix": {prefix("nic", "NetworkInterface", ""), false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := makerOf(tc.prefix) != nil; got != tc.made {
				t.Errorf("made %v, want %v", got, tc.made)
			}
		})
	}
}

func TestDropped(t *testing.T) {
	maker := &metav1.OwnerReference{Kind: "NetworkInterface", Name: "nic", UID: "uid"}
	for sentence, tc := range map[string]struct {
		name string
		now  metav1.Object
		want bool
	}{
		"an entry that is there is not":                {"nic-1", nic("uid", time.Now()), false},
		"an entry that is gone is":                     {"nic-0", nic("uid", time.Now()), true},
		"nothing is of a maker that is being deleted":  {"nic-0", deleting(nic("uid", time.Now())), false},
		"nothing is of a maker that was created again": {"nic-0", nic("another", time.Now()), false},
		"nothing is of a maker that is gone":           {"nic-0", nil, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := dropped(tc.name, maker, tc.now); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	owner := nic("owner", time.Now())
	prefix, err := ephemeralPrefix("nic-1", owner)
	if err != nil {
		t.Fatal(err)
	}
	got := refused(prefix, []metav1.Object{owner, balancer("other", time.Now()), deleting(balancer("leaving", time.Now()))})
	if len(got) != 1 || got[0].GetUID() != "other" {
		t.Errorf("refused are %v, want the other alone", got)
	}
}
