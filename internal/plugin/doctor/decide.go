// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package doctor finds what is wrong with the server, Networks, peerings and interfaces, and the command that fixes it.
package doctor

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

const (
	// A certificate that expires within expirySoon, or within a third of its life if that is shorter, should have been renewed.
	expirySoon = 7 * 24 * time.Hour
	// overdueAfter is how long a provider or a controller may take until it is a problem.
	overdueAfter = time.Minute
	// maxFindings is how many findings of one check are printed.
	maxFindings = 20
)

// Level tells how bad a finding is.
type Level string

const (
	// OK: nothing to do.
	OK Level = "OK"
	// Waiting: the owner of another Network has to act, or a peer has yet to come.
	Waiting Level = "WAITING"
	// Unknown: it could not be found out.
	Unknown Level = "UNKNOWN"
	// Problem: it does not work as asked.
	Problem Level = "PROBLEM"
)

// Finding is one thing that was found.
type Finding struct {
	Level Level
	// Subject is what was checked, in one word.
	Subject string
	Text    string
	// Command fixes it, or shows more.
	Command string
}

// Snapshot is what was read to find what is wrong.
type Snapshot struct {
	Now time.Time
	// APIService is how a cluster reaches the server; nil if the server stands alone or the APIService can't be read.
	APIService *APIService
	Standalone bool
	// Serving is the certificate of a server that stands alone, and Client that of the user. Either may be nil.
	Serving, Client *x509.Certificate
	// Leading tells whether the server runs the controllers; nil if that can't be read.
	Leading *bool

	Networks   []v1alpha1.Network
	Interfaces []v1alpha1.NetworkInterface
}

// APIService is what a cluster knows of the server.
type APIService struct {
	// Namespace and Name are those of its Service.
	Namespace, Name string
	// Available is empty if the cluster has not checked yet.
	Available       metav1.ConditionStatus
	Reason, Message string
	// Trusted are the authorities whose certificates the cluster accepts.
	Trusted []*x509.Certificate
}

// Diagnose returns the findings, those about the server first.
func Diagnose(snapshot Snapshot) []Finding {
	checks := []func(Snapshot) []Finding{apiService, certificates, leader, provider, networks, peerings, overlaps, interfaces}
	if service := snapshot.APIService; service != nil && service.Available != metav1.ConditionTrue {
		checks = checks[:2] // the server can't be asked for the rest
	}
	var findings []Finding
	for _, check := range checks {
		findings = append(findings, shorten(check(snapshot))...)
	}
	return findings
}

// shorten keeps a report readable where one cause has many effects.
func shorten(findings []Finding) []Finding {
	if len(findings) <= maxFindings {
		return findings
	}
	last := findings[maxFindings]
	return append(findings[:maxFindings:maxFindings], Finding{last.Level, last.Subject,
		fmt.Sprintf("and %d more like these", len(findings)-maxFindings), "kubectl network peerings -A"})
}

func apiService(snapshot Snapshot) []Finding {
	const subject, name = "APIService", "v1alpha1." + v1alpha1.GroupName
	service := snapshot.APIService
	switch {
	case snapshot.Standalone:
		return []Finding{{OK, subject, "the server stands alone and answers; it needs no APIService", ""}}
	case service == nil:
		return []Finding{{Unknown, subject, name + " can't be read with these credentials; the group is served",
			"kubectl auth can-i get apiservices"}}
	case service.Available == metav1.ConditionTrue:
		return []Finding{{OK, subject, name + " is available", ""}}
	}
	text := name + " is not available: " + cmp.Or(service.Reason, "the cluster has not looked at it yet")
	if service.Message != "" {
		text += ": " + service.Message
	}
	command := fmt.Sprintf("kubectl -n %s get pods,endpointslices", service.Namespace)
	switch {
	case service.Reason == "ServiceNotFound":
		command = fmt.Sprintf("kubectl -n %s get services # %s is missing: apply the manifests again", service.Namespace, service.Name)
	case strings.Contains(service.Message, "x509"), strings.Contains(service.Message, "certificate"):
		command = logs(snapshot) + " # says why it can't write the APIService"
	}
	return []Finding{{Problem, subject, text, command}}
}

// logs is the command that prints the log of the server.
func logs(snapshot Snapshot) string {
	namespace, name := "network-system", "network-apiserver"
	if snapshot.APIService != nil {
		namespace, name = snapshot.APIService.Namespace, snapshot.APIService.Name
	}
	return fmt.Sprintf("kubectl -n %s logs deployment/%s --tail=100", namespace, name)
}

