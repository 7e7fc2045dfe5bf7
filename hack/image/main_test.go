// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// TestImage reads the image back from its tarball.
func TestImage(t *testing.T) {
	const tag = "network-apiserver:v1.2.3"
	dir := t.TempDir()
	program := filepath.Join(dir, "network-apiserver")
	if err := os.WriteFile(program, []byte("a program"), 0o700); err != nil {
		t.Fatal(err)
	}
	output := filepath.Join(dir, "image.tar")
	digest, err := write(program, "arm64", tag, output)
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(output, nil)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("runs the program as a user that is not root", func(t *testing.T) {
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if got := config.Config.User; got != "65532:65532" {
			t.Errorf("user is %q", got)
		}
		if got := config.Config.Entrypoint; !slices.Equal(got, []string{"/network-apiserver"}) {
			t.Errorf("entrypoint is %q", got)
		}
		if got := config.OS + "/" + config.Architecture; got != "linux/arm64" {
			t.Errorf("platform is %s", got)
		}
		if got := config.Config.Labels["org.opencontainers.image.version"]; got != "v1.2.3" {
			t.Errorf("version is %q", got)
		}
	})

	t.Run("holds the program and nothing else", func(t *testing.T) {
		files := mutate.Extract(image)
		defer files.Close()
		r := tar.NewReader(files)
		header, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if header.Name != "network-apiserver" || header.Mode != 0o555 || string(content) != "a program" {
			t.Errorf("got file %s, mode %o, content %q", header.Name, header.Mode, content)
		}
		if header, err := r.Next(); err != io.EOF {
			t.Errorf("got a second file: %v, %v", header, err)
		}
	})

	t.Run("is found under its tag", func(t *testing.T) {
		manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(output) })
		if err != nil {
			t.Fatal(err)
		}
		ref, err := name.NewTag(manifest[0].RepoTags[0])
		if err != nil {
			t.Fatal(err)
		}
		if len(manifest) != 1 || ref.TagStr() != "v1.2.3" {
			t.Errorf("got %d images, the first with tag %s", len(manifest), ref)
		}
	})

	t.Run("is the same for the same program", func(t *testing.T) {
		again, err := write(program, "arm64", tag, filepath.Join(dir, "again.tar"))
		if err != nil {
			t.Fatal(err)
		}
		if again != digest {
			t.Errorf("got digests %s and %s", digest, again)
		}
	})
}
