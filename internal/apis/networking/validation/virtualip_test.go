// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/networking"
)

func publicIP(changes ...func(*networking.VirtualIP)) *networking.VirtualIP {
	vip := &networking.VirtualIP{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "vip", UID: uidA, ResourceVersion: "7"},
		Spec:       networking.VirtualIPSpec{Type: networking.VirtualIPTypePublic, IPFamily: networking.IPv4Protocol},
	}
	for _, change := range changes {
		change(vip)
	}
	return vip
}

func TestValidateVirtualIP(t *testing.T) {
	for sentence, tc := range map[string]struct {
		change func(*networking.VirtualIP)
		want   []string
	}{
		"a type and a family are enough": {change: func(*networking.VirtualIP) {}},
		"both are required": {
			change: func(v *networking.VirtualIP) { v.Spec = networking.VirtualIPSpec{} },
			want: []string{
				"spec.type: Required value: must be Public",
				"spec.ipFamily: Required value: must be IPv4 or IPv6",
			},
		},
		"other words are refused": {
			change: func(v *networking.VirtualIP) {
				v.Spec = networking.VirtualIPSpec{Type: "Private", IPFamily: "IPX"}
			},
			want: []string{
				`spec.type: Unsupported value: "Private": supported values: "Public"`,
				`spec.ipFamily: Unsupported value: "IPX": supported values: "IPv4", "IPv6"`,
			},
		},
		"the name is a DNS label": {
			change: func(v *networking.VirtualIP) { v.Name = "my.vip" },
			want:   []string{`metadata.name: Invalid value: "my.vip": must not contain dots`},
		},
		"a target may be named without its UID": {
			change: func(v *networking.VirtualIP) { v.Spec.TargetRef = &networking.LocalUIDReference{Name: "nic.a"} },
		},
		"a malformed target is refused": {
			change: func(v *networking.VirtualIP) { v.Spec.TargetRef = &networking.LocalUIDReference{Name: "N", UID: "1"} },
			want: []string{
				`spec.targetRef.name: Invalid value: "N": ` + subdomainRule,
				`spec.targetRef.uid: Invalid value: "1": must be a lowercase UUID in 8-4-4-4-12 format`,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) { expect(t, tc.want, ValidateVirtualIP(publicIP(tc.change))) })
	}
}

func TestValidateVirtualIPUpdate(t *testing.T) {
	expect(t, []string{
		`spec.type: Unsupported value: "Private": supported values: "Public"`,
		`spec.type: Invalid value: "Private": field is immutable`,
		`spec.ipFamily: Invalid value: "IPv6": field is immutable`,
	}, ValidateVirtualIPUpdate(publicIP(func(v *networking.VirtualIP) {
		v.Spec = networking.VirtualIPSpec{Type: "Private", IPFamily: networking.IPv6Protocol}
	}), publicIP()))
	expect(t, nil, ValidateVirtualIPUpdate(publicIP(func(v *networking.VirtualIP) {
		v.Spec.TargetRef = &networking.LocalUIDReference{Name: "nic", UID: uidB}
	}), publicIP()))
}

func TestValidateVirtualIPStatusUpdate(t *testing.T) {
	expect(t, []string{
		`status.ip: Invalid value: "2001:DB8::1": must be in canonical form: "2001:db8::1"`,
	}, ValidateVirtualIPStatusUpdate(publicIP(func(v *networking.VirtualIP) { v.Status.IP = "2001:DB8::1" }), publicIP()))
	expect(t, nil, ValidateVirtualIPStatusUpdate(publicIP(func(v *networking.VirtualIP) { v.Status.IP = "192.0.2.1" }), publicIP()))
}
