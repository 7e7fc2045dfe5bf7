// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"fmt"
	"strconv"
	"strings"
)

// maxVNI is the largest identifier that 24 bits hold.
const maxVNI = 1<<24 - 1

// VNIRange is a range of VNIs, both ends included. It is a flag value, written "first-last".
type VNIRange struct {
	First, Last uint32
}

// DefaultVNIRange is every VNI but 0, which RFC 7348 leaves to implementations.
func DefaultVNIRange() VNIRange { return VNIRange{First: 1, Last: maxVNI} }

// String returns the range as a flag writes it.
func (r *VNIRange) String() string { return fmt.Sprintf("%d-%d", r.First, r.Last) }

// Type names the form of the flag value.
func (*VNIRange) Type() string { return "first-last" }

// Set reads a flag value.
func (r *VNIRange) Set(value string) error {
	low, high, ok := strings.Cut(value, "-")
	first, errFirst := strconv.ParseUint(low, 10, 32)
	last, errLast := strconv.ParseUint(high, 10, 32)
	if !ok || errFirst != nil || errLast != nil || first == 0 || first > last || last > maxVNI {
		return fmt.Errorf("want first-last with 1 <= first <= last <= %d, for instance 1000-1999", maxVNI)
	}
	r.First, r.Last = uint32(first), uint32(last)
	return nil
}

// after returns the VNI that follows in the range, which begins again at its end.
func (r *VNIRange) after(vni uint32) uint32 {
	if vni < r.First || vni >= r.Last {
		return r.First
	}
	return vni + 1
}

// parse reads a VNI.
func (r *VNIRange) parse(text string) (uint32, error) {
	vni, err := strconv.ParseUint(text, 10, 24)
	return uint32(vni), err
}
