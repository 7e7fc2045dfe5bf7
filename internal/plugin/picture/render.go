// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/goccy/go-graphviz"
)

// drawing is held while Graphviz draws: the library has one engine per process, which draws one picture at a time.
var drawing sync.Mutex

// Up to maxLayered Networks are drawn in layers, which show best who peers with whom, if the picture fits on a screen. Layers of
// more Networks would be one long strip, so these are drawn in rows, each namespace in a frame.
const (
	maxLayered                      = 60
	maxLayersWidth, maxLayersHeight = 1600, 1000
)

// SVG lays the picture out and returns it as SVG.
func (p Picture) SVG(ctx context.Context) ([]byte, error) {
	drawing.Lock()
	defer drawing.Unlock()
	if len(p.Networks) <= maxLayered {
		svg, err := p.render(ctx, graphviz.DOT)
		if width, height := size(svg); err != nil || width <= maxLayersWidth && height <= maxLayersHeight {
			return svg, err
		}
	}
	return p.render(ctx, graphviz.OSAGE)
}

func (p Picture) render(ctx context.Context, layout graphviz.Layout) ([]byte, error) {
	engine, err := graphviz.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("starting Graphviz: %w", err)
	}
	defer engine.Close()
	graph, err := graphviz.ParseBytes([]byte(p.Dot()))
	if err != nil {
		return nil, fmt.Errorf("drawing %d Networks: %w", len(p.Networks), err)
	}
	defer graph.Close()
	var svg bytes.Buffer
	if err := engine.SetLayout(layout).Render(ctx, graph, graphviz.SVG, &svg); err != nil {
		return nil, fmt.Errorf("drawing %d Networks: %w", len(p.Networks), err)
	}
	return svg.Bytes(), nil
}

// size reads the width and height of an SVG of Graphviz, in points.
func size(svg []byte) (width, height int) {
	if _, rest, found := bytes.Cut(svg, []byte("<svg ")); found {
		_, _ = fmt.Sscanf(string(rest[:min(len(rest), 60)]), `width="%dpt" height="%dpt"`, &width, &height)
	}
	return width, height
}

// PNG lays the picture out and returns it as PNG.
func (p Picture) PNG(ctx context.Context) ([]byte, error) {
	svg, err := p.SVG(ctx)
	if err != nil {
		return nil, err
	}
	return rasterize(svg)
}
