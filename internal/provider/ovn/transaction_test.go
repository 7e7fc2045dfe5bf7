// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"errors"
	"testing"

	"github.com/ovn-kubernetes/libovsdb/ovsdb"
)

func TestWhoIsToBlameForAFailedTransaction(t *testing.T) {
	fine, failed := ovsdb.OperationResult{}, func(err string) ovsdb.OperationResult { return ovsdb.OperationResult{Error: err} }
	// Three operations of the first change, two of the second, and one of nobody.
	origins := []int{0, 0, 0, 1, 1}
	operations := make([]ovsdb.Operation, len(origins)+1)
	for sentence, tc := range map[string]struct {
		results  []ovsdb.OperationResult
		culprit  int
		failed   bool
		conflict bool
	}{
		"nobody": {results: []ovsdb.OperationResult{fine, fine, fine, fine, fine, fine}},
		"who lost a race": {
			results: []ovsdb.OperationResult{fine, fine, fine, failed("timed out"), fine, fine},
			culprit: 1, failed: true, conflict: true,
		},
		"who wrote what does not fit": {
			results: []ovsdb.OperationResult{fine, failed("constraint violation"), fine, fine, fine, fine},
			culprit: 0, failed: true,
		},
		"nobody can tell who, where all together does not fit": {
			results: []ovsdb.OperationResult{fine, fine, fine, fine, fine, fine, failed("constraint violation")},
			culprit: someone, failed: true,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			culprit, err := fault(tc.results, operations, origins)
			if culprit != tc.culprit || (err != nil) != tc.failed || errors.Is(err, errConflict) != tc.conflict {
				t.Errorf("got %d (%v)", culprit, err)
			}
		})
	}
}
