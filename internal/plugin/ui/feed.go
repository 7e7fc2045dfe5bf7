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

// frame is what a page shows at a time.
type frame struct {
	picture.Picture
	SVG string `json:"svg"`
	// Namespaces are all those that a page can choose from.
	Namespaces []string `json:"namespaces"`
	// Trouble is why the server can't be followed at the moment; what is shown may be outdated then.
	Trouble string `json:"trouble"`
}

// Requests asks the server who asks these Networks for a peering.
type Requests func(ctx context.Context, names []types.NamespacedName) ([]*v1alpha1.NetworkPeeringRequests, error)

// requestsPeriod is how often a page of one namespace asks who asks from elsewhere: that can't be watched.
const requestsPeriod = 5 * time.Second

// feed follows Networks and NetworkInterfaces by watch, and draws them once for all pages.
type feed struct {
	networks   listers.NetworkLister
	interfaces listers.NetworkInterfaceLister
	trouble    *trouble

	mu sync.Mutex
	// changed is closed with the next change.
	changed chan struct{}
	// drawn are the frames since the last change, by namespace.
	drawn map[string]func() ([]byte, error)
	// requests are those of Networks that were not read.
	requests []*v1alpha1.NetworkPeeringRequests
}

// follow returns once all has been read for the first time.
func follow(ctx context.Context, config *rest.Config, namespace string, requests Requests) (*feed, error) {
	f := &feed{changed: make(chan struct{}), drawn: make(map[string]func() ([]byte, error))}
	f.trouble = newTrouble(config.Host, f.touch)
	config = rest.CopyConfig(config)
	config.Wrap(f.trouble.watch)
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	factory := externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithNamespace(namespace))
	informers := factory.Networking().V1alpha1()
	f.networks, f.interfaces = informers.Networks().Lister(), informers.NetworkInterfaces().Lister()
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { f.touch() },
		UpdateFunc: func(any, any) { f.touch() },
		DeleteFunc: func(any) { f.touch() },
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
		go wait.UntilWithContext(ctx, func(ctx context.Context) { f.askWhoAsks(ctx, requests) }, requestsPeriod)
	}
	return f, ctx.Err()
}

// askWhoAsks reads the requests. Without an answer those from before stay: the trouble is told by the watches.
func (f *feed) askWhoAsks(ctx context.Context, requests Requests) {
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
		f.touch()
	}
}

// withoutManagedFields leaves out what takes the most room and is never shown.
func withoutManagedFields(obj any) (any, error) {
	if object, ok := obj.(metav1.Object); ok {
		object.SetManagedFields(nil)
	}
	return obj, nil
}

// touch tells the pages that something changed.
func (f *feed) touch() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.drawn)
	close(f.changed)
	f.changed = make(chan struct{})
}

// current returns how to draw what there is now around a namespace, or all of it, and a channel that is closed by the next
// change. The pages that draw the same share the work.
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
	// The work is shared: it must not end with the page that asked first.
	svg, err := shown.Picture.SVG(context.Background())
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

// pause is how long a page rests after a frame: what changes meanwhile comes in one more. A large picture takes longer to draw.
func pause(drawing time.Duration) time.Duration { return max(250*time.Millisecond, 3*drawing) }
