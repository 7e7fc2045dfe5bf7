// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package race_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ironcore.dev/networking/test/race"
)

const racing = `package main

func main() {
	n, done := 0, make(chan bool)
	go func() { n++; done <- true }()
	n++
	<-done
	panic("it does not end in order")
}
`

func TestARaceInAProgramThatEndedBadlyFailsTheRun(t *testing.T) {
	if cgo, err := exec.Command("go", "env", "CGO_ENABLED").Output(); err != nil || strings.TrimSpace(string(cgo)) != "1" {
		t.Skipf("the race detector needs a C compiler: CGO_ENABLED=%s, %v", cgo, err)
	}
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(racing), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-race", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code := race.Watch(func() int {
		_ = exec.Command(program).Run() // It fails, as it should.
		return 0
	})
	if code != 1 {
		t.Errorf("the run ended with %d, want 1", code)
	}
	if code := race.Watch(func() int { return 0 }); code != 0 {
		t.Errorf("a run without a race ended with %d", code)
	}
}

func TestThePlainProgramStandsBesideTheFolderOfTheOther(t *testing.T) {
	for program, want := range map[string]string{
		"/src/bin/race/network-apiserver": "/src/bin/network-apiserver",
		"/src/bin/network-apiserver":      "/src/bin/network-apiserver",
	} {
		if got := race.Plain(program); got != want {
			t.Errorf("Plain(%s) = %s, want %s", program, got, want)
		}
	}
}
