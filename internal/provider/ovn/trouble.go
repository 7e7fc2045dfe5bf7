// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"context"
	"errors"
	"fmt"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

const reasonUnavailable = "NBUnavailable"

// awayError tells that the database can't be reached.
type awayError struct{ cause error }

func (e *awayError) Error() string {
	return "OVN's north-bound database can't be reached: " + e.cause.Error()
}
func (e *awayError) Unwrap() error { return e.cause }

// heldError tells that an address or a range leads to another NetworkInterface.
type heldError struct{ by found }

func (e *heldError) Error() string {
	name, _, _ := interfaceOfPart(e.by.part)
	return fmt.Sprintf("NetworkInterface %s has %s already: choose another, or wait until it is given up.", name, e.by.key)
}

// explain tells what an error means.
func explain(err error) *provider.Trouble {
	var away *awayError
	var held *heldError
	var untrusted *untrustedError
	switch {
	case errors.As(err, &untrusted):
		return provider.NewTrouble(v1alpha1.NetworkStatePending, reasonUnavailable, "The certificate of OVN's north-bound database "+
			"is out of date, names another host than --ovn-nb, or is not signed by one of --ovn-nb-cafile.", err)
	case errors.Is(err, errNotInitialized):
		return provider.NewTrouble(v1alpha1.NetworkStatePending, reasonUnavailable,
			"OVN's north-bound database is not initialized: run ovn-nbctl init, or start ovn-northd.", err)
	case errors.As(err, &away), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return provider.NewTrouble(v1alpha1.NetworkStatePending, reasonUnavailable,
			"OVN's north-bound database does not answer: it must run and be reachable at --ovn-nb.", err)
	case errors.As(err, &held):
		return provider.NewTrouble(v1alpha1.NetworkStateError, v1alpha1.NetworkInterfaceReasonAddressInUse, err.Error(), err)
	case errors.Is(err, errConflict), errors.Is(err, errTorn):
		return provider.NewTrouble(v1alpha1.NetworkStatePending, "NBConflict",
			"Another client writes to OVN's north-bound database at the same time, or has made a row with this name.", err)
	}
	return provider.NewTrouble(v1alpha1.NetworkStatePending, "NBRefused", "OVN's north-bound database refuses: "+err.Error(), err)
}
