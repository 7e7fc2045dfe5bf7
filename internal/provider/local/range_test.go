// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import "testing"

func TestRangeFlag(t *testing.T) {
	const wrong = "want first-last with 1 <= first <= last <= 16777215, for instance 1000-1999"
	for sentence, tc := range map[string]struct {
		value   string
		want    VNIRange
		wantErr string
	}{
		"a range":                          {value: "1000-1999", want: VNIRange{1000, 1999}},
		"a range of one":                   {value: "7-7", want: VNIRange{7, 7}},
		"everything":                       {value: "1-16777215", want: VNIRange{1, 16777215}},
		"0 is not a VNI to give away":      {value: "0-10", wantErr: wrong},
		"25 bits are too many":             {value: "1-16777216", wantErr: wrong},
		"the first is not after the last":  {value: "8-7", wantErr: wrong},
		"one number is no range":           {value: "7", wantErr: wrong},
		"a range has no open end":          {value: "7-", wantErr: wrong},
		"a range has no open beginning":    {value: "-7", wantErr: wrong},
		"a range is not three numbers":     {value: "1-2-3", wantErr: wrong},
		"numbers are decimal":              {value: "0x1-0x2", wantErr: wrong},
		"numbers have no spaces around":    {value: "1 - 2", wantErr: wrong},
		"nothing":                          {value: "", wantErr: wrong},
		"a number that would overflow":     {value: "1-4294967297", wantErr: wrong},
		"a number of more than 64 bits is": {value: "1-99999999999999999999", wantErr: wrong},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := DefaultVNIRange()
			err := got.Set(tc.value)
			if tc.wantErr != "" {
				if err == nil || err.Error() != tc.wantErr {
					t.Errorf("got error %v, want %s", err, tc.wantErr)
				}
				if got != DefaultVNIRange() {
					t.Errorf("the default was changed to %v", got)
				}
				return
			}
			if err != nil || got != tc.want || got.String() != tc.value {
				t.Errorf("got %s and error %v", got.String(), err)
			}
		})
	}
}

func TestWhatFollowsInARange(t *testing.T) {
	vnis := VNIRange{First: 5, Last: 7}
	for vni, want := range map[uint32]uint32{0: 5, 4: 5, 5: 6, 6: 7, 7: 5, 8: 5} {
		if got := vnis.after(vni); got != want {
			t.Errorf("after %d comes %d, want %d", vni, got, want)
		}
	}
}
