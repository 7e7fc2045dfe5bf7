// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package ui tests the page of kubectl network ui in a real browser, against the real server. It needs Linux and Debian's
// chromium, or a browser of that kind in PATH; install.sh installs it. With -screenshots=DIR it writes the pictures of the docs.
package ui

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/test/standalone"
)

// patience is how long a test waits for what has to happen soon, on a machine that is busy with other tests.
const patience = 60 * time.Second

var screenshots = flag.String("screenshots", "", "write the pictures of the docs into this folder")

var (
	// program is network-apiserver, plugin is kubectl-network, browser is chromium.
	program, plugin, browser string
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ui:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "network-apiserver-ui-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && browser == "" {
			browser = path
		}
	}
	if browser == "" {
		return m.Run(), nil // each test says that it is skipped
	}
	if program, err = standalone.Program("../..", dir); err != nil {
		return 0, err
	}
	plugin = filepath.Join(filepath.Dir(program), "kubectl-network")
	if os.Getenv("NETWORK_APISERVER_BIN") == "" {
		build := exec.Command("go", "build", "-o", plugin, "./cmd/kubectl-network")
		build.Dir = "../.."
		if output, err := build.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("building the plugin: %w\n%s", err, output)
		}
	}
	return m.Run(), nil
}

// world is a server with a client.
type world struct {
	*standalone.Server
	clientset.NetworkingV1alpha1Interface
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if browser == "" {
		t.Skip("skipped: PATH has no chromium; test/ui/install.sh installs it on Debian, as root")
	}
	server := standalone.ForTest(t, program)
	config, err := server.Config()
	if err != nil {
		t.Fatal(err)
	}
	client, err := clientset.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &world{Server: server, NetworkingV1alpha1Interface: client}
}

// serve runs kubectl network ui and returns the address that it prints.
func (w *world) serve(t *testing.T, args ...string) (url string) {
	t.Helper()
	command := exec.Command(plugin, append([]string{"ui", "--kubeconfig=" + w.Kubeconfig}, args...)...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errOut strings.Builder
	command.Stderr = &errOut
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		rest, _ := io.ReadAll(out)
		if err := command.Wait(); err != nil || !strings.HasSuffix(string(rest), "The page has ended.\n") {
			t.Errorf("kubectl network ui ended with %v\n%s%s", err, rest, errOut.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("kubectl network ui printed %q: %v\n%s", line, err, errOut.String())
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "Open "))
}

// page is a page in the browser.
type page struct {
	t   *testing.T
	ctx context.Context
	url string

	mu sync.Mutex
	// complaints are what the console said, and requests to elsewhere.
	complaints []string
}

// open opens an address in a window of a size. At the end of the test it checks that the console stayed empty, and that the
// browser asked for nothing elsewhere.
func open(t *testing.T, url string, width, height int, dark bool) *page {
	t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox,
		chromedp.WindowSize(width, height))
	allocator, cancelAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	p := &page{t: t, ctx: ctx, url: url}
	t.Cleanup(func() {
		cancel()
		cancelAllocator()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, complaint := range p.complaints {
			t.Error(complaint)
		}
	})
	p.do()
	_, networkErr := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	_, logErr := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	_, mediaErr := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	if err := errors.Join(networkErr, logErr, mediaErr, chromedp.Listen(ctx, p.listen)); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.EmulateViewport(int64(width), int64(height)), chromedp.Navigate(url))
	return p
}

func (p *page) listen(event any) {
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(event.Request.URL, p.url) {
			p.complain("the page asked for %s", event.Request.URL)
		}
	case *network.EventWebSocketCreated:
		p.complain("the page opened a web socket to %s", event.URL)
	case *log.EventEntryAdded:
		p.complain("the browser says: %s %s", event.Entry.Level, event.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		p.complain("the console says: %s %v", event.Type, event.Args)
	case *runtime.EventExceptionThrown:
		p.complain("the page failed: %s", event.ExceptionDetails.Exception.Description)
	}
}

func (p *page) complain(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complaints = append(p.complaints, fmt.Sprintf(format, args...))
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatalf("%v\n%s", err, p.said())
	}
}

func (p *page) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.complaints, "\n")
}

// read returns the value of an expression.
func read[T any](p *page, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", expression, err, p.said())
	}
	return value
}

// await waits until an expression is true.
func (p *page) await(what, expression string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Poll[chromedp.Void]("!!("+expression+")",
		chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(patience)))
	if err != nil {
		text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		p.t.Fatalf("%s did not come: %v\n%s\n%s", what, err, p.said(), text)
	}
}

// shoot writes a picture for the docs, where one is asked for.
func (p *page) shoot(name string) {
	p.t.Helper()
	if *screenshots == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// newNetwork names others, as NAMESPACE/NAME.
func newNetwork(namespace, name string, others ...string) *v1alpha1.Network {
	made := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	for _, other := range others {
		namespace, name, _ := strings.Cut(other, "/")
		made.Spec.Peerings = append(made.Spec.Peerings, v1alpha1.NetworkPeering{Name: namespace + "-" + name,
			NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: namespace, Name: name}})
	}
	return made
}

func (w *world) create(t *testing.T, networks ...*v1alpha1.Network) {
	t.Helper()
	for _, made := range networks {
		if _, err := w.Networks(made.Namespace).Create(t.Context(), made, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}
