// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// verb is what a client did to one key.
type verb string

const (
	create verb = "create"
	read   verb = "read"
	set    verb = "set"  // a merge patch
	swap   verb = "swap" // an update of the version that was read
	remove verb = "remove"
	// takeBack is not a request: it is the second half of a creation that is refused.
	takeBack verb = "take back"
)

// outcome is what the client was told.
type outcome string

const (
	done    outcome = "done"
	exists  outcome = "exists"
	missing outcome = "missing"
	refused outcome = "refused" // for certain without effect
	// takenBack was refused, and may have been seen until the answer.
	takenBack outcome = "taken back"
	unknown   outcome = "unknown" // it may have been done, or be done later
)

// operation is a request and its answer. value is what was written, or what was read; a written value is unique.
type operation struct {
	key     string
	verb    verb
	value   string
	before  string // swap: the value of the version that was read
	version string // the resourceVersion that was answered
	outcome outcome
	call    int64
	end     int64
}

// state of a key. One that is going was deleted, and may be gone at any later time: who holds it back with a finalizer is
// not a client of the test. One that was tried is taken back by its own creation, until a time at the latest.
type state struct {
	there, going bool
	value        string
	tried        string // the value that it was created with
	until        int64
}

// next returns the states that an answer may lead to; without any, the answer is impossible.
func next(s state, o operation) []state {
	if s.tried != "" && o.call > s.until {
		return nil // It is still there after the answer that took it back.
	}
	gone := state{}
	mayBeGone := !s.there || s.going
	if o.verb == takeBack {
		if s.tried == o.value {
			return []state{gone}
		}
		return []state{s} // It never was there, or is gone already.
	}
	switch o.outcome {
	case missing:
		return when(mayBeGone, gone)
	case exists:
		return when(s.there, s)
	}
	switch o.verb {
	case read:
		return when(s.there && s.value == o.value, s)
	case create:
		created := state{there: true, value: o.value}
		if isTakenBack(o) {
			created.tried, created.until = o.value, o.end
			if o.outcome == unknown {
				created.until = math.MaxInt64
			}
		}
		return o.certainly(s, mayBeGone, created)
	case set:
		changed := s
		changed.value = o.value
		return o.certainly(s, s.there, changed)
	case swap:
		changed := s
		changed.value = o.value
		return o.certainly(s, s.there && s.value == o.before, changed)
	case remove:
		changed := s
		changed.going = true
		return o.certainly(s, s.there, changed)
	}
	panic("unknown verb " + o.verb)
}

func when(possible bool, s state) []state {
	if !possible {
		return nil
	}
	return []state{s}
}

// certainly returns the state after a write, if that is possible; and the one before it, if the write may not have been done.
func (o operation) certainly(before state, possible bool, after state) []state {
	states := when(possible, after)
	if o.outcome != done {
		states = append(states, before)
	}
	return states
}

// isTakenBack tells that an object may have been stored, and so seen, whose creation was refused: a member of a Network is
// stored first, and then looks whether its Network takes it.
func isTakenBack(o operation) bool {
	return o.verb == create && (o.outcome == takenBack ||
		o.outcome == unknown && slices.ContainsFunc(members, func(member string) bool { return strings.HasPrefix(o.key, member+"-") }))
}

var model = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{state{}} },
	Step: func(s, in, _ any) (states []any) {
		for _, after := range next(s.(state), in.(operation)) {
			states = append(states, after)
		}
		return states
	},
	DescribeOperation: func(in, _ any) string {
		o := in.(operation)
		return fmt.Sprintf("%s %s %s: %s", o.verb, o.key, o.value, o.outcome)
	},
}).ToModel()

// histories sorts operations by key, ready for the checker. A write of unknown outcome ends when its value was first seen,
// else it has not ended. One whose value was never seen, by a reader or by a watch, took no effect that anybody could
// notice, and is left out.
func histories(all []operation, watched map[string]bool) map[string][]porcupine.Operation {
	seen := map[string]int64{}
	for _, o := range all {
		for _, value := range []string{o.before, o.value} {
			isSeen := value != "" && (value == o.before || o.verb == read && o.outcome == done)
			if first, ok := seen[value]; isSeen && (!ok || o.end < first) {
				seen[value] = o.end
			}
		}
	}
	byKey := map[string][]porcupine.Operation{}
	for i, o := range all {
		end := o.end
		if o.outcome == refused || o.outcome == unknown && o.verb == read {
			continue
		}
		if o.outcome == unknown {
			end = math.MaxInt64
			if o.verb != remove {
				first, ok := seen[o.value]
				if ok {
					end = max(o.end, first)
				} else if !watched[o.value] {
					continue
				}
			}
		}
		if isTakenBack(o) {
			back := o
			back.verb = takeBack
			last := o.end
			if o.outcome == unknown {
				last = math.MaxInt64
			}
			byKey[o.key] = append(byKey[o.key],
				porcupine.Operation{ClientId: len(all) + i, Input: back, Output: back, Call: o.call, Return: last})
		}
		byKey[o.key] = append(byKey[o.key],
			porcupine.Operation{ClientId: i, Input: o, Output: o, Call: o.call, Return: end})
	}
	return byKey
}
