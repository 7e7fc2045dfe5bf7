// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command image packs one static Linux program into a container image with nothing else in it, and writes the image
// as a tarball that docker, podman and ctr can load. It needs neither a daemon nor a registry, and the same program
// always gives the same image.
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// user owns nothing in the image and is no user of any host. The manifests under deploy name the same one.
const user = "65532:65532"

func main() {
	program := flag.String("program", "", "the static program to pack; the image starts it")
	arch := flag.String("arch", "amd64", "the architecture that the program was built for")
	tag := flag.String("tag", "", "name and tag of the image, for instance network-apiserver:v0.1.0")
	output := flag.String("output", "", "the tarball to write")
	flag.Parse()

	digest, err := write(*program, *arch, *tag, *output)
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: %s %s\n", *output, *tag, digest)
}

// write packs the program and gives the digest of the image.
func write(program, arch, tag, output string) (v1.Hash, error) {
	ref, err := name.NewTag(tag)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("--tag: %w", err)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("--program: %w", err)
	}
	image, err := pack(filepath.Base(program), content, arch, ref.TagStr())
	if err != nil {
		return v1.Hash{}, err
	}
	if err := tarball.WriteToFile(output, ref, image); err != nil {
		return v1.Hash{}, fmt.Errorf("--output: %w", err)
	}
	return image.Digest()
}

// pack makes an image of one layer with one file, which runs as user. Nothing in it carries a time.
func pack(program string, content []byte, arch, version string) (v1.Image, error) {
	files, err := archive(program, content)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files)), nil
	})
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
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
		Entrypoint: []string{"/" + program},
		Labels: map[string]string{
			"org.opencontainers.image.title":    program,
			"org.opencontainers.image.version":  version,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return mutate.ConfigFile(image, config)
}

// archive is the file system of the image: the program, readable and executable by everybody, writable by nobody.
func archive(program string, content []byte) ([]byte, error) {
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: program, Mode: 0o555, Size: int64(len(content))})
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return files.Bytes(), nil
}
