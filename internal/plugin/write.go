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

// contention is how often a write that came too late is tried again, within about 3 seconds: many users may peer one Network at once.
var contention = wait.Backoff{Duration: 10 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 9}

// write decides on a Network, changes it, and prints what changed. A strategic merge patch names the one peering that it is
// about, so that the others stay as they are, whoever owns them. It holds for the version that was decided on. If another write
// came first, it decides again.
func (c *connection) write(ctx context.Context, s *server, name string, dry dryRun,
	decide func(*v1alpha1.Network) (Change, error)) (network *v1alpha1.Network, err error) {
	var change Change
	err = retry.RetryOnConflict(contention, func() error {
		if network, err = s.networks().Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		if change, err = decide(network); err != nil || change.IsEmpty() || dry == dryRunClient {
			return err
		}
		patch, err := json.Marshal(change.Patch(network))
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
	for _, warning := range change.Warnings {
		fmt.Fprintf(c.streams.ErrOut, "Warning: %s\n", warning)
	}
	fmt.Fprint(c.streams.Out, Changed(name, change, dry))
	return network, nil
}
