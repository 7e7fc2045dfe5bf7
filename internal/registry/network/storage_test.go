// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/install"
	"ironcore.dev/networking/internal/rules"
	"ironcore.dev/networking/internal/server/standalone/etcdtest"
)

// membersOf stands for the members of Networks where all deletions look for them.
type membersOf func(ctx context.Context, namespace, network string) (rules.Members, error)

func (f membersOf) OfNetwork(ctx context.Context, namespace, network string) (rules.Members, error) {
	return f(ctx, namespace, network)
}

func (membersOf) RemoveFromEmpty(context.Context, string, string, int64) (bool, error) {
	return false, nil
}

// noMembers is for Networks with nothing in them.
func noMembers(context.Context, string, string) (rules.Members, error) { return rules.Members{}, nil }

// blind sees nothing.
type blind struct{}

func (blind) Network(types.NamespacedName) *v1alpha1.Network { return nil }

func (blind) Related(types.NamespacedName) ([]*v1alpha1.Network, bool) { return nil, false }

func (blind) InterfacesOf(*v1alpha1.Network) []*v1alpha1.NetworkInterface { return nil }

func (blind) MayHaveMembers(string) bool { return true }

// startStorage returns a storage on an etcd of the test's own.
func startStorage(t *testing.T, members membersOf) Storage {
	t.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	codec := serializer.NewCodecFactory(scheme).LegacyCodec(v1alpha1.SchemeGroupVersion)
	config := storagebackend.NewDefaultConfig("/registry", codec)
	config.Transport.ServerList = etcdtest.Start(t)
	networks, err := NewStorage(scheme, generic.RESTOptions{
		StorageConfig:  config.ForResource(networking.Resource("networks")),
		Decorator:      generic.UndecoratedStorage,
		ResourcePrefix: "networks",
	}, members, blind{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(networks.Network.Destroy)
	return networks
}

// stage is a storage with the Network team-a/a in it, available and with a peering with team-a/b.
type stage struct {
	Storage
	t   *testing.T
	ctx context.Context
}

func newStage(t *testing.T) *stage {
	s := &stage{Storage: startStorage(t, noMembers), t: t, ctx: genericrequest.WithNamespace(t.Context(), "team-a")}
	managedFields := metav1.ManagedFieldsEntry{
		Manager: "user", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: v1alpha1.SchemeGroupVersion.String(),
		FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:peerings":{}}}`),
	}
	if _, err := s.Network.Create(s.ctx, &networking.Network{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-a", Name: "a", ManagedFields: []metav1.ManagedFieldsEntry{managedFields},
		},
		Spec: networking.NetworkSpec{Peerings: []networking.NetworkPeering{
			{Name: "b", NetworkRef: networking.NetworkPeeringNetworkRef{Name: "b"}},
		}},
	}, nil, &metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.updateStatus(func(n *networking.Network) { n.Status.State = networking.NetworkStateAvailable })
	return s
}

func (s *stage) get() *networking.Network {
	s.t.Helper()
	obj, err := s.Network.Get(s.ctx, "a", &metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return obj.(*networking.Network)
}

func (s *stage) updateStatus(change func(*networking.Network)) {
	s.t.Helper()
	network := s.get()
	change(network)
	if _, _, err := s.Status.Update(s.ctx, "a", rest.DefaultUpdatedObjectInfo(network), nil,
		rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// binding is one that fits team-a/a as it is stored and binds its peering.
func (s *stage) binding() *networking.NetworkBinding {
	s.t.Helper()
	network := s.get()
	return &networking.NetworkBinding{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-a", Name: "a", UID: network.UID, ResourceVersion: network.ResourceVersion,
		},
		IncomingPeerings: []networking.NetworkPeeringClaimRef{
			{Namespace: "team-a", Name: "b", UID: "b0000000-0000-4000-8000-00000000000b"},
		},
		Peerings: []networking.NetworkPeeringBinding{{Name: "b", Phase: bound, Reason: "Bound", Message: "It came."}},
	}
}

func TestABindingChangesClaimsAndPhasesInOneWrite(t *testing.T) {
	s := newStage(t)
	before := s.get()
	sent := s.binding()
	obj, err := s.Binding.Create(s.ctx, "a", sent.DeepCopy(), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	after := s.get()
	answered := obj.(*networking.NetworkBinding).ResourceVersion
	if answered != after.ResourceVersion || answered == before.ResourceVersion {
		t.Errorf("the answer has resourceVersion %s, the Network had %s and has %s",
			answered, before.ResourceVersion, after.ResourceVersion)
	}

	// Its metadata stay as they are, the generation and the managed fields included.
	want := before.DeepCopy()
	want.ResourceVersion = after.ResourceVersion
	want.Spec.IncomingPeerings = sent.IncomingPeerings
	item := &want.Status.Peerings[0]
	item.Phase, item.Reason, item.Message = bound, "Bound", "It came."
	item.NetworkRef.UID = sent.IncomingPeerings[0].UID
	peered := meta.FindStatusCondition(want.Status.Conditions, "Peered")
	peered.Status, peered.Reason, peered.Message = "True", "AllBound", "1 of 1 peerings bound."
	if diff := cmp.Diff(want, after, timeless()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	again := s.binding()
	obj, err = s.Binding.Create(s.ctx, "a", again, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := obj.(*networking.NetworkBinding).ResourceVersion; got != after.ResourceVersion {
		t.Errorf("the same binding again makes resourceVersion %s of %s", got, after.ResourceVersion)
	}
}

func TestARealizationSetsTheProviderIDAndTheStatusInOneWrite(t *testing.T) {
	s := newStage(t)
	before := s.get()
	realization := func(network *networking.Network, id string) *networking.NetworkRealization {
		return &networking.NetworkRealization{
			ObjectMeta: metav1.ObjectMeta{UID: network.UID, ResourceVersion: network.ResourceVersion},
			ProviderID: id,
			Status: networking.NetworkStatus{
				State: networking.NetworkStateError,
				Conditions: []metav1.Condition{{
					Type: "Example", Status: metav1.ConditionTrue, Reason: "Told", LastTransitionTime: metav1.Now(),
				}},
				Peerings: []networking.NetworkPeeringStatus{{
					Name: "b", State: networking.NetworkPeeringStateReady, Phase: bound, // The phase is not the provider's.
				}},
			},
		}
	}
	realize := func(realization *networking.NetworkRealization) error {
		_, err := s.Realization.Create(s.ctx, "a", realization, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
		return err
	}
	if err := realize(realization(before, "local://5")); err != nil {
		t.Fatal(err)
	}
	after := s.get()
	want := before.DeepCopy()
	want.ResourceVersion = after.ResourceVersion
	want.Spec.ProviderID = "local://5"
	want.Status.State = networking.NetworkStateError
	want.Status.Peerings[0].State = networking.NetworkPeeringStateReady
	ignored := cmpopts.IgnoreFields(networking.NetworkStatus{}, "Conditions")
	if diff := cmp.Diff(want, after, ignored); diff != "" || after.ResourceVersion == before.ResourceVersion {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var conditions []string
	for _, condition := range after.Status.Conditions {
		conditions = append(conditions, condition.Type+" "+condition.Reason)
	}
	if diff := cmp.Diff([]string{"Available Error", "Ready Error", "Peered PeeringsPending", "Example Told"}, conditions); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}

	if err := realize(realization(before, "local://5")); !apierrors.IsConflict(err) {
		t.Errorf("on an earlier version: got error %v, want a conflict", err)
	}
	if err := realize(realization(after, "local://6")); !apierrors.IsInvalid(err) ||
		!strings.Contains(err.Error(), `providerID: Invalid value: "local://6": field is immutable`) {
		t.Errorf("with another provider ID: got error %v", err)
	}
	if err := realize(realization(after, "")); err != nil {
		t.Errorf("without a provider ID: got error %v", err)
	}
	if diff := cmp.Diff(after, s.get()); diff != "" {
		t.Errorf("what is the same changed the Network (-before +after):\n%s", diff)
	}
}

func TestABindingThatIsRefusedChangesNothing(t *testing.T) {
	s := newStage(t)
	refused := errors.New("admission says no")
	isInvalid := func(cause metav1.StatusCause) func(error) bool {
		return func(err error) bool {
			var status *apierrors.StatusError
			return apierrors.IsInvalid(err) && errors.As(err, &status) &&
				cmp.Equal(status.Status().Details.Causes, []metav1.StatusCause{cause})
		}
	}
	for sentence, tc := range map[string]struct {
		name     string
		change   func(*networking.NetworkBinding)
		validate rest.ValidateObjectFunc
		want     func(error) bool
	}{
		"for another Network of the name": {
			change: func(b *networking.NetworkBinding) { b.UID = "c0000000-0000-4000-8000-00000000000c" },
			want:   apierrors.IsConflict,
		},
		"decided on an earlier version": {
			change: func(b *networking.NetworkBinding) { b.ResourceVersion = "1" },
			want:   apierrors.IsConflict,
		},
		"without a UID": {
			change: func(b *networking.NetworkBinding) { b.UID = "" },
			want: isInvalid(metav1.StatusCause{
				Type: metav1.CauseTypeFieldValueRequired, Field: "metadata.uid",
				Message: "Required value: must be the one of the Network decided on",
			}),
		},
		"with a claim that no peering accounts for": {
			change: func(b *networking.NetworkBinding) {
				b.Peerings[0].Phase, b.Peerings[0].Reason = pending, "PeerNotFound"
			},
			want: isInvalid(metav1.StatusCause{
				Type: metav1.CauseTypeFieldValueInvalid, Field: "incomingPeerings[0]",
				Message: `Invalid value: "team-a/b": must be a Network that a Bound peering of this Network names`,
			}),
		},
		"for a Network that does not exist": {
			name:   "missing",
			change: func(b *networking.NetworkBinding) { b.Name = "" },
			want:   apierrors.IsNotFound,
		},
		"that names another Network than the request": {
			change: func(b *networking.NetworkBinding) { b.Name = "b" },
			want: func(err error) bool {
				return apierrors.IsBadRequest(err) &&
					err.Error() == `metadata.name "b" of the binding does not match the name "a" of the request`
			},
		},
		"by admission": {
			change:   func(*networking.NetworkBinding) {},
			validate: func(context.Context, runtime.Object) error { return refused },
			want:     func(err error) bool { return errors.Is(err, refused) },
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			before := s.get()
			binding := s.binding()
			tc.change(binding)
			name := "a"
			if tc.name != "" {
				name = tc.name
			}
			if _, err := s.Binding.Create(s.ctx, name, binding, tc.validate, &metav1.CreateOptions{}); !tc.want(err) {
				t.Errorf("got error %v", err)
			}
			if diff := cmp.Diff(before, s.get()); diff != "" {
				t.Errorf("the Network was changed (-before +after):\n%s", diff)
			}
		})
	}

	t.Run("as it is something else", func(t *testing.T) {
		_, err := s.Binding.Create(s.ctx, "a", s.get(), nil, &metav1.CreateOptions{})
		want := "got a *networking.Network where a NetworkBinding was expected"
		if !apierrors.IsBadRequest(err) || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	})
}

func TestABindingOnTrialIsAnsweredAndNotStored(t *testing.T) {
	s := newStage(t)
	before := s.get()
	options := &metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	if _, err := s.Binding.Create(s.ctx, "a", s.binding(), nil, options); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, s.get()); diff != "" {
		t.Errorf("the Network was changed (-before +after):\n%s", diff)
	}
}

// Otherwise a provider and a controller that both restore their own could chase each other for ever.
func TestAStatusThatChangesNothingMakesNoNewVersion(t *testing.T) {
	s := newStage(t)
	if _, err := s.Binding.Create(s.ctx, "a", s.binding(), nil, &metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	before := s.get()
	s.updateStatus(func(n *networking.Network) {
		n.Status.Peerings = []networking.NetworkPeeringStatus{{Name: "b"}} // a whole list that doesn't know phases
	})
	if diff := cmp.Diff(before, s.get()); diff != "" {
		t.Errorf("the Network was changed (-before +after):\n%s", diff)
	}
}

func TestStatusIsNotCreated(t *testing.T) {
	s := newStage(t)
	network := s.get()
	network.Name = "missing"
	_, _, err := s.Status.Update(s.ctx, "missing", rest.DefaultUpdatedObjectInfo(network), rest.ValidateAllObjectFunc,
		rest.ValidateAllObjectUpdateFunc, true, &metav1.UpdateOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("got error %v, want not found", err)
	}
}

func TestSelection(t *testing.T) {
	network := inState(networking.NetworkStateAvailable)
	network.Spec.ProviderID = "local://5"
	network.Labels = map[string]string{"app": "web"}
	for sentence, tc := range map[string]struct {
		label, field string
		want         bool
	}{
		"everything":         {want: true},
		"by name":            {field: "metadata.name=a", want: true},
		"by namespace":       {field: "metadata.namespace=team-b"},
		"by provider ID":     {field: "spec.providerID=local://5", want: true},
		"by another one":     {field: "spec.providerID=local://6"},
		"by state":           {field: "status.state=Available", want: true},
		"by what it is not":  {field: "status.state!=Available"},
		"by label and state": {label: "app=web", field: "status.state=Available", want: true},
		"by another label":   {label: "app=db", field: "status.state=Available"},
	} {
		t.Run(sentence, func(t *testing.T) {
			label, err := labels.Parse(tc.label)
			if err != nil {
				t.Fatal(err)
			}
			field, err := fields.ParseSelector(tc.field)
			if err != nil {
				t.Fatal(err)
			}
			selection := definition.Fields.Predicate(label, field)
			got, err := selection.Matches(network)
			if err != nil || got != tc.want {
				t.Errorf("got %v and error %v, want %v", got, err, tc.want)
			}
		})
	}
}

func TestIndexesAreThoseOfTheSelectableFields(t *testing.T) {
	network := inState(networking.NetworkStateAvailable)
	network.UID, network.Spec.ProviderID = "uid-of-a", "local://5"
	got := map[string][]string{}
	for name, index := range *definition.Fields.Indexers() {
		values, err := index(network)
		if err != nil {
			t.Fatal(err)
		}
		got[name] = values
	}
	if diff := cmp.Diff(map[string][]string{
		storage.FieldIndex("metadata.uid"):    {"uid-of-a"},
		storage.FieldIndex("spec.providerID"): {"local://5"},
		storage.FieldIndex("status.state"):    {"Available"},
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"metadata.uid", "spec.providerID", "status.state"},
		definition.Fields.Predicate(labels.Everything(), fields.Everything()).IndexFields); diff != "" {
		t.Errorf("index fields (-want +got):\n%s", diff)
	}
}
