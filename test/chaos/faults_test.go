// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"math/rand/v2"
	"time"

	"ironcore.dev/networking/test/e2e/cluster"
)

// fault is something that befalls a running cluster. begin does it and returns what ends it.
type fault struct {
	name  string
	begin func(c *world, random *rand.Rand) (end func() error, err error)
}

func anyMember(c *world, random *rand.Rand) *cluster.Process {
	return c.Etcd.Members[random.IntN(len(c.Etcd.Members))]
}

func anyReplica(c *world, random *rand.Rand) *cluster.Process {
	return &c.Replicas[random.IntN(len(c.Replicas))].Process
}

// victim is whom a fault befalls, and harm what it does.
type (
	victim func(*world, *rand.Rand) *cluster.Process
	harm   func(*world, *cluster.Process) (end func() error, err error)
)

// slow has a process run a tenth of the time, as one does on a machine with too much other work.
func slow(_ *world, p *cluster.Process) (func() error, error) {
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			if err := p.Freeze(); err != nil {
				stopped <- err
				return
			}
			time.Sleep(90 * time.Millisecond)
			if err := p.Thaw(); err != nil {
				stopped <- err
				return
			}
			select {
			case <-stop:
				stopped <- nil
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	return func() error { close(stop); return <-stopped }, nil
}

func freeze(_ *world, p *cluster.Process) (func() error, error) { return p.Thaw, p.Freeze() }

func kill(c *world, p *cluster.Process) (func() error, error) {
	p.Kill()
	return func() error { return c.start(p) }, nil
}

func cut(c *world, p *cluster.Process) (func() error, error) {
	c.Etcd.Links.Cut(p)
	return func() error { c.Etcd.Links.Join(p); return nil }, nil
}

// lose takes half of the connections to etcd that a replica has. The replica closes them itself.
func lose(c *world, p *cluster.Process) (func() error, error) {
	c.Etcd.Links.Lose(p, 0.5)
	return func() error { return nil }, nil
}

// loseForAWhile takes half of the connections that an etcd member has to the others. etcd leaves it to the kernel to end them.
func loseForAWhile(c *world, p *cluster.Process) (func() error, error) {
	c.Etcd.Links.Lose(p, 0.5)
	return func() error { c.Etcd.Links.EndLost(p); return nil }, nil
}

// mistime makes a clock wrong by up to an hour, and sometimes starts the process so.
func mistime(who victim) func(*world, *rand.Rand) (func() error, error) {
	return func(c *world, random *rand.Rand) (func() error, error) {
		p := who(c, random)
		wrongBy := time.Duration(random.Int64N(int64(2*time.Hour))) - time.Hour
		if err := c.SetClock(p, wrongBy); err != nil {
			return nil, err
		}
		if random.IntN(2) == 0 {
			if err := c.restart(p); err != nil {
				return nil, err
			}
		}
		return func() error { return c.SetClock(p, 0) }, nil
	}
}

func cutFromHost(c *world, p *cluster.Process) (func() error, error) {
	c.Kubernetes.Links.Cut(p)
	return func() error { c.Kubernetes.Links.Join(p); return nil }, nil
}

func restart(c *world, p *cluster.Process) (func() error, error) {
	if err := p.Stop(); err != nil {
		return nil, err
	}
	return func() error { return c.start(p) }, nil
}

func on(who victim, what harm) func(*world, *rand.Rand) (func() error, error) {
	return func(c *world, random *rand.Rand) (func() error, error) { return what(c, who(c, random)) }
}

// faults are all that the driver chooses from.
var faults = []fault{
	{"freeze an etcd member", on(anyMember, freeze)},
	{"kill an etcd member", on(anyMember, kill)},
	{"cut off an etcd member", on(anyMember, cut)},
	{"restart an etcd member", on(anyMember, restart)},
	{"slow an etcd member down to a tenth", on(anyMember, slow)},
	{"slow a replica down to a tenth", on(anyReplica, slow)},
	{"freeze a replica", on(anyReplica, freeze)},
	{"kill a replica", on(anyReplica, kill)},
	{"cut off a replica from etcd", on(anyReplica, cut)},
	{"lose half of the connections of a replica to etcd", on(anyReplica, lose)},
	{"lose half of the connections of an etcd member to the others", on(anyMember, loseForAWhile)},
	{"set the clock of an etcd member wrong", mistime(anyMember)},
	{"cut off a replica from the kube-apiserver", on(anyReplica, cutFromHost)},
	{"restart a replica", on(anyReplica, restart)},
	{"restart all replicas in turn", func(c *world, _ *rand.Rand) (func() error, error) {
		for _, replica := range c.Replicas {
			if err := c.restart(&replica.Process); err != nil {
				return nil, err
			}
		}
		return func() error { return nil }, nil
	}},
	{"slow the network of etcd by 30 ms", func(c *world, _ *rand.Rand) (func() error, error) {
		c.Etcd.Links.Slow(30 * time.Millisecond)
		return func() error { c.Etcd.Links.Slow(0); return nil }, nil
	}},
	{"lose a tenth of what goes to and from etcd", func(c *world, _ *rand.Rand) (func() error, error) {
		c.Etcd.Links.Drop(0.1)
		return func() error { c.Etcd.Links.Drop(0); return nil }, nil
	}},
}

// wrongReplicaClock needs the program of clocks/build.sh.
var wrongReplicaClock = fault{"set the clock of a replica wrong", mistime(anyReplica)}

// newer is the version that is tested, once a replica has run the older.
var newer string

// otherVersion leaves the replicas of two versions: one or two run the version that they did not run before.
var otherVersion = fault{"roll replicas to the other version", func(c *world, random *rand.Rand) (func() error, error) {
	for _, number := range random.Perm(len(c.Replicas))[:1+random.IntN(2)] {
		replica := c.Replicas[number]
		if err := replica.Stop(); err != nil {
			return nil, err
		}
		if running := replica.Exchange(*older); running != *older {
			newer = running
		} else {
			replica.Exchange(newer)
		}
		if err := c.start(&replica.Process); err != nil {
			return nil, err
		}
	}
	return func() error { return nil }, nil
}}

// slowDisk needs small disks, and a kernel that limits how often a process writes to one.
var slowDisk = fault{"let an etcd member write to its disk 20 times a second", func(c *world, random *rand.Rand) (func() error, error) {
	return c.Etcd.SlowDisk(random.IntN(len(c.Etcd.Members)), 20)
}}

// fullDisk needs small disks, which need root.
var fullDisk = fault{"fill the disk of an etcd member", func(c *world, random *rand.Rand) (func() error, error) {
	member := random.IntN(len(c.Etcd.Members))
	return func() error {
		if err := c.Etcd.Empty(member); err != nil {
			return err
		}
		// etcd may have ended, as one that can't write its log must.
		if process := c.Etcd.Members[member]; !process.Running() {
			return c.start(process)
		}
		return nil
	}, c.Etcd.Fill(member)
}}
