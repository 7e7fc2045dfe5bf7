// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package members

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func TestSilent(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) answers { return answers{last: now.Add(-d), prompt: 2} }
	slowly := func(d time.Duration) answers { return answers{last: now.Add(-d), prompt: 1} }
	for sentence, tc := range map[string]struct {
		answers map[string]answers
		avoided map[string]bool
		want    map[string]bool
	}{
		"members that answer are used": {
			answers: map[string]answers{"a": ago(0), "b": ago(time.Second), "c": ago(silenceLimit)},
		},
		"a member that is silent while another answers is avoided": {
			answers: map[string]answers{"a": ago(0), "b": slowly(time.Second), "c": ago(silenceLimit + 1)},
			want:    map[string]bool{"c": true},
		},
		"two of three may be silent": {
			answers: map[string]answers{"a": ago(0), "b": ago(time.Minute), "c": ago(time.Hour)},
			want:    map[string]bool{"b": true, "c": true},
		},
		"while no member answers, none is avoided": {
			answers: map[string]answers{"a": ago(time.Minute), "b": ago(time.Minute), "c": ago(time.Hour)},
			avoided: map[string]bool{"c": true},
		},
		"while none answers promptly, none is avoided": {
			answers: map[string]answers{"a": slowly(0), "b": slowly(time.Second), "c": ago(silenceLimit + 1)},
		},
		"while none answers promptly, one that is avoided and silent stays avoided": {
			answers: map[string]answers{"a": slowly(0), "b": ago(silenceLimit + 1), "c": ago(time.Minute)},
			avoided: map[string]bool{"c": true},
			want:    map[string]bool{"c": true},
		},
		"one that is avoided is used once it answers": {
			answers: map[string]answers{"a": ago(0), "b": slowly(time.Second), "c": slowly(0)},
			avoided: map[string]bool{"c": true},
		},
		"the only member is never avoided": {
			answers: map[string]answers{"a": ago(time.Hour)},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := silent(tc.answers, tc.avoided, now); !maps.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestHanging(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	opened := flow{member: "a", heard: ago(time.Minute)}
	const request, acknowledgement = chatter + 1, 100
	quiet := opened.received(ago(time.Minute)).sent(acknowledgement, ago(time.Minute))
	hangs := opened.sent(request, ago(silenceLimit+1))
	for sentence, tc := range map[string]struct {
		flows     []flow
		slow      bool // The member has not answered all probes promptly.
		unproven  bool // The member has not answered a probe just now.
		wantHangs []bool
	}{
		"a request that waits for too long, while the member answers, hangs":      {[]flow{hangs}, false, false, []bool{true}},
		"a request that waits as long as allowed does not":                        {[]flow{opened.sent(request, ago(silenceLimit))}, false, false, []bool{false}},
		"a request that was answered does not":                                    {[]flow{hangs.received(ago(silenceLimit))}, false, false, []bool{false}},
		"an answer, however little of it, shows that the flow carries":            {[]flow{hangs.received(now), quiet}, false, false, []bool{false, false}},
		"a member that does not answer either is no reason to close the flow":     {[]flow{hangs}, false, true, []bool{false}},
		"a member that is slow is no reason to close the flow":                    {[]flow{hangs}, true, false, []bool{false}},
		"beside one that hangs, one to a slow member is left alone":               {[]flow{hangs, {member: "c", heard: ago(time.Minute)}}, false, false, []bool{true, false}},
		"a flow that was not used for long does not hang":                         {[]flow{opened, quiet}, false, false, []bool{false, false}},
		"a request after a long pause has not waited since before the pause":      {[]flow{quiet.sent(request, ago(time.Second))}, false, false, []bool{false}},
		"small requests add up":                                                   {[]flow{opened.sent(100, ago(9*time.Second)).sent(100, ago(6*time.Second)).sent(100, ago(3*time.Second))}, false, false, []bool{true}},
		"beside one that hangs, one that is quiet for as long is taken to hang":   {[]flow{hangs, quiet, opened}, false, false, []bool{true, true, true}},
		"beside one that hangs, one over which something came just now is not":    {[]flow{hangs, quiet.received(ago(time.Second))}, false, false, []bool{true, false}},
		"beside one that hangs, one that was made just now is not":                {[]flow{hangs, {member: "a", heard: ago(time.Second)}}, false, false, []bool{true, false}},
		"what hangs to one member makes a quiet flow to another one suspect, too": {[]flow{hangs, {member: "b", heard: ago(time.Minute)}}, false, false, []bool{true, true}},
		"a handshake that is never answered hangs, as any other request":          {[]flow{flow{member: "a", heard: ago(3 * time.Second)}.sent(request, ago(silenceLimit+1))}, false, false, []bool{true}},
		"nothing hangs without connections":                                       {nil, false, false, []bool{}},
	} {
		t.Run(sentence, func(t *testing.T) {
			of := map[string]answers{"a": {now, 4}, "b": {now, 4}, "c": {now, 3}}
			if tc.slow {
				of["a"] = of["c"]
			}
			if tc.unproven {
				of["a"] = answers{ago(2*probePeriod + 1), 4}
			}
			if got := hanging(tc.flows, of, now); !slices.Equal(got, tc.wantHangs) {
				t.Errorf("got %v, want %v", got, tc.wantHangs)
			}
		})
	}
}

func TestAnswersInARow(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	a := answers{}.with(now, promptLimit).with(now, 0)
	if want := (answers{now, 2}); a != want {
		t.Errorf("two prompt answers are %+v, want %+v", a, want)
	}
	if a, want := a.with(now, promptLimit+1), (answers{now, 0}); a != want {
		t.Errorf("a slow one after them makes %+v, want %+v", a, want)
	}
}
