// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command image packs static Linux programs into a container image with nothing else in it. It writes one tarball for each
// architecture, which docker, podman and ctr can load, and one with the images of all architectures in OCI's layout, for tools
// that push. It needs neither a daemon nor a registry, and the same programs always give the same images.
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user owns nothing in the image and does not exist on any host. The manifests under deploy name the same one.
const user = "65532:65532"

func main() {
	programs := flag.String("programs", "", "the programs to pack, separated by commas, each in the folder DIR/linux-ARCH of --dir; the image starts the first")
	dir := flag.String("dir", "", "where the programs are")
	archs := flag.String("archs", "amd64", "the architectures to make images for, separated by commas")
	tag := flag.String("tag", "", "name and tag of the image, for instance network-apiserver:v0.1.0")
	output := flag.String("output", "", "what the tarballs begin with; each ends with -linux-ARCH.tar or .oci.tar")
	flag.Parse()

	digest, err := write(*dir, strings.Split(*programs, ","), strings.Split(*archs, ","), *tag, *output)
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
	fmt.Println(digest)
}

// write packs the programs for each architecture, and returns the digest of the index of the images.
func write(dir string, programs, archs []string, tag, output string) (v1.Hash, error) {
	ref, err := name.NewTag(tag)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("--tag: %w", err)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range archs {
		image, err := pack(filepath.Join(dir, "linux-"+arch), programs, arch, ref.TagStr())
		if err != nil {
			return v1.Hash{}, err
		}
		if err := tarball.WriteToFile(output+"-linux-"+arch+".tar", ref, image); err != nil {
			return v1.Hash{}, fmt.Errorf("--output: %w", err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	if err := writeLayout(index, ref, output+".oci.tar"); err != nil {
		return v1.Hash{}, fmt.Errorf("--output: %w", err)
	}
	return index.Digest()
}

// writeLayout writes a tarball of OCI's image layout, in which the index has the name ref.
func writeLayout(index v1.ImageIndex, ref name.Tag, output string) error {
	dir, err := os.MkdirTemp("", "image")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	err = path.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": ref.TagStr(),
		"io.containerd.image.name":          ref.Name(),
	}))
	if err != nil {
		return err
	}
	var names []string
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			name, err := filepath.Rel(dir, path)
			names = append(names, name)
			return err
		}
		return err
	})
	if err != nil {
		return err
	}
	content, err := archive(dir, names, 0o444)
	if err != nil {
		return err
	}
	return os.WriteFile(output, content, 0o644)
}

// pack makes an image of one layer with the programs, which runs as user. It contains no times.
func pack(dir string, programs []string, arch, version string) (v1.Image, error) {
	files, err := archive(dir, programs, 0o555)
	if err != nil {
		return nil, fmt.Errorf("--programs: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.AppendLayers(base, layer)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Config = v1.Config{
		User:       user,
		Entrypoint: []string{"/" + programs[0]},
		Labels: map[string]string{
			"org.opencontainers.image.title":    programs[0],
			"org.opencontainers.image.version":  version,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return mutate.ConfigFile(image, config)
}

// archive is a tarball of files of a folder, which belong to root and have no time.
func archive(dir string, names []string, mode int64) ([]byte, error) {
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	for _, name := range slices.Sorted(slices.Values(names)) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: filepath.ToSlash(name), Mode: mode, Size: int64(len(content))}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return files.Bytes(), nil
}
