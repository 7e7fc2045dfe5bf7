// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"testing"

	"github.com/anishathalye/porcupine"
)

// TestTheCheckerSeesWhatIsWrong shows that the model can refuse a history, and what it allows.
func TestTheCheckerSeesWhatIsWrong(t *testing.T) {
	made := operation{key: "k", verb: create, value: "a", outcome: done, call: 1, end: 2}
	for name, test := range map[string]struct {
		then []operation
		want bool
	}{
		"a write is read":                               {[]operation{{verb: read, value: "a", outcome: done, call: 3, end: 4}}, true},
		"an acknowledged create is lost":                {[]operation{{verb: read, outcome: missing, call: 3, end: 4}}, false},
		"a deleted object may stay":                     {[]operation{{verb: remove, outcome: done, call: 3, end: 4}, {verb: read, value: "a", outcome: done, call: 5, end: 6}}, true},
		"a deleted object does not return":              {[]operation{{verb: remove, outcome: done, call: 3, end: 4}, {verb: read, outcome: missing, call: 5, end: 6}, {verb: read, value: "a", outcome: done, call: 7, end: 8}}, false},
		"an acknowledged patch is lost":                 {[]operation{{verb: set, value: "b", outcome: done, call: 3, end: 4}, {verb: read, value: "a", outcome: done, call: 5, end: 6}}, false},
		"a patch of unknown outcome may come late":      {[]operation{{verb: set, value: "b", outcome: unknown, call: 3, end: 4}, {verb: read, value: "a", outcome: done, call: 5, end: 6}, {verb: read, value: "b", outcome: done, call: 7, end: 8}}, true},
		"a patch of unknown outcome is not undone":      {[]operation{{verb: set, value: "b", outcome: unknown, call: 3, end: 4}, {verb: read, value: "b", outcome: done, call: 5, end: 6}, {verb: read, value: "a", outcome: done, call: 7, end: 8}}, false},
		"a refused create may be seen until its answer": {[]operation{{verb: remove, outcome: done, call: 3, end: 4}, {verb: create, value: "b", outcome: takenBack, call: 5, end: 9}, {verb: read, value: "b", outcome: done, call: 6, end: 7}, {verb: read, outcome: missing, call: 10, end: 11}}, true},
		"a refused create does not stay":                {[]operation{{verb: remove, outcome: done, call: 3, end: 4}, {verb: create, value: "b", outcome: takenBack, call: 5, end: 6}, {verb: read, value: "b", outcome: done, call: 7, end: 8}}, false},
		"a refused create replaces nothing":             {[]operation{{verb: create, value: "b", outcome: takenBack, call: 5, end: 9}, {verb: read, value: "b", outcome: done, call: 6, end: 7}}, false},
		"an update of an old version is done":           {[]operation{{verb: set, value: "b", outcome: done, call: 3, end: 4}, {verb: swap, before: "a", value: "c", outcome: done, call: 5, end: 6}, {verb: read, value: "c", outcome: done, call: 7, end: 8}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			all := []operation{made}
			for _, o := range test.then {
				o.key = "k"
				all = append(all, o)
			}
			if got := porcupine.CheckOperations(model, histories(all, nil)["k"]); got != test.want {
				t.Errorf("linearizable: %t, want %t", got, test.want)
			}
		})
	}
}
