// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"
)

// tenThousand is a time that is valid where it is written, and in the year 10000 where it is read.
const tenThousand = "9999-12-31T23:59:59-01:00"

// What no client could read is refused by every verb, in a dry run too, so that nobody's lists end at the object of another.
func TestATimeThatNobodyCouldReadIsRefused(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external", "--controllers=*,-virtual-ip")), "times"
	refused := func(method, path, contentType string, body any, where string) {
		t.Helper()
		for _, query := range []string{"?dryRun=All&fieldManager=a&force=true", "?fieldManager=a&force=true"} {
			if contentType != applyType {
				query = strings.TrimSuffix(query, "&force=true")
			}
			answer := w.send(t, method, path+query, contentType, body)
			if answer.code != 422 || !strings.Contains(string(answer.body), where) {
				t.Errorf("%s %s%s as %s: answered %d: %.500s, want a refusal of %s", method, path, query, contentType, answer.code, answer.body, where)
			}
		}
	}
	listed := func(plural string) {
		t.Helper()
		if output, err := w.runKubectl(t, "", "get", plural, "--all-namespaces"); err != nil {
			t.Errorf("a list of all: %s", output)
		}
	}
	forged := []any{object{"manager": "forger", "operation": "Update", "apiVersion": "networking.ironcore.dev/v1alpha1",
		"fieldsType": "FieldsV1", "fieldsV1": object{"f:metadata": object{"f:labels": object{"f:none": object{}}}}, "time": tenThousand}}
	for _, kind := range writables {
		path := w.written(t, kind, namespace, "a")
		manifest := kind.manifest(namespace, "b", kind.asked)
		manifest["metadata"].(object)["managedFields"] = forged
		where := "metadata.managedFields["
		refused("POST", namespace+"/"+kind.plural, jsonType, manifest, where)
		manifest["metadata"].(object)["name"] = "a"
		refused("PUT", path, jsonType, manifest, where)
		metadata := object{"metadata": object{"managedFields": forged}}
		refused("PATCH", path, mergeType, metadata, where)
		refused("PATCH", path, smpType, metadata, where)
		refused("PATCH", path, jsonPatch, []any{object{"op": "add", "path": "/metadata/managedFields/0", "value": forged[0]}}, where)
		if !kind.isFlat {
			refused("PATCH", path+"/status", mergeType, object{"status": object{"conditions": []any{object{"type": "Odd", "status": "True",
				"reason": "Odd", "message": "", "lastTransitionTime": tenThousand}}}}, "status.conditions[")
		}
		listed(kind.plural)
	}
	for _, kind := range []writable{writables[1], writables[2]} { // NetworkInterfaces and LoadBalancers have templates.
		collection := namespace + "/" + kind.plural
		asked := object{"type": "Internal", "networkRef": object{"name": "net"}, "ipFamilies": []any{"IPv4"},
			"ips": []any{object{"ephemeral": object{"prefixTemplate": object{
				"metadata": object{"creationTimestamp": tenThousand}, "spec": object{"ipFamily": "IPv4"}}}}}}
		if kind.kind == "NetworkInterface" {
			delete(asked, "type")
		}
		const where = "spec.ips[0].ephemeral.prefixTemplate.metadata.creationTimestamp"
		refused("POST", collection, jsonType, kind.manifest(namespace, "b", asked), where)
		refused("PATCH", collection+"/b", applyType, kind.manifest(namespace, "b", asked), where)
		refused("PUT", collection+"/a", jsonType, kind.manifest(namespace, "a", asked), where)
		for _, patch := range []string{mergeType, smpType} {
			refused("PATCH", collection+"/a", patch, object{"spec": object{"ips": asked["ips"]}}, where)
		}
		refused("PATCH", collection+"/a", applyType, kind.manifest(namespace, "a", asked), where)
		refused("PATCH", collection+"/a", jsonPatch, []any{object{"op": "replace", "path": "/spec/ips", "value": asked["ips"]}}, where)
		listed(kind.plural)
	}
}
