// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package cluster starts what the end-to-end tests need, as real processes on 127.0.0.1: a Kubernetes control plane, a
// three-member etcd with TLS, and replicas of network-apiserver behind a load balancer, registered with the control
// plane as the manifests in deploy say.
//
//	client → kube-apiserver → balancer → replica → etcd (three members)
//	              ↓                         ↓
//	        etcd of its own        kube-apiserver (who may do what, Events, namespaces, …)
//
// All certificates are made for the run. Programs come from bin; test/e2e/README.md says how they get there.
package cluster

import (
	"cmp"
	"context"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"ironcore.dev/networking/test/process"
)

// What is installed. All of the overlay is applied; but there are no nodes to run its Pods, so the replicas here take
// their place.
const (
	overlay     = "deploy/kustomize/overlays/ha"
	auditPolicy = "deploy/kustomize/base/audit-policy.yaml"
)

// Names that the overlay fixes.
const (
	Namespace      = "network-system"
	ServiceAccount = "network-apiserver"
	Service        = "network-apiserver"
	APIService     = "v1alpha1.networking.ironcore.dev"
)

// Config says what to start.
type Config struct {
	// Root is the folder of the repository.
	Root string
	// Dir takes all files of the run: certificates, data, logs.
	Dir string
	// Replicas of network-apiserver.
	Replicas int
	// Flags are added to those of each replica.
	Flags []string
	// Links puts connections that can be cut in front of network-apiserver's etcd, and between network-apiserver and the
	// kube-apiserver.
	Links bool
	// SmallDisks puts the data of network-apiserver's etcd on small disks. CanMountDisks tells where that is possible.
	SmallDisks bool
	// Clocks is a folder with the programs that test/chaos/clocks builds. network-apiserver and its etcd run from there, if it is given,
	// and SetClock changes their time.
	Clocks string
	// Measured is for benchmarks: every etcd has one member and waits for the disk, nothing is encrypted in it, and there is
	// no kube-controller-manager.
	Measured bool
}

// Cluster is everything that runs.
type Cluster struct {
	Kubernetes *Kubernetes
	// Etcd is network-apiserver's.
	Etcd     *Etcd
	Replicas []*Replica
	// Admin is a user who may do everything.
	Admin *User

	config   Config
	kubectl  string
	serving  *authority
	balancer *balancer
}

// User is somebody who speaks to the kube-apiserver.
type User struct {
	// Config is for clients of the user's; it sets no limit to the rate of requests, and is silent on warnings.
	Config *rest.Config
	// Kubeconfig is the same, as a file.
	Kubeconfig string
}

// Start starts everything, and returns once networks can be served through the kube-apiserver. What it returns must
// be stopped even if it failed.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	c := &Cluster{config: config}
	programs := filepath.Join(config.Root, "bin", "kubernetes")
	var err error
	if c.kubectl, err = exec.LookPath("kubectl"); err != nil {
		c.kubectl = filepath.Join(programs, "kubectl")
	}

	var group errgroup.Group
	group.Go(func() (err error) {
		var links *Links
		if config.Links {
			links = newLinks()
		}
		members := 3
		if config.Measured {
			members = 1
		}
		program := filepath.Join(cmp.Or(config.Clocks, programs), "etcd")
		c.Etcd, err = startEtcdBehind(ctx, links, config.SmallDisks, program, config.Dir, "network-etcd", members)
		return err
	})
	group.Go(func() (err error) {
		c.Kubernetes, err = startKubernetes(ctx, config)
		return err
	})
	if err := group.Wait(); err != nil {
		return c, err
	}
	if c.Admin, err = c.NewUser("admin", "system:masters"); err != nil {
		return c, err
	}
	manifests, err := c.render(ctx)
	if err != nil {
		return c, err
	}
	isRegistration := func(object *unstructured.Unstructured) bool { return object.GetKind() == "APIService" }
	if err := c.apply(ctx, slices.DeleteFunc(slices.Clone(manifests), isRegistration)); err != nil {
		return c, err
	}
	kubeconfig, err := c.serviceAccountKubeconfig(ctx)
	if err != nil {
		return c, err
	}
	if c.serving, err = newAuthority(filepath.Join(config.Dir, "serving"), "serving"); err != nil {
		return c, err
	}
	for i := range config.Replicas {
		replica, err := c.newReplica(i, kubeconfig)
		if err != nil {
			return c, err
		}
		replica.AddFlags(config.Flags...)
		for _, links := range []*Links{c.Etcd.Links, c.Kubernetes.Links} {
			if links != nil {
				links.track(&replica.Process)
			}
		}
		c.Replicas = append(c.Replicas, replica)
		group.Go(func() error { return replica.Start(ctx) })
	}
	if err := group.Wait(); err != nil {
		return c, err
	}
	if c.balancer, err = startBalancer(c.Replicas); err != nil {
		return c, err
	}
	return c, c.register(ctx, manifests[slices.IndexFunc(manifests, isRegistration)])
}

