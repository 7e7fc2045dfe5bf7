// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ratchet drops the faults that the stored object has already, so that an update is refused for what it changes alone: an
// object that was stored under other rules can be edited elsewhere, lose its finalizers and be deleted. A fault is the same
// wherever in its list it stands, and a list that is too long may get shorter.
func ratchet(errs field.ErrorList, stored func() field.ErrorList) field.ErrorList {
	if len(errs) == 0 {
		return nil
	}
	known := map[fault]int{}
	for _, err := range stored() {
		known[faultOf(err)]++
		if n, ok := lengthOf(err); ok {
			known[faultOf(err)] = n
		}
	}
	var added field.ErrorList
	for _, err := range errs {
		fault := faultOf(err)
		n, isLength := lengthOf(err)
		switch {
		case isLength && n <= known[fault]:
		case !isLength && known[fault] > 0:
			known[fault]--
		default:
			added = append(added, err)
		}
	}
	return added
}

// fault is an error without its place in lists.
type fault struct {
	kind                field.ErrorType
	path, value, detail string
}

var index = regexp.MustCompile(`\[\d+\]`)

func faultOf(err *field.Error) fault {
	path := index.ReplaceAllString(err.Field, "[]")
	if _, ok := lengthOf(err); ok {
		return fault{kind: err.Type, path: path}
	}
	return fault{kind: err.Type, path: path, value: fmt.Sprint(err.BadValue), detail: err.Detail}
}

// lengthOf tells how long a list is that is too long.
func lengthOf(err *field.Error) (int, bool) {
	n, ok := err.BadValue.(int)
	return n, ok && err.Type == field.ErrorTypeTooMany
}

// maxErrors is how many errors one answer lists. A small request can cause a hundred thousand, and what apimachinery
// does to make one message of them is quadratic: it would keep the server busy for minutes.
const maxErrors = 1000

// shorten drops the errors over the maximum, and says so in the last one that stays.
func shorten(errs field.ErrorList) field.ErrorList {
	if len(errs) <= maxErrors {
		return errs
	}
	last := errs[maxErrors-1]
	last.Detail = strings.TrimSpace(fmt.Sprintf("%s (%d more errors are not listed)", last.Detail, len(errs)-maxErrors))
	return errs[:maxErrors]
}
