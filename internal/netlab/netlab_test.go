package netlab

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestNamespaceIsApart(t *testing.T) {
	n := New(t)
	a, b := Name(), Name()
	n.Veth(a, n, b)
	n.IP("link set "+a+" up", "link set "+b+" up", "address add 192.0.2.1/24 dev "+a)
	if out := n.Run("ip", "-o", "address", "show", "dev", a); !strings.Contains(out, "192.0.2.1/24") {
		t.Errorf("address is not in the namespace: %s", out)
	}
	if _, err := netlink.LinkByName(a); !errors.As(err, new(netlink.LinkNotFoundError)) {
		t.Errorf("%s in our own namespace: %v, want not found", a, err)
	}
	if mac := n.MAC(a); len(mac) != 17 || !strings.Contains(n.Run("ip", "link", "show", a), mac) {
		t.Errorf("MAC of %s is %q", a, mac)
	}
}

func TestDoLeavesOtherThreadsAlone(t *testing.T) {
	n := New(t)
	before, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	var inside string
	if err := n.Do(func() error { inside, err = os.Readlink("/proc/thread-self/ns/net"); return err }); err != nil {
		t.Fatal(err)
	}
	if inside == before {
		t.Errorf("Do ran in our own namespace %s", before)
	}
	for range 100 { // every thread that the runtime may put us on
		done := make(chan string)
		go func() { s, _ := os.Readlink("/proc/thread-self/ns/net"); done <- s }()
		if s := <-done; s != before {
			t.Fatalf("a goroutine is in namespace %s, want %s", s, before)
		}
	}
}

func TestMoveAndReturn(t *testing.T) {
	n, m := New(t), New(t)
	a, b := Name(), Name()
	n.Veth(a, m, b)
	n.Return(a)
	if _, err := netlink.LinkByName(a); err != nil {
		t.Errorf("%s after Return: %v", a, err)
	}
	m.Move(a)
	m.Run("ip", "link", "show", a)
	m.Run("ip", "link", "show", b)
}

func TestTrySaysWhatFailed(t *testing.T) {
	n := New(t)
	out, err := n.Try("ip", "link", "show", "nosuch0")
	if err == nil || !strings.Contains(err.Error(), "ip link show nosuch0") || !strings.Contains(out, "nosuch0") {
		t.Errorf("out %q, error %v", out, err)
	}
}

func TestSysctlIsOfTheNamespace(t *testing.T) {
	n := New(t)
	own, _ := os.ReadFile("/proc/sys/net/ipv4/ip_default_ttl")
	n.Sysctl("net.ipv4.ip_default_ttl=77")
	if after, _ := os.ReadFile("/proc/sys/net/ipv4/ip_default_ttl"); !bytes.Equal(own, after) {
		t.Errorf("our own TTL went from %s to %s", own, after)
	}
	if out := n.Run("cat", "/proc/sys/net/ipv4/ip_default_ttl"); strings.TrimSpace(out) != "77" {
		t.Errorf("TTL in the namespace is %s, want 77", out)
	}
}

func TestStartStops(t *testing.T) {
	n := New(t, "cat")
	var out bytes.Buffer
	stop := n.Start(&out, "cat", "/proc/net/dev", "-") // "-": standard input, which is empty
	stop()
	stop()
	if s := out.String(); s != "" && !strings.Contains(s, "lo:") {
		t.Errorf("output %q", s)
	}
}

func TestNamesDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for range 500 {
		name := Name()
		if seen[name] || len(name) > 12 {
			t.Fatalf("name %q", name)
		}
		seen[name] = true
	}
}
