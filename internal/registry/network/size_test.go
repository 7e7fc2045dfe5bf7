// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

// peered is a Network with peerings of so many prefixes each.
func peered(peerings, prefixes int, name string) *networking.Network {
	network := inState(networking.NetworkStateAvailable)
	for i := range peerings {
		peering := networking.NetworkPeering{
			Name:       fmt.Sprintf("p%d%s", i, name),
			NetworkRef: networking.NetworkPeeringNetworkRef{Namespace: "team-b", Name: fmt.Sprintf("n%d%s", i, name)},
		}
		for j := range prefixes {
			peering.Prefixes = append(peering.Prefixes, networking.PeeringPrefix{
				Name: fmt.Sprintf("r%d", j), Prefix: fmt.Sprintf("10.%d.%d.0/24", i%200, j)})
		}
		network.Spec.Peerings = append(network.Spec.Peerings, peering)
	}
	return network
}

// codecOf stores objects in an encoding.
func codecOf(t *testing.T, mediaType string) runtime.Codec {
	t.Helper()
	codecs := serializer.NewCodecFactory(newScheme())
	info, ok := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), mediaType)
	if !ok {
		t.Fatalf("nothing encodes %s", mediaType)
	}
	return codecs.CodecForVersions(info.Serializer, codecs.UniversalDeserializer(), v1alpha1.SchemeGroupVersion, networking.SchemeGroupVersion)
}

var storedAs = []string{runtime.ContentTypeProtobuf, runtime.ContentTypeJSON}

// decideAtLength binds all peerings of a Network, with the longest words.
func decideAtLength(network *networking.Network) {
	mirrorPeerings(network, &networking.Network{}, now)
	binding := &networking.NetworkBinding{}
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		binding.Peerings = append(binding.Peerings, networking.NetworkPeeringBinding{
			Name: peering.Name, Phase: bound, Reason: "PeeringNotAccepted", Message: strings.Repeat("m", 1024)})
		binding.IncomingPeerings = append(binding.IncomingPeerings, networking.NetworkPeeringClaimRef{
			Namespace: "team-b", Name: peering.NetworkRef.Name, UID: types.UID("a0000000-0000-4000-8000-00000000000a")})
	}
	applyBinding(network, binding, now)
}

