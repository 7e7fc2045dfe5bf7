// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/fogleman/gg"
	"github.com/golang/freetype/truetype"
	"golang.org/x/image/font/gofont/goregular"
)

// pixelRatio is how many pixels a unit of the SVG becomes: text is sharp with 2.
const pixelRatio = 2

// rasterize draws the few elements of an SVG by Graphviz. The library's own PNG lacks every line.
func rasterize(svg []byte) ([]byte, error) {
	font, err := truetype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	var canvas *gg.Context
	var text *element // that is open
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the SVG: %w", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := newElement(token)
			switch {
			case e.name == "svg":
				canvas = newCanvas(e)
			case canvas == nil:
				return nil, errors.New("the SVG does not begin with its size")
			case e.name == "g" && e.attributes["class"] == "graph":
				x, y := e.translation()
				canvas.Translate(x, y)
			case e.name == "text":
				text = e
			default:
				e.draw(canvas)
			}
		case xml.CharData:
			if text != nil {
				text.write(canvas, font, string(token))
			}
		case xml.EndElement:
			if token.Name.Local == "text" {
				text = nil
			}
		}
	}
	if canvas == nil {
		return nil, errors.New("the SVG is empty")
	}
	var png bytes.Buffer
	err = canvas.EncodePNG(&png)
	return png.Bytes(), err
}

// element is one of the SVG.
type element struct {
	name       string
	attributes map[string]string
}

func newElement(token xml.StartElement) *element {
	e := &element{name: token.Name.Local, attributes: make(map[string]string)}
	for _, attribute := range token.Attr {
		e.attributes[attribute.Name.Local] = attribute.Value
	}
	return e
}

// number is the value of an attribute without its unit, 0 if there is none.
func (e *element) number(attribute string) float64 {
	number, _ := strconv.ParseFloat(strings.TrimSuffix(e.attributes[attribute], "pt"), 64)
	return number
}

func newCanvas(svg *element) *gg.Context {
	canvas := gg.NewContext(int(svg.number("width")*pixelRatio), int(svg.number("height")*pixelRatio))
	canvas.SetHexColor("#ffffff")
	canvas.Clear()
	canvas.Scale(pixelRatio, pixelRatio)
	return canvas
}

// translation is that of transform="scale(1 1) rotate(0) translate(4 100)".
func (e *element) translation() (x, y float64) {
	_, values, _ := strings.Cut(e.attributes["transform"], "translate(")
	points := numbers(strings.TrimSuffix(values, ")"))
	if len(points) != 2 {
		return 0, 0
	}
	return points[0], points[1]
}

// draw draws a path or a polygon.
func (e *element) draw(canvas *gg.Context) {
	switch e.name {
	case "path": // M x,y C x,y x,y x,y …: one line of Bézier curves
		points := numbers(e.attributes["d"])
		if len(points) < 2 {
			return
		}
		canvas.MoveTo(points[0], points[1])
		for p := points[2:]; len(p) >= 6; p = p[6:] {
			canvas.CubicTo(p[0], p[1], p[2], p[3], p[4], p[5])
		}
	case "polygon", "polyline":
		for p := numbers(e.attributes["points"]); len(p) >= 2; p = p[2:] {
			canvas.LineTo(p[0], p[1])
		}
	default:
		return
	}
	if fill := e.attributes["fill"]; strings.HasPrefix(fill, "#") {
		opacity := 255
		if _, found := e.attributes["fill-opacity"]; found {
			opacity = int(255 * e.number("fill-opacity"))
		}
		canvas.SetHexColor(fmt.Sprintf("%s%02x", fill, opacity))
		canvas.FillPreserve()
	}
	if stroke := e.attributes["stroke"]; strings.HasPrefix(stroke, "#") {
		canvas.SetHexColor(stroke)
		canvas.SetDash(numbers(e.attributes["stroke-dasharray"])...)
		canvas.SetLineWidth(pixelRatio)
		canvas.StrokePreserve()
	}
	canvas.ClearPath()
}

// write writes the text of an element, centred, in its final size: scaled letters would be blurred.
func (e *element) write(canvas *gg.Context, font *truetype.Font, text string) {
	x, y := canvas.TransformPoint(e.number("x"), e.number("y"))
	canvas.Push()
	defer canvas.Pop()
	canvas.Identity()
	canvas.SetFontFace(truetype.NewFace(font, &truetype.Options{Size: e.number("font-size") * pixelRatio}))
	canvas.SetHexColor("#1c2430")
	canvas.DrawStringAnchored(text, x, y, 0.5, 0)
}

// numbers returns the numbers in a text, whatever is between them.
func numbers(text string) (found []float64) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789.-", r) }) {
		if number, err := strconv.ParseFloat(word, 64); err == nil {
			found = append(found, number)
		}
	}
	return found
}
