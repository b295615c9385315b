package conformance

import (
	"strings"
	"testing"
	"time"

	"glean/server/engine"
)

const otherMAC = "02:00:5e:00:00:99"

// TestAnnouncedMACIsStaleAtOnce: the kernel's device gets another MAC and announces it by
// gratuitous ARP and an unsolicited advertisement. glean stores it at once as STALE, and
// reports it in an event.
func TestAnnouncedMACIsStaleAtOnce(t *testing.T) {
	p := newPeer(t, "", quietTimes)
	device := p.device
	old := p.mac()
	if got := p.learn(5*time.Second, kernelV4, kernelV6); got[kernelV4] != old || got[kernelV6] != old {
		t.Fatalf("learned %v", got)
	}
	p.kernel.Sysctl("net.ipv4.conf."+device+".arp_notify=1", "net.ipv6.conf."+device+".ndisc_notify=1")
	seq := p.seq()
	p.kernel.IP("link set " + device + " address " + otherMAC)
	for _, address := range []string{kernelV4, kernelV6} {
		p.wantNeighbor(address, "stale "+otherMAC)
	}
	moved := p.event(seq, "neighbor", "if-1", "moved")
	if !strings.Contains(moved.Detail, old) || !strings.Contains(moved.Detail, otherMAC) {
		t.Errorf("event %q lacks a MAC", moved.Detail)
	}
	// A STALE entry does not count as learned until the neighbor answers.
	before := p.counters()
	if got := p.learn(5*time.Second, kernelV4, kernelV6); got[kernelV4] != otherMAC || got[kernelV6] != otherMAC {
		t.Errorf("learned %v, want %s", got, otherMAC)
	}
	after := p.counters()
	if after.ARPRequestsSent == before.ARPRequestsSent || after.SolicitsSent == before.SolicitsSent {
		t.Error("an announced MAC counts as learned without a solicitation")
	}
}

// TestLearningFindsUnannouncedMAC: the cache has a REACHABLE entry with the
// old MAC. Learning solicits the old MAC, gets no reply, and then multicasts.
func TestLearningFindsUnannouncedMAC(t *testing.T) {
	p := newPeer(t, "", quietTimes+`,"retrans_timer_ms":100`)
	if got := p.learn(5*time.Second, kernelV4, kernelV6); got[kernelV4] != p.mac() || got[kernelV6] != p.mac() {
		t.Fatalf("learned %v", got)
	}
	p.kernel.IP("link set " + p.device + " address " + otherMAC)
	for _, address := range []string{kernelV4, kernelV6} {
		p.wantNeighbor(address, "reachable")
	}
	if got := p.learn(5*time.Second, kernelV4, kernelV6); got[kernelV4] != otherMAC || got[kernelV6] != otherMAC {
		t.Errorf("learned %v, want %s", got, otherMAC)
	}
	for _, address := range []string{kernelV4, kernelV6} {
		p.wantNeighbor(address, "reachable "+otherMAC)
	}
}

// TestF13InterfaceMadeAnewIsReachableAtOnce: the interface is made anew with another MAC.
// The kernel, a host or a router, has the MAC from the announcement, because it does not
// probe within the time of the test.
func TestF13InterfaceMadeAnewIsReachableAtOnce(t *testing.T) {
	for _, forwarding := range []string{"0", "1"} {
		t.Run("forwarding="+forwarding, func(t *testing.T) {
			p := newPeer(t, "", "", "ping")
			p.kernel.Sysctl("net.ipv4.conf."+p.device+".forwarding="+forwarding, "net.ipv6.conf."+p.device+".forwarding="+forwarding)
			p.neigh("locktime=0", "base_reachable_time_ms=3600000", "delay_first_probe_time=3600")
			for _, mac := range []string{otherMAC, gleanMAC} {
				p.ping(gleanV4)
				p.ping(gleanV6)
				p.do(func(e *engine.Engine) { e.DeleteInterface("if-1", func() {}) })
				p.iface(interfaceBody(mac, "", ""))
				for _, address := range []string{gleanV4, gleanV6} {
					p.wantKernelMAC(address, mac)
					p.ping(address)
				}
			}
		})
	}
}
