// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command demo shows two Networks that carry packets: it brings up a small OVN and the server, and pings from a guest of one
// Network to a guest of the other, before they are peered, while they are and after. It needs what the tests with OVN do.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/test/ovn/lab"
	"ironcore.dev/networking/test/standalone"
)

func main() {
	lab.BecomeRoot()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := demo(ctx, os.Args[1])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo(ctx context.Context, program string) (err error) {
	if obstacle := lab.Obstacle(); obstacle != "" {
		return fmt.Errorf("%s", obstacle)
	}
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Printf("%4.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	dir, err := os.MkdirTemp("", "network-apiserver-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ovn, err := lab.Start()
	if err != nil {
		return err
	}
	defer ovn.Close()
	say("OVN runs: databases, ovn-northd, ovn-controller and a switch, in a namespace of their own")
	networks, end, err := serve(program, filepath.Join(dir, "data"), ovn.NBAddress())
	if err != nil {
		return err
	}
	defer end()
	say("network-apiserver runs with --network-provider=ovn")

	guests := make(map[string]*lab.Guest)
	for name, ip := range map[string]string{"red": "10.0.0.1", "blue": "10.1.0.1"} {
		if guests[name], err = guest(ctx, ovn, networks, name, ip); err != nil {
			return err
		}
	}
	say("Network red has a guest at 10.0.0.1, Network blue one at 10.1.0.1")
	ping := func() bool { return guests["red"].Ping(ctx, "10.1.0.1", time.Second/2) }
	show := func(answered bool) {
		words := "no answer"
		if answered {
			words = "an answer"
		}
		say("ping from red to blue: %s", words)
	}
	show(ping())

	for name, peer := range map[string]string{"red": "blue", "blue": "red"} {
		patch := fmt.Sprintf(`{"spec":{"peerings":[{"name":"demo","networkRef":{"name":%q}}]}}`, peer)
		if _, err := networks.Networks("demo").Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	say("red and blue name each other in spec.peerings")
	if err := until(ctx, ping); err != nil {
		return fmt.Errorf("the peering lets nothing through: %w", err)
	}
	show(true)

	patch := []byte(`{"spec":{"peerings":null}}`)
	if _, err := networks.Networks("demo").Patch(ctx, "blue", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return err
	}
	say("blue takes its peering back")
	if err := until(ctx, func() bool { return !ping() }); err != nil {
		return fmt.Errorf("packets still pass: %w", err)
	}
	show(false)
	return nil
}

// serve runs the server and returns a client of it.
func serve(program, dir, nb string) (client clientset.NetworkingV1alpha1Interface, end func(), err error) {
	server := standalone.New(program, dir, "--network-provider=ovn", "--ovn-nb="+nb)
	if err := server.Start(); err != nil {
		return nil, nil, err
	}
	end = server.Kill
	config, err := server.Config()
	if err == nil {
		client, err = clientset.NewForConfig(config)
	}
	if err != nil {
		end()
		return nil, nil, err
	}
	return client, end, nil
}

// guest makes a Network with one NetworkInterface and plugs a guest in.
func guest(
	ctx context.Context, ovn *lab.Lab, client clientset.NetworkingV1alpha1Interface, name, ip string,
) (*lab.Guest, error) {
	named := metav1.ObjectMeta{Namespace: "demo", Name: name}
	if _, err := client.Networks("demo").Create(ctx, &v1alpha1.Network{ObjectMeta: named}, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	nic := &v1alpha1.NetworkInterface{ObjectMeta: named, Spec: v1alpha1.NetworkInterfaceSpec{
		NetworkRef: v1alpha1.LocalObjectReference{Name: name},
		IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol}, IPs: []v1alpha1.IPSource{{Value: ip}},
	}}
	if _, err := client.NetworkInterfaces("demo").Create(ctx, nic, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	err := until(ctx, func() bool {
		got, err := client.NetworkInterfaces("demo").Get(ctx, name, metav1.GetOptions{})
		nic = got
		return err == nil && got.Status.State == v1alpha1.NetworkInterfaceStateAvailable && got.Spec.ProviderID != ""
	})
	if err != nil {
		return nil, fmt.Errorf("NetworkInterface %s: %w", name, err)
	}
	plugged, err := ovn.Plug(nic)
	if err != nil {
		return nil, err
	}
	// Its own gateway answers once the hypervisor has taken the port in.
	return plugged, until(ctx, func() bool { return plugged.Ping(ctx, nic.Status.Gateways[0], time.Second/2) })
}

// until tries until it is so.
func until(ctx context.Context, so func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for !so() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
