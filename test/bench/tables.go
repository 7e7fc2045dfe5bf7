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
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// target is what a server is to reach in a measure.
type target struct {
	server  string
	measure string
	n       int
	ratio   bool // of the ratio to etcd, not of the value
	atLeast bool // or at most
	limit   float64
}

var targets = []target{
	{server: aggregatedName, measure: "create", n: small, ratio: true, atLeast: true, limit: 0.12},
	{server: aggregatedName, measure: createCPU, n: small, limit: 0.75},
	{server: aggregatedName, measure: "ring: " + untilBound + ", provider external", n: small, limit: 3.5},
	{server: aggregatedName, measure: "ring: " + untilGone + ", provider external", n: small, limit: 1.2},
	{server: aggregatedName, measure: listing + ", p50", n: small, limit: 40},
	{server: aggregatedName, measure: getting + ", p50", n: small, limit: 20},
	{server: aggregatedName, measure: "events to 50 watchers", n: small, atLeast: true, limit: 20_000},
	{server: aggregatedName, measure: firstCreate, n: 1, limit: 5},

	{server: standaloneName, measure: "create", n: small, ratio: true, atLeast: true, limit: 0.30},
	{server: standaloneName, measure: "status patch", n: small, ratio: true, atLeast: true, limit: 0.25},
	{server: standaloneName, measure: "ring: " + untilBound + ", provider external", n: small, limit: 2.5},
	{server: standaloneName, measure: "ring: " + untilBound + ", provider local", n: small, limit: 2.5},
	{server: standaloneName, measure: "ring: " + writesBeyond + ", provider external", n: small, limit: 1},
	{server: standaloneName, measure: "ring: " + writesBeyond + ", provider local", n: small, limit: 3},
	{server: standaloneName, measure: "ring: " + withoutChange + ", provider external", n: small},
	{server: standaloneName, measure: "ring: " + withoutChange + ", provider local", n: small},
	{server: standaloneName, measure: withoutChange + " after a restart, provider external", n: warmth},
	{server: standaloneName, measure: withoutChange + " after a restart, provider external", n: middle},
	{server: standaloneName, measure: withoutChange + " after a restart, provider external", n: 10 * small},
	{server: standaloneName, measure: withoutChange + " after a restart, provider local", n: 10 * small},
	{server: standaloneName, measure: "ring: " + untilGone + ", provider external", n: small, limit: 1},
	{server: standaloneName, measure: "ring: " + untilGone + ", provider local", n: small, limit: 1},
	{server: standaloneName, measure: "CPU of controllers at rest", n: warmth},
	{server: standaloneName, measure: "CPU of controllers at rest", n: middle},
	{server: standaloneName, measure: listing + ", p50", n: small, limit: 8},
	{server: standaloneName, measure: "events to 50 watchers", n: small, atLeast: true, limit: 40_000},
	{server: standaloneName, measure: "time a Network, over N=1000, provider external", n: 100 * small, limit: 1.2},
	{server: standaloneName, measure: "memory, at rest after a restart, provider external", n: 100 * small, limit: 1200},
	{server: standaloneName, measure: "restart to ready, provider external", n: 100 * small, limit: 5},
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

// row is a measure in a table, with the median of each server's rounds; nil where there is none.
type row struct {
	measure string
	n       int
	unit    string
	of      map[string]*figure // by server
}

// verdict returns the target of a server, and whether it is met.
func (r *row) verdict(server string) (limit, met string) {
	for _, t := range targets {
		if t.server != server || t.measure != r.measure || t.n != r.n || r.of[server] == nil {
			continue
		}
		if t.met(r.of[server]) {
			return t.String(), "yes"
		}
		return t.String(), "no"
	}
	return "", ""
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
		row := row{measure: f.Measure, n: f.N, unit: f.Unit, of: make(map[string]*figure)}
		for _, server := range []string{etcdName, aggregatedName, aggregated3Name, standaloneName, crdName} {
			row.of[server] = r.median(f.Measure, f.N, server)
		}
		rows = append(rows, row)
	}
	return rows
}

// legend says how to read the tables.
const legend = `Each figure is the median of the rounds. × etcd is its ratio to what etcd alone did just before, 16 clients putting
the bytes that network-apiserver stores of a Network: of rates, the share of its puts a second; of times, the multiple
of its time for as much; of memory, the multiple of its own. The targets of the first table are those of one replica.`

