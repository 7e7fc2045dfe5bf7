// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// shop makes a small world with a peering of each kind.
func shop(t *testing.T, w *world) {
	t.Helper()
	refusing := newNetwork("partner", "archive", "shop/data")
	refusing.Annotations = map[string]string{v1alpha1.DeclinedPeeringsAnnotation: "shop/data"}
	w.create(t,
		newNetwork("shop", "web", "shop/data", "platform/shared"),
		newNetwork("shop", "data", "shop/web", "partner/archive"),
		newNetwork("platform", "shared", "shop/web"),
		refusing,
		newNetwork("partner", "lab", "shop/web"),
	)
	w.addInterface(t, "shop", "web", "web-1", "10.0.0.1")
	w.addInterface(t, "shop", "web", "web-2", "10.0.0.2")
	w.addInterface(t, "shop", "data", "db-1", "10.1.0.1")
	w.addInterface(t, "platform", "shared", "dns", "10.9.0.53")
}

const (
	networks = `document.querySelectorAll('.network').length`
	bound    = `document.querySelectorAll('#picture .peering.bound').length`
	pending  = `document.querySelectorAll('#picture .peering.pending').length`
	requests = `document.querySelectorAll('#picture .peering.request').length`
)

func text(id string) string { return `document.getElementById('` + id + `').textContent` }

func TestThePageShowsNetworksPeeringsAndInterfaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop(t, w)
	url := w.serve(t, "-A")
	p := open(t, url, 1200, 640, false)
	p.await("every Network", networks+` === 5 && `+bound+` === 2 && `+pending+` === 1 && `+requests+` === 1`)
	p.await("every interface", text("counts")+` === '5 Networks · 4 interfaces · 2 bound · 1 pending · 1 request'`)
	p.await("addresses in the picture", text("shop/web")+`.includes('web-1 10.0.0.1')`)
	if frames := read[string](p, `[...document.querySelectorAll('.namespace text')].map((t) => t.textContent).sort().join()`); frames != "partner,platform,shop" {
		t.Errorf("the frames are those of %s", frames)
	}
	p.shoot("networks-light")

	for part, want := range map[string]string{
		"partner/archive--shop/data": "partner/archive and shop/data: Pending\nPeeringDeclined: ",
		"partner/lab--shop/web":      "partner/lab asks shop/web: Request\nPeeringNotAccepted: ",
		"shop/data--shop/web":        "shop/data and shop/web: Bound",
		"shop/web":                   "shop/web: Available",
	} {
		p.hover(part)
		p.await("the reason of "+part, fmt.Sprintf(`!document.getElementById('tip').hidden && %s.startsWith(%q)`, text("tip"), want))
	}

	p.click("shop/web")
	p.await("the details", text("details")+`.includes('web-2 10.0.0.2 Available')`)
	for _, want := range []string{"in namespace shop", "local://", "↔ shop/data Bound", "← partner/lab Request PeeringNotAccepted",
		"kubectl network accept web partner/lab -n shop"} {
		if details := read[string](p, text("details")); !strings.Contains(details, want) {
			t.Errorf("the details lack %q:\n%s", want, details)
		}
	}

	tenant := open(t, w.serve(t, "-n", "shop"), 1200, 640, false)
	tenant.await("who asks from a namespace that is not read", `document.getElementById('partner/lab--shop/web')?.classList.contains('request')`)
	w.create(t, newNetwork("partner", "late", "shop/data"))
	tenant.await("a request that comes later", `document.getElementById('partner/late--shop/data')`)
	if err := w.Networks("partner").Delete(t.Context(), "late", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	tenant.await("the end of that request", `!document.getElementById('partner/late--shop/data')`)

	dark := open(t, url, 1200, 640, true)
	dark.await("every Network", networks+` === 5`)
	dark.await("every interface", text("counts")+`.includes('4 interfaces')`)
	dark.click("shop/web")
	dark.await("the details", text("details")+`.includes('web-2')`)
	dark.shoot("networks-dark")
	for name, expression := range map[string]string{
		"the page": `getComputedStyle(document.body).backgroundColor`,
		"a box":    `getComputedStyle(document.querySelector('.network.available path')).fill`,
		"a name":   `getComputedStyle(document.querySelector('.network text')).fill`,
		"a line":   `getComputedStyle(document.querySelector('#picture .peering.bound path:not(.reach)')).stroke`,
	} {
		if inLight, inDark := read[string](p, expression), read[string](dark, expression); inLight == inDark {
			t.Errorf("%s is %s in the light and in the dark", name, inLight)
		}
	}
}

func TestThePageFollowsChangesWithoutReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := open(t, w.serve(t, "-A"), 1200, 640, false)
	p.await("the empty page", `!document.getElementById('empty').hidden`)
	read[bool](p, `window.sameAsBefore = true`)

	w.create(t, newNetwork("shop", "web", "platform/shared"))
	p.await("a new Network that asks one that nobody made", text("counts")+` === '1 Network · 0 interfaces · 0 bound · 0 pending · 1 request'`)
	p.await("whom it asks", `document.getElementById('platform/shared').classList.contains('unknown')`)
	w.create(t, newNetwork("platform", "shared", "shop/web"))
	p.await("the bound peering", bound+` === 1 && `+requests+` === 0`)
	w.addInterface(t, "shop", "web", "web-1", "10.0.0.1")
	p.await("the new address", text("shop/web")+`.includes('10.0.0.1')`)
	p.click("shop/web")
	p.await("the details", text("details")+`.includes('Bound')`)

	patch := []byte(`{"spec": {"peerings": null}}`)
	if _, err := w.Networks("platform").Patch(t.Context(), "shared", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	p.await("the end of the peering", requests+` === 1 && `+text("details")+`.includes('PeeringNotAccepted')`)
	if err := w.Networks("platform").Delete(t.Context(), "shared", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.await("the deletion", text("counts")+`.startsWith('1 Network ·')`)

	if _, err := w.End(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.await("that the server is away", text("trouble")+`.includes('does not answer')`)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	p.await("the server again", `document.getElementById('trouble').hidden`)
	w.create(t, newNetwork("shop", "late"))
	p.await("what came afterwards", `document.getElementById('shop/late')`)
	if !read[bool](p, `window.sameAsBefore === true`) {
		t.Error("the page was loaded again")
	}
}

func TestThePageIsUsedByKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop(t, w)
	p := open(t, w.serve(t, "-A"), 1200, 640, false)
	p.await("every interface", networks+` === 5 && `+text("counts")+`.includes('4 interfaces')`)

	p.press("/", "10.9.0")
	p.await("what has the address", text("found")+` === '1 found' && document.getElementById('platform/shared').classList.contains('found')`)
	p.press(kb.Enter)
	p.await("its details", text("details")+`.includes('dns 10.9.0.53')`)
	p.press(kb.Escape, kb.Escape)
	p.await("nothing chosen", text("found")+` === '' && document.getElementById('details').hidden`)
	p.await("the focus on what was chosen", `document.activeElement.id === 'platform/shared'`)

	seen := map[string]bool{}
	for _, key := range []string{kb.ArrowLeft, kb.ArrowRight, kb.ArrowUp, kb.ArrowDown} {
		for range 4 {
			p.press(key)
			seen[read[string](p, `document.activeElement.id`)] = true
		}
	}
	if len(seen) < 3 {
		t.Errorf("the arrow keys reach only %v", seen)
	}
	focused := read[string](p, `document.activeElement.id`)
	p.press(kb.Enter)
	p.await("the details", fmt.Sprintf(`%q.endsWith('/' + document.querySelector('#details h2').textContent)`, focused))
	p.press(kb.Escape)

	width := read[float64](p, `document.querySelector('#picture svg').getBoundingClientRect().width`)
	p.press("+")
	p.await("a larger picture", fmt.Sprintf(`document.querySelector('#picture svg').getBoundingClientRect().width > %f`, width))
	p.press("?")
	p.await("the list of keys", `document.getElementById('help').open`)
	p.press(kb.Escape)
	p.await("its end", `!document.getElementById('help').open`)
	p.press("n", "platform")
	p.await("the namespace and whom it peers with", `document.activeElement.id === 'namespace' && `+networks+` === 2`)
	p.await("both sides", bound+` === 1`)
	if read[bool](p, `document.getElementById('partner/lab') !== null`) {
		t.Error("the filter leaves other namespaces in")
	}
}

func TestThreeHundredNetworksAreLegible(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := func(i int) (namespace, name string) {
		i %= 300
		return fmt.Sprintf("team-%02d", i/10), fmt.Sprintf("network-%d", i%10)
	}
	full := func(i int) string {
		namespace, name := name(i)
		return namespace + "/" + name
	}
	for i := range 300 {
		var others []string
		if i%10 < 6 {
			others = append(others, full(i+1))
		}
		if i%10 > 0 && i%10 < 5 {
			others = append(others, full(i-1))
		}
		if i%10 == 0 {
			others = append(others, full(i+10), full(i+290))
		}
		namespace, name := name(i)
		w.create(t, newNetwork(namespace, name, others...))
		if i%3 == 0 {
			w.addInterface(t, namespace, name, "nic-"+name, fmt.Sprintf("10.0.%d.%d", i/250, i%250+1))
		}
	}
	p := open(t, w.serve(t, "-A"), 1400, 900, false)
	p.await("300 Networks", networks+` === 300 && `+text("counts")+`.startsWith('300 Networks · 100 interfaces')`)
	p.await("the bound peerings", bound+` === 150`)
	p.shoot("networks-300")

	p.checkLegible(t)
	size := read[[]float64](p, `(() => { const box = document.querySelector('#picture svg').getBoundingClientRect(); return [box.width, box.height]; })()`)
	if size[0] > 3*1400 || size[1] > 3*900 {
		t.Errorf("the picture is %v pixels, want at most nine screens", size)
	}
	p.press("/", "team-29/network-9")
	p.await("the last Network in sight", `(() => { const box = document.getElementById('team-29/network-9').getBoundingClientRect();
		return box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight; })()`)
	p.press(kb.Escape)

	for i := range 300 { // while somebody looks on
		namespace, name := name(i)
		patch := fmt.Appendf(nil, `{"spec": {"peerings": [{"name": "x", "networkRef": {"namespace": "hub", "name": "h"}}]}}`)
		if _, err := w.Networks(namespace).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	p.await("all 300 changes", requests+` === 300 && `+bound+` === 0`)
	p.checkLegible(t)

	read[bool](p, `(() => { const choice = document.getElementById('namespace'); choice.value = 'team-07';
		choice.dispatchEvent(new Event('change')); return true; })()`)
	p.await("one namespace", networks+` === 11`)
	p.checkLegible(t)
}

// checkLegible checks that every name is large enough, in its box, and that no box lies on another.
func (p *page) checkLegible(t *testing.T) {
	t.Helper()
	faults := read[[]string](p, `(() => {
		const faults = [];
		const boxes = [...document.querySelectorAll('.network')].map((n) => [n, n.querySelector('path, polygon').getBoundingClientRect()]);
		const inside = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
		for (const [n, box] of boxes) {
			for (const text of n.querySelectorAll('text')) {
				const rect = text.getBoundingClientRect();
				if (rect.height < 10) faults.push(n.id + ': letters of ' + rect.height + ' pixels');
				if (!inside(rect, box)) faults.push(n.id + ': text outside the box: ' + text.textContent);
			}
			for (const [m, other] of boxes) {
				if (n.id < m.id && box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom) {
					faults.push(n.id + ' and ' + m.id + ' overlap');
				}
			}
		}
		return faults.slice(0, 10);
	})()`)
	for _, fault := range faults {
		t.Error(fault)
	}
}

// addInterface adds one with an address to a Network.
func (w *world) addInterface(t *testing.T, namespace, network, name, address string) {
	t.Helper()
	nic := &v1alpha1.NetworkInterface{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	nic.Spec.NetworkRef.Name = network
	nic.Spec.IPFamilies = []v1alpha1.IPFamily{v1alpha1.IPv4Protocol}
	nic.Spec.IPs = []v1alpha1.IPSource{{Value: address}}
	if _, err := w.NetworkInterfaces(namespace).Create(t.Context(), nic, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// at is the middle of a part on the screen; of a peering, that of its line.
func (p *page) at(id string) (x, y float64) {
	p.t.Helper()
	place := read[[]float64](p, fmt.Sprintf(`(() => {
		const part = document.getElementById(%q), line = part.querySelector('path.reach');
		if (!line) { const box = part.getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]; }
		const point = line.getPointAtLength(line.getTotalLength() / 2).matrixTransform(line.getScreenCTM());
		return [point.x, point.y];
	})()`, id))
	return place[0], place[1]
}

func (p *page) hover(id string) {
	p.t.Helper()
	x, y := p.at(id)
	p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
}

func (p *page) click(id string) {
	p.t.Helper()
	x, y := p.at(id)
	p.do(chromedp.MouseClickXY(x, y))
}

func (p *page) press(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.do(chromedp.KeyEvent(key))
	}
}