func certificates(snapshot Snapshot) (findings []Finding) {
	const subject = "certificates"
	const restart = "restart network-apiserver: it renews its certificates when it starts"
	if snapshot.Serving != nil {
		findings = append(findings, certificate(snapshot.Now, snapshot.Serving, "the server's certificate", restart))
	}
	if snapshot.Client != nil {
		command := "kubectl config view --minify # its issuer renews it"
		if snapshot.Standalone {
			command = restart + " # and writes the kubeconfig anew"
		}
		findings = append(findings, certificate(snapshot.Now, snapshot.Client, "your own certificate", command))
	}
	if service := snapshot.APIService; service != nil {
		if len(service.Trusted) == 0 {
			findings = append(findings, Finding{Problem, subject, "the APIService trusts no authority: caBundle is empty", logs(snapshot)})
		} else {
			newest := slices.MaxFunc(service.Trusted, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
			findings = append(findings, certificate(snapshot.Now, newest, "the authority that the APIService trusts", logs(snapshot)))
		}
	}
	return findings
}

func certificate(now time.Time, cert *x509.Certificate, whose, command string) Finding {
	left := cert.NotAfter.Sub(now)
	switch {
	case left <= 0:
		return Finding{Problem, "certificates", fmt.Sprintf("%s expired %s ago", whose, duration.HumanDuration(-left)), command}
	case left < min(expirySoon, cert.NotAfter.Sub(cert.NotBefore)/3):
		return Finding{Problem, "certificates", fmt.Sprintf("%s expires in %s", whose, duration.HumanDuration(left)), command}
	}
	return Finding{OK, "certificates", fmt.Sprintf("%s is good for %s", whose, duration.HumanDuration(left)), ""}
}

// leader tells whether a replica runs the controllers: its metric says so, or no Network waits for them.
func leader(snapshot Snapshot) []Finding {
	const subject = "leader"
	waiting := 0
	decided := false
	for i := range snapshot.Networks {
		network := &snapshot.Networks[i]
		if network.Status.State != v1alpha1.NetworkStateAvailable || len(network.Spec.Peerings) == 0 {
			continue
		}
		if network.Status.ObservedGeneration >= network.Generation {
			decided = true
		} else if snapshot.Now.Sub(changed(network)) > overdueAfter {
			waiting++
		}
	}
	command := logs(snapshot)
	if snapshot.Standalone {
		command = "restart network-apiserver: its log says what stops the controllers"
	}
	switch {
	case waiting > 0:
		return []Finding{{Problem, subject, fmt.Sprintf("Networks that have waited for a decision for more than %s: %d. "+
			"No replica runs the controllers, or they hang", duration.HumanDuration(overdueAfter), waiting), command}}
	case snapshot.Leading != nil && *snapshot.Leading:
		return []Finding{{OK, subject, "the server runs the controllers", ""}}
	case decided:
		return []Finding{{OK, subject, "the controllers run: no Network waits for a decision", ""}}
	}
	return []Finding{{Unknown, subject, "can't tell: there is no Network with a peering", command}}
}

// changed is the last known time at which a Network was written.
func changed(network *v1alpha1.Network) time.Time {
	last := network.CreationTimestamp.Time
	for _, item := range network.Status.Peerings {
		if item.LastPhaseTransitionTime != nil && item.LastPhaseTransitionTime.After(last) {
			last = item.LastPhaseTransitionTime.Time
		}
	}
	for _, entry := range network.ManagedFields {
		if entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}

// provider tells which providers realize Networks.
func provider(snapshot Snapshot) []Finding {
	const subject = "provider"
	counts := make(map[string]int)
	overdue := 0
	for i := range snapshot.Networks {
		network := &snapshot.Networks[i]
		scheme, _, _ := strings.Cut(network.Spec.ProviderID, "://")
		switch {
		case network.DeletionTimestamp != nil:
		case network.Status.State == v1alpha1.NetworkStateAvailable:
			counts[cmp.Or(scheme, "an unnamed provider")]++
		case snapshot.Now.Sub(network.CreationTimestamp.Time) > overdueAfter:
			overdue++
		}
	}
	if len(counts) > 0 {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			parts = append(parts, fmt.Sprintf("%d by %s", counts[name], name))
		}
		return []Finding{{OK, subject, "Networks realized: " + strings.Join(parts, ", "), ""}}
	}
	if overdue > 0 {
		command := logs(snapshot) + " # and is a provider configured? --network-provider"
		if snapshot.Standalone {
			command = "network-apiserver --standalone --network-provider=local"
		}
		return []Finding{{Problem, subject, "no Network is Available: no provider runs, or it fails", command}}
	}
	return []Finding{{Unknown, subject, "can't tell: there is no Network older than " + duration.HumanDuration(overdueAfter), ""}}
}

// networks that are not as asked.
func networks(snapshot Snapshot) (findings []Finding) {
	for _, network := range sorted(snapshot.Networks) {
		name := rules.NameOf(network)
		describe := fmt.Sprintf("kubectl describe network %s -n %s", name.Name, name.Namespace)
		age := snapshot.Now.Sub(network.CreationTimestamp.Time)
		switch {
		case network.DeletionTimestamp != nil:
			if blocked := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkDeletionBlocked); blocked != nil {
				findings = append(findings, Finding{Waiting, "network", fmt.Sprintf("%s is being deleted: %s", name, blocked.Message),
					fmt.Sprintf("kubectl get nic -n %s --field-selector spec.networkRef.name=%s # delete what nobody needs",
						name.Namespace, name.Name)})
			} else if snapshot.Now.Sub(network.DeletionTimestamp.Time) > overdueAfter {
				findings = append(findings, Finding{Problem, "network",
					fmt.Sprintf("%s waits for %s to be deleted", name, strings.Join(network.Finalizers, ", ")), describe})
			}
		case network.Status.State == v1alpha1.NetworkStateError,
			network.Status.State != v1alpha1.NetworkStateAvailable && age > overdueAfter:
			findings = append(findings, Finding{Problem, "network", fmt.Sprintf("%s is %s%s", name,
				cmp.Or(network.Status.State, v1alpha1.NetworkStatePending), why(network.Status.Conditions, v1alpha1.NetworkAvailable)), describe})
		}
	}
	return findings
}

