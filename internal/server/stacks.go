// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

// stackReserve is how much stack one goroutine claims for all others, in bytes. No page of it is ever touched.
const stackReserve = 16 << 20

// startWithLargeStacks lets goroutines start with the stack that a request needs, until stop is closed. Otherwise each of the two
// goroutines of a request starts with 2 KiB, and its stack is copied to a larger one four times.
//
// Go starts goroutines with the average of the stacks in use at the last collection of garbage. Most goroutines wait and use
// little, so one that claims much raises the average: to 32 KiB with the 600 goroutines of a server that few watch. With
// thousands of goroutines it counts for little, so that their memory stays small.
func startWithLargeStacks(stop <-chan struct{}) {
	go claimStack(stop, false)
}

// claimStack has a frame with room for the argument of a call that it never makes.
//
//go:noinline
func claimStack(stop <-chan struct{}, never bool) {
	if never {
		takeByValue([stackReserve]byte{})
	}
	<-stop
}

//go:noinline
func takeByValue([stackReserve]byte) {}
