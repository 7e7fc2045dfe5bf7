// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"ironcore.dev/networking/internal/server/servingcert"
)

const (
	day = 24 * time.Hour
	// settleTime is how long a new authority is made known before it signs.
	settleTime = time.Minute
	clockStep  = 5 * time.Second
)

func TestReplicasThatStartTogetherShareOneAuthority(t *testing.T) {
	t.Parallel()
	h := newHost(t, "together")
	h.register()
	replicas := make([]*servingcert.Provider, 5)
	var group errgroup.Group
	for i := range replicas {
		group.Go(func() (err error) {
			replicas[i], err = h.newReplica(clock.RealClock{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	bundle := h.caBundle()
	if count := bytes.Count(bundle, []byte("BEGIN CERTIFICATE")); count != 1 {
		t.Errorf("%d authorities in the caBundle, want one:\n%s", count, bundle)
	}
	if secret := h.secret(); !bytes.Equal(secret.Data["ca.crt"], bundle) {
		t.Errorf("ca.crt of the Secret is not the caBundle:\n%s", secret.Data["ca.crt"])
	}
	for i, replica := range replicas {
		if err := h.verifies(replica, bundle, time.Now()); err != nil {
			t.Errorf("replica %d: %v", i, err)
		}
	}
	h.serve(replicas[0])
	h.waitUntilReachable()
}

// The clock stands still, so the replica notices by its watch.
func TestAnAPIServiceMayComeLater(t *testing.T) {
	t.Parallel()
	h := newHost(t, "later")
	h.serve(h.mustStart(clocktesting.NewFakeClock(time.Now())))
	h.register()
	h.waitUntilReachable()
}

// While one server of the group moves in for another, the APIService leads to the one that served before.
func TestAnAPIServiceThatLeadsToAnotherServerIsLeftAlone(t *testing.T) {
	t.Parallel()
	h := newHost(t, "elsewhere")
	h.register()
	h.lead("another")
	replica := h.mustStart(clocktesting.NewFakeClock(time.Now()))
	if bundle := h.caBundle(); len(bundle) > 0 {
		t.Errorf("the other server got the caBundle %s", bundle)
	}
	h.serve(replica)
	h.lead("server")
	h.waitUntilReachable()
}

// The clock stands still, so the replica notices by its watch.
func TestACABundleThatIsOverwrittenComesBack(t *testing.T) {
	t.Parallel()
	h := newHost(t, "overwritten")
	h.register()
	h.serve(h.mustStart(clocktesting.NewFakeClock(time.Now())))
	want := h.caBundle()
	for _, bundle := range []string{"null", `"aGVsbG8="`} {
		h.patchCABundle(bundle)
		h.eventually("the caBundle is back", func() bool { return bytes.Equal(h.caBundle(), want) },
			func() string { return string(h.caBundle()) })
	}
	h.waitUntilReachable()
}

func TestTheAuthorityIsReplacedWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	h := newHost(t, "rotation")
	h.register()
	// The clock starts in the past, so that what is signed after the rotation is valid by kube-apiserver's clock.
	now := time.Now()
	fake := clocktesting.NewFakeClock(now.Add(-500 * day))
	served, other := h.mustStart(fake), h.mustStart(fake)
	first := h.caBundle()
	fake.SetTime(now)
	h.serve(served)
	h.run(other)
	h.waitUntilReachable()
	if err := h.verifies(served, first, now); err != nil {
		t.Errorf("the certificate of the first authority was not renewed: %v", err)
	}

	stop := h.stream()
	var successor []byte
	h.eventually("the successor is known", func() bool {
		successor = h.successor()
		return successor != nil && h.carries(successor)
	}, func() string { return string(h.caBundle()) })
	if !h.carries(first) {
		t.Fatal("the caBundle has lost the first authority")
	}
	known := fake.Now()
	for _, replica := range []*servingcert.Provider{served, other} {
		h.eventually("the successor has signed", func() bool {
			if h.verifies(replica, successor, fake.Now()) == nil {
				return true
			}
			fake.Step(clockStep)
			return false
		}, func() string { return h.verifies(replica, first, fake.Now()).Error() })
	}
	// Whoever saw the caBundle first did so after known.
	if waited := fake.Since(known); waited < settleTime {
		t.Errorf("the successor signed after %s, before every kube-apiserver could know it", waited)
	}
	fresh := h.mustStart(fake)
	if err := h.verifies(fresh, successor, fake.Now()); err != nil {
		t.Errorf("a replica that starts after the rotation: %v", err)
	}
	h.waitUntilReachable()
	stop()

	if !h.carries(first) {
		t.Error("the first authority was forgotten before it expired")
	}
	fake.SetTime(now.Add(231 * day))
	h.eventually("the first authority is forgotten when it has expired", func() bool {
		return bytes.Equal(h.caBundle(), successor)
	}, func() string { return string(h.caBundle()) })
	data := h.secret().Data
	if !bytes.Equal(data["signing-ca.crt"], successor) || !bytes.Equal(data["ca.crt"], successor) ||
		data["next-ca.key"] != nil {
		t.Errorf("the Secret holds %v, want the successor alone", keys(data))
	}
}

func TestADeletedSecretIsMadeAgainWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	h := newHost(t, "deleted")
	h.register()
	fake := clocktesting.NewFakeClock(time.Now())
	served := h.mustStart(fake)
	h.serve(served)
	h.waitUntilReachable()
	first := h.caBundle()

	stop := h.stream()
	h.deleteSecret()
	var successor []byte
	h.eventually("there is a new authority, and it is known", func() bool {
		successor = h.successor()
		return successor != nil && h.carries(successor)
	}, func() string { return string(h.caBundle()) })
	if err := h.verifies(served, first, fake.Now()); err != nil {
		t.Errorf("the replica did not keep its certificate until the new authority is known: %v", err)
	}
	fresh := h.mustStart(fake)
	if err := h.verifies(fresh, h.caBundle(), fake.Now()); err != nil {
		t.Errorf("a replica that starts while the new authority waits: %v", err)
	}
	h.eventually("the new authority has signed", func() bool {
		if h.verifies(served, successor, fake.Now()) == nil {
			return true
		}
		fake.Step(clockStep)
		return false
	}, func() string { return h.verifies(served, successor, fake.Now()).Error() })
	h.waitUntilReachable()
	if !h.carries(first) {
		t.Error("the caBundle has lost the first authority")
	}

	// What an administrator does whose reason was that the first authority can't be trusted any more.
	h.eraseTrusted()
	h.eventually("the first authority is forgotten", func() bool { return bytes.Equal(h.caBundle(), successor) },
		func() string { return string(h.caBundle()) })
	h.waitUntilReachable()
	stop()
}

func TestAStartWithoutAPermissionNamesIt(t *testing.T) {
	t.Parallel()
	for i, test := range []struct{ missing, flag, refused, remedy string }{
		{
			missing: "secrets:get", flag: "--serving-cert-secret=%s/serving-cert: ",
			refused: `cannot get resource "secrets"`,
			remedy:  "see to it that the server may get, list, watch, create, update and patch this one Secret",
		},
		{
			missing: "secrets:create", flag: "--serving-cert-secret=%s/serving-cert: ",
			refused: `cannot create resource "secrets"`,
			remedy:  "see to it that the server may get, list, watch, create, update and patch this one Secret",
		},
		{
			missing: "apiservices:patch", flag: "--serving-cert-apiservice=v1.%s.example.com: ",
			refused: `cannot patch resource "apiservices"`,
			remedy:  "see to it that the server may get, list, watch and patch this one APIService",
		},
	} {
		t.Run(test.missing, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, fmt.Sprintf("forbidden-%d", i), test.missing)
			h.register()
			_, err := h.newReplica(clock.RealClock{})
			if err == nil {
				t.Fatal("the replica starts")
			}
			message := err.Error()
			if !strings.HasPrefix(message, fmt.Sprintf(test.flag, h.namespace)) ||
				!strings.Contains(message, test.refused) || !strings.HasSuffix(message, test.remedy) ||
				strings.Contains(message, "\n") {
				t.Errorf("got %q", message)
			}
		})
	}
}

func TestASecretOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	h := newHost(t, "foreign")
	h.register()
	h.apply(fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: serving-cert, namespace: %s}
stringData: {password: hunter2}
`, h.namespace))
	_, err := h.newReplica(clock.RealClock{})
	want := fmt.Sprintf(`--serving-cert-secret=%s/serving-cert: it holds "password", which is not this server's: `+
		"name another Secret, or delete this one if nobody needs it", h.namespace)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if data := h.secret().Data; len(data) != 1 || len(h.caBundle()) > 0 {
		t.Errorf("something was written: Secret with %v, caBundle %q", keys(data), h.caBundle())
	}
}

func keys(data map[string][]byte) (keys []string) {
	for key := range data {
		keys = append(keys, key)
	}
	return keys
}
