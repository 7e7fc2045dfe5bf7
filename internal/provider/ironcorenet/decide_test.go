// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

func TestParseIdentity(t *testing.T) {
	for providerID, want := range map[string]*identity{
		"ironcore-net://net/name/123/uid": {namespace: "net", name: "name", id: "123", uid: "uid"},
		"ironcore-net://net/name/123/":    {namespace: "net", name: "name", id: "123"},
		"ironcore-net://net/name/123":     nil,
		"ironcore-net://net/name//uid":    nil,
		"ironcore-net://net/name/1/u/x":   nil,
		"local://7":                       nil,
		"":                                nil,
	} {
		got, ok := parseIdentity(providerID)
		switch {
		case ok != (want != nil):
			t.Errorf("%q: understood %t, want %t", providerID, ok, want != nil)
		case ok && got != *want:
			t.Errorf("%q: got %+v, want %+v", providerID, got, *want)
		case ok && got.String() != providerID:
			t.Errorf("%q: written as %q", providerID, got)
		}
	}
}

// parsed makes an object of JSON as a client does.
func parsed(t *testing.T, content string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON([]byte(content)); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestReadRemoteSurvivesWhateverIsThere(t *testing.T) {
	head := `{"apiVersion":"core.apinet.ironcore.dev/v1alpha1","kind":"Network","metadata":{"name":"n"}`
	for sentence, tc := range map[string]struct {
		rest string
		want remote
	}{
		"nothing at all":        {`}`, remote{states: map[string][]string{}}},
		"a spec that is a text": {`,"spec":"x","status":7}`, remote{states: map[string][]string{}}},
		"lists that are none, and items that are none": {
			`,"spec":{"id":5,"peerings":{"a":1}},"status":{"peerings":{"node":["x",7,{"id":3}],"other":"x"}}}`,
			remote{id: "5", states: map[string][]string{"3": {""}}},
		},
		"what should be there": {
			`,"spec":{"id":"5","peerings":[{"name":"p","id":"6","prefixes":[{"name":"f","prefix":"10.0.0.0/8"}]}]},
			"status":{"peerings":{"node":[{"id":2691809,"state":"Ready"}]}}}`,
			remote{
				id: "5",
				peerings: []remotePeering{{name: "p", id: "6",
					prefixes: []v1alpha1.PeeringPrefixStatus{{Name: "f", Prefix: "10.0.0.0/8"}}}},
				states: map[string][]string{"2691809": {"Ready"}},
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			tc.want.Name = "n"
			got := readRemote(parsed(t, head+tc.rest))
			if diff := cmp.Diff(&tc.want, got, cmp.AllowUnexported(remote{}, remotePeering{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsAppliedIsReadBackTheSame(t *testing.T) {
	network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a"}}
	peerings := []peeringCase{
		{name: "all", desired: &remotePeering{name: "all", id: "6"}},
		{name: "none"},
		{name: "some", desired: &remotePeering{name: "some", id: "7",
			prefixes: []v1alpha1.PeeringPrefixStatus{{Name: "f", Prefix: "10.0.0.0/8"}}}},
	}
	desired := decideRemote(network, "net", "me", "5", peerings)
	there := readRemote(desired.object())
	if !desired.inLine(there) {
		t.Errorf("%+v is not in line with %+v", there, desired)
	}
	for sentence, change := range map[string]func(*remote){
		"without a peering":       func(r *remote) { r.peerings = r.peerings[:1] },
		"with a peering more":     func(r *remote) { r.peerings = append(r.peerings, remotePeering{name: "x", id: "8"}) },
		"with another ID":         func(r *remote) { r.id = "9" },
		"without its mark":        func(r *remote) { delete(r.Labels, ownerLabel) },
		"without its way back":    func(r *remote) { r.Annotations = nil },
		"with a range taken away": func(r *remote) { r.peerings[1].prefixes = nil },
	} {
		other := readRemote(desired.object())
		change(other)
		if desired.inLine(other) {
			t.Errorf("%s, it counts as in line", sentence)
		}
	}
	there.Labels["somebody"] = "else"
	if !desired.inLine(there) {
		t.Error("a label of somebody else's counts as a difference")
	}
	// An empty list is said: what is left out stays as somebody else put it.
	spec := decideRemote(network, "net", "me", "", nil).object().Object["spec"]
	if diff := cmp.Diff(map[string]any{"peerings": []any{}}, spec); diff != "" {
		t.Errorf("without peerings (-want +got):\n%s", diff)
	}
}

func TestDecidePeering(t *testing.T) {
	resolve := func(name string) (string, string) {
		if name == "allocated" {
			return "10.1.0.0/16", ""
		}
		return "", "there is no Prefix " + name + "."
	}
	peer := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "b"},
		Spec:       v1alpha1.NetworkSpec{ProviderID: "ironcore-net://net/uid-of-b/6/uid"},
	}
	elsewhere := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "b"},
		Spec:       v1alpha1.NetworkSpec{ProviderID: "ironcore-net://other/uid-of-b/6/uid"},
	}
	inline := v1alpha1.PeeringPrefix{Name: "inline", Prefix: "10.0.0.0/24"}
	ref := func(name string) v1alpha1.PeeringPrefix {
		return v1alpha1.PeeringPrefix{Name: "ref", PrefixRef: &v1alpha1.LocalObjectReference{Name: name}}
	}
	status := func(name, prefix string) v1alpha1.PeeringPrefixStatus {
		return v1alpha1.PeeringPrefixStatus{Name: name, Prefix: prefix}
	}
	for sentence, tc := range map[string]struct {
		prefixes []v1alpha1.PeeringPrefix
		peer     *v1alpha1.Network
		overlaps bool
		want     peeringCase
	}{
		"a peering that is not bound is not realized": {prefixes: []v1alpha1.PeeringPrefix{inline}},
		"a peer in another namespace of ironcore-net is out of reach": {
			peer: elsewhere,
			want: peeringCase{reason: "PeerElsewhere",
				message: "Network team-b/b is not one of namespace net of ironcore-net, so no traffic can flow."},
		},
		"without prefixes, everything is exposed": {
			peer: peer,
			want: peeringCase{desired: &remotePeering{name: "p", id: "6"}},
		},
		"with prefixes, they alone are": {
			peer: peer, prefixes: []v1alpha1.PeeringPrefix{inline, ref("allocated")},
			want: peeringCase{
				desired: &remotePeering{name: "p", id: "6", prefixes: []v1alpha1.PeeringPrefixStatus{
					status("inline", "10.0.0.0/24"), status("ref", "10.1.0.0/16")}},
				prefixes: []v1alpha1.PeeringPrefixStatus{status("inline", "10.0.0.0/24"), status("ref", "10.1.0.0/16")},
			},
		},
		"a prefix without a range exposes nothing, and the others what they should": {
			peer: peer, prefixes: []v1alpha1.PeeringPrefix{inline, ref("absent")},
			want: peeringCase{
				desired: &remotePeering{name: "p", id: "6",
					prefixes: []v1alpha1.PeeringPrefixStatus{status("inline", "10.0.0.0/24")}},
				prefixes: []v1alpha1.PeeringPrefixStatus{status("inline", "10.0.0.0/24"), status("ref", "")},
				reason:   "PrefixUnresolved", message: "Prefix item ref exposes nothing: there is no Prefix absent.",
			},
		},
		"where no prefix has a range, there is no remote peering, which would expose everything": {
			peer: peer, prefixes: []v1alpha1.PeeringPrefix{ref("absent")},
			want: peeringCase{
				prefixes: []v1alpha1.PeeringPrefixStatus{status("ref", "")},
				reason:   "PrefixUnresolved", message: "Prefix item ref exposes nothing: there is no Prefix absent.",
			},
		},
		"a peering with overlapping ranges is not realized, but its prefixes are resolved": {
			peer: peer, overlaps: true, prefixes: []v1alpha1.PeeringPrefix{ref("allocated")},
			want: peeringCase{prefixes: []v1alpha1.PeeringPrefixStatus{status("ref", "10.1.0.0/16")}},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			tc.want.name = "p"
			got := decidePeering(&v1alpha1.NetworkPeering{Name: "p", Prefixes: tc.prefixes},
				provider.Peer{Network: tc.peer, Overlaps: tc.overlaps}, "net", resolve)
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(peeringCase{}, remotePeering{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCombine(t *testing.T) {
	for sentence, tc := range map[string]struct {
		states []string
		want   v1alpha1.NetworkPeeringState
	}{
		"no node has reported":             {nil, "Pending"},
		"all are ready":                    {[]string{"Ready", "Ready"}, "Ready"},
		"one is not ready yet":             {[]string{"Ready", "Pending"}, "Pending"},
		"one is in error":                  {[]string{"Pending", "Error", "Ready"}, "Error"},
		"one says what nobody understands": {[]string{"Ready", "Perhaps"}, "Pending"},
	} {
		if got := combine(tc.states); got != tc.want {
			t.Errorf("%s: got %s, want %s", sentence, got, tc.want)
		}
	}
}

func TestDecideStates(t *testing.T) {
	desired := &remotePeering{name: "p", id: "6"}
	ready := map[string][]string{"6": {"Ready"}}
	for sentence, tc := range map[string]struct {
		peering peeringCase
		there   remote
		want    provider.PeeringRealization
	}{
		"a peering that is there has the state that nodes report": {
			peeringCase{desired: desired}, remote{peerings: []remotePeering{*desired}, states: ready},
			provider.PeeringRealization{State: "Ready"},
		},
		"one that is there differently is pending, whatever they report": {
			peeringCase{desired: desired}, remote{peerings: []remotePeering{{name: "p", id: "7"}}, states: ready},
			provider.PeeringRealization{State: "Pending"},
		},
		"one with something amiss is pending": {
			peeringCase{desired: desired, reason: "PrefixUnresolved", message: "Why."},
			remote{peerings: []remotePeering{*desired}, states: ready},
			provider.PeeringRealization{State: "Pending", Reason: "PrefixUnresolved", Message: "Why."},
		},
		"one that is not bound is pending": {
			peeringCase{}, remote{states: ready}, provider.PeeringRealization{State: "Pending"},
		},
	} {
		tc.peering.name = "p"
		got := decideStates([]peeringCase{tc.peering}, &tc.there)
		if diff := cmp.Diff(map[string]provider.PeeringRealization{"p": tc.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sentence, diff)
		}
	}
}

func TestDecideState(t *testing.T) {
	there := func(change func(*remote)) *remote {
		r := &remote{ObjectMeta: metav1.ObjectMeta{Namespace: "net", Name: "n", UID: "u"}, id: "5"}
		change(r)
		return r
	}
	asIs := func(*remote) {}
	withoutID := func(r *remote) { r.id = "" }
	known := identity{"net", "n", "5", "u"}
	for sentence, tc := range map[string]struct {
		known                         identity
		there                         *remote
		wantID, wantState, wantReason string
	}{
		"a new one is available":             {identity{}, there(asIs), "ironcore-net://net/n/5/u", "Available", ""},
		"a known one is":                     {known, there(asIs), "", "Available", ""},
		"one without an ID is not yet":       {identity{}, there(withoutID), "", "Pending", "WaitingForID"},
		"one whose ID was taken away is not": {known, there(withoutID), "", "Pending", "WaitingForID"},
		"one with another ID is an error": {
			known, there(func(r *remote) { r.id = "6" }), "", "Error", "RemoteIDChanged",
		},
		"one that was put back with its ID is as good": {
			known, there(func(r *remote) { r.UID = "v" }), "", "Available", "RemoteReplaced",
		},
		"one that is being deleted is not available": {
			known, there(func(r *remote) { r.DeletionTimestamp = &metav1.Time{} }), "", "Pending", "RemoteDeleting",
		},
	} {
		got := decideState(tc.known, tc.there)
		if got.ProviderID != tc.wantID || string(got.State) != tc.wantState || got.Reason != tc.wantReason {
			t.Errorf("%s: got %+v", sentence, got)
		}
		if (got.Reason != "") != (got.Message != "") {
			t.Errorf("%s: the reason is %q and the message %q", sentence, got.Reason, got.Message)
		}
	}
}

func TestIsOurs(t *testing.T) {
	network := &v1alpha1.Network{Spec: v1alpha1.NetworkSpec{ProviderID: "ironcore-net://net/n/5/u"}}
	for sentence, tc := range map[string]struct {
		mark string
		uid  string
		want bool
	}{
		"what bears our mark is ours":                                {"me", "v", true},
		"what bears another's is not":                                {"other", "u", false},
		"what lost its mark is, if the provider ID names it":         {"", "u", true},
		"what never had one and is not the one that it names is not": {"", "v", false},
	} {
		there := &remote{ObjectMeta: metav1.ObjectMeta{Namespace: "net", Name: "n", UID: types.UID(tc.uid)}, id: "5"}
		if tc.mark != "" {
			there.Labels = map[string]string{ownerLabel: tc.mark}
		}
		if got := isOurs(network, there, "me"); got != tc.want {
			t.Errorf("%s: got %t", sentence, got)
		}
	}
	if isOurs(&v1alpha1.Network{}, &remote{}, "me") {
		t.Error("without a provider ID, what has no mark is not")
	}
}

func TestDroppedPeers(t *testing.T) {
	before := &remote{peerings: []remotePeering{{id: "1"}, {id: "2"}}}
	after := &remote{peerings: []remotePeering{{id: "2"}, {id: "3"}}}
	if diff := cmp.Diff([]string{"1"}, droppedPeers(before, after)); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1", "2"}, droppedPeers(before, nil)); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}
