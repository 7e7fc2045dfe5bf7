// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"k8s.io/apiserver/pkg/server/egressselector"
	"k8s.io/apiserver/pkg/storage/storagebackend"

	utilnet "k8s.io/apimachinery/pkg/util/net"

	"ironcore.dev/networking/internal/server/members"
)

// etcdCallTimeout bounds every call of the server's own client, but not the streams of watches and leases.
const etcdCallTimeout = 5 * time.Second

// etcdTLS returns the TLS configuration that the flags name, nil without one.
func etcdTLS(storage storagebackend.TransportConfig) (*tls.Config, error) {
	if storage.CertFile == "" && storage.KeyFile == "" && storage.TrustedCAFile == "" {
		return nil, nil
	}
	files := transport.TLSInfo{CertFile: storage.CertFile, KeyFile: storage.KeyFile, TrustedCAFile: storage.TrustedCAFile}
	config, err := files.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading --etcd-certfile, --etcd-keyfile and --etcd-cafile: %w", err)
	}
	return config, nil
}

// newMembers returns what connects to the members of an etcd outside, and avoids those that do not answer. It is nil for an
// etcd on a unix socket, which is on this machine.
func newMembers(storage storagebackend.TransportConfig) (*members.Members, error) {
	for _, endpoint := range storage.ServerList {
		if strings.HasPrefix(endpoint, "unix") {
			return nil, nil
		}
	}
	config, err := etcdTLS(storage)
	if err != nil {
		return nil, err
	}
	return members.New(storage.ServerList, config)
}

// newEtcdClient returns the server's own client, for the election and the providers.
func newEtcdClient(storage storagebackend.TransportConfig, members *members.Members) (*clientv3.Client, error) {
	config := clientv3.Config{
		Endpoints: storage.ServerList,
		Logger:    zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, request, answer any,
			connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
			ctx, cancel := context.WithTimeout(ctx, etcdCallTimeout)
			defer cancel()
			return invoke(ctx, method, request, answer, connection, options...)
		})},
	}
	if members != nil {
		config.DialOptions = append(config.DialOptions, grpc.WithContextDialer(func(ctx context.Context, member string) (net.Conn, error) {
			return members.DialContext(ctx, "tcp", member)
		}))
	}
	var err error
	if config.TLS, err = etcdTLS(storage); err != nil {
		return nil, err
	}
	client, err := clientv3.New(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to --etcd-servers: %w", err)
	}
	return client, nil
}

// dialThrough makes the storage connect to etcd through the members.
func dialThrough(members *members.Members) egressselector.Lookup {
	return func(egressselector.NetworkContext) (utilnet.DialFunc, error) { return members.DialContext, nil }
}
