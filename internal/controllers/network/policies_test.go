// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
	"ironcore.dev/networking/pkg/client/clientset/versioned/fake"
)

// policed remembers the policies that it was last told of.
type policed struct {
	memory
	policies []rules.Policy
}

func (p *policed) Realize(
	ctx context.Context, network *v1alpha1.Network, situation provider.Situation,
) (provider.Realization, error) {
	p.policies = situation.Policies
	return p.memory.Realize(ctx, network, situation)
}

// Run finds nothing: the infrastructure is empty at the start.
func (*policed) Run(ctx context.Context, _ provider.Found) error {
	<-ctx.Done()
	return nil
}

func TestThePoliciesOfANetworkFollowWhatTheySelect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := func(name string) metav1.ObjectMeta {
			return metav1.ObjectMeta{Namespace: "team-a", Name: name, UID: types.UID(name), ResourceVersion: "1"}
		}
		network := &v1alpha1.Network{ObjectMeta: meta("a")}
		ref := v1alpha1.LocalObjectReference{Name: "a"}
		client := fake.NewClientset(network)
		of := client.NetworkingV1alpha1()
		informers := newInformers(t, client)
		ctx, cancel := context.WithCancel(t.Context())
		for _, informer := range []cache.SharedIndexInformer{
			informers.Networks, informers.Interfaces, informers.Policies, informers.Balancers, informers.VirtualIPs,
		} {
			go informer.RunWithContext(ctx)
		}
		told := &policed{memory: memory{realized: map[types.UID]bool{}}}
		ended := make(chan error, 1)
		go func() { ended <- New(informers, of, &record.FakeRecorder{}, told, nil).Run(ctx, 1) }()
		check := func(sentence string, err error, want ...rules.Policy) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if diff := cmp.Diff(want, told.policies, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", sentence, diff)
			}
		}
		policy := func(nics []types.UID, ranges ...string) rules.Policy {
			rule := rules.PolicyRule{}
			for _, text := range ranges {
				rule.Ranges = append(rule.Ranges, netip.MustParsePrefix(text))
			}
			return rules.Policy{UID: "policy", Interfaces: nics, Ingress: &rules.Allowed{Rules: []rules.PolicyRule{rule}}}
		}
		check("there is none at first", nil)
		_, err := of.NetworkPolicies("team-a").Create(ctx, &v1alpha1.NetworkPolicy{
			ObjectMeta: meta("policy"),
			Spec: v1alpha1.NetworkPolicySpec{
				NetworkRef: ref, PolicyTypes: []v1alpha1.PolicyType{v1alpha1.PolicyTypeIngress},
				NetworkInterfaceSelector: metav1.LabelSelector{MatchLabels: map[string]string{"role": "web"}},
				Ingress: []v1alpha1.NetworkPolicyIngressRule{{From: []v1alpha1.NetworkPolicyPeer{
					{ObjectSelector: &v1alpha1.ObjectSelector{Kind: rules.KindLoadBalancer}},
					{ObjectSelector: &v1alpha1.ObjectSelector{Kind: rules.KindVirtualIP}},
				}}},
			},
		}, metav1.CreateOptions{})
		check("one is made", err, policy(nil))
		_, err = of.LoadBalancers("team-a").Create(ctx, &v1alpha1.LoadBalancer{
			ObjectMeta: meta("lb"), Spec: v1alpha1.LoadBalancerSpec{NetworkRef: ref},
			Status: v1alpha1.LoadBalancerStatus{IPs: []string{"192.0.2.1"}},
		}, metav1.CreateOptions{})
		check("a LoadBalancer comes", err, policy(nil, "192.0.2.1/32"))
		_, err = of.LoadBalancers("team-a").Create(ctx, &v1alpha1.LoadBalancer{
			ObjectMeta: meta("elsewhere"), Spec: v1alpha1.LoadBalancerSpec{NetworkRef: v1alpha1.LocalObjectReference{Name: "b"}},
			Status: v1alpha1.LoadBalancerStatus{IPs: []string{"192.0.2.2"}},
		}, metav1.CreateOptions{})
		check("one of another Network is nobody", err, policy(nil, "192.0.2.1/32"))
		_, err = of.VirtualIPs("team-a").Create(ctx, &v1alpha1.VirtualIP{
			ObjectMeta: meta("vip"), Status: v1alpha1.VirtualIPStatus{IP: "198.51.100.1"},
		}, metav1.CreateOptions{})
		check("a VirtualIP comes", err, policy(nil, "192.0.2.1/32", "198.51.100.1/32"))
		nic := &v1alpha1.NetworkInterface{ObjectMeta: meta("nic"), Spec: v1alpha1.NetworkInterfaceSpec{NetworkRef: ref}}
		_, err = of.NetworkInterfaces("team-a").Create(ctx, nic, metav1.CreateOptions{})
		check("a NetworkInterface has other labels", err, policy(nil, "192.0.2.1/32", "198.51.100.1/32"))
		nic = nic.DeepCopy()
		nic.Labels, nic.ResourceVersion = map[string]string{"role": "web"}, "2"
		_, err = of.NetworkInterfaces("team-a").Update(ctx, nic, metav1.UpdateOptions{})
		check("it gets the label", err, policy([]types.UID{"nic"}, "192.0.2.1/32", "198.51.100.1/32"))
		check("the policy goes", of.NetworkPolicies("team-a").Delete(ctx, "policy", metav1.DeleteOptions{}))
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // The queue's own goroutines notice its end a while later.
	})
}

