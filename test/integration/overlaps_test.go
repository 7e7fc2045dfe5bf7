// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"
)

// TestAnApplyIsWarnedOfOverlaps applies Networks, for real and in a dry run, whose peers expose the same addresses.
func TestAnApplyIsWarnedOfOverlaps(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	peer := func(name, prefix string) string {
		return fmt.Sprintf(`{"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "Network", "metadata": {"name": %q},
			"spec": {"peerings": [{"name": "hub", "networkRef": {"name": "hub"}, "prefixes": [{"name": "p", "prefix": %q}]}]}}`, name, prefix)
	}
	const hub = `{"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "Network", "metadata": {"name": "hub"}, "spec": {"peerings": [
		{"name": "first", "networkRef": {"name": "first"}}, {"name": "second", "networkRef": {"name": "second"}}]}}`
	n.kubectlWithInput(t, peer("first", "10.0.0.0/8"), "apply", "-f", "-")
	n.kubectlWithInput(t, peer("second", "10.9.0.0/16"), "apply", "-f", "-")

	here := fmt.Sprintf("Warning: spec.peerings[1]: Network %s/second exposes 10.9.0.0/16, and Network %s/first, which was bound "+
		"before, exposes 10.0.0.0/8: no traffic flows until one of the two gives way.", n.name, n.name)
	there := fmt.Sprintf("Warning: spec.peerings[0]: This Network exposes 10.8.0.0/16, which Network %s/hub uses for something else "+
		"already: no traffic flows until one of the two gives way.", n.name)
	for _, way := range [][]string{{"--dry-run=server"}, {"--dry-run=server", "--server-side"}, nil} {
		checkContains(t, n.kubectlWithInput(t, hub, append([]string{"apply", "-f", "-"}, way...)...), here)
	}
	n.kubectl(t, "wait", "--for=jsonpath={.status.peerings[1].phase}=Bound", "network", "hub")
	checkContains(t, n.kubectlWithInput(t, peer("second", "10.8.0.0/16"), "apply", "--force-conflicts", "--server-side", "--dry-run=server",
		"-f", "-"), there)

	// A NetworkInterface of the hub over what its peers expose.
	const nic = `{"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "NetworkInterface", "metadata": {"name": "nic"}, "spec": {
		"networkRef": {"name": "hub"}, "ipFamilies": ["IPv4"], "ips": [{"value": "10.0.0.7"}]}}`
	checkContains(t, n.kubectlWithInput(t, nic, "apply", "--dry-run=server", "-f", "-"), fmt.Sprintf("Warning: Network hub, "+
		"spec.peerings[0]: Network %s/first exposes 10.0.0.0/8, where this Network has 10.0.0.7/32 itself: no traffic flows until one of "+
		"the two gives way.", n.name))

	// Nobody is warned without need, nor twice of the same.
	for _, manifest := range []string{hub, peer("second", "11.0.0.0/8"), peer("third", "10.9.0.0/16")} {
		if output := n.kubectlWithInput(t, manifest, "apply", "--dry-run=server", "-f", "-"); strings.Contains(output, "Warning") {
			t.Errorf("there is a warning: %s", output)
		}
	}
}
