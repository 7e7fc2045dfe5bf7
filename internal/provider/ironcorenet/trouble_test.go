// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestExplain(t *testing.T) {
	networks := resource.GroupResource()
	dial := func(port int) error {
		cause := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED,
			Source: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}}
		return &url.Error{Op: "Patch", URL: "https://net.example", Err: cause}
	}
	forbidden := func(why string) error { return apierrors.NewForbidden(networks, "n", errors.New(why)) }
	broken := func(why string) error { return apierrors.NewInternalError(errors.New(why)) }
	invalid := field.ErrorList{field.Invalid(field.NewPath("spec", "id"), "6", "field is immutable")}
	for sentence, tc := range map[string]struct {
		err                   error
		state, reason, phrase string
	}{
		"nobody listens":        {dial(1), "Pending", "RemoteUnavailable", "connection refused"},
		"it hangs up":           {fmt.Errorf("reading: %w", io.EOF), "Pending", "RemoteUnavailable", "EOF"},
		"it is too slow":        {context.DeadlineExceeded, "Pending", "RemoteUnavailable", "deadline"},
		"it is overloaded":      {apierrors.NewTooManyRequestsError("later"), "Pending", "RemoteUnavailable", "429"},
		"it is broken":          {broken("oops"), "Pending", "RemoteUnavailable", "500"},
		"it forbids":            {forbidden("no role"), "Error", "RemoteForbidden", "no role"},
		"it does not know us":   {apierrors.NewUnauthorized("who"), "Error", "RemoteForbidden", "--ironcore-net-kubeconfig"},
		"it serves no such API": {apierrors.NewNotFound(networks, "n"), "Error", "RemoteNotFound", "namespace"},
		"it finds fault": {
			apierrors.NewInvalid(kind.GroupKind(), "n", invalid), "Error", "RemoteRefused", "immutable",
		},
		"it is full": {broken("all IDs are allocated"), "Pending", "RemoteFull", "room"},
		"a quota is used up": {
			forbidden("exceeded quota: small"), "Pending", "RemoteFull", "room",
		},
		"the ID is taken": {
			broken("provided ID is already allocated"), "Error", "RemoteIDTaken", "free the ID",
		},
		"the ID is out of range": {
			broken("the provided ID is not in range"), "Error", "RemoteIDTaken", "out of range",
		},
		"another client writes too": {
			apierrors.NewConflict(networks, "n", errors.New("x")), "Pending", "RemoteConflict", "Another client",
		},
	} {
		got := explain(fmt.Errorf("applying: %w", tc.err))
		if string(got.State) != tc.state || got.Reason != tc.reason || !strings.Contains(got.Message, tc.phrase) {
			t.Errorf("%s: got %s %s %q", sentence, got.State, got.Reason, got.Message)
		}
		if !errors.Is(got.Cause, tc.err) {
			t.Errorf("%s: the cause is lost", sentence)
		}
		if again := explain(got); again != got {
			t.Errorf("%s: explained again, it is %+v", sentence, again)
		}
	}
	if one, other := explain(dial(1)), explain(dial(2)); one.Message != other.Message {
		t.Errorf("the message changes from one try to the next: %q, %q", one.Message, other.Message)
	}
}

func TestOptions(t *testing.T) {
	for sentence, tc := range map[string]struct {
		options Options
		chosen  bool
		want    []string
	}{
		"nothing is asked of a server without the provider": {},
		"options of a provider that is not chosen are refused": {
			options: Options{Namespace: "net"},
			want:    []string{"--ironcore-net-namespace has no effect without --network-provider=ironcore-net"},
		},
		"both are needed": {
			chosen: true,
			want: []string{
				"--network-provider=ironcore-net needs --ironcore-net-kubeconfig",
				"--network-provider=ironcore-net needs --ironcore-net-namespace",
			},
		},
		"a file that is not there is named": {
			options: Options{Kubeconfig: "/nowhere", Namespace: "net"}, chosen: true,
			want: []string{"--ironcore-net-kubeconfig: stat /nowhere: no such file or directory"},
		},
		"a namespace is checked": {
			options: Options{Kubeconfig: "testdata/kubeconfig", Namespace: "Net"}, chosen: true,
			want: []string{`--ironcore-net-namespace: "Net" is not a namespace: a lowercase RFC 1123 label must consist of`},
		},
		"what is right is accepted": {options: Options{Kubeconfig: "testdata/kubeconfig", Namespace: "net"}, chosen: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			errs := tc.options.Validate(tc.chosen)
			if len(errs) != len(tc.want) {
				t.Fatalf("got %q, want %q", errs, tc.want)
			}
			for i, want := range tc.want {
				if !strings.HasPrefix(errs[i].Error(), want) {
					t.Errorf("got %q, want %q", errs[i], want)
				}
			}
		})
	}
}
