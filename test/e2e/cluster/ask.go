// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/client-go/kubernetes"
)

// Ask sends a GET straight to a replica, as an administrator of the host cluster.
func (c *Cluster) Ask(ctx context.Context, replica *Replica, path string) (string, error) {
	client, err := kubernetes.NewForConfig(c.Direct(replica))
	if err != nil {
		return "", err
	}
	answer, err := client.RESTClient().Get().AbsPath(path).DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w: %s", replica.Name, path, err, answer)
	}
	return string(answer), nil
}

// Leader returns the replica that runs the controllers. Each says so itself.
func (c *Cluster) Leader(ctx context.Context) (*Replica, error) {
	var leader *Replica
	for _, replica := range c.Replicas {
		metrics, err := c.Ask(ctx, replica, "/metrics")
		if err != nil {
			return nil, err
		}
		if strings.Contains(metrics, "\nnetworking_leader 1\n") {
			if leader != nil {
				return nil, errors.New("two replicas lead")
			}
			leader = replica
		}
	}
	if leader == nil {
		return nil, errors.New("no replica leads")
	}
	return leader, nil
}
