// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
)

// The largest object that is accepted takes all that is written into it later, in each encoding that is stored.
func TestTheLargestObjectTakesAllThatComesLater(t *testing.T) {
	for encoding, mediaType := range map[string]string{"protobuf": runtime.ContentTypeProtobuf, "json": runtime.ContentTypeJSON} {
		t.Run(encoding, func(t *testing.T) {
			w := newWriter(t, ownServer(t, "--network-provider=external", "--controllers=", "--storage-media-type="+mediaType))
			const prefixesEach = 64 // The most: so the managed fields of a report are as large as can be.
			network := func(peerings int) object {
				var list []any
				for i := range peerings {
					var prefixes []any
					for j := range prefixesEach {
						prefixes = append(prefixes, object{"name": fmt.Sprint("f", j), "prefix": fmt.Sprintf("10.%d.%d.0/24", j, i%250)})
					}
					list = append(list, object{"name": fmt.Sprint("p", i), "networkRef": object{"name": fmt.Sprint("n", i)}, "prefixes": prefixes})
				}
				return writables[0].manifest(encoding, "a", object{"peerings": list})
			}
			routing := func(destinations int) object {
				var list []any
				for i := range destinations {
					list = append(list, object{"ip": fmt.Sprintf("10.%d.%d.1", i/256, i%256), "targetRef": object{
						"name": strings.Repeat("n", 80), "uid": fmt.Sprintf("a0000000-0000-4000-8000-%012d", i), "providerID": ""}})
				}
				return writables[3].manifest(encoding, "a", object{"networkRef": object{"name": "net"}, "destinations": list})
			}
			// largest creates the largest object that is accepted, which has from least to most items.
			largest := func(plural string, least, most int, manifest func(int) object) object {
				count := least + sort.Search(most-least, func(i int) bool {
					return w.send(t, "POST", encoding+"/"+plural+"?dryRun=All", jsonType, manifest(least+i+1)).code != 201
				})
				return w.mustSend(t, "POST", encoding+"/"+plural, jsonType, manifest(count))
			}

			stored := largest("networks", 60, 100, network)
			path := encoding + "/networks/a"
			later := func(method, path, contentType string, body object) {
				if answer := w.send(t, method, path, contentType, body); answer.code >= 300 {
					t.Errorf("%s %s: %d: %.300s", method, path, answer.code, answer.body)
				}
			}
			later("PATCH", path, mergeType, object{"metadata": object{"finalizers": []any{"example.com/agent"}},
				"spec": object{"providerID": "x://" + strings.Repeat("i", 500)}})
			var reports, decisions, claims []any
			for i, item := range stored["spec"].(object)["peerings"].([]any) {
				peering := item.(object)
				var prefixes []any
				for _, prefix := range peering["prefixes"].([]any) {
					prefixes = append(prefixes, object{"name": prefix.(object)["name"], "prefix": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"})
				}
				reports = append(reports, object{"name": peering["name"], "state": "Pending", "prefixes": prefixes})
				decisions = append(decisions, object{"name": peering["name"], "phase": "Bound", "reason": "PeeringNotAccepted",
					"message": strings.Repeat("m", 1024)})
				claims = append(claims, object{"namespace": encoding, "name": peering["networkRef"].(object)["name"],
					"uid": fmt.Sprintf("a0000000-0000-4000-8000-%012d", i)})
			}
			report := object{"status": object{"state": "Available", "peerings": reports}}
			later("PATCH", path+"/status", mergeType, report)
			metadata := w.mustSend(t, "GET", path, jsonType, nil)["metadata"].(object)
			later("POST", path+"/binding", jsonType, object{
				"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "NetworkBinding",
				"metadata": object{"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
				"peerings": decisions, "incomingPeerings": claims})
			later("PATCH", path+"/status", mergeType, report)
			// Others report too: by patches and by server-side apply, each under a name of its own.
			applied := writables[0].manifest(encoding, "a", nil)
			delete(applied, "spec")
			applied["status"] = report["status"]
			later("PATCH", path+"/status?force=true&fieldManager=applier", applyType, applied)
			for _, item := range reports {
				item.(object)["state"] = "Ready"
			}
			later("PATCH", path+"/status?fieldManager=another", mergeType, report)
			later("PATCH", path+"/status?force=true&fieldManager=another-applier", applyType, applied)
			later("PATCH", path, mergeType, object{"metadata": object{"finalizers": []any{"example.com/agent", "example.com/another"}}})
			later("DELETE", path, jsonType, nil)
			later("PATCH", path, mergeType, object{"metadata": object{"finalizers": nil}})
			if answer := w.send(t, "GET", path, jsonType, nil); answer.code != 404 {
				t.Errorf("the Network does not go: %d: %.300s", answer.code, answer.body)
			}

			if encoding != "json" {
				return // There, it may have all destinations.
			}
			largest("loadbalancerroutings", 6500, 7500, routing)
			later("PATCH", encoding+"/loadbalancerroutings/a", mergeType, object{"metadata": object{"finalizers": []any{"example.com/agent"}}})
			later("DELETE", encoding+"/loadbalancerroutings/a", jsonType, nil)
		})
	}
}

// Managed fields that a user makes up keep no controller from writing its decision.
func TestForgedReportsKeepNoDecisionAway(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external", "--controllers=")), "forged"
	network := func(peerings int) object {
		var list []any
		for i := range peerings {
			var prefixes []any
			for j := range 64 {
				prefixes = append(prefixes, object{"name": fmt.Sprint("f", j), "prefix": fmt.Sprintf("10.%d.%d.0/24", j, i)})
			}
			list = append(list, object{"name": fmt.Sprint("p", i), "networkRef": object{"name": fmt.Sprint("n", i)}, "prefixes": prefixes})
		}
		return writables[0].manifest(namespace, "a", object{"peerings": list})
	}
	forged := func(bytes int) object {
		manifest := network(0)
		manifest["metadata"].(object)["managedFields"] = []any{object{"manager": "forger", "operation": "Update", "subresource": "status",
			"apiVersion": "networking.ironcore.dev/v1alpha1", "fieldsType": "FieldsV1", "time": "2026-11-30T21:00:00Z",
			"fieldsV1": object{"f:metadata": object{"f:" + strings.Repeat("x", bytes): object{}}}}}
		return manifest
	}
	collection, path := namespace+"/networks", namespace+"/networks/a"
	if answer := w.send(t, "POST", collection, jsonType, forged(1_450_000)); answer.code != 422 {
		t.Errorf("forged managed fields of the largest size: answered %d: %.300s, want 422", answer.code, answer.body)
	}
	w.mustSend(t, "POST", collection, jsonType, forged(870_000))
	largest := sort.Search(200, func(i int) bool {
		return w.send(t, "PUT", path+"?dryRun=All", jsonType, network(i+1)).code != 200
	})
	stored := w.mustSend(t, "PUT", path, jsonType, network(largest))
	var reports []any
	for _, item := range stored["spec"].(object)["peerings"].([]any) {
		var prefixes []any
		for _, prefix := range item.(object)["prefixes"].([]any) {
			prefixes = append(prefixes, object{"name": prefix.(object)["name"], "prefix": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"})
		}
		reports = append(reports, object{"name": item.(object)["name"], "state": "Ready", "prefixes": prefixes})
	}
	metadata := stored["metadata"].(object)
	w.mustSend(t, "POST", path+"/realization", jsonType, object{
		"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "NetworkRealization",
		"metadata":   object{"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
		"providerID": "x://" + strings.Repeat("i", 500), "status": object{"state": "Available", "peerings": reports}})
}