// reported returns a Network of which a provider reports all that it may, with the managed fields of that.
func reported(network *networking.Network, manager string, at metav1.Time) *networking.Network {
	network = network.DeepCopy()
	var fields strings.Builder
	fields.WriteString(`{"f:status":{"f:state":{},"f:peerings":{`)
	for i := range network.Spec.Peerings {
		item := &network.Status.Peerings[i]
		fmt.Fprintf(&fields, `"k:{\"name\":\"%s\"}":{".":{},"f:name":{},"f:state":{},"f:prefixes":{".":{}`, item.Name)
		item.State, item.Prefixes = networking.NetworkPeeringStatePending, nil
		for _, prefix := range network.Spec.Peerings[i].Prefixes {
			fmt.Fprintf(&fields, `,"k:{\"name\":\"%s\"}":{".":{},"f:name":{},"f:prefix":{}}`, prefix.Name)
			item.Prefixes = append(item.Prefixes, networking.PeeringPrefixStatus{
				Name: prefix.Name, Prefix: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"})
		}
		fields.WriteString(`}},`)
	}
	entry := strings.TrimSuffix(fields.String(), ",") + "}}}"
	network.ManagedFields = append(network.ManagedFields, metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "status", Time: &at,
		APIVersion: v1alpha1.SchemeGroupVersion.String(), FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(entry)})
	return network
}

func TestWhatIsAcceptedCanBeBoundAndReported(t *testing.T) {
	for sentence, tc := range map[string]struct {
		network *networking.Network
		fits    bool
	}{
		"a Network without peerings":         {peered(0, 0, ""), true},
		"1,000 peerings with usual names":    {peered(1000, 0, "-of-a-usual-name"), true},
		"1,000 peerings of a prefix each":    {peered(1000, 1, "-of-a-name"), true},
		"100 peerings of 50 prefixes each":   {peered(100, 50, ""), true},
		"1,000 peerings of 30 prefixes each": {peered(1000, 30, ""), false},
		"1,000 peerings with endless names":  {peered(1000, 0, strings.Repeat("x", 200)), false},
	} {
		for _, mediaType := range storedAs {
			t.Run(sentence+" as "+mediaType, func(t *testing.T) {
				main := registry.NewStrategy(newScheme(), codecOf(t, mediaType), definition)
				status := registry.StatusStrategy[*networking.Network]{Strategy: main}
				network := tc.network.DeepCopy()
				network.UID, network.CreationTimestamp = "a0000000-0000-4000-8000-00000000000a", now
				errs := main.Validate(t.Context(), network)
				if fits := len(errs) == 0; fits != tc.fits {
					t.Fatalf("it fits: %t, want %t: %v", fits, tc.fits, errs)
				}
				if !tc.fits {
					if !strings.Contains(errs[0].Error(), "1400000 bytes") {
						t.Errorf("the error does not name the limit: %v", errs[0])
					}
					return
				}
				decideAtLength(network)
				network.ResourceVersion = "1"
				after := reported(network, "agent", now)
				if errs := status.ValidateUpdate(t.Context(), after, network); len(errs) > 0 {
					t.Errorf("what is bound can't be reported: %v", errs)
				}
				data, err := runtime.Encode(codecOf(t, mediaType), after)
				if err != nil {
					t.Fatal(err)
				}
				if len(data) > registry.MaxStored {
					t.Errorf("bound and reported, it has %d bytes, more than %d", len(data), registry.MaxStored)
				}
			})
		}
	}
}

// largestTaken returns the Network with the most peerings of so many prefixes that may be created.
func largestTaken(t *testing.T, main registry.Strategy[*networking.Network], prefixes int, name string) *networking.Network {
	t.Helper()
	largest := sort.Search(1000, func(count int) bool {
		return len(main.Validate(t.Context(), peered(count+1, prefixes, name))) > 0
	})
	network := peered(largest, prefixes, name)
	network.ResourceVersion = "1"
	return network
}

// What is accepted up to the last byte takes the finalizer and the providerID of a provider, and its report.
func TestTheLargestNetworkCanBeRealizedAndReported(t *testing.T) {
	for _, mediaType := range storedAs {
		main := registry.NewStrategy(newScheme(), codecOf(t, mediaType), definition)
		status := registry.StatusStrategy[*networking.Network]{Strategy: main}
		network := largestTaken(t, main, 3, "-of-a-name")
		largest := len(network.Spec.Peerings)
		held := network.DeepCopy()
		held.Finalizers, held.Spec.ProviderID = []string{"example.com/agent"}, "x://"+strings.Repeat("i", 500)
		if errs := main.ValidateUpdate(t.Context(), held, network); len(errs) > 0 {
			t.Errorf("%s: %d peerings are accepted and can't be realized: %v", mediaType, largest, errs)
		}
		decideAtLength(network)
		if errs := status.ValidateUpdate(t.Context(), reported(network, "agent", now), network); len(errs) > 0 {
			t.Errorf("%s: %d peerings are accepted and can't be reported: %v", mediaType, largest, errs)
		}
	}
}

// Each report has managed fields of its own. They go, the oldest first, where there is no room for all.
func TestTheLargestNetworkCanBeReportedByAnybody(t *testing.T) {
	for _, mediaType := range storedAs {
		t.Run(mediaType, func(t *testing.T) {
			main := registry.NewStrategy(newScheme(), codecOf(t, mediaType), definition)
			status := registry.StatusStrategy[*networking.Network]{Strategy: main}
			network := largestTaken(t, main, 64, "")
			largest := len(network.Spec.Peerings)
			network.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "owner", Operation: metav1.ManagedFieldsOperationUpdate}}
			decideAtLength(network)
			second := now
			for i, manager := range []string{"one", "two", "three", "four"} {
				second.Time = second.Add(time.Second)
				sent := reported(network, manager, second)
				status.PrepareForUpdate(t.Context(), sent, network)
				if errs := status.ValidateUpdate(t.Context(), sent, network); len(errs) > 0 {
					t.Fatalf("report %d of %d peerings is refused: %v", i, largest, errs)
				}
				network = sent
			}
			var managers []string
			for _, entry := range network.ManagedFields {
				managers = append(managers, entry.Manager)
			}
			if managers[0] != "owner" || managers[len(managers)-1] != "four" || slices.Contains(managers, "one") {
				t.Errorf("managed fields are left of %q", managers)
			}
			held := network.DeepCopy()
			held.Finalizers = []string{"example.com/agent"}
			main.PrepareForUpdate(t.Context(), held, network)
			if errs := main.ValidateUpdate(t.Context(), held, network); len(errs) > 0 {
				t.Errorf("after the reports it can't have a finalizer: %v", errs)
			}
		})
	}
}

// Managed fields that a create brings along are nobody's: they take room like everything else.
func TestForgedReportsCount(t *testing.T) {
	network := peered(10, 10, "")
	network.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "forger", Operation: metav1.ManagedFieldsOperationUpdate,
		Subresource: "status", FieldsV1: metav1.NewFieldsV1(`{"f:` + strings.Repeat("x", registry.MaxStored) + `":{}}`)}}
	if errs := mainStrategy.Validate(t.Context(), network); len(errs) == 0 {
		t.Error("a create may bring them along")
	}
	stored := peered(10, 10, "")
	stored.ResourceVersion, network.ResourceVersion = "1", "1"
	if errs := mainStrategy.ValidateUpdate(t.Context(), network, stored); len(errs) == 0 {
		t.Error("an update may bring them along")
	}
	if errs := mainStrategy.ValidateUpdate(t.Context(), network, network.DeepCopy()); len(errs) > 0 {
		t.Errorf("they keep a Network from being written that has them: %v", errs)
	}
}

func TestManagedFieldsStayWhereThereIsRoom(t *testing.T) {
	network := peered(3, 3, "")
	network.ResourceVersion = "1"
	decideAtLength(network)
	first := reported(network, "one", now)
	sent := reported(first, "two", now)
	statusStrategy.PrepareForUpdate(t.Context(), sent, first)
	if got := len(sent.ManagedFields); got != 2 {
		t.Errorf("%d of 2 writers of the status have managed fields", got)
	}
}

func TestATooLargeNetworkMayShrink(t *testing.T) {
	stored, smaller := peered(1000, 30, ""), peered(999, 30, "")
	stored.ResourceVersion, smaller.ResourceVersion = "1", "1"
	if errs := mainStrategy.ValidateUpdate(t.Context(), smaller, stored); len(errs) > 0 {
		t.Errorf("it may not: %v", errs)
	}
	if errs := mainStrategy.ValidateUpdate(t.Context(), stored, smaller); len(errs) == 0 {
		t.Error("it may grow")
	}
}
