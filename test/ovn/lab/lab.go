// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package lab runs a small OVN on this machine: its databases, ovn-northd and one hypervisor with the userspace datapath,
// in a network namespace of its own, with sockets and files in a directory of its own. Guests are network namespaces that
// are plugged in as a machine would be. It needs Linux, root and the packages that install.sh installs.
package lab

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// programs are what the lab runs.
var programs = []string{
	"ovsdb-server", "ovsdb-tool", "ovs-vswitchd", "ovs-vsctl", "ovn-northd", "ovn-controller", "ovn-nbctl", "ovn-sbctl", "ovn-trace",
	"ip", "ping", "ethtool",
}

// Obstacle says why there can be no lab on this machine, in one line; it is empty if there can.
func Obstacle() string {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return "OVN needs Linux and root, for network namespaces"
	}
	var missing []string
	for _, program := range programs {
		if _, err := find(program); err != nil {
			missing = append(missing, program)
		}
	}
	if len(missing) > 0 {
		return "these programs are missing, and test/ovn/install.sh could not install them: " + strings.Join(missing, ", ")
	}
	tun, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return "the userspace datapath needs /dev/net/tun: " + err.Error()
	}
	_ = tun.Close() // Nothing was written.
	probe := fmt.Sprintf("lab-probe-%d", os.Getpid())
	if _, err := run("ip", "netns", "add", probe); err != nil {
		return "network namespaces can't be made here: " + err.Error()
	}
	if _, err := run("ip", "netns", "del", probe); err != nil {
		return err.Error()
	}
	return ""
}

// BecomeRoot starts the program again as root of a user namespace, with mounts and networks of its own, if it does not run as
// root. It returns where that is not needed or does not work, which Obstacle then tells.
func BecomeRoot() {
	if runtime.GOOS != "linux" || os.Geteuid() == 0 {
		return
	}
	const enter = "mount -t tmpfs tmpfs /run && ip link set lo up && exec \"$@\""
	unshare := []string{"unshare", "--user", "--map-root-user", "--mount", "--net", "sh", "-c", enter, "sh"}
	if _, err := run(unshare[0], append(unshare[1:], "true")...); err != nil {
		return
	}
	if path, err := find(unshare[0]); err == nil {
		_ = syscall.Exec(path, append(unshare, os.Args...), append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin"))
	}
}

// find looks for a program where distributions put those for root, too.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, program))
	}
	return path, err
}

func run(program string, args ...string) (string, error) {
	path, err := find(program)
	if err != nil {
		return "", err
	}
	output, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, bytes.TrimSpace(output))
	}
	return strings.TrimSpace(string(output)), nil
}

// The daemons of a lab.
const (
	NB         = "nb"
	SB         = "sb"
	Switch     = "conf" // the hypervisor's own database
	Northd     = "northd"
	VSwitchd   = "vswitchd"
	Controller = "controller"
)

// Lab is a running OVN. Use Start.
type Lab struct {
	dir, netns string
	nb, sb     string // the addresses of the databases

	mu      sync.Mutex
	daemons map[string]*daemon
	guests  int
	netnses []string
}

type daemon struct {
	command []string
	process *exec.Cmd
	ended   chan struct{}
}

// Start starts the daemons of the named kinds, or all without names.
func Start(only ...string) (*Lab, error) { return start("", "", only...) }

// StartOn starts all daemons but a north-bound database, which is at the given addresses.
func StartOn(nb string) (*Lab, error) { return start(nb, "", SB, Switch, Northd, VSwitchd, Controller) }

