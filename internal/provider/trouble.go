// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package provider

import "ironcore.dev/networking/apis/networking/v1alpha1"

// Trouble is an error in words for the users of a Network. It reads the same each time as long as its cause does.
type Trouble struct {
	State           v1alpha1.NetworkState
	Reason, Message string
	Cause           error
}

// NewTrouble returns a Trouble.
func NewTrouble(state v1alpha1.NetworkState, reason, message string, cause error) *Trouble {
	return &Trouble{State: state, Reason: reason, Message: message, Cause: cause}
}

func (t *Trouble) Error() string { return t.Message }

// Unwrap returns the cause.
func (t *Trouble) Unwrap() error { return t.Cause }

// Realization is what can be said of a Network of which nothing else is known. Against one that is available, nothing is.
func (t *Trouble) Realization(network *v1alpha1.Network) Realization {
	if network.Status.State == v1alpha1.NetworkStateAvailable {
		return Realization{Reason: t.Reason}
	}
	return Realization{State: t.State, Reason: t.Reason, Message: t.Message}
}
