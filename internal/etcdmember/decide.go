// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcdmember

import (
	"fmt"
	"slices"
)

// member is what the cluster knows of one of its members.
type member struct {
	name string
	// peerURL is where the others reach it.
	peerURL string
	// started tells that it has served clients before.
	started bool
}

// The values of etcd's initial-cluster-state.
const (
	stateNew      = "new"
	stateExisting = "existing"
)

// decide tells how a member starts whose peers listen at peerURL: the state to start with, or, with none, why it stays
// out. hasData says that its data is there; known is what a member that answers knows, nil if none does.
func decide(name, peerURL string, hasData bool, known []member) (state, why string) {
	if hasData || known == nil {
		// etcd goes by its data where there is some. A cluster of which nobody answers is being made.
		return stateNew, ""
	}
	i := slices.IndexFunc(known, func(m member) bool { return m.peerURL == peerURL })
	switch {
	case i < 0:
		return "", fmt.Sprintf("%s has no data and the cluster does not know it: run "+
			"\"etcdctl member add %s --peer-urls=%s\" in another member", name, name, peerURL)
	case known[i].name == "":
		return stateExisting, "" // It was added, and nobody has come yet.
	case !known[i].started:
		return stateNew, "" // The cluster is being made, and the others were faster.
	default:
		return "", fmt.Sprintf("%s has lost its data, which the cluster still counts on: run \"etcdctl member remove\" "+
			"with its ID, and then \"etcdctl member add %s --peer-urls=%s\", in another member", name, name, peerURL)
	}
}
