// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// odd holds names that Graphviz, SVG and a shell would like to read something into.
var odd = Picture{
	Networks: []Network{
		{ID: `a/x"\<&>`, Namespace: "a", Name: `x"\<&>`, State: "Error", Message: `"quoted" <b> & 'more'`},
		{ID: "a/y", Namespace: "a", Name: "y", State: "Available", Interfaces: []Interface{{Name: "n", IPs: []string{"10.0.0.1"}}}},
		{ID: "b/z", Namespace: "b", Name: "z", State: "Unknown", Unknown: true},
	},
	Peerings: []Peering{
		{From: `a/x"\<&>`, To: "a/y", Kind: Bound},
		{From: "a/y", To: "b/z", Kind: Request, Reason: "PeeringNotAccepted", Message: `<script>alert("x")</script>`},
	},
}

func TestTheSVGHoldsEveryNetworkAndNoMarkupOfItsNames(t *testing.T) {
	t.Parallel()
	svg, err := odd.SVG(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	elements := map[string]int{}
	var texts []string
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			elements[token.Name.Local]++
		case xml.CharData:
			texts = append(texts, string(token))
		}
	}
	if elements["script"]+elements["b"] > 0 {
		t.Errorf("the SVG has elements of a message: %v", elements)
	}
	for _, name := range []string{`x"\<&>`, "y", "z", "n 10.0.0.1"} {
		if !strings.Contains(strings.Join(texts, "\n"), name) {
			t.Errorf("the SVG lacks %s", name)
		}
	}
}

func TestThePNGShowsLines(t *testing.T) {
	t.Parallel()
	data, err := odd.PNG(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	image, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	colours := map[color.RGBA]int{}
	for y := range image.Bounds().Dy() {
		for x := range image.Bounds().Dx() {
			r, g, b, _ := image.At(x, y).RGBA()
			colours[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}]++
		}
	}
	for what, colour := range map[string]color.RGBA{
		"the peering":           {0x2e, 0x7d, 0x32, 255},
		"the request":           {0x5c, 0x6b, 0xc0, 255},
		"the frame":             {0x8a, 0x94, 0xa6, 255},
		"the Network in error":  {0xc6, 0x28, 0x28, 255},
		"the Network available": {0xe8, 0xf4, 0xea, 255},
	} {
		if colours[colour] < 20 {
			t.Errorf("%s has %d pixels in its colour", what, colours[colour])
		}
	}
}

func TestManyPicturesAreDrawnAtOnce(t *testing.T) {
	t.Parallel()
	first, err := odd.SVG(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var pages sync.WaitGroup
	for range 4 {
		pages.Go(func() {
			for range 5 {
				if svg, err := odd.SVG(t.Context()); err != nil || !bytes.Equal(svg, first) {
					t.Errorf("another drawing at the same time: %v", err)
				}
			}
		})
	}
	pages.Wait()
}

func TestThreeHundredNetworksMakeNoStrip(t *testing.T) {
	t.Parallel()
	id := func(i int) string { return fmt.Sprintf("team-%02d/network-%03d", i/10, i) }
	for name, peers := range map[string]func(i int) []int{
		"alone":       func(int) []int { return nil },
		"in a chain":  func(i int) []int { return []int{(i + 1) % 300} },
		"around one":  func(int) []int { return []int{0} },
		"as a mesh":   func(i int) []int { return []int{(i + 1) % 300, (i * 7) % 300, (i * 13) % 300} },
		"tens of ten": func(i int) []int { return []int{i/10*10 + (i+1)%10} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var many Picture
			for i := range 300 {
				namespace, name, _ := strings.Cut(id(i), "/")
				many.Networks = append(many.Networks, Network{ID: id(i), Namespace: namespace, Name: name, State: "Available",
					Interfaces: []Interface{{Name: "nic", IPs: []string{"10.0.0.1"}}}})
				for _, peer := range peers(i) {
					many.Peerings = append(many.Peerings, Peering{From: id(i), To: id(peer), Kind: Bound})
				}
			}
			svg, err := many.SVG(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			width, height := size(svg)
			if width < 500 || height < 500 || width > 4000 || height > 4000 {
				t.Errorf("the picture is %d points wide and %d high", width, height)
			}
		})
	}
}

func TestAPictureAroundANamespaceHasItsNetworksAndTheirPeers(t *testing.T) {
	t.Parallel()
	got := odd.Around("b")
	if len(got.Networks) != 2 || got.Networks[0].ID != "a/y" || got.Networks[1].ID != "b/z" || len(got.Peerings) != 1 {
		t.Errorf("got %+v", got)
	}
	if got := odd.Around("none"); got.Networks == nil || got.Peerings == nil || len(got.Networks)+len(got.Peerings) > 0 {
		t.Errorf("around a namespace without Networks there is %+v", got)
	}
}

func TestAPictureShowsWhoAsksFromElsewhere(t *testing.T) {
	t.Parallel()
	ask := func(asked string, askers ...string) *v1alpha1.NetworkPeeringRequests {
		answer := &v1alpha1.NetworkPeeringRequests{}
		answer.Namespace, answer.Name, _ = strings.Cut(asked, "/")
		for _, asker := range askers {
			namespace, name, _ := strings.Cut(asker, "/")
			answer.Requests = append(answer.Requests, v1alpha1.NetworkPeeringRequest{Namespace: namespace, Name: name})
		}
		return answer
	}
	got := odd.WithRequests([]*v1alpha1.NetworkPeeringRequests{ask("a/y", "far/one", "b/z"), ask("b/z", "far/one"), ask("gone/network", "far/two")})
	var peerings []string
	for _, peering := range got.Peerings[len(odd.Peerings):] {
		peerings = append(peerings, peering.From+" "+string(peering.Kind)+" "+peering.To)
	}
	if want := []string{"far/one Request a/y", "far/one Request b/z"}; !slices.Equal(peerings, want) {
		t.Errorf("added are %v, want %v", peerings, want)
	}
	if last := got.Networks[len(got.Networks)-1]; len(got.Networks) != len(odd.Networks)+1 || last.ID != "far/one" || !last.Unknown {
		t.Errorf("the Networks are %+v", got.Networks)
	}
}