// The Network may have gone while no controller ran, so nothing tells of it.
func TestAPolicyThatWasInForceSaysThatItsNetworkIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := &v1alpha1.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "policy", UID: "policy"},
			Spec:       v1alpha1.NetworkPolicySpec{NetworkRef: v1alpha1.LocalObjectReference{Name: "a"}},
			Status: v1alpha1.NetworkPolicyStatus{Conditions: []metav1.Condition{
				{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonRealized},
			}},
		}
		client := fake.NewClientset(policy)
		informers := newInformers(t, client)
		ctx, cancel := context.WithCancel(t.Context())
		go informers.Networks.RunWithContext(ctx)
		go informers.Policies.RunWithContext(ctx)
		unreadable := &index.Unreadable{Seen: func(string) int64 { return 2 }}
		unreadable.Found("networks", 1, []types.NamespacedName{{Namespace: "team-a", Name: "a"}})
		ended := make(chan error, 1)
		c := New(informers, client.NetworkingV1alpha1(), &record.FakeRecorder{}, &policed{}, unreadable)
		go func() { ended <- c.Run(ctx, 1) }()
		check := func(sentence, want string) {
			t.Helper()
			time.Sleep(2 * index.UnreadablePeriod)
			synctest.Wait()
			got, err := client.NetworkingV1alpha1().NetworkPolicies("team-a").Get(ctx, "policy", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if reason := got.Status.Conditions[0].Reason; reason != want {
				t.Errorf("%s: the reason is %s, want %s", sentence, reason, want)
			}
		}
		check("the Network can't be read", v1alpha1.ReasonRealized)
		unreadable.Found("networks", 2, nil)
		check("there is none", reasonNetworkNotFound)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // The queue's own goroutines notice its end a while later.
	})
}

func TestExplainPolicy(t *testing.T) {
	const generation = 2
	ready := func(observed int64, status metav1.ConditionStatus, reason string) *metav1.Condition {
		return &metav1.Condition{Type: "Ready", Status: status, Reason: reason, Message: "Words.", ObservedGeneration: observed}
	}
	inForce := provider.PolicyRealization{InForce: true, Reason: "Realized", Message: "Words."}
	away := provider.PolicyRealization{Transient: true, Reason: "Away", Message: "Words."}
	refused := provider.PolicyRealization{Reason: "Refused", Message: "Words."}
	for sentence, tc := range map[string]struct {
		stored      *metav1.Condition
		realization provider.PolicyRealization
		want        *metav1.Condition // nil for no write
	}{
		"what comes into force is said":           {ready(2, "False", "Pending"), inForce, ready(2, "True", "Realized")},
		"what is said is not said again":          {ready(2, "True", "Realized"), inForce, nil},
		"of an earlier spec it is said anew":      {ready(1, "True", "Realized"), inForce, ready(2, "True", "Realized")},
		"what is in force stays so in an outage":  {ready(2, "True", "Realized"), away, nil},
		"what is not in force says why":           {ready(0, "False", "Pending"), away, ready(2, "False", "Away")},
		"a new spec is not in force in an outage": {ready(1, "True", "Realized"), away, ready(2, "False", "Away")},
		"what is refused is not in force":         {ready(2, "True", "Realized"), refused, ready(2, "False", "Refused")},
		"what nobody reported is no provider's":   {ready(2, "True", "NotReported"), away, ready(2, "False", "Away")},
	} {
		t.Run(sentence, func(t *testing.T) {
			policy := &v1alpha1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Generation: generation}}
			policy.Status.ObservedGeneration = tc.stored.ObservedGeneration
			policy.Status.Conditions = []metav1.Condition{*tc.stored}
			var got *metav1.Condition
			if explained := explainPolicy(policy, tc.realization); explained != nil {
				got = &explained.Status.Conditions[0]
				got.LastTransitionTime = metav1.Time{}
				if explained.Status.ObservedGeneration != generation {
					t.Errorf("the observed generation is %d", explained.Status.ObservedGeneration)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
