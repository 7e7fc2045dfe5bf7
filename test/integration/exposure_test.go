// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// narrowed is a peering that exposes one range, and open the same peering without it.
var (
	narrowed = object{"name": "p", "networkRef": object{"name": "peer"}, "prefixes": []any{
		object{"name": "front", "prefix": "10.0.0.0/24"}}}
	open = object{"name": "p", "networkRef": object{"name": "peer"}}
)

func isNarrow(t *testing.T, w writer, path string) bool {
	t.Helper()
	peerings, _, _ := unstructured.NestedSlice(w.mustSend(t, "GET", path, jsonType, nil), "spec", "peerings")
	return len(peerings) == 1 && peerings[0].(object)["prefixes"] != nil
}

// An empty list reads as "nothing" and would be everything: no verb takes it, and both ways out are named.
func TestAnEmptyListOfPrefixesIsRefusedByEveryVerb(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "empty"
	network := writables[0]
	empty := maps.Clone(open)
	empty["prefixes"] = []any{}
	refused := func(how string, answer answered) {
		if answer.code != 422 || !strings.Contains(string(answer.body), "leave prefixes out to expose everything, or take the peering out") {
			t.Errorf("by %s: answered %d: %s, want 422 with the ways out", how, answer.code, answer.body)
		}
	}
	refused("create", w.send(t, "POST", namespace+"/networks", jsonType, network.manifest(namespace, "new", object{"peerings": []any{empty}})))
	refused("server-side apply that creates", w.send(t, "PATCH", namespace+"/networks/new?fieldManager=gitops", applyType,
		network.manifest(namespace, "new", object{"peerings": []any{empty}})))
	path := namespace + "/networks/flow"
	w.mustSend(t, "PATCH", path+"?fieldManager=gitops", applyType, network.manifest(namespace, "flow", object{"peerings": []any{narrowed}}))
	flow := fmt.Appendf(nil, `{apiVersion: networking.ironcore.dev/v1alpha1, kind: Network, spec: {peerings: [
		{name: %s, networkRef: {name: peer}, prefixes: []}]}}`, narrowed["name"])
	for _, contentType := range []string{applyType, applyType + "; a=b; a=b"} {
		refused("server-side apply of YAML that begins like JSON", w.send(t, "PATCH", path+"?fieldManager=gitops", contentType, flow))
	}
	if !isNarrow(t, w, path) {
		t.Error("the peering is open")
	}
	for _, stored := range []object{narrowed, open} {
		for _, verb := range slices.Sorted(maps.Keys(verbs)) {
			for _, query := range []string{"?dryRun=All", "?"} {
				name := strings.ToLower(strings.ReplaceAll(verb, " ", "-"))
				path := namespace + "/networks/" + name
				w.send(t, "DELETE", path, jsonType, nil)
				manifest := network.manifest(namespace, name, object{"peerings": []any{stored}})
				if verb == "client-side apply" { // Else kubectl sees no difference, and sends none.
					verbs[verb](t, w, path, "", manifest)
				} else {
					w.mustSend(t, "PATCH", path+"?fieldManager=gitops", applyType, manifest)
				}
				before := isNarrow(t, w, path)
				refused(verb+query, verbs[verb](t, w, path, query, network.manifest(namespace, name, object{"peerings": []any{empty}})))
				if isNarrow(t, w, path) != before {
					t.Errorf("by %s%s: the peering changed", verb, query)
				}
			}
		}
	}
}

// Whoever leaves prefixes out opens the peering, and is told what that means.
func TestWhoeverLeavesPrefixesOutIsWarned(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "opened"
	network := writables[0]
	for _, verb := range slices.Sorted(maps.Keys(verbs)) {
		if verb == "strategic patch" {
			continue // It merges: what it leaves out stays.
		}
		for _, query := range []string{"?dryRun=All", "?"} {
			name := strings.ToLower(strings.ReplaceAll(verb, " ", "-"))
			path := namespace + "/networks/" + name
			w.send(t, "DELETE", path, jsonType, nil)
			if verb == "client-side apply" {
				verbs[verb](t, w, path, "", network.manifest(namespace, name, object{"peerings": []any{narrowed}}))
			} else {
				w.mustSend(t, "PATCH", path+"?fieldManager=gitops", applyType,
					network.manifest(namespace, name, object{"peerings": []any{narrowed}}))
			}
			answer := verbs[verb](t, w, path, query, network.manifest(namespace, name, object{"peerings": []any{open}}))
			if answer.code != 200 || !strings.Contains(strings.Join(answer.warnings, " "), "may reach everything in this Network") {
				t.Errorf("by %s%s: answered %d with warnings %q: %s", verb, query, answer.code, answer.warnings, answer.body)
			}
			if isNarrow(t, w, path) != (query == "?dryRun=All") {
				t.Errorf("by %s%s: the peering is not as it should be", verb, query)
			}
		}
	}
}

// A server-side applier that gives up its own items opens nothing that others ask for as well.
func TestGivingUpTheLastPrefixesOpensNothing(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "given-up"
	network := writables[0]
	item := object{"name": "p", "prefixes": narrowed["prefixes"]}
	for name, tc := range map[string]struct{ first, second, then object }{
		"its-item":           {open, item, object{"peerings": []any{object{"name": "p"}}}},
		"its-share":          {open, item, object{}},
		"the-whole-manifest": {open, narrowed, object{"peerings": []any{open}}},
		"the-peering":        {open, narrowed, object{"peerings": []any{}}},
	} {
		t.Run(name, func(t *testing.T) {
			path := namespace + "/networks/" + name
			apply := func(manager, query string, spec object) answered {
				return w.send(t, "PATCH", path+"?fieldManager="+manager+query, applyType, network.manifest(namespace, name, spec))
			}
			for _, by := range []struct {
				manager string
				peering object
			}{{"owner", tc.first}, {"guard", tc.second}} {
				if answer := apply(by.manager, "", object{"peerings": []any{by.peering}}); answer.code >= 300 {
					t.Fatalf("answered %d: %s", answer.code, answer.body)
				}
			}
			for _, query := range []string{"&dryRun=All", "", "&force=true"} {
				answer := apply("guard", query, tc.then)
				if answer.code != 422 || !strings.Contains(string(answer.body), "to expose everything, or take the peering out to expose nothing") {
					t.Errorf("answered %d: %s, want 422 with the ways out", answer.code, answer.body)
				}
			}
			if !isNarrow(t, w, path) {
				t.Error("the peering exposes everything")
			}
			// The way out that the message names.
			w.mustSend(t, "PATCH", path, jsonPatch, []any{object{"op": "remove", "path": "/spec/peerings/0/prefixes"}})
			if answer := apply("guard", "", tc.then); answer.code != 200 {
				t.Errorf("after the peering was opened on purpose: answered %d: %s", answer.code, answer.body)
			}
		})
	}
}
