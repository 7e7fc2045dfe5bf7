// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// TestImage reads the image back from its tarball.
func TestImage(t *testing.T) {
	const tag = "network-apiserver:v1.2.3"
	dir := t.TempDir()
	programs := []string{"network-apiserver", "network-etcd"}
	archs := []string{"amd64", "arm64"}
	for _, arch := range archs {
		for _, program := range programs {
			file := filepath.Join(dir, "linux-"+arch, program)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(program+" for "+arch), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	digest, err := write(dir, programs, archs, tag, filepath.Join(dir, "image"))
	if err != nil {
		t.Fatal(err)
	}
	output := filepath.Join(dir, "image-linux-arm64.tar")
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

	t.Run("holds the programs and nothing else", func(t *testing.T) {
		files := mutate.Extract(image)
		defer files.Close()
		got := map[string]string{}
		for r := tar.NewReader(files); ; {
			header, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if header.Mode != 0o555 {
				t.Errorf("%s has mode %o", header.Name, header.Mode)
			}
			got[header.Name] = string(content)
		}
		want := map[string]string{
			"network-apiserver": "network-apiserver for arm64", "network-etcd": "network-etcd for arm64",
		}
		if !maps.Equal(got, want) {
			t.Errorf("got files %q, want %q", got, want)
		}
	})

	t.Run("has an index of all architectures under the digest", func(t *testing.T) {
		unpacked := t.TempDir()
		if out, err := exec.Command("tar", "-xf", filepath.Join(dir, "image.oci.tar"), "-C", unpacked).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		root, err := layout.ImageIndexFromPath(unpacked)
		if err != nil {
			t.Fatal(err)
		}
		index, err := root.ImageIndex(digest)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range manifest.Manifests {
			got = append(got, m.Platform.Architecture)
			if _, err := index.Image(m.Digest); err != nil {
				t.Error(err)
			}
		}
		if !slices.Equal(got, archs) {
			t.Errorf("architectures are %q", got)
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

	t.Run("is the same for the same programs", func(t *testing.T) {
		again, err := write(dir, programs, archs, tag, filepath.Join(dir, "again"))
		if err != nil {
			t.Fatal(err)
		}
		if again != digest {
			t.Errorf("got digests %s and %s", digest, again)
		}
		for _, file := range []string{"-linux-amd64.tar", "-linux-arm64.tar", ".oci.tar"} {
			first, err := os.ReadFile(filepath.Join(dir, "image"+file))
			if err != nil {
				t.Fatal(err)
			}
			second, err := os.ReadFile(filepath.Join(dir, "again"+file))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first, second) {
				t.Errorf("%s differs", file)
			}
		}
	})
}