// why is the reason and the message of a condition.
func why(conditions []metav1.Condition, kind string) string {
	condition := meta.FindStatusCondition(conditions, kind)
	if condition == nil {
		return ""
	}
	text := ": " + condition.Reason
	if condition.Message != "" {
		text += ": " + condition.Message
	}
	return text
}

// peerings that are Pending, each with the command that helps.
func peerings(snapshot Snapshot) (findings []Finding) {
	for _, network := range sorted(snapshot.Networks) {
		items := rules.PeeringItems(network)
		for i := range network.Spec.Peerings {
			peering := &network.Spec.Peerings[i]
			item := items[peering.Name]
			if item.Phase == v1alpha1.NetworkPeeringPhaseBound {
				continue
			}
			level, command := fix(network, rules.TargetOf(network, peering), item)
			if level == OK {
				continue
			}
			findings = append(findings, Finding{level, "peering", fmt.Sprintf("%s, peering %s is Pending: %s: %s",
				rules.NameOf(network), peering.Name, item.Reason, item.Message), command})
		}
	}
	return findings
}

// fix returns the command that helps a Pending peering, or OK if another finding has its cause.
func fix(network *v1alpha1.Network, target types.NamespacedName, item v1alpha1.NetworkPeeringStatus) (Level, string) {
	own := rules.NameOf(network)
	unpeer := fmt.Sprintf("kubectl network unpeer %s %s -n %s", own.Name, target, own.Namespace)
	switch item.Reason {
	case v1alpha1.PeeringReasonPeeringNotAccepted:
		return Waiting, fmt.Sprintf("kubectl network accept %s %s -n %s # by the owner of %s", target.Name, own, target.Namespace, target)
	case v1alpha1.PeeringReasonPeerNotFound:
		return Problem, unpeer + " # or create " + target.String()
	case v1alpha1.PeeringReasonPeeringDeclined:
		if rules.Declines(network, target) {
			return Problem, fmt.Sprintf("kubectl network accept %s %s -n %s # or unpeer it", own.Name, target, own.Namespace)
		}
		return Problem, unpeer
	case v1alpha1.PeeringReasonPeerUIDMismatch:
		return Problem, fmt.Sprintf("%s && kubectl network peer %s %s -n %s", unpeer, own.Name, target, own.Namespace)
	case v1alpha1.PeeringReasonNetworkDeleting, v1alpha1.PeeringReasonNetworkNotAvailable, v1alpha1.PeeringReasonEvaluating, "":
		return OK, "" // the Network itself, or the leader, is the cause
	}
	return Waiting, fmt.Sprintf("kubectl describe network %s -n %s", target.Name, target.Namespace)
}

