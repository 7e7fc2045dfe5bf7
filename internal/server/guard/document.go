// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Bounds on what a body may hold, before the costly steps that follow decoding. Validation holds each list to its own
// maximum.
const (
	maxItems        = 1000  // of a list
	maxDestinations = 10000 // of the destinations of a LoadBalancerRouting
	maxLabels       = 1000  // of metadata.labels
	maxKeys         = 10000 // of any other map
	// maxTotal is for the items of all lists and maps: more don't fit in an object that can be stored.
	maxTotal = 200000
)

func mostItems(list string) int {
	if list == "destinations" {
		return maxDestinations
	}
	return maxItems
}

func mostKeys(of string) int {
	if of == "labels" {
		return maxLabels
	}
	return maxKeys
}

// level is a list or a map that is being read.
type level struct {
	path   *field.Path
	isList bool
	most   int
	count  int
	isKey  bool // what comes next in a map is a key
	key    string
}

// checkSizes returns an error for the first list or map of a JSON document that is too large. A malformed document is for
// decoding to refuse.
func checkSizes(document []byte) field.ErrorList {
	if bytes.Count(document, []byte(",")) < min(maxItems, maxLabels) {
		return nil // Each item but the first follows a comma.
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var levels []level
	var total counter
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil // The end, or malformed.
		}
		if delim, ok := token.(json.Delim); ok && (delim == ']' || delim == '}') {
			levels = levels[:len(levels)-1]
			continue
		}
		path, name := field.NewPath("body"), ""
		if len(levels) > 0 {
			top := &levels[len(levels)-1]
			if !top.isList && top.isKey {
				top.key, top.isKey = token.(string), false
				continue
			}
			top.count++
			if err := total.count(top.path, top.count, top.most); err != nil {
				return field.ErrorList{err}
			}
			top.isKey = !top.isList
			name = top.key
			switch path = top.path; {
			case !top.isList && len(levels) == 1:
				path = field.NewPath(name)
			case !top.isList:
				path = path.Child(name)
			}
		}
		switch token {
		case json.Delim('['):
			levels = append(levels, level{path: path, isList: true, most: mostItems(name)})
		case json.Delim('{'):
			levels = append(levels, level{path: path, isKey: true, most: mostKeys(name)})
		}
	}
}

// emptyPrefixes returns an error for each list of prefixes of a peering that is given and empty. It means nothing that a
// peering can be: without the list, the peering exposes everything. A server-side apply and a strategic patch would take the
// list away before validation could see it.
func emptyPrefixes(document []byte) field.ErrorList {
	var network struct {
		Spec struct {
			Peerings []struct {
				Prefixes *[]json.RawMessage `json:"prefixes"`
				// Order is what kubectl apply sends of an empty list in a manifest.
				Order *[]json.RawMessage `json:"$setElementOrder/prefixes"`
			} `json:"peerings"`
		} `json:"spec"`
	}
	if utiljson.Unmarshal(document, &network) != nil {
		return nil // For decoding to refuse.
	}
	var errs field.ErrorList
	isEmpty := func(list *[]json.RawMessage) bool { return list != nil && len(*list) == 0 }
	for i, peering := range network.Spec.Peerings {
		if isEmpty(peering.Prefixes) || isEmpty(peering.Order) {
			errs = append(errs, field.Invalid(field.NewPath("spec", "peerings").Index(i).Child("prefixes"), "[]",
				"must not be empty: leave prefixes out to expose everything, or take the peering out to expose nothing"))
		}
	}
	return errs
}

// clearedFields returns the fields of spec that a patch names and leaves without a value.
func clearedFields(patch []byte, patchType types.PatchType) []string {
	var names []string
	switch patchType {
	case types.MergePatchType, types.StrategicMergePatchType:
		var object struct{ Spec map[string]json.RawMessage }
		if json.Unmarshal(patch, &object) != nil {
			return nil
		}
		for name, value := range object.Spec {
			if isEmpty(value) {
				names = append(names, name)
			}
		}
	case types.JSONPatchType:
		var operations []struct {
			Op, Path string
			Value    json.RawMessage
		}
		if json.Unmarshal(patch, &operations) != nil {
			return nil
		}
		for _, operation := range operations {
			name, inSpec := strings.CutPrefix(operation.Path, "/spec/")
			if inSpec && !strings.Contains(name, "/") && (operation.Op == "remove" || operation.Op != "test" && isEmpty(operation.Value)) {
				names = append(names, name)
			}
		}
	}
	return names
}

func isEmpty(value json.RawMessage) bool {
	return len(value) == 0 || string(value) == "null" || string(value) == `""`
}
