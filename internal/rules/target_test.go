// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestCompareAge(t *testing.T) {
	created := func(second int64, name, uid string) metav1.Object {
		return &metav1.ObjectMeta{CreationTimestamp: metav1.Unix(second, 0), Name: name, UID: types.UID(uid)}
	}
	for sentence, tc := range map[string]struct{ first, second metav1.Object }{
		"the older comes first":                        {created(1, "b", "2"), created(2, "a", "1")},
		"between two of one second their names decide": {created(1, "a", "2"), created(1, "b", "1")},
		"between two of one name their UIDs decide":    {created(1, "a", "1"), created(1, "a", "2")},
	} {
		t.Run(sentence, func(t *testing.T) {
			if CompareAge(tc.first, tc.second) >= 0 || CompareAge(tc.second, tc.first) <= 0 {
				t.Error("it is the other way round")
			}
		})
	}
	local := &metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(time.Unix(1, 0).In(time.FixedZone("there", 3600))), Name: "a"}
	if CompareAge(local, created(1, "a", "")) != 0 {
		t.Error("the zone of a time makes a difference")
	}
}