// Stop ends all processes. It may be called at any time, and tells which replica did not end as it should.
func (c *Cluster) Stop() error {
	var failures []error
	if c.balancer != nil {
		c.balancer.stop()
	}
	for _, replica := range c.Replicas {
		failures = append(failures, replica.Stop())
	}
	if c.Kubernetes != nil {
		c.Kubernetes.kill()
	}
	if c.Etcd != nil {
		c.Etcd.kill()
	}
	return errors.Join(failures...)
}

// NewUser makes a user with a certificate for name and groups. Without roles, it may do next to nothing.
func (c *Cluster) NewUser(name string, groups ...string) (*User, error) {
	file := strings.NewReplacer(":", "-", "/", "-").Replace(name) + ".kubeconfig"
	kubeconfig, err := c.Kubernetes.kubeconfig(filepath.Join(c.config.Dir, file),
		pkix.Name{CommonName: name, Organization: groups})
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	return &User{Config: config, Kubeconfig: kubeconfig}, nil
}

// WaitUntilAllowed returns once the user may do all of this. A role is in force a moment after it is bound; and who asks
// network-apiserver before then is refused for some seconds more, because it remembers refusals.
func (u *User) WaitUntilAllowed(ctx context.Context, attributes ...authorizationv1.ResourceAttributes) error {
	client, err := kubernetes.NewForConfig(u.Config)
	if err != nil {
		return err
	}
	for _, wanted := range attributes {
		review := &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &wanted},
		}
		err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 30*time.Second, true,
			func(ctx context.Context) (bool, error) {
				answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
				return err == nil && answer.Status.Allowed, err
			})
		if err != nil {
			return fmt.Errorf("waiting until the user may %s %s: %w", wanted.Verb, wanted.Resource, err)
		}
	}
	return nil
}

// Direct is for clients of the administrator's that speak to one replica, past the kube-apiserver and the balancer.
func (c *Cluster) Direct(replica *Replica) *rest.Config {
	config := rest.CopyConfig(c.Admin.Config)
	config.Host = replica.URL
	config.CAData = c.serving.CertPEM()
	return config
}

// Kubectl runs kubectl as user with the given standard input, and returns all that it printed.
func (c *Cluster) Kubectl(ctx context.Context, user *User, stdin string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, c.kubectl, args...)
	command.Stdin = strings.NewReader(stdin)
	command.Env = append(os.Environ(),
		"KUBECONFIG="+user.Kubeconfig, "KUBECACHEDIR="+filepath.Join(c.config.Dir, "kubectl-cache"))
	command.SysProcAttr = process.DieWithParent()
	out, err := command.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return string(out), err
}

