// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

const mistakesFile = "testdata/mistakes.yaml"

// mistakes are how the lines of the answer to that manifest begin; what the library adds to its own is left out.
func mistakes(namespace string) []string {
	return []string{
		`metadata.labels: Invalid value: "not a label": name part must consist of alphanumeric characters`,
		`spec.providerID: Invalid value: "not printable €": must consist of printable ASCII characters other than space`,
		`spec.peerings[0].name: Invalid value: "Peering_1": a lowercase RFC 1123 subdomain must consist of`,
		`spec.peerings[0].networkRef: Invalid value: "` + namespace + `/mistakes": must name another Network: ` +
			`a Network can't be peered with itself`,
		`spec.peerings[1].networkRef.name: Invalid value: "-": a lowercase RFC 1123 subdomain must consist of`,
		`spec.peerings[1].networkRef.namespace: Invalid value: "Not_A_Namespace": a lowercase RFC 1123 label must consist of`,
		`spec.peerings[1].networkRef.uid: Invalid value: "not-a-uid": must be a lowercase UUID`,
		`spec.peerings[1].prefixes[0].prefix: Invalid value: "10.0.0.1/24": must be in canonical form ` +
			`with all host bits zero: "10.0.0.0/24"`,
		`spec.peerings[1].prefixes[1].name: Duplicate value: "front"`,
		`spec.peerings[1].prefixes[1].prefix: Invalid value: "10.0.0.0/33": must be a range in CIDR notation`,
		`spec.peerings[1].prefixes[2]: Required value: must have either prefix or prefixRef`,
		`spec.peerings[1].prefixes[3]: Forbidden: must not have both prefix and prefixRef`,
		`spec.peerings[2].name: Duplicate value: "peering2"`,
		`spec.peerings[2].networkRef.name: Required value: must not be empty`,
		`spec.peerings[4].networkRef: Duplicate value: "` + namespace + `/other"`,
	}
}

func TestKubectlTellsOfAllMistakesInAManifestAtOnce(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	for _, arguments := range []string{"create", "create --dry-run=server", "apply", "apply --dry-run=server"} {
		t.Run(arguments, func(t *testing.T) {
			answer := n.kubectlFails(t, append(strings.Fields(arguments), "--filename="+mistakesFile)...)
			var got []string
			for line := range strings.Lines(answer) {
				if line, ok := strings.CutPrefix(line, "* "); ok {
					got = append(got, line)
				}
			}
			want := mistakes(n.name)
			if len(got) != len(want) {
				t.Fatalf("the answer tells of %d mistakes, want %d:\n%s", len(got), len(want), answer)
			}
			for i := range want {
				if !strings.HasPrefix(got[i], want[i]) {
					t.Errorf("line %d is\n%swant\n%s", i, got[i], want[i])
				}
			}
		})
	}
	checkContains(t, n.kubectlFails(t, "get", "network", "mistakes"), "NotFound")
}

func TestFieldsThatThereAreNotAreToldOf(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	manifest := strings.Replace(readFile(t, sampleFile), "spec:", "spec:\n  peering: []", 1)
	answer, err := n.runKubectl(t, manifest, "--namespace="+n.name, "create", "-f", "-")
	if err == nil {
		t.Error("a manifest with an unknown field was accepted")
	}
	checkContains(t, answer, `unknown field "spec.peering"`)
}

func TestAMistakeInAnUpdateIsRefusedInEveryForm(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("a"))
	stored := n.await(t, "a", available)
	spec := object{"peerings": []object{{"name": "b", "networkRef": object{"name": "a"}}}, "providerID": "other://"}
	want := sets.New("FieldValueInvalid spec.peerings[0].networkRef", "FieldValueInvalid spec.providerID")

	for _, dryRun := range [][]string{nil, {metav1.DryRunAll}} {
		changed := stored.DeepCopy()
		changed.Spec.Peerings, changed.Spec.ProviderID = []v1alpha1.NetworkPeering{to("a")}, "other://"
		_, updateErr := n.networks.Update(t.Context(), changed, metav1.UpdateOptions{DryRun: dryRun})
		_, patchErr := n.networks.Patch(t.Context(), "a", types.MergePatchType, encode(t, object{"spec": spec}),
			metav1.PatchOptions{DryRun: dryRun})
		force := true
		_, applyErr := n.networks.Patch(t.Context(), "a", types.ApplyPatchType, encode(t, object{
			"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "Network", "spec": spec,
		}), metav1.PatchOptions{DryRun: dryRun, FieldManager: "applier", Force: &force})
		for form, err := range map[string]error{
			"update": updateErr, "JSON merge patch": patchErr, "server-side apply": applyErr,
		} {
			if got := causes(err); !apierrors.IsInvalid(err) || !got.Equal(want) {
				t.Errorf("%s (dry run %q): got %v, want the causes %q", form, dryRun, err, sets.List(want))
			}
		}
	}
	if now := n.get(t, "a"); now.ResourceVersion != stored.ResourceVersion {
		t.Errorf("a refused write made resourceVersion %s of %s", now.ResourceVersion, stored.ResourceVersion)
	}
}

func TestAFaultInMetadataIsToldOfOnce(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	manifests := map[string]string{
		"network":          `"kind":"Network"`,
		"networkinterface": `"kind":"NetworkInterface","spec":{"networkRef":{"name":"net"},"ips":[{"value":"10.0.0.9"}]}`,
	}
	for kind, tc := range plainKinds {
		manifests[kind] = fmt.Sprintf(`"kind":%q,%s`, displayOf[kind], tc.spec)
	}
	for kind, manifest := range manifests {
		n.kubectlWithInput(t, `{"apiVersion":"networking.ironcore.dev/v1alpha1","metadata":{"name":"a"},`+manifest+`}`, "create", "-f-")
		resource := kind + "s"
		if strings.HasSuffix(kind, "cy") {
			resource = strings.TrimSuffix(kind, "y") + "ies"
		}
		err := n.client(t).RESTClient().Patch(types.MergePatchType).Namespace(n.name).Resource(resource).Name("a").
			Body([]byte(`{"metadata":{"labels":{"not a label":""}}}`)).Do(t.Context()).Error()
		var status apierrors.APIStatus
		if !errors.As(err, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) != 1 {
			t.Errorf("%s: got %+v, want one cause", kind, err)
		}
	}
}

func TestTheProviderIDNeverChanges(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("a"))
	stored := n.await(t, "a", available)
	for name, id := range map[string]any{"another one": "other://1", "an empty one": "", "none": nil} {
		_, err := n.networks.Patch(t.Context(), "a", types.MergePatchType,
			encode(t, object{"spec": object{"providerID": id}}), metav1.PatchOptions{})
		want := sets.New[string]() // An empty one means the one that is stored.
		if name == "another one" {
			want.Insert("FieldValueInvalid spec.providerID")
		}
		if !causes(err).Equal(want) {
			t.Errorf("%s: got %v, want the cause %q", name, err, sets.List(want))
		}
	}
	if now := n.get(t, "a"); now.Spec.ProviderID != stored.Spec.ProviderID {
		t.Errorf("spec.providerID went from %q to %q", stored.Spec.ProviderID, now.Spec.ProviderID)
	}
}
