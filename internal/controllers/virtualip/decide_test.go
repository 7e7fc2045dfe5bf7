// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package virtualip

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestDecide(t *testing.T) {
	nic := func(name, uid string, source *v1alpha1.VirtualIPSource) *v1alpha1.NetworkInterface {
		return &v1alpha1.NetworkInterface{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(uid)},
			Spec:       v1alpha1.NetworkInterfaceSpec{VirtualIP: source},
		}
	}
	own := func(policy v1alpha1.ReclaimPolicy) *v1alpha1.VirtualIPSource {
		return &v1alpha1.VirtualIPSource{Ephemeral: &v1alpha1.EphemeralVirtualIPSource{
			VirtualIPTemplate: &v1alpha1.VirtualIPTemplateSpec{Spec: v1alpha1.EphemeralVirtualIPSpec{
				Type: v1alpha1.VirtualIPTypePublic, IPFamily: v1alpha1.IPv4Protocol, ReclaimPolicy: policy,
			}},
		}}
	}
	ref := func(name string) *v1alpha1.VirtualIPSource {
		return &v1alpha1.VirtualIPSource{VirtualIPRef: &v1alpha1.LocalObjectReference{Name: name}}
	}
	led := func(name, uid string) *v1alpha1.VirtualIP {
		vip := &v1alpha1.VirtualIP{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "v", UID: "vip"}}
		if name != "" {
			vip.Spec.TargetRef = &v1alpha1.LocalUIDReference{Name: name, UID: types.UID(uid)}
		}
		return vip
	}
	made := func(policy v1alpha1.ReclaimPolicy) *v1alpha1.VirtualIP { return ephemeral(nic("v", "1", own(policy))) }
	named := func(name string, annotations map[string]string) *v1alpha1.VirtualIP {
		vip := ephemeral(nic("v", "1", own(v1alpha1.ReclaimPolicyDelete)))
		vip.Name, vip.Annotations, vip.Spec.TargetRef = name, annotations, nil
		return vip
	}
	managed := map[string]string{v1alpha1.EphemeralManagedByAnnotation: v1alpha1.EphemeralManager}
	const retain, remove = v1alpha1.ReclaimPolicyRetain, v1alpha1.ReclaimPolicyDelete
	type interfaces = []*v1alpha1.NetworkInterface

	for sentence, tc := range map[string]struct {
		state state
		want  string // the action; of a create or update with the target's name and UID and the number of owners
	}{
		"nothing names it":                                   {want: "nothing"},
		"an interface asks for one of its own":               {state: state{namesake: nic("v", "1", own(remove))}, want: "create v 1 owners 1"},
		"one that is retained has no owner":                  {state: state{namesake: nic("v", "1", own(retain))}, want: "create v 1 owners 0"},
		"what is in place is left alone":                     {state: state{vip: made(remove), namesake: nic("v", "1", own(remove)), target: nic("v", "1", own(remove))}, want: "nothing"},
		"one that is no longer retained gets its owner":      {state: state{vip: made(retain), namesake: nic("v", "1", own(remove))}, want: "update v 1 owners 1"},
		"one that is no longer asked for goes":               {state: state{vip: made(remove), namesake: nic("v", "1", nil)}, want: "remove"},
		"even a retained one":                                {state: state{vip: made(retain), namesake: nic("v", "1", ref("w"))}, want: "remove"},
		"one whose owner is gone goes":                       {state: state{vip: made(remove)}, want: "remove"},
		"one whose owner was created again goes first":       {state: state{vip: made(remove), namesake: nic("v", "2", own(remove))}, want: "remove"},
		"one of a name that no interface asks for goes":      {state: state{vip: named("w", managed)}, want: "remove"},
		"but not somebody's who owns it without asking":      {state: state{vip: named("w", nil)}, want: "nothing"},
		"a retained one is freed when its interface is gone": {state: state{vip: made(retain)}, want: "update   owners 0"},
		"somebody else's of that name is not adopted":        {state: state{vip: led("", ""), namesake: nic("v", "1", own(remove))}, want: "nothing"},
		"an interface that names a free one gets it": {
			state: state{vip: led("", ""), claimants: interfaces{nic("b", "2", ref("v")), nic("a", "1", ref("v"))}}, want: "update a 1 owners 0",
		},
		"who has it keeps it": {
			state: state{vip: led("b", "2"), target: nic("b", "2", ref("v")), claimants: interfaces{nic("a", "1", ref("v")), nic("b", "2", ref("v"))}},
			want:  "nothing",
		},
		"until it is gone": {
			state: state{vip: led("b", "2"), claimants: interfaces{nic("a", "1", ref("v"))}}, want: "update a 1 owners 0",
		},
		"or was created again":                           {state: state{vip: led("b", "2"), target: nic("b", "3", nil)}, want: "update   owners 0"},
		"or names another":                               {state: state{vip: led("b", "2"), target: nic("b", "2", ref("w"))}, want: "update   owners 0"},
		"a target without a UID is whoever has the name": {state: state{vip: led("b", ""), target: nic("b", "3", nil)}, want: "nothing"},
	} {
		t.Run(sentence, func(t *testing.T) {
			got, due := "nothing", decide(tc.state)
			describe := func(verb string, vip *v1alpha1.VirtualIP) string {
				target := vip.Spec.TargetRef
				if target == nil {
					target = &v1alpha1.LocalUIDReference{}
				}
				return verb + " " + target.Name + " " + string(target.UID) + " owners " + string(rune('0'+len(vip.OwnerReferences)))
			}
			switch {
			case due.create != nil:
				got = describe("create", due.create)
			case due.update != nil:
				got = describe("update", due.update)
			case due.remove:
				got = "remove"
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
