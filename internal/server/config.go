// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net"

	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"ironcore.dev/networking/internal/server/schema"
)

// loopbackAddress is where a server that stands alone listens unless told otherwise.
var loopbackAddress = net.IPv4(127, 0, 0, 1)

// Config is what a server is made from. It is inert: nothing is read, opened or started before New.
type Config struct {
	Options *Options
	Generic *genericapiserver.RecommendedConfig
}

// NewConfig returns the configuration for completed options.
func NewConfig(o *Options) (*Config, error) {
	c := &Config{Options: o, Generic: genericapiserver.NewRecommendedConfig(codecs)}
	if err := o.ServerRun.ApplyTo(&c.Generic.Config); err != nil {
		return nil, err
	}
	namer := openapinamer.NewDefinitionNamer(scheme)
	c.Generic.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(schema.Definitions, namer)
	c.Generic.OpenAPIConfig.Info.Title = "network-apiserver"
	c.Generic.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(schema.Definitions, namer)
	c.Generic.OpenAPIV3Config.Info.Title = "network-apiserver"
	c.Generic.BuildHandlerChainFunc = buildHandlerChain
	if !o.Standalone {
		return c, nil
	}
	var err error
	c.Generic.Authorization.Authorizer, err = standaloneAuthorizer()
	return c, err
}
