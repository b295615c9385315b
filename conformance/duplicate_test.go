package conformance

import (
	"strings"
	"testing"

	"glean/server/engine"
)

// TestC04KernelTakesGleansIPv4Address: glean sees the conflict, reports it on
// the interface and as an event, keeps the address, and defends it once, however
// often the kernel claims it within 10 s.
func TestC04KernelTakesGleansIPv4Address(t *testing.T) {
	p := newPeer(t, "", quietTimes, "arping", "tcpdump")
	claims := p.capture("arp and ether src " + gleanMAC)
	seq := p.seq()
	for range 5 {
		// Unsolicited: it exits with an error, since no host answers.
		_, _ = p.kernel.Try("arping", "-q", "-U", "-i", p.device, "-S", gleanV4, "-c", "1", "-w", "1", gleanV4)
	}
	e := p.event(seq, "interface", "if-1", "conflict")
	if !strings.Contains(e.Detail, gleanV4) || !strings.Contains(e.Detail, p.mac()) {
		t.Errorf("event %q", e.Detail)
	}
	p.until("five conflicts are seen", func(*engine.Engine) bool { return p.engine.StackCounters()[0].Conflicts >= 5 })
	p.do(func(e *engine.Engine) {
		v, err := e.Interface("if-1")
		if err != nil || v.Conflict4.String() != p.mac() || !v.Conflict6.IsZero() {
			t.Errorf("conflicts on the interface: %v and %v, %v", v.Conflict4, v.Conflict6, err)
		}
	})
	p.kernel.Run("arping", "-q", "-i", p.device, "-c", "1", gleanV4) // glean still has it
	if lines := claims(1, "Reply"); strings.Count(lines, "Request who-has "+gleanV4) != 1 {
		t.Errorf("want one defence; glean sent:\n%s", lines)
	}
}

// TestE18KernelTakesGleansIPv6Address does the same with an unsolicited advertisement.
func TestE18KernelTakesGleansIPv6Address(t *testing.T) {
	p := newPeer(t, "", quietTimes)
	device := p.device
	p.kernel.Sysctl("net.ipv6.conf." + device + ".ndisc_notify=1")
	p.kernel.IP("addr add " + gleanV6 + "/64 nodad dev " + device)
	seq := p.seq()
	p.kernel.IP("link set " + device + " address " + otherMAC) // then the kernel advertises all its addresses
	e := p.event(seq, "interface", "if-1", "conflict")
	if !strings.Contains(e.Detail, gleanV6) || !strings.Contains(e.Detail, otherMAC) {
		t.Errorf("event %q", e.Detail)
	}
	p.do(func(e *engine.Engine) {
		if v, err := e.Interface("if-1"); err != nil || v.Conflict6.String() != otherMAC || !v.Conflict4.IsZero() {
			t.Errorf("conflicts on the interface: %v and %v, %v", v.Conflict4, v.Conflict6, err)
		}
	})
}

// TestF11KernelChecksGleansIPv6Address: the kernel's duplicate address detection finds
// that glean has the address.
func TestF11KernelChecksGleansIPv6Address(t *testing.T) {
	p := newPeer(t, "", quietTimes)
	p.kernel.Sysctl("net.ipv6.conf."+p.device+".accept_dad=1", "net.ipv6.conf."+p.device+".dad_transmits=1")
	p.kernel.IP("addr add " + gleanV6 + "/64 dev " + p.device)
	addresses := ""
	if !p.poll(func() bool {
		addresses = p.kernel.Run("ip", "-6", "addr", "show", "dev", p.device)
		return strings.Contains(addresses, "dadfailed")
	}) {
		t.Errorf("the kernel did not find the duplicate: %s", addresses)
	}
	if c := p.counters(); c.Conflicts != 0 {
		t.Errorf("a check for our address counts as a conflict")
	}
}

// TestC07ProbeForGleansIPv4Address: glean answers a probe of RFC 5227 and does not cache
// its sender 0.0.0.0.
func TestC07ProbeForGleansIPv4Address(t *testing.T) {
	p := newPeer(t, "", quietTimes, "arping")
	out := p.kernel.Run("arping", "-0", "-r", "-i", p.device, "-c", "1", gleanV4)
	if strings.TrimSpace(out) != gleanMAC {
		t.Errorf("arping: %q, want %s", out, gleanMAC)
	}
	p.do(func(e *engine.Engine) {
		if list := e.Neighbors(engine.NeighborFilter{}); len(list) != 0 {
			t.Errorf("neighbors: %+v", list)
		}
	})
}

// TestGleanTakesKernelsAddresses: glean has addresses of the kernel. It detects the
// conflicts when the kernel solicits another address.
func TestGleanTakesKernelsAddresses(t *testing.T) {
	p := newPeer(t, "", quietTimes, "ping", "ndisc6")
	p.do(func(e *engine.Engine) { e.DeleteInterface("if-1", func() {}) })
	seq := p.seq()
	p.iface(strings.NewReplacer(gleanV4, kernelV4, gleanV6, kernelV6).Replace(interfaceBody(gleanMAC, "", quietTimes)))
	_, _ = p.kernel.Try("ping", "-c", "1", "-w", "1", "198.18.0.55") // no host has it
	// Solicitations go to a group. They reach glean only if it is a member.
	_, _ = p.kernel.Try("ndisc6", "-q", "-r", "1", "-w", "200", "-s", kernelV6, "fe80::ff:fe00:64", p.device)
	p.until("conflicts of both addresses", func(e *engine.Engine) bool {
		v, err := e.Interface("if-1")
		return err == nil && v.Conflict4.String() == p.mac() && v.Conflict6.String() == p.mac()
	})
	p.event(seq, "interface", "if-1", "conflict")
}

// capture runs tcpdump on the kernel's side of the TAP. The returned function waits until
// n lines have a text, and returns all lines.
func (p *peer) capture(filter string) func(n int, text string) string {
	p.t.Helper()
	var l lines
	l.start(p.t, p, "tcpdump", "-l", "-n", "-e", "-i", p.device, "--immediate-mode", filter)
	if !l.has("listening on") {
		p.t.Fatal("tcpdump does not listen")
	}
	return func(n int, text string) string {
		if !l.wait(func(all string) bool { return strings.Count(all, text) >= n }) {
			p.t.Errorf("tcpdump printed %q less than %d times", text, n)
		}
		return l.text()
	}
}
