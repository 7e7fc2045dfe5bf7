// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/mirror"
)

const reasonUnavailable = "RemoteUnavailable"

// Parts of error messages of the ironcore-net API server. Its errors have no reason or cause that tells more.
const (
	wordsIDTaken      = "already allocated"
	wordsIDOutOfRange = "not in range"
	wordsFull         = "all IDs are allocated"
	wordsQuota        = "exceeded quota"
)

// isIDTaken tells whether the chosen ID belongs to another remote Network.
func isIDTaken(err error) bool { return err != nil && strings.Contains(err.Error(), wordsIDTaken) }

// explain tells what an error of the ironcore-net API server means. The state is Error if somebody has to repair something there.
func explain(err error) *provider.Trouble {
	var known *provider.Trouble
	if errors.As(err, &known) {
		return known
	}
	words := err.Error()
	switch {
	case strings.Contains(words, wordsIDTaken), strings.Contains(words, wordsIDOutOfRange):
		return provider.NewTrouble(v1alpha1.NetworkStateError, "RemoteIDTaken",
			"The Network is missing in ironcore-net and can't be put back, because its ID there is taken or out of range: "+
				"free the ID there, or delete this Network and make it again.", err)
	case strings.Contains(words, wordsFull), strings.Contains(words, wordsQuota):
		return provider.NewTrouble(v1alpha1.NetworkStatePending, "RemoteFull",
			"ironcore-net has no room for the Network: delete Networks, or have its administrator widen the limit.", err)
	case apierrors.IsUnauthorized(err):
		return provider.NewTrouble(v1alpha1.NetworkStateError, "RemoteForbidden",
			"ironcore-net does not accept the credentials of --ironcore-net-kubeconfig: renew them.", err)
	case apierrors.IsForbidden(err):
		return provider.NewTrouble(v1alpha1.NetworkStateError, "RemoteForbidden", "ironcore-net refuses: "+words, err)
	case apierrors.IsNotFound(err):
		return provider.NewTrouble(v1alpha1.NetworkStateError, "RemoteNotFound",
			"ironcore-net does not serve the API or has no such namespace: "+words, err)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return provider.NewTrouble(v1alpha1.NetworkStateError, "RemoteRefused", "ironcore-net refuses: "+words, err)
	case apierrors.IsConflict(err):
		return provider.NewTrouble(v1alpha1.NetworkStatePending, "RemoteConflict",
			"Another client changes the Network in ironcore-net at the same time.", err)
	}
	return provider.NewTrouble(v1alpha1.NetworkStatePending, reasonUnavailable,
		fmt.Sprintf("The ironcore-net API server does not answer as it should: %s.", mirror.Briefly(err)), err)
}
