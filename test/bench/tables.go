// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// target is what network-apiserver is to reach in a measure.
type target struct {
	measure string
	n       int
	ratio   bool // of the ratio to etcd, not of the value
	atLeast bool // or at most
	limit   float64
}

// targets are also the measures that the README shows.
var targets = []target{
	{measure: "create", n: small, ratio: true, atLeast: true, limit: 0.30},
	{measure: "status patch", n: small, ratio: true, atLeast: true, limit: 0.25},
	{measure: "ring: " + untilBound + ", provider external", n: small, limit: 2.5},
	{measure: "ring: " + untilBound + ", provider local", n: small, limit: 2.5},
	{measure: "ring: " + writesBeyond + ", provider external", n: small, limit: 1},
	{measure: "ring: " + writesBeyond + ", provider local", n: small, limit: 3},
	{measure: "ring: " + withoutChange + ", provider external", n: small},
	{measure: "ring: " + withoutChange + ", provider local", n: small},
	{measure: withoutChange + " after a restart, provider external", n: warmth},
	{measure: withoutChange + " after a restart, provider external", n: middle},
	{measure: withoutChange + " after a restart, provider external", n: 10 * small},
	{measure: withoutChange + " after a restart, provider local", n: 10 * small},
	{measure: "ring: " + untilGone + ", provider external", n: small, limit: 1},
	{measure: "ring: " + untilGone + ", provider local", n: small, limit: 1},
	{measure: "CPU of controllers at rest", n: warmth},
	{measure: "CPU of controllers at rest", n: middle},
	{measure: "list, consistent read, JSON, p50", n: small, limit: 8},
	{measure: "events to 50 watchers", n: small, atLeast: true, limit: 40_000},
	{measure: "time a Network, over N=1000, provider external", n: 100 * small, limit: 1.2},
	{measure: "memory, at rest after a restart, provider external", n: 100 * small, limit: 1200},
	{measure: "restart to ready, provider external", n: 100 * small, limit: 5},
}

// noCPU is the share of a core below which a program does nothing but keep time.
const noCPU = 0.01

func (t *target) String() string {
	limit := number(t.limit)
	switch {
	case t.ratio:
		limit = fmt.Sprintf("%.2f × etcd", t.limit)
	case t.limit == 0:
		return limit
	}
	if t.atLeast {
		return "≥ " + limit
	}
	return "≤ " + limit
}

// met tells of a figure, with as many digits as the table shows.
func (t *target) met(f *figure) bool {
	value := f.Value
	if t.ratio {
		value = f.Ratio
	}
	value, _ = strconv.ParseFloat(number(value), 64) // It is a number.
	if t.atLeast {
		return value >= t.limit
	}
	if f.Unit == "cores" && t.limit == 0 {
		return value < noCPU
	}
	return value <= t.limit
}

// row is a measure in the table, with the median of each server's rounds; nil where there is none.
type row struct {
	measure         string
	n               int
	unit            string
	ours, crd, etcd *figure
	target          *target
}

// verdict says whether a target is met.
func (r *row) verdict() string {
	switch {
	case r.target == nil || r.ours == nil:
		return ""
	case r.target.met(r.ours):
		return "yes"
	}
	return "no"
}

