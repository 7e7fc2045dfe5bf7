// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/ovn/lab"
)

// ports that the guest serves on.
const web, alternative, outside = 80, 85, 99

// protected is a Network with a guest that serves, two that ask, and one behind a peering.
type protected struct {
	*world
	serving, friend, stranger, peer *lab.Guest
}

const (
	servingIP, servingIP6   = "10.0.0.1", "2001:db8::1"
	friendIP, friendIP6     = "10.0.0.2", "2001:db8::2"
	strangerIP, strangerIP6 = "10.0.0.3", "2001:db8::3"
	peerIP, peerIP6         = "10.1.0.1", "2001:db8:1::1"
)

func newProtected(t *testing.T) *protected {
	w := newWorld(t)
	w.network("a/one", to("b/two"))
	w.network("b/two", to("a/one"))
	p := &protected{world: w}
	p.serving = w.labeled("a/one", "serving", servingIP, servingIP6)
	p.friend = w.labeled("a/one", "friend", friendIP, friendIP6)
	p.stranger = w.labeled("a/one", "stranger", strangerIP, strangerIP6)
	p.peer = w.labeled("b/two", "peer", peerIP, peerIP6)
	for _, port := range []int{web, alternative, outside} {
		stop, err := p.serving.Serve(port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
	}
	w.ready("a/one", "b/two")
	for _, guest := range []*lab.Guest{p.friend, p.stranger, p.peer} {
		w.reaches(guest, servingIP)
		w.reaches(guest, servingIP6)
	}
	return p
}

// labeled makes a guest whose NetworkInterface has its name as the label role.
func (w *world) labeled(network, name string, ips ...string) *lab.Guest {
	w.t.Helper()
	nic := w.nic(network, name, func(nic *v1alpha1.NetworkInterface) {
		nic.Labels = map[string]string{"role": name}
	}, ips...)
	guest, err := w.Plug(nic)
	if err != nil {
		w.t.Fatal(err)
	}
	return guest
}

func role(names ...string) metav1.LabelSelector {
	return metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "role", Operator: metav1.LabelSelectorOpIn, Values: names},
	}}
}

func interfacesWith(names ...string) v1alpha1.NetworkPolicyPeer {
	return v1alpha1.NetworkPolicyPeer{ObjectSelector: &v1alpha1.ObjectSelector{Kind: "NetworkInterface", LabelSelector: role(names...)}}
}

func block(cidr string, except ...string) v1alpha1.NetworkPolicyPeer {
	return v1alpha1.NetworkPolicyPeer{IPBlock: &v1alpha1.IPBlock{CIDR: cidr, Except: except}}
}

// policy makes or replaces the NetworkPolicy of Network a/one.
func (p *protected) policy(change func(*v1alpha1.NetworkPolicySpec)) {
	p.t.Helper()
	p.unprotect()
	policy := &v1alpha1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "policy"},
		Spec: v1alpha1.NetworkPolicySpec{
			NetworkRef: v1alpha1.LocalObjectReference{Name: "one"}, NetworkInterfaceSelector: role("serving"),
		},
	}
	change(&policy.Spec)
	if _, err := p.NetworkPolicies("a").Create(p.t.Context(), policy, metav1.CreateOptions{}); err != nil {
		p.t.Fatal(err)
	}
}