// StartBeside starts a second hypervisor of the lab's OVN. The two reach each other through a network with the given MTU.
func (l *Lab) StartBeside(mtu int) (other *Lab, err error) {
	if other, err = start(l.nb, l.sb, Switch, VSwitchd, Controller); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			other.Close()
		}
	}()
	if _, err := run("ip", "link", "add", "p0", "netns", l.netns, "type", "veth", "peer", "name", "p0", "netns", other.netns); err != nil {
		return nil, err
	}
	for i, hypervisor := range []*Lab{l, other} {
		// The userspace datapath has its tunnels end at a bridge of its own.
		address := fmt.Sprintf("192.0.2.%d", i+1)
		if _, err := hypervisor.VSCtl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev",
			"--", "add-port", "br-phy", "p0", "--", "set", "open", ".", "external_ids:ovn-encap-ip="+address); err != nil {
			return nil, err
		}
		for _, command := range [][]string{
			{"ip", "netns", "exec", hypervisor.netns, "ethtool", "-K", "p0", "tx", "off", "rx", "off"},
			{"ip", "-n", hypervisor.netns, "link", "set", "p0", "mtu", fmt.Sprint(mtu), "up"},
			{"ip", "-n", hypervisor.netns, "addr", "add", address + "/24", "dev", "br-phy"},
			{"ip", "-n", hypervisor.netns, "link", "set", "br-phy", "up"},
		} {
			if _, err := run(command[0], command[1:]...); err != nil {
				return nil, err
			}
		}
	}
	return other, nil
}

