// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// red is the Network of the cases: it peers with team-b/blue, through 10.0.0.0/24, and declines team-c/grey.
func red(change ...func(*v1alpha1.Network)) *v1alpha1.Network {
	network := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "red", UID: "u", ResourceVersion: "7",
			Annotations: map[string]string{v1alpha1.DeclinedPeeringsAnnotation: "team-c/grey"}},
		Spec: v1alpha1.NetworkSpec{Peerings: []v1alpha1.NetworkPeering{{
			Name:       "blue",
			NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-b", Name: "blue"},
			Prefixes:   []v1alpha1.PeeringPrefix{{Name: "10.0.0.0-24", Prefix: "10.0.0.0/24"}},
		}}},
	}
	for _, f := range change {
		f(network)
	}
	return network
}

func at(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func ranges(t *testing.T, texts ...string) []v1alpha1.PeeringPrefix {
	t.Helper()
	prefixes, err := parsePrefixes(texts)
	if err != nil {
		t.Fatal(err)
	}
	return prefixes
}

func TestDecide(t *testing.T) {
	t.Parallel()
	applied := func(network *v1alpha1.Network) {
		network.ManagedFields = []metav1.ManagedFieldsEntry{
			{Manager: "argocd", Operation: metav1.ManagedFieldsOperationApply,
				FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:peerings":{"k:{\"name\":\"blue\"}":{".":{},"f:name":{}}}}}`)},
			{Manager: "kubectl-edit", Operation: metav1.ManagedFieldsOperationUpdate,
				FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:peerings":{"k:{\"name\":\"blue\"}":{}}}}`)},
			{Manager: "other", Operation: metav1.ManagedFieldsOperationApply,
				FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:peerings":{"k:{\"name\":\"green\"}":{}}}}`)},
		}
	}
	for sentence, test := range map[string]struct {
		decide   func(t *testing.T) (networkChange, error)
		lines    []string
		warnings []string
		patch    string // without uid and resourceVersion, which each patch has
		err      string
	}{
		"a new peering is named after its target": {
			decide: func(*testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-d", "green")})
			},
			lines: []string{"+ peering green: team-d/green may reach everything"},
			patch: `{"spec":{"peerings":[{"name":"green","networkRef":{"namespace":"team-d","name":"green"}}]}}`,
		},
		"a target of the own namespace is named without it": {
			decide: func(*testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-a", "green")})
			},
			lines: []string{"+ peering green: team-a/green may reach everything"},
			patch: `{"spec":{"peerings":[{"name":"green","networkRef":{"name":"green"}}]}}`,
		},
		"where another peering has the name, the namespace comes before it": {
			decide: func(*testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-d", "blue")})
			},
			lines: []string{"+ peering team-d.blue: team-d/blue may reach everything"},
			patch: `{"spec":{"peerings":[{"name":"team-d.blue","networkRef":{"namespace":"team-d","name":"blue"}}]}}`,
		},
		"a chosen name that another peering has is refused": {
			decide: func(*testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-d", "green"), name: "blue"})
			},
			err: "red has a peering blue with another Network: choose a name by --name",
		},
		"ranges are exposed by a new peering": {
			decide: func(t *testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-d", "green"), name: "g",
					prefixes: ranges(t, "10.1.0.0/16", "six=2001:db8::/32")})
			},
			lines: []string{"+ peering g: team-d/green may reach 10.1.0.0/16, 2001:db8::/32"},
			patch: `{"spec":{"peerings":[{"name":"g","networkRef":{"namespace":"team-d","name":"green"},"prefixes":[` +
				`{"name":"10.1.0.0-16","prefix":"10.1.0.0/16"},{"name":"six","prefix":"2001:db8::/32"}]}]}}`,
		},
		"other ranges take the place of all that a peering had": {
			decide: func(t *testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-b", "blue"), prefixes: ranges(t, "10.0.0.0/25")})
			},
			lines: []string{"- peering blue: team-b/blue may reach 10.0.0.0/24",
				"+ peering blue: team-b/blue may reach 10.0.0.0/25"},
			patch: `{"spec":{"peerings":[{"name":"blue","prefixes":[` +
				`{"$patch":"replace"},{"name":"10.0.0.0-25","prefix":"10.0.0.0/25"}]}]}}`,
		},
		"without ranges, a peering stays as it is": {
			decide: func(*testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-b", "blue")})
			},
		},
		"the same ranges are no change": {
			decide: func(t *testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-b", "blue"), prefixes: ranges(t, "10.0.0.0/24")})
			},
		},
		"a peering keeps its name": {
			decide: func(*testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-b", "blue"), name: "azure"})
			},
			err: "the peering of red with team-b/blue is named blue: leave out --name, or unpeer first",
		},
		"a Network does not peer with itself": {
			decide: func(*testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-a", "red")})
			},
			err: "red can't peer with itself: name another one",
		},
		"whom a Network peers with, it no longer declines": {
			decide: func(*testing.T) (networkChange, error) {
				return decidePeer(red(), peerOptions{target: at("team-c", "grey")})
			},
			lines: []string{"- declines team-c/grey", "+ peering grey: team-c/grey may reach everything"},
			patch: `{"metadata":{"annotations":{"networking.ironcore.dev/declined-peerings":null}},` +
				`"spec":{"peerings":[{"name":"grey","networkRef":{"namespace":"team-c","name":"grey"}}]}}`,
		},
		"a peering is taken away by its name alone": {
			decide: func(*testing.T) (networkChange, error) { return decideUnpeer(red(), at("team-b", "blue")) },
			lines:  []string{"- peering blue: team-b/blue may reach 10.0.0.0/24"},
			patch:  `{"spec":{"peerings":[{"name":"blue","$patch":"delete"}]}}`,
		},
		"who applies a peering is told of": {
			decide:   func(*testing.T) (networkChange, error) { return decideUnpeer(red(applied), at("team-b", "blue")) },
			lines:    []string{"- peering blue: team-b/blue may reach 10.0.0.0/24"},
			warnings: []string{"argocd applies the peering blue and may bring it back: remove it from its manifest too"},
			patch:    `{"spec":{"peerings":[{"name":"blue","$patch":"delete"}]}}`,
		},
		"a peering that there is not can't be taken away": {
			decide: func(*testing.T) (networkChange, error) { return decideUnpeer(red(), at("team-a", "blue")) },
			err:    "red has no peering with team-a/blue: kubectl network peerings red -n team-a lists those that it has",
		},
		"who asks is accepted": {
			decide: func(*testing.T) (networkChange, error) {
				return decideAccept(red(), requestPresent, peerOptions{target: at("team-d", "green")})
			},
			lines: []string{"+ peering green: team-d/green may reach everything"},
			patch: `{"spec":{"peerings":[{"name":"green","networkRef":{"namespace":"team-d","name":"green"}}]}}`,
		},
		"who does not ask is not accepted": {
			decide: func(*testing.T) (networkChange, error) {
				return decideAccept(red(), requestAbsent, peerOptions{target: at("team-d", "green")})
			},
			err: "team-d/green does not ask for a peering with red: kubectl network peer red team-d/green -n team-a asks it for one",
		},
		"who was accepted before is no change": {
			decide: func(*testing.T) (networkChange, error) {
				return decideAccept(red(), requestAbsent, peerOptions{target: at("team-b", "blue")})
			},
		},
		"a second Network is declined beside the first": {
			decide: func(*testing.T) (networkChange, error) { return decideDecline(red(), at("team-d", "green")) },
			lines:  []string{"+ declines team-d/green"},
			patch:  `{"metadata":{"annotations":{"networking.ironcore.dev/declined-peerings":"team-c/grey,team-d/green"}}}`,
		},
		"who is declined already is no change": {
			decide: func(*testing.T) (networkChange, error) { return decideDecline(red(), at("team-c", "grey")) },
		},
		"to decline a peer leaves the own peering without effect": {
			decide:   func(*testing.T) (networkChange, error) { return decideDecline(red(), at("team-b", "blue")) },
			lines:    []string{"+ declines team-b/blue"},
			warnings: []string{"red still names team-b/blue, without effect: kubectl network unpeer red team-b/blue -n team-a"},
			patch:    `{"metadata":{"annotations":{"networking.ironcore.dev/declined-peerings":"team-c/grey,team-b/blue"}}}`,
		},
		"a Network does not decline itself": {
			decide: func(*testing.T) (networkChange, error) { return decideDecline(red(), at("team-a", "red")) },
			err:    "a Network can't decline itself: name another one",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			change, err := test.decide(t)
			if got := text(err); got != test.err {
				t.Fatalf("got the error  %s\nwant %s", got, test.err)
			}
			if diff := cmp.Diff(test.lines, change.lines); diff != "" {
				t.Errorf("lines: want -, got +:\n%s", diff)
			}
			if diff := cmp.Diff(test.warnings, change.warnings); diff != "" {
				t.Errorf("warnings: want -, got +:\n%s", diff)
			}
			if change.isEmpty() {
				return
			}
			if diff := cmp.Diff(withPreconditions(t, test.patch), asJSON(t, change.patch(red()))); diff != "" {
				t.Errorf("patch: want -, got +:\n%s", diff)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func asJSON(t *testing.T, patch any) (parsed map[string]any) {
	t.Helper()
	data, err := json.Marshal(patch)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

func withPreconditions(t *testing.T, patch string) map[string]any {
	t.Helper()
	want := asJSON(t, json.RawMessage(patch))
	metadata, ok := want["metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
		want["metadata"] = metadata
	}
	metadata["uid"], metadata["resourceVersion"] = "u", "7"
	return want
}

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]types.NamespacedName{
		"blue": at("own", "blue"), "team-b/blue": at("team-b", "blue"),
		"": {}, "/blue": {}, "team-b/": {}, "a/b/c": {},
		"bad/BAD!": {}, "a.b/c": {}, "a/b.c": at("a", "b.c"),
	} {
		got, err := parseTarget("own", input)
		if got != want || (err == nil) != (want.Name != "") {
			t.Errorf("%q is %v, %v; want %v", input, got, err, want)
		}
	}
}

func TestParsePrefixes(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		"10.0.0.0/24":   "10.0.0.0-24",
		"2001:db8::/32": "2001-db8---32",
		"::/0":          "0",
		"a=10.0.0.0/8":  "a",
		"10.0.0.1/24":   `--prefix "10.0.0.1/24" is not in canonical form: write 10.0.0.0/24`,
		"2001:DB8::/32": `--prefix "2001:DB8::/32" is not in canonical form: write 2001:db8::/32`,
		"10.0.0.1":      `--prefix "10.0.0.1" is not an address range: write one like 10.0.0.0/24 or 2001:db8::/32`,
	} {
		prefixes, err := parsePrefixes([]string{input})
		got := text(err)
		if err == nil {
			got = prefixes[0].Name
		}
		if got != want {
			t.Errorf("%q is %q, want %q", input, got, want)
		}
	}
}

func TestWhoAsksIsUnknownWhileThatIsDecided(t *testing.T) {
	t.Parallel()
	reads := func(reason string) func(*v1alpha1.Network) {
		return func(network *v1alpha1.Network) {
			network.Status.Peerings = []v1alpha1.NetworkPeeringStatus{{Name: "blue", Reason: reason}}
		}
	}
	for sentence, test := range map[string]struct {
		asked *v1alpha1.Network
		want  requestState
	}{
		"it is named, and nothing is decided yet": {red(), requestUnknown},
		"it is named, and that is being decided":  {red(reads("Evaluating")), requestUnknown},
		"it is named, and names nobody":           {red(reads("PeeringNotAccepted")), requestAbsent},
		"it is not named":                         {&v1alpha1.Network{}, requestAbsent},
	} {
		if got := stateOfRequest(&v1alpha1.NetworkPeeringRequests{}, test.asked, at("team-b", "blue")); got != test.want {
			t.Errorf("%s: %v, want %v", sentence, got, test.want)
		}
	}
}

func TestDecideWait(t *testing.T) {
	t.Parallel()
	reads := func(phase v1alpha1.NetworkPeeringPhase, reason, message string) func(*v1alpha1.Network) {
		return func(network *v1alpha1.Network) {
			network.Status.Peerings = []v1alpha1.NetworkPeeringStatus{
				{Name: "blue", Phase: phase, Reason: reason, Message: message}}
		}
	}
	for sentence, test := range map[string]struct {
		network *v1alpha1.Network
		done    bool
		err     string
	}{
		"nothing is known yet": {network: red()},
		"it is Bound":          {network: red(reads("Bound", "Bound", "")), done: true},
		"it is not accepted":   {network: red(reads("Pending", "PeeringNotAccepted", ""))},
		"it is refused":        {network: red(reads("Pending", "PeeringDeclined", "No.")), err: "No."},
		"it is no longer there": {network: &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: "red"}},
			err: "the peering of red with team-b/blue was removed in the meantime"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			_, done, err := decideWait(test.network, at("team-b", "blue"))
			if done != test.done || text(err) != test.err {
				t.Errorf("got %t, %v, want %t, %s", done, err, test.done, test.err)
			}
		})
	}
}