// policyReady waits for what the NetworkPolicy says of itself, for the newest spec.
func (w *world) policyReady(status metav1.ConditionStatus, reason string) {
	w.t.Helper()
	eventually(w.t, "the policy is Ready: "+string(status)+" "+reason, func() (bool, string) {
		policy, err := w.NetworkPolicies("a").Get(w.t.Context(), "policy", metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		ready := meta.FindStatusCondition(policy.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Status == status && ready.Reason == reason && ready.ObservedGeneration == policy.Generation &&
			policy.Status.ObservedGeneration == policy.Generation, fmt.Sprintf("%+v", policy.Status)
	})
}

// TestAPolicySaysWhetherItIsInForce has what a policy needs come and go.
func TestAPolicySaysWhetherItIsInForce(t *testing.T) {
	w := newWorld(t)
	policy, err := w.NetworkPolicies("a").Create(t.Context(), &v1alpha1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "policy"},
		Spec: v1alpha1.NetworkPolicySpec{
			NetworkRef: v1alpha1.LocalObjectReference{Name: "one"}, PolicyTypes: []v1alpha1.PolicyType{v1alpha1.PolicyTypeIngress},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ready := meta.FindStatusCondition(policy.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status != metav1.ConditionFalse || !strings.Contains(ready.Message, "Network one must exist") {
		t.Errorf("without its Network it says %+v", ready)
	}
	w.network("a/one")
	w.nic("a/one", "nic", nil, "10.0.0.1")
	w.policyReady(metav1.ConditionTrue, v1alpha1.ReasonRealized)
	change := func(patch string) {
		t.Helper()
		if _, err := w.NetworkPolicies("a").Patch(t.Context(), "policy", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// What is asked while ovn-northd is frozen is not in force before it has taken it in.
	if err := w.Signal(lab.Northd, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	change(`{"spec": {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}}`)
	w.policyReady(metav1.ConditionFalse, v1alpha1.ReasonPending)
	if err := w.Signal(lab.Northd, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.policyReady(metav1.ConditionTrue, v1alpha1.ReasonRealized)
	w.Kill(lab.NB)
	change(`{"spec": {"ingress": [{"from": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}]}}`)
	w.policyReady(metav1.ConditionFalse, "NBUnavailable")
	if err := w.StartDaemon(lab.NB); err != nil {
		t.Fatal(err)
	}
	w.policyReady(metav1.ConditionTrue, v1alpha1.ReasonRealized)
	for _, remove := range []func() error{
		func() error { return w.NetworkInterfaces("a").Delete(t.Context(), "nic", metav1.DeleteOptions{}) },
		func() error { return w.Networks("a").Delete(t.Context(), "one", metav1.DeleteOptions{}) },
	} {
		if err := remove(); err != nil {
			t.Fatal(err)
		}
	}
	w.policyReady(metav1.ConditionFalse, "NetworkNotFound")
}

func (p *protected) unprotect() {
	p.t.Helper()
	if err := p.NetworkPolicies("a").DeleteCollection(p.t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		p.t.Fatal(err)
	}
}

// allowed waits until the table holds: who reaches what. A packet is "ping 10.0.0.1", "tcp 10.0.0.1:80" or the like.
func (p *protected) allowed(what string, table map[*lab.Guest]map[string]bool) {
	p.t.Helper()
	eventually(p.t, what, func() (bool, string) {
		var wrong []string
		for guest, packets := range table {
			for packet, want := range packets {
				if p.passes(guest, packet) != want {
					wrong = append(wrong, fmt.Sprintf("%s from %s should be %v", packet, p.name(guest), want))
				}
			}
		}
		return len(wrong) == 0, strings.Join(wrong, ", ")
	})
}

func (p *protected) name(guest *lab.Guest) string {
	return map[*lab.Guest]string{p.serving: "serving", p.friend: "friend", p.stranger: "stranger", p.peer: "peer"}[guest]
}

func (p *protected) passes(guest *lab.Guest, packet string) bool {
	kind, address, _ := strings.Cut(packet, " ")
	if kind == "ping" {
		return guest.Ping(p.t.Context(), address, answer)
	}
	return guest.Connects(kind, address, answer)
}

func TestNetworkPolicies(t *testing.T) {
	p := newProtected(t)
	type packets = map[string]bool
	type table = map[*lab.Guest]packets
	tcp, udp := v1alpha1.ProtocolTCP, v1alpha1.ProtocolUDP
	for _, tc := range []struct {
		sentence string
		policy   func(*v1alpha1.NetworkPolicySpec)
		want     table
	}{
		{
			"without rules nothing comes in, and what was asked for is answered",
			func(spec *v1alpha1.NetworkPolicySpec) {
				spec.PolicyTypes = []v1alpha1.PolicyType{v1alpha1.PolicyTypeIngress}
			},
			table{
				p.friend:  {"ping 10.0.0.1": false, "ping 2001:db8::1": false, "tcp 10.0.0.1:80": false, "ping 10.0.0.3": true},
				p.peer:    {"ping 10.0.0.1": false, "ping 2001:db8::1": false, "ping 10.0.0.2": true},
				p.serving: {"ping 10.0.0.2": true, "ping 2001:db8::2": true, "ping 10.1.0.1": true},
			},
		},
		{
			"without rules nothing goes out, and who asks is answered",
			func(spec *v1alpha1.NetworkPolicySpec) {
				spec.PolicyTypes = []v1alpha1.PolicyType{v1alpha1.PolicyTypeEgress}
			},
			table{
				p.serving: {"ping 10.0.0.2": false, "ping 2001:db8::2": false, "ping 10.1.0.1": false},
				p.friend:  {"ping 10.0.0.1": true, "tcp 10.0.0.1:80": true, "udp 10.0.0.1:80": true},
				p.peer:    {"ping 2001:db8::1": true},
			},
		},
		{
			"an empty rule lets everything in",
			func(spec *v1alpha1.NetworkPolicySpec) { spec.Ingress = []v1alpha1.NetworkPolicyIngressRule{{}} },
			table{p.friend: {"ping 10.0.0.1": true, "udp 10.0.0.1:80": true}, p.peer: {"ping 2001:db8::1": true}},
		},
		{
			"a peer that is nothing lets nothing in",
			func(spec *v1alpha1.NetworkPolicySpec) {
				spec.Ingress = []v1alpha1.NetworkPolicyIngressRule{{From: []v1alpha1.NetworkPolicyPeer{{}}}}
			},
			table{p.friend: {"ping 10.0.0.1": false, "tcp 10.0.0.1:80": false}},
		},
		{
			"who is selected comes in",
			func(spec *v1alpha1.NetworkPolicySpec) {
				spec.Ingress = []v1alpha1.NetworkPolicyIngressRule{{From: []v1alpha1.NetworkPolicyPeer{interfacesWith("friend", "peer")}}}
			},
			table{
				p.friend:   {"ping 10.0.0.1": true, "ping 2001:db8::1": true, "tcp 10.0.0.1:99": true},
				p.stranger: {"ping 10.0.0.1": false, "ping 2001:db8::1": false},
				p.peer:     {"ping 10.0.0.1": false}, // It is in another Network.
			},
		},
		{
			"a port, a range of ports and a protocol",
			func(spec *v1alpha1.NetworkPolicySpec) {
				spec.Ingress = []v1alpha1.NetworkPolicyIngressRule{
					{Ports: []v1alpha1.NetworkPolicyPort{{Port: web}}},
					{Ports: []v1alpha1.NetworkPolicyPort{{Protocol: &udp, Port: 81, EndPort: ptr.To[int32](90)}}},
				}
			},
			table{p.friend: {
				"tcp 10.0.0.1:80": true, "tcp 10.0.0.1:85": false, "tcp 10.0.0.1:99": false, "tcp [2001:db8::1]:80": true,
				"udp 10.0.0.1:80": false, "udp 10.0.0.1:85": true, "udp 10.0.0.1:99": false, "udp [2001:db8::1]:85": true,
				"ping 10.0.0.1": false,
			}},
		},
		{
			"a protocol without a port is all its ports",
			func(spec *v1alpha1.NetworkPolicySpec) {
				spec.Ingress = []v1alpha1.NetworkPolicyIngressRule{{Ports: []v1alpha1.NetworkPolicyPort{{Protocol: &tcp}}}}
			},
			table{p.friend: {"tcp 10.0.0.1:80": true, "tcp 10.0.0.1:99": true, "udp 10.0.0.1:80": false, "ping 10.0.0.1": false}},
		},
		{
			"a range without its exception",
			func(spec *v1alpha1.NetworkPolicySpec) {
				spec.Ingress = []v1alpha1.NetworkPolicyIngressRule{
					{From: []v1alpha1.NetworkPolicyPeer{block("10.0.0.0/8", "10.0.0.3/32"), block("2001:db8::/32", "2001:db8:1::/48")}},
				}
			},
			table{
				p.friend:   {"ping 10.0.0.1": true, "ping 2001:db8::1": true},
				p.stranger: {"ping 10.0.0.1": false, "ping 2001:db8::1": true},
				p.peer:     {"ping 10.0.0.1": true, "ping 2001:db8::1": false},
			},
		},
		{
			"out to a range and to who is selected, at a port",
			func(spec *v1alpha1.NetworkPolicySpec) {
				spec.NetworkInterfaceSelector = role("friend", "stranger")
				spec.Egress = []v1alpha1.NetworkPolicyEgressRule{
					{To: []v1alpha1.NetworkPolicyPeer{interfacesWith("serving")}, Ports: []v1alpha1.NetworkPolicyPort{{Port: web}}},
					{To: []v1alpha1.NetworkPolicyPeer{block("10.1.0.0/16")}},
				}
			},
			table{
				p.friend: {
					"tcp 10.0.0.1:80": true, "tcp 10.0.0.1:99": false, "ping 10.0.0.1": false, "ping 10.0.0.3": false,
					"ping 10.1.0.1": true, "ping 2001:db8:1::1": false,
				},
				p.serving: {"ping 10.0.0.2": true},
			},
		},
	} {
		t.Run(tc.sentence, func(t *testing.T) {
			p := *p
			world := *p.world
			world.t, p.world = t, &world
			p.policy(tc.policy)
			p.allowed(tc.sentence, tc.want)
		})
	}
	p.unprotect()
	p.allowed("after the last policy everything passes", table{
		p.friend: {"ping 10.0.0.1": true, "udp 10.0.0.1:99": true}, p.peer: {"ping 2001:db8::1": true},
	})
	for _, kind := range []string{"acl", "port_group", "address_set"} {
		if left, err := p.NBCtl("--format=csv", "--no-headings", "list", kind); err != nil || left != "" {
			t.Errorf("%s is left: %s (%v)", kind, left, err)
		}
	}
}

// TestPoliciesFollowWhatTheySelect changes labels, adds a NetworkInterface, and breaks a connection that a policy forbids.
func TestPoliciesFollowWhatTheySelect(t *testing.T) {
	p := newProtected(t)
	connection, err := p.stranger.Dial("tcp", servingIP+":80", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if !lab.Answers(connection, time.Second) {
		t.Fatal("the connection does not answer")
	}
	p.stops("a new policy", p.stranger, servingIP, func() {
		p.policy(func(spec *v1alpha1.NetworkPolicySpec) {
			spec.Ingress = []v1alpha1.NetworkPolicyIngressRule{{From: []v1alpha1.NetworkPolicyPeer{interfacesWith("friend")}}}
		})
	})
	if lab.Answers(connection, time.Second) {
		t.Error("a connection from before the policy goes on")
	}
	p.reaches(p.friend, servingIP)

	label := func(name, role string) {
		t.Helper()
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{"role":%q}}}`, role)
		if _, err := p.NetworkInterfaces("a").Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	label("stranger", "friend")
	p.reaches(p.stranger, servingIP)
	p.stops("a label that goes", p.stranger, servingIP, func() { label("stranger", "stranger") })
	p.reaches(p.stranger, friendIP)
	p.stops("a label that puts a guest under the policy", p.stranger, friendIP, func() { label("friend", "serving") })
	label("friend", "friend")

	// A new NetworkInterface is under the policy from its first packet on.
	late := p.nic("a/one", "late", func(nic *v1alpha1.NetworkInterface) {
		nic.Labels = map[string]string{"role": "serving"}
	}, "10.0.0.9")
	if _, err := p.Plug(late); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for !p.friend.Ping(t.Context(), "10.0.0.9", answer) {
		if p.stranger.Ping(t.Context(), "10.0.0.9", answer/3) {
			t.Fatal("a new guest answers whom the policy keeps out")
		}
		if time.Now().After(deadline) {
			t.Fatal("a new guest does not answer whom the policy lets in")
		}
	}
	p.silent(p.stranger, "10.0.0.9")

	// A second policy adds what it allows.
	if _, err := p.NetworkPolicies("a").Create(t.Context(), &v1alpha1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "second"},
		Spec: v1alpha1.NetworkPolicySpec{
			NetworkRef: v1alpha1.LocalObjectReference{Name: "one"},
			Ingress:    []v1alpha1.NetworkPolicyIngressRule{{From: []v1alpha1.NetworkPolicyPeer{block("10.1.0.0/16")}}},
		},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	p.reaches(p.peer, servingIP)
	p.reaches(p.friend, servingIP)
	p.silent(p.stranger, servingIP)
	p.reaches(p.peer, strangerIP)
	p.silent(p.friend, strangerIP)
}
