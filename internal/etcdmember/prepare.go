// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcdmember

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"
)

// answerTimeout is how long a member may take to answer. The members are asked at once, so a first start waits only once.
const answerTimeout = 3 * time.Second

// preparation writes the configuration of a member.
type preparation struct {
	Name, Config, Output string
	Client               client
	// Period is how often the others are asked.
	Period time.Duration
	// Out takes the reason to wait, a line each time it changes.
	Out io.Writer
}

// Run returns once the configuration is written.
func (p *preparation) Run(ctx context.Context) error {
	config, err := p.read()
	if err != nil {
		return err
	}
	dataDir, _ := config["data-dir"].(string)
	peerURL, _ := config["initial-advertise-peer-urls"].(string)
	if dataDir == "" || peerURL == "" {
		return fmt.Errorf("--config: %s lacks data-dir or initial-advertise-peer-urls", p.Config)
	}
	printed := ""
	err = wait.PollUntilContextCancel(ctx, p.Period, true, func(ctx context.Context) (bool, error) {
		_, statErr := os.Stat(filepath.Join(dataDir, "member", "wal"))
		var known []member
		if statErr != nil {
			if known, err = p.ask(ctx); err != nil {
				return false, err
			}
		}
		state, why := decide(p.Name, peerURL, statErr == nil, known)
		if state != "" {
			config["initial-cluster-state"] = state
			return true, nil
		}
		if why != printed {
			fmt.Fprintf(p.Out, "network-etcd: %s\n", why)
			printed = why
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	content, err := yaml.Marshal(config)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.Output, content, 0o600); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return nil
}

// read returns the configuration with the member's name in place of $(NAME).
func (p *preparation) read() (map[string]any, error) {
	content, err := os.ReadFile(p.Config)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	config := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(strings.ReplaceAll(string(content), "$(NAME)", p.Name)), &config); err != nil {
		return nil, fmt.Errorf("--config: %s: %w", p.Config, err)
	}
	return config, nil
}

// ask returns the members that the fastest member knows, nil if none answers.
func (p *preparation) ask(ctx context.Context) ([]member, error) {
	answers := make(chan []member, len(p.Client.Endpoints))
	for _, endpoint := range p.Client.Endpoints {
		config, err := p.Client.config(endpoint)
		if err != nil {
			return nil, err
		}
		go func() { answers <- list(ctx, config) }()
	}
	for range p.Client.Endpoints {
		if known := <-answers; known != nil {
			return known, nil
		}
	}
	return nil, nil
}

// list returns the members that one member knows, nil if it does not answer.
func list(ctx context.Context, config clientv3.Config) []member {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	c, err := clientv3.New(config)
	if err != nil {
		return nil
	}
	defer c.Close()
	answer, err := c.MemberList(ctx)
	if err != nil {
		return nil
	}
	known := []member{}
	for _, m := range answer.Members {
		known = append(known, member{name: m.Name, peerURL: strings.Join(m.PeerURLs, ","), started: len(m.ClientURLs) > 0})
	}
	return known
}
