// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
	apimachineryversion "k8s.io/apimachinery/pkg/version"
)

func TestVersionFor(t *testing.T) {
	own := kubernetesMinor()
	for sentence, tc := range map[string]struct {
		agent string
		minor int
	}{
		"a kubectl that works with the server is told its own minor version": {
			agent: "kubectl/v1.32.4 (linux/amd64) kubernetes/59526cd", minor: 32,
		},
		"so is one with a name of its own":                               {agent: "kubectl1.33/v1.33.0-dispatcher (linux/amd64)", minor: 33},
		"an old kubectl is warned":                                       {agent: "kubectl/v1.20.0 (linux/amd64)", minor: own},
		"a kubectl of the future is warned":                              {agent: "kubectl/v1.99.0 (linux/amd64)", minor: own},
		"other clients are told the version of the Kubernetes libraries": {agent: "curl/8.0", minor: own},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := versionFor(tc.agent, apimachineryversion.Info{GitVersion: "v0.1.0-dev+abc$Format"})
			parsed, err := version.ParseSemantic(got.GitVersion)
			if err != nil {
				t.Fatal(err)
			}
			if parsed.Major() != 1 || int(parsed.Minor()) != tc.minor || parsed.BuildMetadata() != "network-apiserver-v0.1.0-dev.abc.Format" {
				t.Errorf("got %s, want minor version %d", got.GitVersion, tc.minor)
			}
		})
	}
}