// comparison is all that was measured of some servers, side by side; the target is that of the first.
func (r *report) comparison(servers ...string) [][]string {
	head := []string{"measure", "N", "unit"}
	for _, server := range servers {
		head = append(head, server, "× etcd")
	}
	cells := [][]string{append(head, "etcd", "target", "met")}
	for _, row := range r.rows() {
		line := []string{row.measure, fmt.Sprint(row.n), row.unit}
		for _, server := range servers {
			line = append(line, value(row.of[server]), ratio(row.of[server]))
		}
		if row.of[servers[0]] == nil && row.of[etcdName] == nil {
			continue
		}
		limit, met := row.verdict(servers[0])
		cells = append(cells, append(line, value(row.of[etcdName]), limit, met))
	}
	return cells
}

// processors is which program had the processors for how long: what a Network took, or a read.
func (r *report) processors() [][]string {
	cells := [][]string{slices.Concat([]string{"measure", "N", "server"}, programNames, []string{"all, ms"})}
	for _, row := range r.rows() {
		if strings.HasSuffix(row.measure, "p99") || row.unit == "cores" || row.unit == "per Network" || row.unit == "×" || row.n < small {
			continue
		}
		for _, server := range []string{aggregatedName, aggregated3Name, standaloneName, crdName} {
			f := row.of[server]
			if f == nil || f.CPUSeconds == 0 || row.unit == "ms" && !isRead(row.measure) {
				continue
			}
			times := float64(row.n)
			if isRead(row.measure) {
				times = lists
			}
			line := []string{strings.TrimSuffix(row.measure, ", p50"), fmt.Sprint(row.n), server}
			for _, program := range programNames {
				used := f.ProgramCPUSeconds[program]
				if server == standaloneName && program == networkAPIServer {
					used = f.CPUSeconds
				}
				line = append(line, unlessZero(used*1000/times))
			}
			cells = append(cells, append(line, number(f.CPUSeconds*1000/times)))
		}
	}
	return cells
}

func isRead(measure string) bool {
	return strings.HasPrefix(measure, listing) || strings.HasPrefix(measure, getting)
}

// brief is the table of the README.
func (r *report) brief() [][]string {
	cells := [][]string{{"1,000 Networks", "behind kube-apiserver", "standalone", "CRD and controller"}}
	for _, line := range []struct{ measure, name string }{
		{"create", "create, share of the puts of etcd alone"},
		{"ring: " + untilBound + ", provider external", "first create until all peerings are Bound"},
		{getting + ", p50", "kubectl get, p50"},
	} {
		cell := []string{line.name}
		for _, server := range []string{aggregatedName, standaloneName, crdName} {
			f := r.median(line.measure, small, server)
			switch {
			case f != nil && f.Unit == "1/s":
				cell = append(cell, fmt.Sprintf("%s/s (%s)", number(f.Value), number(f.Ratio)))
			case f != nil:
				cell = append(cell, number(f.Value)+" "+f.Unit)
			default:
				cell = append(cell, "")
			}
		}
		cells = append(cells, cell)
	}
	return cells
}

func value(f *figure) string {
	if f == nil {
		return ""
	}
	return number(f.Value)
}

func ratio(f *figure) string {
	if f == nil {
		return ""
	}
	return unlessZero(f.Ratio)
}

// ratios are those to etcd alone, by server and measure, as one line of JSON.
func (r *report) ratios() any {
	all := make(map[string]map[string]float64)
	for _, row := range r.rows() {
		for server, f := range row.of {
			if f == nil || f.Ratio == 0 {
				continue
			}
			if all[server] == nil {
				all[server] = make(map[string]float64)
			}
			all[server][fmt.Sprintf("%s, N=%d", row.measure, row.n)] = f.Ratio
		}
	}
	return map[string]any{"ratiosToEtcd": all}
}

// table writes all figures for a terminal.
func (r *report) table(out io.Writer) error {
	for _, cells := range [][][]string{r.aggregated(), r.standalone(), r.processors()} {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table)
		for _, line := range cells {
			fmt.Fprintln(table, strings.Join(line, "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "\n%s\n%s\n", r.origin(), legend)
	return err
}

func (r *report) aggregated() [][]string {
	return r.comparison(aggregatedName, aggregated3Name, crdName)
}

func (r *report) standalone() [][]string { return r.comparison(standaloneName) }

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
			return r.origin() + "\n\n### Behind a kube-apiserver\n\n" + markdown(r.aggregated()) +
				"\n### Standalone\n\n" + markdown(r.standalone()) +
				"\n### Processor time\n\nMilliseconds for each Network or, of a list, for each read.\n\n" + markdown(r.processors()) + "\n" + legend
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
