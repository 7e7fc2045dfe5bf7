// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package provider

import "ironcore.dev/networking/apis/networking/v1alpha1"

// Trouble is an error with a state, a reason and a message for the owner of an object. They stay the same while the cause does. It does
// not wrap the cause, which may be an answer of another API server and would be taken for one of this server.
type Trouble struct {
	State           v1alpha1.NetworkState
	Reason, Message string
	Cause           error
}

// NewTrouble returns a Trouble. The state is empty for an object without one, the cause nil if the message says everything.
func NewTrouble(state v1alpha1.NetworkState, reason, message string, cause error) *Trouble {
	return &Trouble{State: state, Reason: reason, Message: message, Cause: cause}
}

func (t *Trouble) Error() string { return t.Message }

// Realization reports the trouble of a Network about which nothing else is known. An available Network stays available.
func (t *Trouble) Realization(network *v1alpha1.Network) Realization {
	if network.Status.State == v1alpha1.NetworkStateAvailable {
		return Realization{Reason: t.Reason}
	}
	return Realization{State: t.State, Reason: t.Reason, Message: t.Message}
}
