// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcdmember

import (
	"fmt"
	"slices"
)

// member is a member of etcd, as the cluster knows it.
type member struct {
	name string
	// peerURL is where the others reach it.
	peerURL string
	// started tells that it has served clients at least once.
	started bool
}

// The values of etcd's initial-cluster-state.
const (
	stateNew      = "new"
	stateExisting = "existing"
)

// decide returns the initial-cluster-state of the member at peerURL, or why it may not start yet. hasData tells that its data is there.
// known are the members that another member knows, nil if none answers.
func decide(name, peerURL string, hasData bool, known []member) (state, why string) {
	if hasData || known == nil {
		// If there is data, etcd ignores the state. If nobody answers, the cluster is new.
		return stateNew, ""
	}
	i := slices.IndexFunc(known, func(m member) bool { return m.peerURL == peerURL })
	switch {
	case i < 0:
		return "", fmt.Sprintf("%s has no data and the cluster does not know it: run "+
			"\"etcdctl member add %s --peer-urls=%s\" in another member", name, name, peerURL)
	case known[i].name == "":
		return stateExisting, "" // It was added and has not started yet.
	case !known[i].started:
		return stateNew, "" // The cluster is new, and the others were faster.
	default:
		return "", fmt.Sprintf("%s has lost its data: run \"etcdctl member remove\" "+
			"with its ID, and then \"etcdctl member add %s --peer-urls=%s\", in another member", name, name, peerURL)
	}
}
