// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

var (
	remoteResource = schema.GroupVersion{Group: "core.apinet.ironcore.dev", Version: "v1alpha1"}.WithResource("networks")
	prefixResource = schema.GroupVersion{Group: "ipam.ironcore.dev", Version: "v1alpha1"}.WithResource("prefixes")
)

// The IDs that there are: 24 bits, small ones reserved.
const (
	firstID = 200
	lastID  = 1<<24 - 1
)

// allocator gives IDs to the Networks of ironcore-net as its API server does: on creation, in the same request; a
// chosen ID if it is free; and free again with the deletion. Its refusals are in that server's words.
type allocator struct {
	server *httptest.Server

	mu    sync.Mutex
	taken map[int]bool
	// full namespaces get no new IDs, in idle ones Networks are stored without, and in keep ones IDs stay taken.
	full, idle, keep map[string]bool
}

// startAllocator installs the API of ironcore-net in the shared control plane.
func startAllocator(ctx context.Context) (*allocator, error) {
	a := &allocator{taken: map[int]bool{}, full: map[string]bool{}, idle: map[string]bool{}, keep: map[string]bool{}}
	a.server = httptest.NewTLSServer(a)
	kube, err := kubernetes.NewForConfig(shared.Admin.Config)
	if err != nil {
		return a, err
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.server.Certificate().Raw})
	_, err = kube.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx,
		&admissionregistrationv1.MutatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: "ids"},
			Webhooks: []admissionregistrationv1.MutatingWebhook{{
				Name:                    "ids.core.apinet.ironcore.dev",
				ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: &a.server.URL, CABundle: ca},
				SideEffects:             ptr.To(admissionregistrationv1.SideEffectClassNoneOnDryRun),
				AdmissionReviewVersions: []string{"v1"},
				Rules: []admissionregistrationv1.RuleWithOperations{{
					Operations: []admissionregistrationv1.OperationType{
						admissionregistrationv1.Create, admissionregistrationv1.Delete,
					},
					Rule: admissionregistrationv1.Rule{
						APIGroups:   []string{remoteResource.Group},
						APIVersions: []string{remoteResource.Version},
						Resources:   []string{remoteResource.Resource},
					},
				}},
			}},
		}, metav1.CreateOptions{})
	if err != nil {
		return a, err
	}
	return a, shared.Install(ctx, "testdata/networks.yaml", remoteResource)
}

func (a *allocator) stop() { a.server.Close() }

// set turns a fault of a namespace on or off.
func (a *allocator) set(fault map[string]bool, namespace string, on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fault[namespace] = on
}

// take takes an ID for nobody in particular, and reports whether it was free.
func (a *allocator) take(id string) bool {
	number, err := strconv.Atoi(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil || a.taken[number] {
		return false
	}
	a.taken[number] = true
	return true
}

func (a *allocator) free(id string) {
	number, err := strconv.Atoi(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		delete(a.taken, number)
	}
}

// ServeHTTP answers the admission reviews of the API server.
func (a *allocator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	review := &admissionv1.AdmissionReview{}
	if err := json.NewDecoder(r.Body).Decode(review); err != nil || review.Request == nil {
		http.Error(w, "not an AdmissionReview", http.StatusBadRequest)
		return
	}
	review.Response = a.review(review.Request)
	review.Response.UID = review.Request.UID
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review)
}

func (a *allocator) review(request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	var object struct {
		Spec map[string]any `json:"spec"`
	}
	raw := request.Object.Raw
	if request.Operation == admissionv1.Delete {
		raw = request.OldObject.Raw
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return refuse(err.Error())
	}
	id, _ := object.Spec["id"].(string)
	a.mu.Lock()
	full, idle, keep := a.full[request.Namespace], a.idle[request.Namespace], a.keep[request.Namespace]
	a.mu.Unlock()
	if request.Operation == admissionv1.Delete {
		if !keep {
			a.free(id)
		}
		return &admissionv1.AdmissionResponse{Allowed: true}
	}
	switch {
	case id != "":
		if !a.take(id) {
			return refuse("provided ID is already allocated")
		}
		return &admissionv1.AdmissionResponse{Allowed: true}
	case full:
		return refuse("all IDs are allocated")
	case idle:
		return &admissionv1.AdmissionResponse{Allowed: true}
	}
	for id == "" || !a.take(id) {
		id = strconv.Itoa(firstID + rand.IntN(lastID-firstID))
	}
	patch := fmt.Sprintf(`[{"op":"add","path":"/spec/id","value":%q}]`, id)
	if object.Spec == nil {
		patch = fmt.Sprintf(`[{"op":"add","path":"/spec","value":{"id":%q}}]`, id)
	}
	return &admissionv1.AdmissionResponse{
		Allowed: true, Patch: []byte(patch), PatchType: ptr.To(admissionv1.PatchTypeJSONPatch),
	}
}

// refuse answers as a server does whose allocator failed.
func refuse(message string) *admissionv1.AdmissionResponse {
	return &admissionv1.AdmissionResponse{Result: &metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusInternalServerError,
		Reason: metav1.StatusReasonInternalError, Message: message,
	}}
}
