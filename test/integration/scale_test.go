// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Not parallel: it measures.
func TestTenThousandNetworksFitIntoMemoryAndComeBackInSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes about a minute")
	}
	const total, writers, maxMemory, maxStart = 10_000, 32, 700 << 20, 10 * time.Second
	s := measuredServer(t)
	config := s.config(t)
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf
	client := newClient(t, config)

	began := time.Now()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(writers)
	for i := range total {
		group.Go(func() error {
			// Each one names its neighbour, so that all become bound in pairs.
			network := newNetwork(fmt.Sprintf("network-%d", i), to(fmt.Sprintf("network-%d", i^1)))
			_, err := client.Networks(fmt.Sprintf("namespace-%d", i/100)).Create(ctx, network, metav1.CreateOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d creates took %s", total, time.Since(began))
	informers := externalversions.NewSharedInformerFactory(versioned.New(client.RESTClient()), 0)
	networks := informers.Networking().V1alpha1().Networks().Lister()
	watching, stopWatching := context.WithCancel(t.Context())
	defer stopWatching()
	informers.Start(watching.Done())
	poll(t, 10*patience, func() error {
		bound := 0
		for _, network := range listCached(t, networks) {
			if len(network.Spec.IncomingPeerings) == 1 {
				bound++
			}
		}
		if bound < total {
			return fmt.Errorf("%d of %d Networks are bound", bound, total)
		}
		return nil
	})
	t.Logf("all were settled %s after the first create", time.Since(began))
	if used := residentMemory(t, s); used > maxMemory {
		t.Errorf("the server uses %d MiB, want %d at most", used>>20, maxMemory>>20)
	}

	stopWatching()
	informers.Shutdown()
	s.stop(t)
	began = time.Now()
	s.mustStart(t)
	if took := time.Since(began); took > maxStart {
		t.Errorf("the server was ready after %s, want %s at most", took, maxStart)
	}
	t.Logf("the restart took %s", time.Since(began))
	if all := listAll(t, s); len(all) != total {
		t.Errorf("there are %d Networks after the restart, want %d", len(all), total)
	} else if err := settled(all); err != nil {
		t.Error(err)
	}
	if used := residentMemory(t, s); used > maxMemory {
		t.Errorf("the server uses %d MiB after the restart, want %d at most", used>>20, maxMemory>>20)
	}
}

func listCached(t *testing.T, networks listers.NetworkLister) []*v1alpha1.Network {
	t.Helper()
	cached, err := networks.List(labels.Everything())
	if err != nil {
		t.Fatal(err)
	}
	return cached
}

// residentMemory returns how many bytes of memory a server holds.
func residentMemory(t *testing.T, s *server) int64 {
	t.Helper()
	status := readFile(t, fmt.Sprintf("/proc/%d/status", s.PID()))
	for lines := bufio.NewScanner(strings.NewReader(status)); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[0] == "VmRSS:" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("the server holds %d MiB", kilobytes>>10)
			return kilobytes << 10
		}
	}
	t.Fatalf("no VmRSS in\n%s", status)
	return 0
}
