// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os/exec"
	"testing"

	"ironcore.dev/networking/test/e2e/cluster"
)

// TestEveryInstallationIsAccepted has the real kube-apiserver decide on all that overlays and chart render: a dry run, since
// the cluster of the tests is installed already, by the overlay ha. Optional parts need resources of others to be there.
func TestEveryInstallationIsAccepted(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, program string, args ...string) string {
		t.Helper()
		command := exec.Command(program, args...)
		command.Dir = "../.."
		out, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return string(out)
	}
	run(t, "hack/helm/build.sh")
	for installation, render := range map[string]func(*testing.T) string{
		"the overlay single": func(t *testing.T) string {
			return admin(t).kubectl(t, "kustomize", "../../deploy/kustomize/overlays/single")
		},
		"the overlay ha": func(t *testing.T) string {
			return admin(t).kubectl(t, "kustomize", "../../deploy/kustomize/overlays/ha")
		},
		"the chart in mode single": func(t *testing.T) string {
			return run(t, "bin/tools/helm", "template", "network-apiserver", "deploy/charts/network-apiserver",
				"--namespace", cluster.Namespace, "--set", "mode=single")
		},
		"the chart in mode ha": func(t *testing.T) string {
			return run(t, "bin/tools/helm", "template", "network-apiserver", "deploy/charts/network-apiserver",
				"--namespace", cluster.Namespace, "--set", "mode=ha")
		},
	} {
		t.Run(installation, func(t *testing.T) {
			t.Parallel()
			out, err := shared.Kubectl(t.Context(), shared.Admin, render(t),
				"apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
