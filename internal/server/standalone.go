// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"

	"k8s.io/apiserver/pkg/admission"
	admissionmetrics "k8s.io/apiserver/pkg/admission/metrics"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	authenticatorunion "k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	authorizationpath "k8s.io/apiserver/pkg/authorization/path"
	"k8s.io/apiserver/pkg/authorization/union"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/utils/clock"

	"ironcore.dev/networking/internal/admission/providerid"
)

// healthPaths are open to everybody, as they are on a kube-apiserver: they tell no more than that the server is well.
var healthPaths = []string{"/healthz", "/livez", "/readyz"}

// applyStandaloneAccess lets the administrators in who hold a certificate of the server's own authority, and nobody else.
func applyStandaloneAccess(config *genericapiserver.Config, clientCAFile string) error {
	clientCA, err := dynamiccertificates.NewDynamicCAContentFromFile("client-ca", clientCAFile)
	if err != nil {
		return fmt.Errorf("reading the certificate authority: %w", err)
	}
	if err := config.Authentication.ApplyClientCert(clientCA, config.SecureServing); err != nil {
		return err
	}
	certs := authenticatorfactory.DelegatingAuthenticatorConfig{ClientCertificateCAContentProvider: clientCA}
	byCert, definitions, err := certs.New()
	if err != nil {
		return err
	}
	config.OpenAPIConfig.SecurityDefinitions = definitions
	var health []apiserver.AnonymousAuthCondition
	for _, path := range healthPaths {
		health = append(health, apiserver.AnonymousAuthCondition{Path: path})
	}
	config.Authentication.Authenticator = authenticatorunion.NewFailOnError(
		rememberClientCerts(byCert, clock.RealClock{}), anonymous.NewAuthenticator(health))

	healthOnly, err := authorizationpath.NewAuthorizer(healthPaths)
	if err != nil {
		return err
	}
	config.Authorization.Authorizer, err = union.New(
		union.NamedAuthorizer{AuthorizerName: "administrators",
			Authorizer: authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup)},
		union.NamedAuthorizer{AuthorizerName: "health", Authorizer: healthOnly},
	)
	if err != nil {
		return err
	}

	plugin := providerid.New(config.Authorization.Authorizer)
	config.AdmissionControl = admissionmetrics.WithStepMetrics(admission.NewChainHandler(plugin))
	return nil
}
