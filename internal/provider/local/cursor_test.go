// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import "testing"

func TestAProviderIDThatIsTakenOverDoesNotMoveTheSearch(t *testing.T) {
	next := leaders(t, VNIRange{1, 9})
	first := next()
	realize(t, first, network("a"), available("local://1"))
	realize(t, first, network("b"), available("local://2"))
	realize(t, first, network("c"), available("local://3"))
	release(t, first, network("a"))
	release(t, first, network("b"))
	realize(t, first, withID("local://1", network("restored")), available("local://1"))

	// 2 was freed last: it comes after 4 to 9, whoever leads.
	realize(t, next(), network("d"), available("local://4"))
}
