// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestOpen(t *testing.T) {
	tests := map[string]struct {
		path func(t *testing.T, parent string) string
		// wantError is the beginning of the error, with DIR for the path; without one the directory must be ours.
		wantError string
	}{
		"makes a directory and those above it": {
			path: func(_ *testing.T, parent string) string { return filepath.Join(parent, "a", "b") },
		},
		"closes an empty directory to others": {
			path: func(t *testing.T, parent string) string { return makeDir(t, parent, 0o777) },
		},
		"closes a directory that it used before to others": {
			path: func(t *testing.T, parent string) string {
				path := makeDir(t, parent, 0o755)
				writeFile(t, filepath.Join(path, "lock"), nil)
				writeFile(t, filepath.Join(path, "admin.kubeconfig"), nil)
				return path
			},
		},
		"takes a private directory with other files": {
			path: func(t *testing.T, parent string) string {
				path := makeDir(t, parent, 0o700)
				writeFile(t, filepath.Join(path, "notes"), nil)
				return path
			},
		},
		"refuses a directory of something else that is open to others": {
			path: func(t *testing.T, parent string) string {
				path := makeDir(t, parent, 0o755)
				writeFile(t, filepath.Join(path, "notes"), nil)
				return path
			},
			wantError: "data directory DIR is open to other users (drwxr-xr-x) and holds files of something else: " +
				"choose another --data-dir, or run: chmod 700 DIR",
		},
		"refuses a directory of another user": {
			path: func(t *testing.T, parent string) string {
				if os.Geteuid() != 0 {
					t.Skip("only root can give a directory away")
				}
				path := makeDir(t, parent, 0o700)
				if err := os.Chown(path, 12345, -1); err != nil {
					t.Fatal(err)
				}
				return path
			},
			wantError: "data directory DIR belongs to user id 12345, this server runs as 0: choose another --data-dir, " +
				"or run: chown 0 DIR",
		},
		"refuses a symbolic link in the place of its lock file": {
			path: func(t *testing.T, parent string) string {
				path := makeDir(t, parent, 0o700)
				precious := writeFile(t, filepath.Join(parent, "precious"), []byte("as it was"))
				if err := os.Symlink(precious, filepath.Join(path, "lock")); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if content, err := os.ReadFile(precious); err != nil || string(content) != "as it was" {
						t.Errorf("the file behind the link holds %q, error %v", content, err)
					}
				})
				return path
			},
			wantError: "data directory DIR has a symbolic link in the place of its lock file: remove DIR/lock",
		},
		"refuses a file": {
			path: func(t *testing.T, parent string) string {
				return writeFile(t, filepath.Join(parent, "file"), nil)
			},
			wantError: "data directory DIR is not a directory: choose another --data-dir: ",
		},
		"refuses a path below a file": {
			path: func(t *testing.T, parent string) string {
				return filepath.Join(writeFile(t, filepath.Join(parent, "file"), nil), "data")
			},
			wantError: "data directory DIR is not a directory: choose another --data-dir: ",
		},
		"refuses no path": {
			path:      func(*testing.T, string) string { return "" },
			wantError: "--data-dir is empty: name the directory that keeps the server's data",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := test.path(t, t.TempDir())
			d, err := Open(path)
			if test.wantError != "" {
				wantErrorLine(t, err, strings.ReplaceAll(test.wantError, "DIR", path))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode(); got != os.ModeDir|0o700 {
				t.Errorf("the directory has mode %s", got)
			}
		})
	}
}

func TestOpenWithoutPermission(t *testing.T) {
	parent := makeDir(t, t.TempDir(), 0o755)
	if os.Geteuid() == 0 {
		// This thread alone opens files as nobody.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := unix.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := unix.Setfsuid(0); err != nil {
				t.Error(err)
			}
		}()
	} else if err := os.Chmod(parent, 0o500); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(parent, "data")
	_, err := Open(path)
	wantErrorLine(t, err, fmt.Sprintf("data directory %s is not writable by user id %d: make it writable, "+
		"or choose another --data-dir: ", path, os.Geteuid()))
}

func TestOpenTwice(t *testing.T) {
	path := t.TempDir()
	first, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path)
	wantErrorLine(t, err, fmt.Sprintf("data directory %s is in use by another network-apiserver (pid %d): "+
		"stop that one, or choose another --data-dir", path, os.Getpid()))

	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(path)
	if err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	second.Close()
}

// TestModes runs with a umask that takes no permission away.
func TestModes(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	path := filepath.Join(t.TempDir(), "data")
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.EnsurePKI(nil); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteKubeconfig("https://127.0.0.1:6443"); err != nil {
		t.Fatal(err)
	}

	got := map[string]string{}
	err = filepath.Walk(path, func(file string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(path, file)
		got[relative] = info.Mode().String()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, got, map[string]string{
		".":                "drwx------",
		"admin.kubeconfig": "-rw-------",
		"lock":             "-rw-------",
		"pki":              "drwx------",
		"pki/admin.crt":    "-rw-------",
		"pki/admin.key":    "-rw-------",
		"pki/ca.crt":       "-rw-------",
		"pki/ca.key":       "-rw-------",
		"pki/serving.crt":  "-rw-------",
		"pki/serving.key":  "-rw-------",
	})
}

func makeDir(t *testing.T, parent string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(parent, "data")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeFile(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantErrorLine wants an error of one line that begins with want.
func wantErrorLine(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if got := err.Error(); !strings.HasPrefix(got, want) || strings.Contains(got, "\n") {
		t.Errorf("got the error\n  %s\nwant one line that begins with\n  %s", got, want)
	}
}

func wantEqual[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unexpected difference (-want +got):\n%s", diff)
	}
}
