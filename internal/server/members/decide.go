// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package members

import (
	"maps"
	"time"
)

// silenceLimit is how long a member may leave probes unanswered before the server turns to the others.
const silenceLimit = 2 * time.Second

// promptLimit is how long a member that is well takes to answer a probe.
const promptLimit = silenceLimit / 2

// answers are those of one member: when the last came, and how many in a row came promptly.
type answers struct {
	last   time.Time
	prompt int
}

// with are the answers with one more.
func (a answers) with(now time.Time, took time.Duration) answers {
	if took > promptLimit {
		return answers{last: now}
	}
	return answers{last: now, prompt: a.prompt + 1}
}

// silent lists the members to avoid: those that have been silent for too long while another answers promptly, twice in a row.
// While none does, the cluster or this machine has too much to do, and new connections to other members would add to that. A member
// that is avoided stays so while it is silent and another answers at all.
func silent(of map[string]answers, avoided map[string]bool, now time.Time) map[string]bool {
	silent := make(map[string]bool, len(of))
	prompt := false
	for member, a := range of {
		if now.Sub(a.last) > silenceLimit {
			silent[member] = true
		} else if a.prompt >= 2 {
			prompt = true
		}
	}
	if len(silent) == len(of) {
		return nil
	}
	maps.DeleteFunc(silent, func(member string, _ bool) bool { return !prompt && !avoided[member] })
	return silent
}

// flow is what one connection to a member has carried.
type flow struct {
	member string
	// heard is when something last came from the member, or when the connection was made.
	heard time.Time
	// unheard is how many bytes were sent after that, and asked when they became more than chatter; zero if they are not.
	unheard int
	asked   time.Time
}

// chatter is how many bytes may stay without an answer for good. A client of HTTP/2 ends each exchange with acknowledgements:
// up to 150 bytes, with TLS. What is more is a request.
const chatter = 256

// received is the flow after something came.
func (f flow) received(now time.Time) flow { return flow{member: f.member, heard: now} }

// sent is the flow after so many bytes were sent.
func (f flow) sent(bytes int, now time.Time) flow {
	f.unheard += bytes
	if f.asked.IsZero() && f.unheard > chatter {
		f.asked = now
	}
	return f
}

// hanging tells which flows carry nothing any more although their member answers: a firewall has forgotten them, or something in
// between hangs. Such a flow has waited too long for an answer, while the member answered all probes promptly. When there is one, any
// other that has been quiet for as long is taken for another: nobody may have asked anything over it. A watch that goes on over
// another connection costs little.
func hanging(flows []flow, of map[string]answers, now time.Time) []bool {
	hangs := make([]bool, len(flows))
	well := func(f flow) bool {
		a := of[f.member]
		return now.Sub(a.last) <= 2*probePeriod && a.prompt >= int(silenceLimit/probePeriod)
	}
	found := false
	for i, f := range flows {
		hangs[i] = !f.asked.IsZero() && now.Sub(f.asked) > silenceLimit && well(f)
		found = found || hangs[i]
	}
	for i, f := range flows {
		hangs[i] = hangs[i] || found && now.Sub(f.heard) > silenceLimit && well(f)
	}
	return hangs
}