// serviceAccountKubeconfig writes a kubeconfig with a token of network-apiserver's service account: the replicas run
// with what its Pods would have, and not more.
func (c *Cluster) serviceAccountKubeconfig(ctx context.Context) (string, error) {
	client, err := kubernetes.NewForConfig(c.Admin.Config)
	if err != nil {
		return "", err
	}
	hours := int64((12 * time.Hour).Seconds())
	token, err := client.CoreV1().ServiceAccounts(Namespace).CreateToken(ctx, ServiceAccount,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hours}},
		metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("a token for the service account %s/%s: %w", Namespace, ServiceAccount, err)
	}
	url := c.Kubernetes.url
	if c.config.Links {
		c.Kubernetes.Links = newLinks()
		port, err := c.Kubernetes.Links.open(c.Kubernetes.APIServer.Name, c.Kubernetes.port)
		if err != nil {
			return "", err
		}
		url = fmt.Sprintf("https://127.0.0.1:%d", port)
	}
	path := filepath.Join(c.config.Dir, "network-apiserver.kubeconfig")
	return path, writeKubeconfig(path, url, c.Kubernetes.ca, keyPair{}, token.Status.Token)
}

// render returns the objects of the overlay, changed in that the Service leads to the balancer: an EndpointSlice may
// not hold a loopback address, so it leads there by name.
func (c *Cluster) render(ctx context.Context) ([]*unstructured.Unstructured, error) {
	rendered, err := c.Kubectl(ctx, c.Admin, "", "kustomize", filepath.Join(c.config.Root, overlay))
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, rendered)
	}
	var objects []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(rendered), 4096); ; {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading what %s renders: %w", overlay, err)
		}
		if object.GetKind() == "Service" && object.GetName() == Service {
			object.Object["spec"] = map[string]any{"type": "ExternalName", "externalName": "localhost"}
		}
		objects = append(objects, object)
	}
}

func (c *Cluster) apply(ctx context.Context, objects []*unstructured.Unstructured) error {
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "List"}}
	for _, object := range objects {
		list.Items = append(list.Items, *object)
	}
	manifest, err := list.MarshalJSON()
	if err != nil {
		return err
	}
	if out, err := c.Kubectl(ctx, c.Admin, string(manifest), "apply", "--server-side", "-f", "-"); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// register has the kube-apiserver send requests for networks to the balancer, and waits until it says that works.
func (c *Cluster) register(ctx context.Context, registration *unstructured.Unstructured) error {
	spec := registration.Object["spec"].(map[string]any)
	spec["service"].(map[string]any)["port"] = int64(c.balancer.port())
	spec["caBundle"] = base64.StdEncoding.EncodeToString(c.serving.CertPEM())
	if err := c.apply(ctx, []*unstructured.Unstructured{registration}); err != nil {
		return err
	}
	out, err := c.Kubectl(ctx, c.Admin, "", "wait", "--for=condition=Available", "--timeout=60s",
		"apiservice/"+APIService)
	if err != nil {
		status, _ := c.Kubectl(ctx, c.Admin, "", "get", "apiservice", APIService, "-o", "jsonpath={.status}")
		return fmt.Errorf("%w\n%s%s", err, out, status)
	}
	return nil
}

// writeKubeconfig writes a kubeconfig for a server, with a client certificate or a token.
func writeKubeconfig(path, url string, ca *authority, pair keyPair, token string) error {
	user := &clientcmdapi.AuthInfo{Token: token}
	if pair.CertFile != "" {
		var err error
		if user.ClientCertificateData, err = os.ReadFile(pair.CertFile); err != nil {
			return err
		}
		if user.ClientKeyData, err = os.ReadFile(pair.KeyFile); err != nil {
			return err
		}
	}
	return clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"e2e": {Server: url, CertificateAuthorityData: ca.CertPEM()}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"e2e": user},
		Contexts:       map[string]*clientcmdapi.Context{"e2e": {Cluster: "e2e", AuthInfo: "e2e"}},
		CurrentContext: "e2e",
	}, path)
}
