// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// openFiles is how many files and sockets this process has open.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("it needs Linux:", err)
	}
	return len(files)
}

func TestAConfigReadsOpensAndStartsNothing(t *testing.T) {
	for sentence, set := range map[string]func(o *Options, missing string){
		"standalone": func(o *Options, missing string) {
			o.Standalone, o.DataDir = true, missing
		},
		"behind a cluster, with files that do not exist": func(o *Options, missing string) {
			o.Recommended.Etcd.StorageConfig.Transport.ServerList = []string{"http://127.0.0.1:1"}
			o.Recommended.Etcd.EncryptionProviderConfigFilepath = missing
			o.Recommended.CoreAPI.CoreAPIKubeconfigPath = missing
			o.Recommended.Audit.PolicyFile = missing
			o.ServingCert.Secret, o.ServingCert.DNSNames = "network-system/serving", []string{"a.b.svc"}
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close() // A config does not care that the port is taken.
			missing := filepath.Join(t.TempDir(), "missing")
			o := NewOptions()
			set(o, missing)
			o.Recommended.SecureServing.BindAddress = net.IPv4(127, 0, 0, 1)
			o.Recommended.SecureServing.BindPort = listener.Addr().(*net.TCPAddr).Port
			if err := o.Complete(func(string) bool { return true }); err != nil {
				t.Fatal(err)
			}
			files, goroutines := openFiles(t), runtime.NumGoroutine()
			for range 2 {
				if _, err := NewConfig(o); err != nil {
					t.Fatal(err)
				}
			}
			if now := runtime.NumGoroutine(); now > goroutines {
				t.Errorf("%d goroutines were started", now-goroutines)
			}
			if now := openFiles(t); now > files {
				t.Errorf("%d files were opened", now-files)
			}
			if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the data directory was made: %v", err)
			}
		})
	}
}