// rows are in the order in which the measures were taken.
func (r *report) rows() []row {
	type key struct {
		measure string
		n       int
	}
	seen := make(map[key]bool)
	var rows []row
	for _, f := range r.figures {
		if seen[key{f.Measure, f.N}] {
			continue
		}
		seen[key{f.Measure, f.N}] = true
		row := row{measure: f.Measure, n: f.N, unit: f.Unit,
			ours: r.median(f.Measure, f.N, oursName),
			crd:  r.median(f.Measure, f.N, crdName),
			etcd: r.median(f.Measure, f.N, etcdName),
		}
		for i := range targets {
			if targets[i].measure == f.Measure && targets[i].n == f.N {
				row.target = &targets[i]
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// legend says how to read a table.
const legend = `Each figure is the median of the rounds. × etcd is its ratio to what etcd alone did just before, 16 clients putting
the bytes that network-apiserver stores of a Network: of rates, the share of its puts a second; of times, the multiple
of its time for as many puts; of memory, the multiple of its own. CPU s are the processor seconds of all programs of the
server: network-apiserver has its controllers and its etcd inside; the CRD counts as kube-apiserver, its etcd and the
controller together.`

// cells are all columns of the table.
func (r *report) cells() [][]string {
	cells := [][]string{{"measure", "N", "unit", "network-apiserver", "× etcd", "CPU s", "CRD", "× etcd", "CPU s", "etcd",
		"target", "met"}}
	for _, row := range r.rows() {
		line := []string{row.measure, fmt.Sprint(row.n), row.unit}
		for _, f := range []*figure{row.ours, row.crd} {
			if f == nil {
				line = append(line, "", "", "")
				continue
			}
			line = append(line, number(f.Value), unlessZero(f.Ratio), unlessZero(f.CPUSeconds))
		}
		etcd := ""
		if row.etcd != nil {
			etcd = number(row.etcd.Value)
		}
		target := ""
		if row.target != nil {
			target = row.target.String()
		}
		cells = append(cells, append(line, etcd, target, row.verdict()))
	}
	return cells
}

// brief is the table of the README: the measures that have targets, side by side.
func (r *report) brief() [][]string {
	cells := [][]string{{"measure", "N", "network-apiserver", "CRD and controller", "etcd alone"}}
	of := func(f *figure) string {
		switch {
		case f == nil:
			return ""
		case f.Unit == "1/s" && f.Server != etcdName:
			return fmt.Sprintf("%s/s (%s × etcd)", number(f.Value), number(f.Ratio))
		case f.Unit == "1/s":
			return number(f.Value) + "/s"
		}
		return number(f.Value) + " " + f.Unit
	}
	for _, row := range r.rows() {
		if row.target != nil || row.measure == "put" {
			cells = append(cells, []string{row.measure, fmt.Sprint(row.n), of(row.ours), of(row.crd), of(row.etcd)})
		}
	}
	return cells
}

// table writes all figures for a terminal.
func (r *report) table(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table)
	for _, line := range r.cells() {
		fmt.Fprintln(table, strings.Join(line, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n%s\n", r.origin(), legend)
	return err
}

// origin says where the figures come from.
func (r *report) origin() string {
	command := "make bench"
	if r.header.Quick {
		command = "make bench-quick"
	}
	return fmt.Sprintf("Figures of `%s` on %s, version %s:\n%s.", command, r.header.Started.Format("2 January 2006"),
		r.header.Version, r.header.Machine)
}

// markdown aligns a table for those who read it as text.
func markdown(cells [][]string) string {
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	write := func(line []string, fill string) {
		for i, cell := range line {
			fmt.Fprintf(&text, "| %s%s ", cell, strings.Repeat(fill, widths[i]-utf8.RuneCountInString(cell)))
		}
		text.WriteString("|\n")
	}
	write(cells[0], " ")
	write(make([]string, len(widths)), "-")
	for _, line := range cells[1:] {
		write(line, " ")
	}
	return text.String()
}

// page is a document with a table between two comments.
type page struct {
	path, begin, end string
	table            func(*report) string
}

type pages []page

// pagesBelow returns the pages of a repository that show figures; none if root is empty.
func pagesBelow(root string) pages {
	if root == "" {
		return nil
	}
	const end = "<!-- end of figures -->"
	return pages{
		{filepath.Join(root, "docs", "performance.md"), "<!-- figures -->", end, func(r *report) string {
			return r.origin() + "\n\n" + markdown(r.cells()) + "\n" + legend
		}},
		{filepath.Join(root, "README.md"), "<!-- figures in brief -->", end, func(r *report) string {
			return markdown(r.brief()) + "\n" + r.origin()
		}},
	}
}

// check tells before a run whether its figures will have a place.
func (p pages) check() error {
	var errs []error
	for _, page := range p {
		_, _, err := page.around()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// around returns what is before and after the table, comments included.
func (p *page) around() (before, after []byte, err error) {
	content, err := os.ReadFile(p.path)
	if err != nil {
		return nil, nil, err
	}
	before, rest, begins := bytes.Cut(content, []byte(p.begin))
	_, after, ends := bytes.Cut(rest, []byte(p.end))
	if !begins || !ends {
		return nil, nil, fmt.Errorf("%s has no place for figures: it needs a line %s and, below it, a line %s",
			p.path, p.begin, p.end)
	}
	return append(before, p.begin...), append([]byte(p.end), after...), nil
}

// fill writes the tables into the pages.
func (p pages) fill(r *report) error {
	for _, page := range p {
		before, after, err := page.around()
		if err != nil {
			return err
		}
		content := bytes.Join([][]byte{before, []byte(page.table(r)), after}, []byte("\n\n"))
		if err := os.WriteFile(page.path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func unlessZero(value float64) string {
	if value == 0 {
		return ""
	}
	return number(value)
}

// number formats a value: three digits that count, or all of a larger number.
func number(value float64) string {
	digits := 3
	for limit := 1.0; max(value, -value) >= limit && digits > 0; limit *= 10 {
		digits--
	}
	text := fmt.Sprintf("%.*f", digits, value)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}
