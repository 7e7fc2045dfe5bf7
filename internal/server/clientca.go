// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"
)

// The ConfigMap of the host cluster that tells whose client certificates to trust.
const (
	trustNamespace = "kube-system"
	trustName      = "extension-apiserver-authentication"
	clientCAKey    = "client-ca-file"
)

// probeTimeout bounds one handshake with this server, and one read of the ConfigMap.
const probeTimeout = 5 * time.Second

// installClientCA makes the server ready only when it asks for client certificates of the host cluster's authority. The library
// learns of that authority a moment after it begins to serve. Until then it takes every client for anonymous.
func (s *Server) installClientCA() error {
	authentication := s.config.Options.Recommended.Authentication
	if s.config.Options.Standalone || authentication.SkipInClusterLookup || authentication.ClientCert.ClientCA != "" {
		return nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", authentication.RemoteKubeConfigFile) // As the library does.
	if err != nil {
		return fmt.Errorf("--authentication-kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("--authentication-kubeconfig: %w", err)
	}
	address := s.config.Generic.SecureServing.Listener.Addr().String()
	return s.generic.AddPostStartHook("client-ca", func(hook genericapiserver.PostStartHookContext) error {
		return wait.PollUntilContextCancel(hook, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			ctx, cancel := context.WithTimeout(ctx, probeTimeout)
			defer cancel()
			trust, err := client.CoreV1().ConfigMaps(trustNamespace).Get(ctx, trustName, metav1.GetOptions{})
			if err != nil {
				return authentication.TolerateInClusterLookupFailure, nil
			}
			authorities, err := certutil.ParseCertsPEM([]byte(trust.Data[clientCAKey]))
			if err != nil {
				return true, nil // It names none that could be trusted.
			}
			asked, err := askedAuthorities(ctx, address)
			if err != nil {
				return false, nil
			}
			for _, authority := range authorities {
				if !slices.ContainsFunc(asked, func(subject []byte) bool { return slices.Equal(subject, authority.RawSubject) }) {
					return false, nil
				}
			}
			return true, nil
		})
	})
}

// askedAuthorities returns the subjects of the authorities whose client certificates this server asks for.
func askedAuthorities(ctx context.Context, address string) (subjects [][]byte, err error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{}, Config: &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // It sends nothing, and whom it reaches is no secret: itself.
		GetClientCertificate: func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			subjects = request.AcceptableCAs
			return &tls.Certificate{}, nil
		},
	}}
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return subjects, connection.Close()
}
