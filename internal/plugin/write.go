// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// fieldManager owns what this plugin writes.
const fieldManager = "kubectl-network"

// conflictBackoff tries a write again after a conflict, within about 3 seconds: many users may peer one Network at once.
var conflictBackoff = wait.Backoff{Duration: 10 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 9}

// write decides on a Network, patches it, and prints what changed. The patch names only one peering, so all others stay as they
// are. It also names the version that was decided on: after a conflict, write decides again.
func (c *connection) write(ctx context.Context, s *server, name string, dry dryRun,
	decide func(*v1alpha1.Network) (networkChange, error)) (network *v1alpha1.Network, err error) {
	var change networkChange
	err = retry.RetryOnConflict(conflictBackoff, func() error {
		if network, err = s.networks().Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		if change, err = decide(network); err != nil || change.isEmpty() || dry == dryRunClient {
			return err
		}
		patch, err := json.Marshal(change.patch(network))
		if err != nil {
			return err
		}
		options := metav1.PatchOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict}
		if dry == dryRunServer {
			options.DryRun = []string{metav1.DryRunAll}
		}
		network, err = s.networks().Patch(ctx, name, types.StrategicMergePatchType, patch, options)
		return err
	})
	if err != nil {
		return nil, s.explain(err)
	}
	for _, warning := range change.warnings {
		fmt.Fprintf(c.streams.ErrOut, "Warning: %s\n", warning)
	}
	fmt.Fprint(c.streams.Out, changeText(name, change, dry))
	return network, nil
}
