// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import "testing"

// A report that names a UID is for that object alone: one that was deleted is not taken for what has its name now.
func TestAWriteForAnObjectThatIsGoneIsRefused(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external", "--controllers=*,-virtual-ip")), "gone"
	const gone = "c0000000-0000-4000-8000-00000000000c"
	for _, kind := range writables {
		path := w.written(t, kind, namespace, "a")
		subresources := []string{"", "/status"}
		if kind.isFlat {
			subresources = []string{""}
		}
		for _, subresource := range subresources {
			stored := w.mustSend(t, "GET", path, jsonType, nil)
			status := object{"conditions": []any{object{"type": "Fine", "status": "True", "reason": "Fine", "message": "",
				"lastTransitionTime": "2026-11-30T21:00:00Z"}}}
			patch := object{"metadata": object{"uid": gone}, "status": status}
			whole := w.mustSend(t, "GET", path, jsonType, nil)
			whole["metadata"].(object)["uid"] = gone
			whole["status"] = status
			applied := kind.manifest(namespace, "a", kind.asked)
			if subresource != "" {
				delete(applied, "spec")
				applied["status"] = status
			}
			applied["metadata"].(object)["uid"] = gone
			if kind.isFlat {
				delete(patch, "status")
				delete(whole, "status")
			}
			for _, write := range []struct {
				method, query, contentType string
				body                       any
			}{
				{"PUT", "", jsonType, whole},
				{"PATCH", "", mergeType, patch},
				{"PATCH", "", smpType, patch},
				{"PATCH", "", jsonPatch, []any{object{"op": "replace", "path": "/metadata/uid", "value": gone}}},
				{"PATCH", "?fieldManager=provider&force=true", applyType, applied},
			} {
				answer := w.send(t, write.method, path+subresource+write.query, write.contentType, write.body)
				if answer.code != 409 && answer.code != 422 {
					t.Errorf("%s%s, %s as %s: answered %d: %.300s, want 409 or 422", kind.kind, subresource, write.method, write.contentType,
						answer.code, answer.body)
				}
			}
			if now := w.mustSend(t, "GET", path, jsonType, nil); asJSON(t, now) != asJSON(t, stored) {
				t.Errorf("%s%s: it changed from %s to %s", kind.kind, subresource, asJSON(t, stored), asJSON(t, now))
			}
			uid := stored["metadata"].(object)["uid"]
			w.mustSend(t, "PATCH", path+subresource, mergeType, object{"metadata": object{"uid": uid}})
		}
	}
}
