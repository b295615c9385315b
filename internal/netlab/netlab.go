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

// Require skips the test with a reason if namespaces or TAP devices cannot be used here,
// or if one of the programs is not installed. On CI, where everything must be
// installed, the test fails instead.
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

// Programs is like Require for a test that needs programs only.
func Programs(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			lacks(t, "needs the program %s (`make deps` installs it)", p)
		}
	}
}

// lacks ends a test that cannot run here: it skips the test, or fails it if the variable
// CI is set.
func lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

var names atomic.Uint32

// Name returns a device name that no other test on this machine uses. It has at most 12
// characters.
func Name() string {
	return fmt.Sprintf("gl%xn%d", os.Getpid()&0xffffff, names.Add(1)%1000)
}

// Namespace is a network namespace with its loopback up.
type Namespace struct {
	t      testing.TB
	handle netns.NsHandle
}

// New makes a namespace that is deleted when the test ends. It skips the test like
// Require; `ip` is always required.
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

// Own returns the namespace of the test itself. It skips the test like New.
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

// onThread runs f on its own thread, which ends with f, so that f may change the thread's
// namespace. It never uses the main thread, which cannot end and whose namespace
// /proc/self shows.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- onThread(f) // on another thread, because this one is locked
			runtime.UnlockOSThread()
			return
		}
		done <- f()
		// The thread stays locked, so the runtime ends it with the goroutine.
	}()
	return <-done
}

// Do runs f in the namespace. Sockets that f opens stay in the namespace.
func (n *Namespace) Do(f func() error) error {
	return onThread(func() error {
		if err := netns.Set(n.handle); err != nil {
			return err
		}
		return f()
	})
}

// Try runs a program in the namespace and returns what it wrote to both outputs.
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

// Run is like Try, but the test fails if the program fails.
func (n *Namespace) Run(program string, args ...string) string {
	n.t.Helper()
	out, err := n.Try(program, args...)
	if err != nil {
		n.t.Fatalf("netlab: %v", err)
	}
	return out
}

// IP runs `ip` with the words of each line. The test fails if one fails.
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

// sysctlPath returns the file of a key. As in sysctl(8), a '/' in a key means a dot in a
// name.
func sysctlPath(key string) string {
	swap := strings.NewReplacer(".", "/", "/", ".")
	return "/proc/sys/" + swap.Replace(key)
}

// Start runs a program in the namespace until stop is called or the test ends; stop waits
// for the program. Both outputs of the program go to out, unless out is nil. The caller
// must not read a buffer before stop.
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

// Move moves a device from the test's own namespace into this one. There it is down and
// has no addresses.
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

// Quiet keeps the kernel from sending its own frames on a device (router solicitations,
// multicast reports), for tests that count frames. The device has no IPv6 after that.
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

// MAC returns the MAC of a device in the namespace, for example "02:00:5e:10:00:01".
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