// overlaps of address ranges: they keep a Bound peering from carrying traffic.
func overlaps(snapshot Snapshot) (findings []Finding) {
	known := make(map[types.NamespacedName]*v1alpha1.Network)
	members := make(map[types.NamespacedName][]*v1alpha1.NetworkInterface)
	for i := range snapshot.Networks {
		known[rules.NameOf(&snapshot.Networks[i])] = &snapshot.Networks[i]
	}
	for i := range snapshot.Interfaces {
		nic := &snapshot.Interfaces[i]
		of := types.NamespacedName{Namespace: nic.Namespace, Name: nic.Spec.NetworkRef.Name}
		members[of] = append(members[of], nic)
	}
	membersOf := func(network *v1alpha1.Network) []*v1alpha1.NetworkInterface { return members[rules.NameOf(network)] }
	for _, network := range sorted(snapshot.Networks) {
		name := rules.NameOf(network)
		items := rules.PeeringItems(network)
		var exposures []rules.Exposure
		for i := range network.Spec.Peerings {
			peering := &network.Spec.Peerings[i]
			item, target := items[peering.Name], rules.TargetOf(network, peering)
			if peer := known[target]; peer != nil && item.Phase == v1alpha1.NetworkPeeringPhaseBound {
				exposures = append(exposures, rules.Exposure{Peering: peering.Name, Peer: target,
					Bound: bound(item), Ranges: rules.Exposed(peer, name, membersOf)})
			}
		}
		found := rules.DecideOverlaps(rules.InForce(membersOf(network)), exposures)
		for _, peering := range slices.Sorted(maps.Keys(found)) {
			findings = append(findings, overlap(network, peering, found[peering]))
		}
		// The server knows Networks that this user may not read.
		condition := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkPrefixesOverlap)
		if len(found) == 0 && condition != nil && condition.Status == metav1.ConditionTrue {
			findings = append(findings, Finding{Problem, "overlap", fmt.Sprintf("%s: %s", name, condition.Message),
				fmt.Sprintf("kubectl network peerings %s -n %s", name.Name, name.Namespace)})
		}
	}
	return findings
}

func bound(item v1alpha1.NetworkPeeringStatus) time.Time {
	if item.LastPhaseTransitionTime == nil {
		return time.Time{}
	}
	return item.LastPhaseTransitionTime.Time
}

func overlap(network *v1alpha1.Network, peering string, found rules.Overlap) Finding {
	i := slices.IndexFunc(network.Spec.Peerings, func(p v1alpha1.NetworkPeering) bool { return p.Name == peering })
	name, peer := rules.NameOf(network), rules.TargetOf(network, &network.Spec.Peerings[i])
	whose := "its own " + rules.RangeText(found.Other)
	if found.With != nil {
		whose = fmt.Sprintf("%s of %s", rules.RangeText(found.Other), found.With)
	}
	return Finding{Problem, "overlap",
		fmt.Sprintf("%s, peering %s: %s of %s overlaps %s", name, peering, rules.RangeText(found.Range), peer, whose),
		fmt.Sprintf("kubectl network peer %s %s -n %s --prefix=RANGE # by the owner of %s, with a range of its own",
			peer.Name, name, peer.Namespace, peer)}
}

// interfaces that carry no traffic.
func interfaces(snapshot Snapshot) (findings []Finding) {
	for i := range snapshot.Interfaces {
		nic := &snapshot.Interfaces[i]
		if meta.IsStatusConditionTrue(nic.Status.Conditions, v1alpha1.NetworkInterfacePrefixesOverlap) {
			findings = append(findings, Finding{Problem, "overlap", fmt.Sprintf("NetworkInterface %s/%s%s", nic.Namespace, nic.Name,
				why(nic.Status.Conditions, v1alpha1.NetworkInterfacePrefixesOverlap)),
				fmt.Sprintf("kubectl edit nic %s -n %s # and choose another range or address", nic.Name, nic.Namespace)})
		}
		if nic.DeletionTimestamp != nil || nic.Status.State == v1alpha1.NetworkInterfaceStateAvailable ||
			snapshot.Now.Sub(nic.CreationTimestamp.Time) <= overdueAfter {
			continue
		}
		command := fmt.Sprintf("kubectl describe nic %s -n %s", nic.Name, nic.Namespace)
		condition := meta.FindStatusCondition(nic.Status.Conditions, v1alpha1.NetworkInterfaceAvailable)
		if condition != nil {
			switch condition.Reason {
			case v1alpha1.NetworkInterfaceReasonNetworkNotAvailable:
				continue // There is a finding about the Network.
			case v1alpha1.NetworkInterfaceReasonAddressInUse:
				for _, ip := range nic.Spec.IPs {
					command = fmt.Sprintf("kubectl network who-has %s -n %s", ip.Value, nic.Namespace)
				}
			}
		}
		findings = append(findings, Finding{Problem, "interface", fmt.Sprintf("%s/%s is %s%s", nic.Namespace, nic.Name,
			cmp.Or(nic.Status.State, v1alpha1.NetworkInterfaceStatePending),
			why(nic.Status.Conditions, v1alpha1.NetworkInterfaceAvailable)), command})
	}
	return findings
}

func sorted(networks []v1alpha1.Network) []*v1alpha1.Network {
	pointers := make([]*v1alpha1.Network, len(networks))
	for i := range networks {
		pointers[i] = &networks[i]
	}
	slices.SortFunc(pointers, func(a, b *v1alpha1.Network) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return pointers
}
