// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
)

func TestAnErrorIsOneLineWithTheWayOut(t *testing.T) {
	t.Parallel()
	networks := schema.GroupResource{Group: "networking.ironcore.dev", Resource: "networks"}
	for sentence, test := range map[string]struct {
		err  error
		want string
	}{
		"there is no such Network": {
			err:  apierrors.NewNotFound(networks, "red"),
			want: `there is no Network "red" in namespace team-a: kubectl get networks -n team-a lists those that there are`,
		},
		"the server does not serve the group": {
			err: &apierrors.StatusError{ErrStatus: metav1.Status{Status: "Failure", Code: 404,
				Reason: metav1.StatusReasonNotFound, Message: "the server could not find the requested resource"}},
			want: "https://host does not serve networking.ironcore.dev: kubectl network doctor tells why",
		},
		"the user may not": {
			err: apierrors.NewForbidden(networks, "red", errors.New(`User "jane" cannot patch resource "networks"`)),
			want: `networks.networking.ironcore.dev "red" is forbidden: User "jane" cannot patch resource "networks"; ` +
				"the roles view (to read) and edit (to change) of the namespace allow it: kubectl auth can-i --list -n team-a",
		},
		"the user may not in all namespaces": {
			err: apierrors.NewForbidden(networks, "", errors.New(`User "jane" cannot list resource "networks" at the cluster scope`)),
			want: `networks.networking.ironcore.dev is forbidden: User "jane" cannot list resource "networks" at the cluster scope; ` +
				"without -A the command looks in your own namespace alone",
		},
		"a policy or a quota refuses": {
			err:  apierrors.NewForbidden(networks, "red", errors.New("exceeded quota: few")),
			want: `networks.networking.ironcore.dev "red" is forbidden: exceeded quota: few`,
		},
		"nobody knows the user": {
			err:  apierrors.NewUnauthorized("Unauthorized"),
			want: "https://host does not accept these credentials: kubectl auth whoami",
		},
		"the server behind the cluster is away": {
			err:  apierrors.NewServiceUnavailable("the server is currently unable to handle the request"),
			want: "the server is currently unable to handle the request; kubectl network doctor tells why",
		},
		"nothing listens": {
			err: &url.Error{Op: "Get", URL: "https://host/apis", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}},
			want: "https://host does not answer (connection refused): " +
				"does the server run, and is the kubeconfig for it? kubectl config view --minify",
		},
		"the user interrupts": {
			err:  &url.Error{Op: "Get", URL: "https://host/apis", Err: context.Canceled},
			want: "interrupted",
		},
		"anything else in several lines": {err: errors.New("first\n\tsecond"), want: "first second"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got := text(explain(test.err, "https://host", "team-a"))
			if got != test.want || strings.Contains(got, "\n") {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestWhatIsWrongWithTheKubeconfigIsOneLineToo(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"there is no kubeconfig: name one by --kubeconfig or the variable KUBECONFIG": clientcmd.ErrEmptyConfig,
		"the kubeconfig or a flag can't be used: context \"x\" does not exist: kubectl config get-contexts shows what there is": errors.New(
			"context \"x\" does not exist"),
	} {
		if got := text(explainConfig(err)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
