// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/pager"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// NewCommand returns the command that compares two servers.
func NewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "Compare the objects of two API servers",
		Long: `compare reads all objects of networking.ironcore.dev from two API servers, and prints in what they differ:

  -  the new one does not have this
  ~  the new one has something else
  +  the new one has this beside what the old one has

OLD and NEW are kubeconfig files; their current contexts count. It fails if something is missing or different.
An empty field counts as none. resourceVersion and managedFields are not compared.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return run(cmd.Context(), cmd.OutOrStdout(), args[0], args[1])
		},
	}
}

func run(ctx context.Context, out io.Writer, oldKubeconfig, newKubeconfig string) error {
	before, err := read(ctx, oldKubeconfig)
	if err != nil {
		return fmt.Errorf("reading what %s leads to: %w", oldKubeconfig, err)
	}
	after, err := read(ctx, newKubeconfig)
	if err != nil {
		return fmt.Errorf("reading what %s leads to: %w", newKubeconfig, err)
	}
	differences := Objects(before, after)
	for _, difference := range differences {
		fmt.Fprintln(out, difference)
	}
	lost := len(slices.DeleteFunc(slices.Clone(differences), Difference.IsAddition))
	fmt.Fprintf(out, "%d objects there, %d here: %d differences, %d additions\n",
		len(before), len(after), lost, len(differences)-lost)
	if lost > 0 {
		return fmt.Errorf("the servers differ")
	}
	return nil
}

// read returns all objects of the group that a server has, of whatever kinds it serves.
func read(ctx context.Context, kubeconfig string) ([]unstructured.Unstructured, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	discovered, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	resources, err := discovered.ServerResourcesForGroupVersion(v1alpha1.SchemeGroupVersion.String())
	if err != nil {
		return nil, err
	}
	var objects []unstructured.Unstructured
	for _, resource := range resources.APIResources {
		if !slices.Contains(resource.Verbs, "list") {
			continue
		}
		list := client.Resource(v1alpha1.SchemeGroupVersion.WithResource(resource.Name)).List
		pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return list(ctx, options)
		})
		err := pages.EachListItem(ctx, metav1.ListOptions{}, func(obj runtime.Object) error {
			objects = append(objects, *obj.(*unstructured.Unstructured))
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", resource.Name, err)
		}
	}
	return objects, nil
}
