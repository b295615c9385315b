package netlab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Require skips the test, saying why, if it can't use namespaces and TAP
// devices here or one of programs is not installed. On CI, where all of that has
// to be there, the test fails instead.
func Require(t testing.TB, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		lacks(t, "needs root: it makes network namespaces and TAP devices")
	}
	if f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0); err != nil {
		lacks(t, "needs /dev/net/tun: %v", err)
	} else {
		f.Close()
	}
	Programs(t, programs...)
}

// Programs is Require for a test that needs programs only.
func Programs(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			lacks(t, "needs the program %s (`make deps` installs it)", p)
		}
	}
}

// lacks ends a test that can't run here. CI sets the variable CI.
func lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

var names atomic.Uint32

// Name gives a device name that no other test of this machine uses. It is at
// most 12 characters long.
func Name() string {
	return fmt.Sprintf("gl%xn%d", os.Getpid()&0xffffff, names.Add(1)%1000)
}

// Namespace is a network namespace with its loopback up.
type Namespace struct {
	t      testing.TB
	handle netns.NsHandle
}

// New makes a namespace that goes when the test ends. It skips the test as
// Require does; `ip` is always required.
func New(t testing.TB, programs ...string) *Namespace {
	t.Helper()
	Require(t, append(programs, "ip")...)
	n := &Namespace{t: t, handle: netns.None()}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		var err error
		n.handle, err = netns.Get()
		return err
	})
	if errors.Is(err, unix.EPERM) {
		t.Skipf("needs the right to make network namespaces: %v", err)
	}
	if err != nil {
		t.Fatalf("netlab: making a namespace: %v", err)
	}
	t.Cleanup(func() { n.handle.Close() })
	n.Run("ip", "link", "set", "lo", "up")
	return n
}

// Own is the namespace that the test itself is in. It skips the test as New
// does.
func Own(t testing.TB, programs ...string) *Namespace {
	t.Helper()
	Require(t, append(programs, "ip")...)
	handle, err := netns.Get()
	if err != nil {
		t.Fatalf("netlab: %v", err)
	}
	t.Cleanup(func() { handle.Close() })
	return &Namespace{t: t, handle: handle}
}

// onThread runs f on a thread of its own, which ends with f, so that f may
// change the thread's namespace. The main thread, which cannot end and gives
// /proc/self its namespace, is never the one.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- onThread(f) // on another thread, as this one is held
			runtime.UnlockOSThread()
			return
		}
		done <- f()
		// Not unlocked: the runtime ends the thread with the goroutine.
	}()
	return <-done
}

// Do runs f in the namespace. Sockets that f opens stay in it.
func (n *Namespace) Do(f func() error) error {
	return onThread(func() error {
		if err := netns.Set(n.handle); err != nil {
			return err
		}
		return f()
	})
}

// Try runs a program in the namespace and gives what it wrote to both outputs.
func (n *Namespace) Try(program string, args ...string) (string, error) {
	var out bytes.Buffer
	err := n.Do(func() error {
		c := exec.Command(program, args...)
		c.Stdout, c.Stderr = &out, &out
		return c.Run()
	})
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(out.String()))
	}
	return out.String(), err
}

// Run is Try for what must succeed.
func (n *Namespace) Run(program string, args ...string) string {
	n.t.Helper()
	out, err := n.Try(program, args...)
	if err != nil {
		n.t.Fatalf("netlab: %v", err)
	}
	return out
}

// IP runs `ip` with the words of each line, which must succeed.
func (n *Namespace) IP(lines ...string) {
	n.t.Helper()
	for _, l := range lines {
		n.Run("ip", strings.Fields(l)...)
	}
}

// Sysctl sets values such as "net.ipv4.ip_forward=1" of the namespace.
func (n *Namespace) Sysctl(settings ...string) {
	n.t.Helper()
	err := n.Do(func() error {
		for _, s := range settings {
			key, value, ok := strings.Cut(s, "=")
			if !ok {
				return fmt.Errorf("%q is not key=value", s)
			}
			if err := os.WriteFile(sysctlPath(key), []byte(value), 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		n.t.Fatalf("netlab: sysctl: %v", err)
	}
}

// sysctlPath finds a key's file. As for sysctl(8), '/' in a key stands for a
// dot in a name.
func sysctlPath(key string) string {
	swap := strings.NewReplacer(".", "/", "/", ".")
	return "/proc/sys/" + swap.Replace(key)
}

// Start runs a program in the namespace until stop is called, which waits for
// it, or the test ends. What it writes to both outputs goes to out, unless that
// is nil; a buffer is to be read after stop.
func (n *Namespace) Start(out io.Writer, program string, args ...string) (stop func()) {
	n.t.Helper()
	c := exec.Command(program, args...)
	if out != nil {
		c.Stdout, c.Stderr = out, out
	}
	if err := n.Do(c.Start); err != nil {
		n.t.Fatalf("netlab: %s: %v", program, err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = c.Process.Signal(syscall.SIGTERM)
			_ = c.Wait()
		}
	}
	n.t.Cleanup(stop)
	return stop
}

// Move moves a device from the test's own namespace into this one, where it is
// down and without addresses.
func (n *Namespace) Move(device string) {
	n.t.Helper()
	l, err := netlink.LinkByName(device)
	if err == nil {
		err = netlink.LinkSetNsFd(l, int(n.handle))
	}
	if err != nil {
		n.t.Fatalf("netlab: moving %s: %v", device, err)
	}
}

// Return moves a device back into the test's own namespace.
func (n *Namespace) Return(device string) {
	n.t.Helper()
	own, err := netns.Get()
	if err != nil {
		n.t.Fatalf("netlab: %v", err)
	}
	defer own.Close()
	err = n.Do(func() error {
		l, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		return netlink.LinkSetNsFd(l, int(own))
	})
	if err != nil {
		n.t.Fatalf("netlab: moving %s back: %v", device, err)
	}
}

// Quiet keeps the kernel from sending anything of its own on a device (router
// solicitations, multicast reports), which tests that count frames need. It
// has no IPv6 after that.
func (n *Namespace) Quiet(device string) {
	n.t.Helper()
	n.Sysctl("net.ipv6.conf." + strings.ReplaceAll(device, ".", "/") + ".disable_ipv6=1")
}

// Veth makes a pair of devices, one in n and one in other.
func (n *Namespace) Veth(device string, other *Namespace, otherDevice string) {
	n.t.Helper()
	n.IP("link add " + device + " type veth peer name " + otherDevice)
	if other != n {
		n.give(otherDevice, other)
	}
}

// give moves a device into another namespace.
func (n *Namespace) give(device string, other *Namespace) {
	n.t.Helper()
	err := n.Do(func() error {
		l, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		return netlink.LinkSetNsFd(l, int(other.handle))
	})
	if err != nil {
		n.t.Fatalf("netlab: moving %s: %v", device, err)
	}
}

// MAC gives the hardware address of a device in the namespace, as
// "02:00:5e:10:00:01".
func (n *Namespace) MAC(device string) string {
	n.t.Helper()
	var address string
	err := n.Do(func() error {
		l, err := netlink.LinkByName(device)
		if err == nil {
			address = l.Attrs().HardwareAddr.String()
		}
		return err
	})
	if err != nil {
		n.t.Fatalf("netlab: %s: %v", device, err)
	}
	return address
}
