// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/plugin/picture"
	"ironcore.dev/networking/internal/rules"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// frame is one state of the page.
type frame struct {
	picture.Picture
	SVG string `json:"svg"`
	// Namespaces are those that the user can choose from.
	Namespaces []string `json:"namespaces"`
	// Trouble is why the server can't be watched at the moment: the picture may be outdated. Empty if it can.
	Trouble string `json:"trouble"`
}

// Requests asks the server who asks these Networks for a peering.
type Requests func(ctx context.Context, names []types.NamespacedName) ([]*v1alpha1.NetworkPeeringRequests, error)

// SVG lays a picture out.
type SVG func(picture.Picture) ([]byte, error)

// requestsPeriod is how often the requests from other namespaces are read: they can't be watched.
const requestsPeriod = 5 * time.Second

// feed watches Networks and NetworkInterfaces, and draws them once for all pages.
type feed struct {
	networks   listers.NetworkLister
	interfaces listers.NetworkInterfaceLister
	trouble    *trouble
	svg        SVG
	// drawing is held while a picture is drawn, so that pages of many namespaces take one processor.
	drawing sync.Mutex

	mu sync.Mutex
	// changed is closed by the next change.
	changed chan struct{}
	// drawn are the frames since the last change, by namespace.
	drawn map[string]func() ([]byte, error)
	// requests come from Networks in other namespaces.
	requests []*v1alpha1.NetworkPeeringRequests
}

// follow starts a feed, and returns once everything has been read.
func follow(ctx context.Context, config *rest.Config, namespace string, requests Requests, svg SVG) (*feed, error) {
	f := &feed{svg: svg, changed: make(chan struct{}), drawn: make(map[string]func() ([]byte, error))}
	f.trouble = newTrouble(config.Host, f.notify)
	config = rest.CopyConfig(config)
	config.Wrap(f.trouble.wrap)
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	factory := externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithNamespace(namespace))
	informers := factory.Networking().V1alpha1()
	f.networks, f.interfaces = informers.Networks().Lister(), informers.NetworkInterfaces().Lister()
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { f.notify() },
		UpdateFunc: func(any, any) { f.notify() },
		DeleteFunc: func(any) { f.notify() },
	}
	for _, informer := range []cache.SharedIndexInformer{informers.Networks().Informer(), informers.NetworkInterfaces().Informer()} {
		if err := informer.SetTransform(withoutManagedFields); err != nil {
			return nil, err
		}
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if namespace != metav1.NamespaceAll {
		go wait.UntilWithContext(ctx, func(ctx context.Context) { f.readRequests(ctx, requests) }, requestsPeriod)
	}
	return f, ctx.Err()
}

// readRequests reads the requests. After an error the earlier ones stay: the watches report the trouble.
func (f *feed) readRequests(ctx context.Context, requests Requests) {
	networks, err := f.networks.List(labels.Everything())
	if err != nil {
		return
	}
	names := make([]types.NamespacedName, 0, len(networks))
	for _, network := range networks {
		names = append(names, rules.NameOf(network))
	}
	answers, err := requests(ctx, names)
	if err != nil {
		return
	}
	answers = slices.DeleteFunc(answers, func(answer *v1alpha1.NetworkPeeringRequests) bool { return len(answer.Requests) == 0 })
	slices.SortFunc(answers, func(a, b *v1alpha1.NetworkPeeringRequests) int { return strings.Compare(a.Name, b.Name) })
	f.mu.Lock()
	changed := !equality.Semantic.DeepEqual(f.requests, answers)
	f.requests = answers
	f.mu.Unlock()
	if changed {
		f.notify()
	}
}

// withoutManagedFields drops the fields that take the most memory and are never shown.
func withoutManagedFields(obj any) (any, error) {
	if object, ok := obj.(metav1.Object); ok {
		object.SetManagedFields(nil)
	}
	return obj, nil
}

// notify tells the pages that something changed.
func (f *feed) notify() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.drawn)
	close(f.changed)
	f.changed = make(chan struct{})
}

// current returns a function that draws a namespace, or everything, as it is now, and a channel that the next change closes.
// Pages that draw the same namespace share the work.
func (f *feed) current(namespace string) (draw func() ([]byte, error), changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.drawn[namespace] == nil {
		f.drawn[namespace] = sync.OnceValues(func() ([]byte, error) { return f.draw(namespace) })
	}
	return f.drawn[namespace], f.changed
}

func (f *feed) draw(namespace string) ([]byte, error) {
	networks, err := f.networks.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	interfaces, err := f.interfaces.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	requests := f.requests
	f.mu.Unlock()
	all := picture.Draw(values(networks), values(interfaces)).WithRequests(requests)
	shown := frame{Picture: all, Namespaces: []string{}, Trouble: f.trouble.text()}
	for _, network := range all.Networks {
		shown.Namespaces = append(shown.Namespaces, network.Namespace)
	}
	shown.Namespaces = slices.Compact(shown.Namespaces)
	if namespace != "" {
		shown.Picture = all.Around(namespace)
	}
	f.drawing.Lock()
	defer f.drawing.Unlock()
	svg, err := f.svg(shown.Picture)
	if err != nil {
		return nil, err
	}
	shown.SVG = string(svg)
	return json.Marshal(shown)
}

func values[T v1alpha1.Network | v1alpha1.NetworkInterface](pointers []*T) []T {
	all := make([]T, 0, len(pointers))
	for _, pointer := range pointers {
		all = append(all, *pointer)
	}
	return all
}

// pause is how long a page waits after a frame, to get the changes until then in one frame: longer if drawing takes longer.
func pause(drawing time.Duration) time.Duration { return max(250*time.Millisecond, 3*drawing) }
