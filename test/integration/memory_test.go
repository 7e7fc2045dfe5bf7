// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/memory"
)

// Of what a tag of the build does not share, each object would have its own.
func TestTheServerIsBuiltToShareManagedFields(t *testing.T) {
	t.Parallel()
	info, err := buildinfo.ReadFile(networkAPIServer)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(info.Settings, debug.BuildSetting{Key: "-tags", Value: "fieldsv1string"}) {
		t.Errorf("%s is built without the tag: build it with hack/build.sh", networkAPIServer)
	}
}

// The memory of the shipped deployment, and how much of it Go is told of.
const (
	memoryLimit = 2 << 30
	goMemLimit  = "1843MiB"
)

// changes are about as many entries as the log of the embedded etcd has before a snapshot lets them go.
const changes = 180

// A tenant with one Network of the largest size, who changes it over and over, neither ends the server nor keeps it from
// starting again. The log of etcd is then full of the largest entries, which etcd reads into memory at its start.
func TestALogFullOfTheLargestObjectsFitsIntoMemory(t *testing.T) {
	t.Setenv("GOMEMLIMIT", goMemLimit)
	n := newNamespace(t, measuredServer(t))
	n.create(t, newLargest("large"))
	anonymous := 0
	for i := range changes {
		patch := encode(t, object{"metadata": object{"labels": object{"i": strconv.Itoa(i)}}})
		poll(t, patience, func() error { // A controller may write in between, which a patch without a version does not mind.
			_, err := n.networks.Patch(t.Context(), "large", types.MergePatchType, patch, metav1.PatchOptions{})
			return err
		})
		anonymous = max(anonymous, memory.Of(t, n.PID(), "RssAnon")) // The kernel takes back what is mapped of files.
	}
	n.Kill()
	began := time.Now()
	n.mustStart(t)
	starting := memory.Of(t, n.PID(), "VmHWM")
	t.Logf("%d MiB at most while it was written, %d MiB for a start of %s", anonymous>>20, starting>>20, time.Since(began).Round(time.Millisecond))
	if anonymous > memoryLimit*9/10 || starting > memoryLimit*3/4 { // That counts files, too.
		t.Errorf("too near to the limit of %d MiB", memoryLimit>>20)
	}
	if got := n.get(t, "large").Labels["i"]; got != strconv.Itoa(changes-1) {
		t.Errorf("after the start the label is %q, want what was acknowledged last", got)
	}
}

// newLargest returns a Network of about the largest size that is taken.
func newLargest(name string) *v1alpha1.Network {
	network := newNetwork(name)
	network.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "example.com/v1", Kind: "Owner", UID: "1", Name: strings.Repeat("n", 1_290_000),
	}}
	return network
}

// A database that has reached its quota takes no more writes. The way out in docs/operate.md: a restart drops old versions; where
// the objects themselves need the room, a larger quota lets them be deleted.
func TestTheWayOutOfAFullDatabase(t *testing.T) {
	t.Parallel()
	s := ownServer(t, "--etcd-quota=24Mi")
	n := newNamespace(t, s)
	n.create(t, newLargest("versions"))
	for i := 0; ; i++ {
		patch := encode(t, object{"metadata": object{"labels": object{"i": strconv.Itoa(i)}}})
		_, err := n.networks.Patch(t.Context(), "versions", types.MergePatchType, patch, metav1.PatchOptions{})
		if apierrors.IsServiceUnavailable(err) && strings.Contains(err.Error(), "quota") {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	n.get(t, "versions") // Reads go on.
	n.stop(t)
	n.mustStart(t)
	n.create(t, newNetwork("after-the-restart"))
	// What is put here is no old version, and so stays. The controllers may have left old versions by then, which go with a restart.
	var answer error
	for i, attempt := 0, 0; attempt < 3 && !apierrors.IsServiceUnavailable(answer); attempt++ {
		etcd := n.etcd(t)
		for full := false; !full; i++ {
			_, err := etcd.Put(t.Context(), fmt.Sprintf("/fill/%d", i), strings.Repeat("f", 100_000))
			if full = errors.Is(err, rpctypes.ErrNoSpace); err != nil && !full {
				t.Fatal(err)
			}
		}
		n.stop(t)
		n.mustStart(t)
		_, answer = n.networks.Create(t.Context(), newLargest(fmt.Sprintf("more-%d", attempt)), metav1.CreateOptions{})
	}
	if !apierrors.IsServiceUnavailable(answer) {
		t.Errorf("without old versions, but full all the same, a creation was answered with %v", answer)
	}
	n.stop(t)
	roomy := newServer(s.Dir, "--etcd-quota=64Mi")
	roomy.mustStart(t)
	t.Cleanup(roomy.Kill)
	networks := roomy.client(t).Networks(n.name)
	if err := networks.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	poll(t, patience, func() error {
		left, err := networks.List(t.Context(), metav1.ListOptions{})
		if err == nil && len(left.Items) > 0 {
			err = fmt.Errorf("%d Networks are left", len(left.Items))
		}
		return err
	})
	if _, err := networks.Create(t.Context(), newLargest("one-more"), metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
}
