// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestAPanicIsTheServersFaultUnlessTheLibraryPanicsAtThePatch(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	metav1.AddToGroupVersion(scheme, metav1.Unversioned)
	guarded := Writes(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a secret") }), scheme, serializer.NewCodecFactory(scheme))
	for sentence, tc := range map[string]struct {
		verb, contentType string
		code              int
	}{
		"a create":                           {"create", "application/json", 500},
		"a merge patch":                      {"patch", "application/merge-patch+json", 500},
		"a JSON patch":                       {"patch", "application/json-patch+json", 500},
		"a server-side apply":                {"patch", "application/apply-patch+yaml", 500},
		"a strategic patch":                  {"patch", "application/strategic-merge-patch+json", 400},
		"a strategic patch with a parameter": {"patch", "application/strategic-merge-patch+json; charset=utf-8", 400},
	} {
		request := httptest.NewRequest(http.MethodPatch, "/", strings.NewReader("{}"))
		request.Header.Set("Content-Type", tc.contentType)
		request = request.WithContext(apirequest.WithRequestInfo(request.Context(), &apirequest.RequestInfo{
			IsResourceRequest: true, APIGroup: v1alpha1.GroupName, Resource: "networks", Verb: tc.verb}))
		answer := httptest.NewRecorder()
		guarded.ServeHTTP(answer, request)
		if answer.Code != tc.code || strings.Contains(answer.Body.String(), "secret") || strings.Contains(answer.Body.String(), "goroutine") {
			t.Errorf("%s: answered %d: %s, want %d and no word of the cause", sentence, answer.Code, answer.Body, tc.code)
		}
	}
}
