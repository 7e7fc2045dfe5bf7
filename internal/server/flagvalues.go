// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	cliflag "k8s.io/component-base/cli/flag"
)

// validateValues checks at once what the libraries check after etcd has started.
func validateValues(o *genericoptions.RecommendedOptions) []error {
	var errs []error
	if o.SecureServing.MinTLSVersion != "" {
		if _, err := cliflag.TLSVersion(o.SecureServing.MinTLSVersion); err != nil {
			errs = append(errs, fmt.Errorf("--tls-min-version: %w; there are %s", err, strings.Join(cliflag.TLSPossibleVersions(), ", ")))
		}
	}
	if _, err := cliflag.TLSCipherSuites(o.SecureServing.CipherSuites); err != nil {
		errs = append(errs, fmt.Errorf("--tls-cipher-suites: %w", err))
	}
	if _, err := genericoptions.ParseWatchCacheSizes(o.Etcd.WatchCacheSizes); err != nil {
		errs = append(errs, fmt.Errorf("--watch-cache-sizes: %w", err))
	}
	return errs
}

// validateAudit checks the flags of the audit log whether it is kept or not, which the libraries do only where it is.
func validateAudit(o *genericoptions.AuditOptions) []error {
	var errs []error
	for _, output := range []struct{ flag, value string }{
		{"audit-log-path", o.LogOptions.Path}, {"audit-webhook-config-file", o.WebhookOptions.ConfigFile},
	} {
		if output.value != "" && o.PolicyFile == "" {
			errs = append(errs, fmt.Errorf("--%s has no effect without --audit-policy-file, which says what to record", output.flag))
		}
	}
	log, webhook := o.LogOptions, o.WebhookOptions
	log.Path, webhook.ConfigFile = cmp.Or(log.Path, "-"), cmp.Or(webhook.ConfigFile, "-")
	return slices.Concat(errs, auditFlags("log", log.Validate()), auditFlags("webhook", webhook.Validate()))
}

// auditFlags puts the flags in front of what the library says of the values of an output's.
func auditFlags(output string, errs []error) []error {
	for i, err := range errs {
		for _, of := range []struct{ words, flag string }{
			{output + " mode ", "mode"},
			{output + " format ", "format"},
			{"group version", "version"},
			{"batch " + output + " buffer size", "batch-buffer-size"},
			{"batch " + output + " max batch size", "batch-max-size"},
			{"batch " + output + " throttle QPS", "batch-throttle-qps"},
			{"batch " + output + " throttle burst", "batch-throttle-burst"},
			{"truncate " + output + " max event size", "truncate-max-event-size"},
			{"truncate " + output + " max batch size", "truncate-max-batch-size"},
		} {
			if strings.Contains(err.Error(), of.words) {
				errs[i] = fmt.Errorf("--audit-%s-%s: %w", output, of.flag, err)
				break
			}
		}
	}
	return errs
}

// named puts the two dashes in front of a flag in what the libraries say of its value, where they leave them out.
func named(errs []error, given *pflag.FlagSet) []error {
	for i, err := range errs {
		given.Visit(func(flag *pflag.Flag) {
			if !strings.Contains(errs[i].Error(), "--") && strings.Contains(" "+err.Error(), " "+flag.Name) {
				errs[i] = fmt.Errorf("--%s: %w", flag.Name, err)
			}
		})
	}
	return errs
}