func start(nb, sb string, only ...string) (lab *Lab, err error) {
	dir, err := os.MkdirTemp("/tmp", "lab-") // Paths of sockets are short.
	if err != nil {
		return nil, err
	}
	l := &Lab{dir: dir, netns: filepath.Base(dir), daemons: make(map[string]*daemon)}
	l.nb, l.sb = cmp.Or(nb, l.socket(NB)), cmp.Or(sb, l.socket(SB))
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	if _, err := run("ip", "netns", "add", l.netns); err != nil {
		return nil, err
	}
	l.netnses = append(l.netnses, l.netns)
	schemas := map[string]string{
		NB: "/usr/share/ovn/ovn-nb.ovsschema", SB: "/usr/share/ovn/ovn-sb.ovsschema",
		Switch: "/usr/share/openvswitch/vswitch.ovsschema",
	}
	for _, name := range []string{NB, SB, Switch} {
		if _, err := run("ovsdb-tool", "create", l.path(name+".db"), schemas[name]); err != nil {
			return nil, err
		}
		l.daemons[name] = &daemon{command: []string{"ovsdb-server", l.path(name + ".db"),
			"--remote=punix:" + l.path(name+".sock"), "--unixctl=" + l.path(name+".ctl")}}
	}
	l.daemons[Northd] = &daemon{command: []string{"ovn-northd", "--ovnnb-db=" + l.nb, "--ovnsb-db=" + l.sb,
		"--unixctl=" + l.path("northd.ctl")}}
	l.daemons[VSwitchd] = &daemon{command: []string{"ovs-vswitchd", l.socket(Switch), "--disable-system",
		"--unixctl=" + l.path("vswitchd.ctl")}}
	l.daemons[Controller] = &daemon{command: []string{"ovn-controller", l.socket(Switch)}}

	wanted := func(name string) bool { return len(only) == 0 || slices.Contains(only, name) }
	for _, name := range []string{NB, SB, Switch} {
		if !wanted(name) {
			continue
		}
		if err := l.StartDaemon(name); err != nil {
			return nil, err
		}
	}
	if wanted(NB) {
		if _, err := l.NBCtl("init"); err != nil {
			return nil, err
		}
	}
	if wanted(SB) {
		if _, err := l.SBCtl("init"); err != nil {
			return nil, err
		}
	}
	if wanted(Switch) {
		if _, err := l.VSCtl("--no-wait", "init"); err != nil {
			return nil, err
		}
		if _, err := l.VSCtl("--no-wait", "set", "open", ".", "external_ids:system-id="+l.netns,
			"external_ids:ovn-remote="+l.sb, "external_ids:ovn-encap-type=geneve", "external_ids:ovn-encap-ip=127.0.0.1",
			"external_ids:ovn-remote-probe-interval=1000",
			"--", "--may-exist", "add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev", "fail-mode=secure"); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{Northd, VSwitchd, Controller} {
		if !wanted(name) {
			continue
		}
		if err := l.StartDaemon(name); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *Lab) path(name string) string   { return filepath.Join(l.dir, name) }
func (l *Lab) socket(name string) string { return "unix:" + l.path(name+".sock") }

// NBAddress is the address of the north-bound database.
func (l *Lab) NBAddress() string { return l.nb }

// NBCtl runs OVN's own client of the north-bound database.
func (l *Lab) NBCtl(args ...string) (string, error) {
	return run("ovn-nbctl", append([]string{"--db=" + l.nb, "--timeout=20"}, args...)...)
}

// SBCtl runs OVN's own client of the south-bound database.
func (l *Lab) SBCtl(args ...string) (string, error) {
	return run("ovn-sbctl", append([]string{"--db=" + l.sb, "--timeout=20"}, args...)...)
}

// Trace has OVN tell the way of a packet, from a datapath on.
func (l *Lab) Trace(datapath, packet string) (string, error) {
	return run("ovn-trace", "--db="+l.sb, "--no-friendly-names", datapath, packet)
}

// VSCtl runs the client of the switch.
func (l *Lab) VSCtl(args ...string) (string, error) {
	return run("ovs-vsctl", append([]string{"--db=" + l.socket(Switch), "--timeout=20"}, args...)...)
}

// StartDaemon starts a daemon, if it is not running.
func (l *Lab) StartDaemon(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.daemons[name]
	if d.process != nil {
		return nil
	}
	ip, err := find("ip")
	if err != nil {
		return err
	}
	path, err := find(d.command[0])
	if err != nil {
		return err
	}
	args := append([]string{"netns", "exec", l.netns, path}, d.command[1:]...)
	args = append(args, "--log-file="+l.path(name+".log"), "-vconsole:off", "-vfile:warn", "--no-chdir")
	command := exec.Command(ip, args...)
	command.Env = append(os.Environ(), "OVS_RUNDIR="+l.dir, "OVN_RUNDIR="+l.dir, "OVS_DBDIR="+l.dir, "OVN_DBDIR="+l.dir,
		"OVS_LOGDIR="+l.dir, "OVN_LOGDIR="+l.dir, "OVS_SYSCONFDIR="+l.dir)
	// The process ends with this one, however this one ends.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return err
	}
	d.process, d.ended = command, make(chan struct{})
	go func(ended chan struct{}) {
		_ = command.Wait() // It is killed in the end.
		close(ended)
	}(d.ended)
	if !slices.Contains([]string{NB, SB, Switch}, name) {
		return nil
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		if _, err := run("ovs-appctl", "-t", l.path(name+".ctl"), "version"); err == nil {
			return nil
		} else if time.Now().After(deadline) {
			return fmt.Errorf("the database %s does not start: %w", name, err)
		}
		select {
		case <-d.ended:
			return fmt.Errorf("the database %s ended at its start", name)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Kill ends a daemon as kill -9 does.
func (l *Lab) Kill(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.daemons[name]
	if d.process == nil {
		return
	}
	_ = d.process.Process.Kill() // It may have ended.
	<-d.ended
	d.process = nil
}

// CopyNB copies the file of the north-bound database.
func (l *Lab) CopyNB() ([]byte, error) { return os.ReadFile(l.path(NB + ".db")) }

// RestoreNB starts the north-bound database, which has ended, with a copy of the file.
func (l *Lab) RestoreNB(copied []byte) error {
	if err := os.WriteFile(l.path(NB+".db"), copied, 0o600); err != nil {
		return err
	}
	return l.StartDaemon(NB)
}

// Signal sends a daemon a signal.
func (l *Lab) Signal(name string, signal syscall.Signal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.daemons[name].process.Process.Signal(signal)
}

// CPU returns the processor time that a daemon has used.
func (l *Lab) CPU(name string) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return CPU(l.daemons[name].process.Process.Pid)
}

// CPU returns the processor time that a process has used.
func CPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0, err
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// Logs are what the daemons have said, warnings and worse.
func (l *Lab) Logs() string {
	var all strings.Builder
	for _, name := range []string{NB, SB, Switch, Northd, VSwitchd, Controller} {
		if text, err := os.ReadFile(l.path(name + ".log")); err == nil && len(text) > 0 {
			fmt.Fprintf(&all, "%s:\n%s\n", name, text[max(0, len(text)-2000):])
		}
	}
	return all.String()
}

// Close ends everything and leaves nothing.
func (l *Lab) Close() error {
	for _, name := range []string{Controller, Northd, VSwitchd, Switch, SB, NB} {
		if l.daemons[name] != nil {
			l.Kill(name)
		}
	}
	var errs []error
	for _, netns := range slices.Backward(l.netnses) {
		_, err := run("ip", "netns", "del", netns)
		errs = append(errs, err)
	}
	return errors.Join(append(errs, os.RemoveAll(l.dir))...)
}

// Guest is a network namespace that uses a NetworkInterface.
type Guest struct {
	lab           *Lab
	netns, device string
}

// Plug makes a guest of a NetworkInterface, from nothing but what is on the object.
func (l *Lab) Plug(nic *v1alpha1.NetworkInterface) (*Guest, error) {
	l.mu.Lock()
	l.guests++
	g := &Guest{lab: l, netns: fmt.Sprintf("%s-g%d", l.netns, l.guests), device: fmt.Sprintf("v%d", l.guests)}
	l.netnses = append(l.netnses, g.netns)
	l.mu.Unlock()
	port := strings.TrimPrefix(nic.Spec.ProviderID, "ovn://")
	for _, command := range [][]string{
		{"ip", "netns", "add", g.netns},
		{"ip", "-n", g.netns, "link", "set", "lo", "up"},
		{"ip", "link", "add", g.device, "netns", l.netns, "type", "veth", "peer", "name", "e0", "netns", g.netns},
		{"ip", "netns", "exec", g.netns, "ethtool", "-K", "e0", "tx", "off", "rx", "off"},
		{"ip", "-n", g.netns, "link", "set", "e0", "address", nic.Status.MACAddress, "mtu", fmt.Sprint(nic.Status.MTU)},
		{"ip", "-n", l.netns, "link", "set", g.device, "up"},
	} {
		if _, err := run(command[0], command[1:]...); err != nil {
			return nil, err
		}
	}
	if err := g.Configure(nic); err != nil {
		return nil, err
	}
	_, err := l.VSCtl("add-port", "br-int", g.device, "--", "set", "interface", g.device, "external_ids:iface-id="+port)
	return g, err
}

// Configure gives a guest the addresses of its NetworkInterface, and takes others away.
func (g *Guest) Configure(nic *v1alpha1.NetworkInterface) error {
	commands := [][]string{{"addr", "flush", "dev", "e0"}, {"link", "set", "e0", "up"}}
	for _, ip := range nic.Status.IPs {
		commands = append(commands, []string{"addr", "add", ip, "dev", "e0", "nodad"})
	}
	for _, gateway := range nic.Status.Gateways {
		if strings.Contains(gateway, ":") {
			commands = append(commands, []string{"-6", "route", "replace", "default", "via", gateway, "dev", "e0"})
		} else {
			commands = append(commands, []string{"route", "replace", gateway, "dev", "e0"},
				[]string{"route", "replace", "default", "via", gateway, "dev", "e0"})
		}
	}
	for _, command := range commands {
		if _, err := run("ip", append([]string{"-n", g.netns}, command...)...); err != nil {
			return err
		}
	}
	return nil
}

// Unplug takes a guest away.
func (g *Guest) Unplug() error {
	_, err := g.lab.VSCtl("--if-exists", "del-port", "br-int", g.device)
	_, delErr := run("ip", "-n", g.netns, "link", "del", "e0")
	return errors.Join(err, delErr)
}

// Ping tells whether an address answers a single packet in time.
func (g *Guest) Ping(ctx context.Context, address string, within time.Duration) bool {
	ip, err := find("ip")
	if err != nil {
		return false
	}
	return exec.CommandContext(ctx, ip, "netns", "exec", g.netns, "ping", "-n", "-q", "-c", "1",
		"-W", fmt.Sprintf("%.2f", within.Seconds()), address).Run() == nil
}

// PingWhole tells whether an address answers a single packet of this length, and what ping says. It is not cut into fragments.
func (g *Guest) PingWhole(ctx context.Context, address string, length int, within time.Duration) (bool, string) {
	headers := 20 + 8 // of IP and ICMP
	if strings.Contains(address, ":") {
		headers = 40 + 8
	}
	output, err := g.Run(ctx, "ping", "-n", "-q", "-M", "do", "-c", "1", "-s", fmt.Sprint(length-headers),
		"-W", fmt.Sprintf("%.2f", within.Seconds()), address)
	return err == nil, string(output)
}

// SetMTU has the guest send longer packets, or shorter ones.
func (g *Guest) SetMTU(mtu int) error {
	_, err := run("ip", "-n", g.netns, "link", "set", "e0", "mtu", fmt.Sprint(mtu))
	return err
}

// Do calls a function on a thread that is in the guest meanwhile: the sockets that it makes are the guest's.
func (g *Guest) Do(do func() error) error {
	home, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	there, err := os.Open(filepath.Join("/run/netns", g.netns))
	if err != nil {
		return err
	}
	defer there.Close()
	// The thread goes home and lives on: the daemons that it may have started end with it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	err = do()
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
		panic(err) // What else runs on this thread would be in the guest.
	}
	return err
}

// Serve has the guest accept connections on a TCP port of all its addresses, and answer packets on the UDP port of that number.
func (g *Guest) Serve(port int) (stop func(), err error) {
	var listener net.Listener
	var packets net.PacketConn
	err = g.Do(func() (err error) {
		if listener, err = net.Listen("tcp", fmt.Sprintf(":%d", port)); err != nil {
			return err
		}
		packets, err = net.ListenPacket("udp", fmt.Sprintf(":%d", port))
		return err
	})
	if err != nil {
		return nil, err
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				_, _ = io.Copy(connection, connection) // It says back what it is told, until the other side ends.
			}()
		}
	})
	serving.Go(func() {
		packet := make([]byte, 16)
		for {
			n, from, err := packets.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = packets.WriteTo(packet[:n], from) // One that is lost is not answered.
		}
	})
	return func() {
		_ = errors.Join(listener.Close(), packets.Close())
		serving.Wait()
	}, nil
}

// Dial connects to an address of another guest that serves, over tcp or udp.
func (g *Guest) Dial(network, address string, within time.Duration) (connection net.Conn, err error) {
	err = g.Do(func() (err error) {
		connection, err = net.DialTimeout(network, address, within)
		return err
	})
	return connection, err
}

// Answers tells whether who serves on an address says back in time what it is told.
func Answers(connection net.Conn, within time.Duration) bool {
	if connection.SetDeadline(time.Now().Add(within)) != nil {
		return false
	}
	if _, err := connection.Write([]byte{1}); err != nil {
		return false
	}
	_, err := io.ReadFull(connection, make([]byte, 1))
	return err == nil
}

// Connects tells whether an address can be spoken to over tcp or udp.
func (g *Guest) Connects(network, address string, within time.Duration) bool {
	connection, err := g.Dial(network, address, within)
	if err != nil {
		return false
	}
	defer connection.Close()
	return Answers(connection, within)
}

// Run runs a program in the guest.
func (g *Guest) Run(ctx context.Context, program string, args ...string) ([]byte, error) {
	ip, err := find("ip")
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, ip, append([]string{"netns", "exec", g.netns, program}, args...)...).CombinedOutput()
}
