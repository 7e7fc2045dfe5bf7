// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

// MaxProviderIDLength is how many bytes a providerID has at most.
const MaxProviderIDLength = 512

// IsProviderID tells whether a providerID can be written: it has at most MaxProviderIDLength printable ASCII characters other than
// space. One that was stored under other rules may be another text.
func IsProviderID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return len(id) <= MaxProviderIDLength
}
