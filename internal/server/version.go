// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"

	apimachineryversion "k8s.io/apimachinery/pkg/version"
	baseversion "k8s.io/component-base/version"
)

// versionLine is what --version prints.
func versionLine() string {
	return fmt.Sprintf("network-apiserver %s (Kubernetes libraries %s, %s)",
		baseversion.Get().GitVersion, libraryVersion(), runtime.Version())
}

// libraryVersion is the version of k8s.io/apiserver that the server is built from.
func libraryVersion() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == "k8s.io/apiserver" {
				return module.Version
			}
		}
	}
	return "unknown"
}

// The minor versions of kubectl that work with the server. What they need of it has not changed in these.
const (
	oldestKubectl = 29
	newestKubectl = 38
)

// notAllowedInVersion is what may not stand behind the "+" of a semantic version.
var notAllowedInVersion = regexp.MustCompile(`[^0-9A-Za-z.-]`)

var kubectlAgent = regexp.MustCompile(`^kubectl[^/]*/v1\.(\d+)\.`)

// answerVersion answers /version. kubectl warns of a server more than one minor version of Kubernetes away from its own. That
// would be wrong here: this server is no kube-apiserver, and each kubectl in the range works. So the answer names the
// client's own minor version where that is in the range, and the server's version behind the "+".
func answerVersion(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/version" {
			handler.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(versionFor(r.UserAgent(), baseversion.Get())) // A client that went away needs no answer.
	})
}

func versionFor(agent string, own apimachineryversion.Info) apimachineryversion.Info {
	minor := kubernetesMinor()
	if match := kubectlAgent.FindStringSubmatch(agent); match != nil {
		if theirs, err := strconv.Atoi(match[1]); err == nil && theirs >= oldestKubectl && theirs <= newestKubectl {
			minor = theirs
		}
	}
	own.Major, own.Minor = "1", strconv.Itoa(minor)
	own.GitVersion = fmt.Sprintf("v1.%d.0+network-apiserver-%s", minor, notAllowedInVersion.ReplaceAllString(own.GitVersion, "."))
	return own
}

// kubernetesMinor is the minor version of the Kubernetes libraries.
func kubernetesMinor() int {
	var major, minor int
	if _, err := fmt.Sscanf(baseversion.DefaultKubeBinaryVersion, "%d.%d", &major, &minor); err != nil {
		return newestKubectl
	}
	return minor
}
