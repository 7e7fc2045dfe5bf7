// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"testing"

	"ironcore.dev/networking/test/ovn/lab"
)

// TestTheDatabaseIsRestored ends the north-bound database and starts it again without some rows, or without any. Packets pass again
// soon, and the addresses stay with those who have them.
func TestTheDatabaseIsRestored(t *testing.T) {
	w := newWorld(t)
	empty := w.copyNB()
	w.network("a/one", to("b/two"))
	one := w.guest("a/one", "one", "10.0.0.1")
	backup := w.copyNB()
	w.network("b/two", to("a/one"))
	two := w.guest("b/two", "two", "10.1.0.1")
	w.guest("a/one", "neighbour", "10.0.0.2")
	w.ready("a/one", "b/two")
	w.reaches(one, "10.1.0.1")
	for name, copied := range map[string][]byte{"a backup": backup, "an empty database": empty} {
		w.Kill(lab.NB)
		if err := w.RestoreNB(copied); err != nil {
			t.Fatal(err)
		}
		w.reaches(one, "10.0.0.2")
		w.reaches(one, "10.1.0.1")
		w.reaches(two, "10.0.0.1")
		w.ready("a/one", "b/two")
		w.network("c/new", to("b/two")) // What comes after it is counted from there.
		w.network("b/two", to("a/one"), to("c/new"))
		w.ready("b/two", "c/new")
		w.network("b/two", to("a/one"))
		w.network("c/new")
		t.Logf("%s: packets pass again", name)
	}
}

// copyNB copies the north-bound database as it is.
func (w *world) copyNB() []byte {
	w.t.Helper()
	copied, err := w.CopyNB()
	if err != nil {
		w.t.Fatal(err)
	}
	return copied
}
