// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package rules has the rules that the server, the controllers and the providers share: which Network a peering names, which
// peerings are Bound (binding.go), what a deletion waits for. They are pure functions of API objects, without clients,
// caches or clocks.
package rules
