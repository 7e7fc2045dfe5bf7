// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// figure is one measured value. Its JSON is a line of the output.
type figure struct {
	Measure string  `json:"measure"`
	Server  string  `json:"server"`
	N       int     `json:"n"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	// Ratio to what etcd alone does in the same round: of rates, the share of its puts a second; of times, the multiple
	// of its time for as many puts. Zero where etcd has no counterpart.
	Ratio float64 `json:"ratioToEtcd,omitempty"`
	// WallSeconds and CPUSeconds are what the measure took, the latter in all programs of the server together.
	WallSeconds float64 `json:"wallSeconds,omitempty"`
	CPUSeconds  float64 `json:"cpuSeconds,omitempty"`
}

// report collects figures, and writes each as it comes.
type report struct {
	out     io.Writer
	figures []figure
}

func (r *report) add(f figure) error {
	r.figures = append(r.figures, f)
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "%s\n", line)
	return err
}

// columns of the table are the servers, in this order.
var columns = []string{"etcd", "network-apiserver", "crd"}

// table writes the median over the rounds of every measure.
func (r *report) table(out io.Writer) error {
	type row struct {
		measure string
		n       int
	}
	var rows []row
	cells := make(map[row]map[string][]figure)
	for _, f := range r.figures {
		at := row{f.Measure, f.N}
		if cells[at] == nil {
			rows = append(rows, at)
			cells[at] = make(map[string][]figure)
		}
		cells[at][f.Server] = append(cells[at][f.Server], f)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "measure\tN\tunit\t")
	for _, server := range columns {
		fmt.Fprintf(table, "%s\t×etcd\tCPU s\t", server)
	}
	fmt.Fprintln(table)
	for _, at := range rows {
		fmt.Fprintf(table, "%s\t%d\t%s\t", at.measure, at.n, unit(cells[at]))
		for _, server := range columns {
			figures := cells[at][server]
			fmt.Fprintf(table, "%s\t%s\t%s\t",
				median(figures, func(f figure) float64 { return f.Value }, true),
				median(figures, func(f figure) float64 { return f.Ratio }, false),
				median(figures, func(f figure) float64 { return f.CPUSeconds }, false))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func unit(servers map[string][]figure) string {
	for _, figures := range servers {
		return figures[0].Unit
	}
	return ""
}

// median formats the middle one of a figure's values; zero is shown only where it means something.
func median(figures []figure, value func(figure) float64, showZero bool) string {
	var values []float64
	for _, f := range figures {
		values = append(values, value(f))
	}
	slices.Sort(values)
	if len(values) == 0 || values[len(values)/2] == 0 && !showZero {
		return ""
	}
	middle := values[len(values)/2]
	digits := 3
	for limit := 1.0; middle >= limit && digits > 0; limit *= 10 {
		digits--
	}
	return strings.TrimSuffix(fmt.Sprintf("%.*f", digits, middle), ".000")
}
