// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"

	"k8s.io/apiserver/pkg/admission"
	admissionmetrics "k8s.io/apiserver/pkg/admission/metrics"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	authenticatorunion "k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
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
	byCert := group.NewAuthenticatedGroupAdder(
		rememberVerified(clientCA, headerrequest.StaticStringSlice{}, byCommonName, clock.RealClock{}))
	var health []apiserver.AnonymousAuthCondition
	for _, path := range healthPaths {
		health = append(health, apiserver.AnonymousAuthCondition{Path: path})
	}
	config.Authentication.Authenticator = authenticatorunion.NewFailOnError(
		byCert, anonymous.NewAuthenticator(health))

	plugin := providerid.New(config.Authorization.Authorizer)
	config.AdmissionControl = admissionmetrics.WithStepMetrics(admission.NewChainHandler(plugin))
	return nil
}

// standaloneAuthorizer lets administrators do everything, and everybody else ask for the server's health.
func standaloneAuthorizer() (authorizer.Authorizer, error) {
	healthOnly, err := authorizationpath.NewAuthorizer(healthPaths)
	if err != nil {
		return nil, err
	}
	return union.New(
		union.NamedAuthorizer{AuthorizerName: "administrators",
			Authorizer: authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup)},
		union.NamedAuthorizer{AuthorizerName: "health", Authorizer: healthOnly},
	)
}
