// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package membership puts into words which NetworkInterfaces the deletion of a Network waits for. The server says it when
// the deletion begins, the membership controller from then on, and both in the same words.
package membership

import (
	"fmt"
	"slices"
	"strings"
)

// maxNames is how many NetworkInterfaces are named; the others are counted.
const maxNames = 5

// FirstNames returns the first few of the names in alphabetical order.
func FirstNames(members []string) []string {
	sorted := slices.Sorted(slices.Values(members))
	return sorted[:min(len(sorted), maxNames)]
}

// Message says that a deletion waits for so many NetworkInterfaces, the first of which have the given names.
func Message(count int32, names []string) string {
	subject := "NetworkInterfaces that are"
	if count == 1 {
		subject = "NetworkInterface that is"
	}
	listed := strings.Join(names, ", ")
	if more := int(count) - len(names); more > 0 {
		listed += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("The deletion waits for %d %s still in this Network: %s.", count, subject, listed)
}
