// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestWhatCouldNotBeReadIsNotStored(t *testing.T) {
	endless := metav1.Time{Time: time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600))}
	template := func(metadata metav1.ObjectMeta) *v1alpha1.EphemeralPrefixSource {
		return &v1alpha1.EphemeralPrefixSource{PrefixTemplate: &v1alpha1.PrefixTemplateSpec{ObjectMeta: metadata}}
	}
	named := metav1.ObjectMeta{Namespace: "team-a", Name: "a"}
	for sentence, tc := range map[string]struct {
		object runtime.Object
		want   string // the field
	}{
		"an ordinary object is stored": {storedNetwork(), ""},
		"a time of the managed fields": {storedNetwork(func(n *v1alpha1.Network) { n.ManagedFields[0].Time = &endless }),
			"metadata.managedFields[0].time"},
		"managed fields that are not JSON": {storedNetwork(func(n *v1alpha1.Network) {
			n.ManagedFields[0].FieldsV1 = metav1.NewFieldsV1(`{"f:spec`)
		}), "metadata.managedFields[0].fieldsV1"},
		"a time in the template of an address": {&v1alpha1.LoadBalancer{ObjectMeta: named, Spec: v1alpha1.LoadBalancerSpec{
			IPs: []v1alpha1.IPSource{{Value: "10.0.0.1"}, {Ephemeral: template(metav1.ObjectMeta{CreationTimestamp: endless})}}}},
			"spec.ips[1].ephemeral.prefixTemplate.metadata.creationTimestamp"},
		"managed fields in the template of a range": {&v1alpha1.NetworkInterface{ObjectMeta: named, Spec: v1alpha1.NetworkInterfaceSpec{
			Prefixes: []v1alpha1.PrefixSource{{Ephemeral: template(metav1.ObjectMeta{
				ManagedFields: []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1("{")}}})}}}},
			"spec.prefixes[0].ephemeral.prefixTemplate.metadata.managedFields[0].fieldsV1"},
	} {
		for _, mediaType := range []string{runtime.ContentTypeProtobuf, runtime.ContentTypeJSON} {
			codec := checkingCodec{storageCodec(mediaType), &checkedFields{}, &stringPool{}}
			_, err := runtime.Encode(codec, tc.object)
			got := ""
			var refusal apierrors.APIStatus
			if errors.As(err, &refusal) && apierrors.IsInvalid(err) {
				got = refusal.Status().Details.Causes[0].Field
			}
			if got != tc.want || (err == nil) != (tc.want == "") {
				t.Errorf("%s, as %s: got %v, want a refusal of %q", sentence, mediaType, err, tc.want)
			}
		}
	}
}
