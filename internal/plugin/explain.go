// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/clientcmd"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// explain turns an error of a request to the host into one line with the fix.
func explain(err error, host, namespace string) error {
	var status apierrors.APIStatus
	var address *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return explainStatus(err, status, host, namespace)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case errors.As(err, &address):
		return fmt.Errorf("%s does not answer (%s): does the server run, and is the kubeconfig for it? kubectl config view --minify",
			host, oneLine(reason(address)))
	}
	return errors.New(oneLine(err.Error()))
}

// explainConfig does the same for an error of the kubeconfig or of a flag of kubectl.
func explainConfig(err error) error {
	if clientcmd.IsEmptyConfig(err) {
		return errors.New("there is no kubeconfig: name one by --kubeconfig or the variable KUBECONFIG")
	}
	return fmt.Errorf("the kubeconfig or a flag can't be used: %s: kubectl config get-contexts shows what there is", oneLine(err.Error()))
}

func explainStatus(err error, status apierrors.APIStatus, host, namespace string) error {
	message := oneLine(err.Error())
	details := status.Status().Details
	named := details != nil && details.Name != ""
	where := ""
	if namespace != "" {
		where = " -n " + namespace
	}
	switch {
	case apierrors.IsForbidden(err) && strings.Contains(message, "at the cluster scope"):
		return fmt.Errorf("%s; without -A the command looks in your own namespace alone", message)
	case apierrors.IsForbidden(err) && strings.Contains(message, "cannot"):
		return fmt.Errorf("%s; the roles view (to read) and edit (to change) of the namespace allow it: "+
			"kubectl auth can-i --list%s", message, where)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%s does not accept these credentials: kubectl auth whoami", host)
	case apierrors.IsNotFound(err) && named && details.Kind == "networks":
		return fmt.Errorf("there is no Network %q%s: kubectl get networks%s lists those that there are",
			details.Name, inNamespace(namespace), where)
	case apierrors.IsNotFound(err) && !named:
		return fmt.Errorf("%s does not serve %s: kubectl network doctor tells why", host, v1alpha1.GroupName)
	case apierrors.IsServiceUnavailable(err), apierrors.IsTimeout(err), apierrors.IsServerTimeout(err),
		apierrors.IsInternalError(err):
		return fmt.Errorf("%s; kubectl network doctor tells why", message)
	}
	return errors.New(message)
}

// reason is the end of a chain of network errors, which says what happened.
func reason(err *url.Error) string {
	var operation *net.OpError
	if errors.As(err, &operation) {
		return operation.Err.Error()
	}
	return err.Err.Error()
}

func inNamespace(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " in namespace " + namespace
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
