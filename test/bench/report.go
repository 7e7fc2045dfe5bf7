// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// header says what was measured and where. Its JSON is the first line of the output.
type header struct {
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Machine string    `json:"machine"`
	Quick   bool      `json:"quick"`
}

// figure is one measured value. Its JSON is a line of the output.
type figure struct {
	Measure string  `json:"measure"`
	Server  string  `json:"server"`
	N       int     `json:"n"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	// Ratio to what etcd alone does: of rates, the share of the puts a second that it did just before; of times, the
	// multiple of its time for as many puts; of memory, the multiple of what it has. Absent where etcd has no counterpart.
	Ratio float64 `json:"ratioToEtcd,omitempty"`
	// WallSeconds and CPUSeconds are what the measured work took, the latter in all programs of the server together and in
	// each, and BenchCPUSeconds in the bench, which shares the processors. Absent of what is a state rather than work.
	WallSeconds     float64 `json:"wallSeconds,omitempty"`
	CPUSeconds      float64 `json:"cpuSeconds,omitempty"`
	BenchCPUSeconds float64 `json:"benchCPUSeconds,omitempty"`

	ProgramCPUSeconds map[string]float64 `json:"programCPUSeconds,omitempty"`
}

func (s *server) figure(measure string, n int, value float64, unit string, took took) figure {
	f := figure{Measure: measure, Server: s.name, N: n, Value: value, Unit: unit,
		WallSeconds: took.wall.Seconds(), CPUSeconds: took.cpu.sum().Seconds(), BenchCPUSeconds: took.bench.Seconds()}
	if len(took.cpu) > 1 {
		f.ProgramCPUSeconds = make(map[string]float64)
		for program, used := range took.cpu {
			f.ProgramCPUSeconds[program] = used.Seconds()
		}
	}
	return f
}

// report collects figures, and writes each as it comes.
type report struct {
	header  header
	figures []figure
	file    *os.File // beside the standard output
}

// begin writes the header.
func (r *report) begin(root string, quick bool) error {
	program := filepath.Join(root, "bin", "network-apiserver")
	version, err := exec.Command(program, "--version").Output()
	if err != nil {
		return fmt.Errorf("asking %s for its version: %w", program, err)
	}
	machine, err := machine()
	if err != nil {
		return err
	}
	words := strings.Fields(string(version))
	r.header = header{time.Now().UTC().Truncate(time.Second), words[1], machine, quick}
	return r.write(r.header)
}

func (r *report) add(f figure) error {
	for _, value := range []*float64{&f.Value, &f.Ratio, &f.WallSeconds, &f.CPUSeconds, &f.BenchCPUSeconds} {
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(*value, 'g', 6, 64), 64)
		if err != nil {
			return fmt.Errorf("%s is no number: %w", f.Measure, err)
		}
		*value = rounded
	}
	r.figures = append(r.figures, f)
	return r.write(f)
}

func (r *report) write(value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if _, err := r.file.Write(line); err != nil {
		return err
	}
	_, err = os.Stdout.Write(line)
	return err
}

// read reads what an earlier run wrote.
func (r *report) read(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	first, lines, _ := bytes.Cut(content, []byte("\n"))
	if err := json.Unmarshal(first, &r.header); err != nil {
		return fmt.Errorf("%s holds no figures of a run: %w", path, err)
	}
	for line := range bytes.Lines(lines) {
		var f figure
		if err := json.Unmarshal(line, &f); err != nil {
			return fmt.Errorf("%s holds a line that is no figure: %w", path, err)
		}
		r.figures = append(r.figures, f)
	}
	return nil
}

// median returns a measure with the middle one of the rounds' values, and so of what goes with them; nil if it was not
// taken.
func (r *report) median(measure string, n int, server string) *figure {
	var rounds []figure
	for _, f := range r.figures {
		if f.Measure == measure && f.N == n && f.Server == server {
			rounds = append(rounds, f)
		}
	}
	if len(rounds) == 0 {
		return nil
	}
	median := rounds[0]
	for _, field := range []func(*figure) *float64{
		func(f *figure) *float64 { return &f.Value },
		func(f *figure) *float64 { return &f.Ratio },
		func(f *figure) *float64 { return &f.WallSeconds },
		func(f *figure) *float64 { return &f.CPUSeconds },
	} {
		values := make([]float64, len(rounds))
		for i := range rounds {
			values[i] = *field(&rounds[i])
		}
		slices.Sort(values)
		*field(&median) = values[len(values)/2]
	}
	median.ProgramCPUSeconds = make(map[string]float64)
	for program := range rounds[0].ProgramCPUSeconds {
		values := make([]float64, len(rounds))
		for i := range rounds {
			values[i] = rounds[i].ProgramCPUSeconds[program]
		}
		slices.Sort(values)
		median.ProgramCPUSeconds[program] = values[len(values)/2]
	}
	return &median
}

// machine describes where the bench runs, and what else ran there at its start.
func machine() (string, error) {
	processor, err := procValue("/proc/cpuinfo", "model name")
	if err != nil {
		return "", err
	}
	memory, err := procValue("/proc/meminfo", "MemTotal")
	if err != nil {
		return "", err
	}
	var kilobytes float64
	if _, err := fmt.Sscan(memory, &kilobytes); err != nil {
		return "", fmt.Errorf("reading /proc/meminfo: %w", err)
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", err
	}
	major, _, _ := strings.Cut(strings.TrimSpace(string(release)), "-")
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return "", os.NewSyscallError("sysinfo", err)
	}
	const loadUnit = 1 << 16
	return fmt.Sprintf("%d × %s, %.0f GB of memory, Linux %s, load %.1f at the start", runtime.NumCPU(), processor,
		kilobytes*1024/1e9, major, float64(info.Loads[0])/loadUnit), nil
}

// procValue returns the first value of a name in a file of /proc. Not every machine names its processor.
func procValue(path, name string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(content)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), nil
		}
	}
	return runtime.GOARCH + " processor", nil
}
