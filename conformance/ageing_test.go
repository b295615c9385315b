package conformance

import (
	"strings"
	"testing"
	"time"
)

// Short times, so that a neighbor lives its whole life in a second.
const (
	shortTimes  = `"reachable_time_ms":300,"delay_first_probe_ms":100,"retrans_timer_ms":50`
	quietTimes  = `"duplicate_detection":"none"`
	shortKernel = "base_reachable_time_ms=300"
)

// TestKernelAgesGlean: with times as short as these the kernel probes glean by
// unicast again and again; each time glean's answer makes it REACHABLE.
func TestKernelAgesGlean(t *testing.T) {
	p := newPeer(t, "", quietTimes, "ping")
	p.neigh(shortKernel, "delay_first_probe_time=1", "retrans_time_ms=100")
	var monitor lines
	monitor.start(t, p, "ip", "monitor", "neigh")
	for _, address := range []string{gleanV4, gleanV6} {
		p.ping(address)
		entry := address + " dev " + p.device + " lladdr " + gleanMAC + " "
		for range 3 {
			from := len(monitor.text())
			if !monitor.hasAfter(from, entry+"PROBE") || !monitor.hasAfter(from, entry+"REACHABLE") {
				t.Fatalf("the kernel does not probe, or not with success:\n%s", monitor.text())
			}
		}
	}
	if got := monitor.text(); strings.Contains(got, "FAILED") || strings.Contains(got, "INCOMPLETE") {
		t.Errorf("the kernel lost glean:\n%s", got)
	}
}

// TestGleanAgesKernel: glean's entry for the kernel gets old, is probed when an
// answer of ours uses it, and the kernel's answers keep it REACHABLE. When the
// kernel stops to answer, the entry is deleted.
func TestGleanAgesKernel(t *testing.T) {
	p := newPeer(t, "", shortTimes, "ping")
	for _, c := range []struct{ kernel, glean string }{{kernelV4, gleanV4}, {kernelV6, gleanV6}} {
		if got := p.learn(5*time.Second, c.kernel); got[c.kernel] != p.mac() {
			t.Fatalf("learned %v", got)
		}
		p.wantNeighbor(c.kernel, "stale "+p.mac())
		before := p.counters()
		p.ping(c.glean) // our echo reply uses the entry
		p.wantNeighbor(c.kernel, "reachable "+p.mac())
		after := p.counters()
		if after.ARPRequestsSent+after.SolicitsSent == before.ARPRequestsSent+before.SolicitsSent {
			t.Errorf("%s became REACHABLE without a question", c.kernel)
		}
		p.wantNeighbor(c.kernel, "stale "+p.mac())
	}
	// arp_ignore 8 silences the kernel's ARP; for Neighbor Discovery it has no
	// such switch.
	p.kernel.Sysctl("net.ipv4.conf." + p.device + ".arp_ignore=8")
	p.ping(gleanV4)
	p.wantNeighbor(kernelV4, "probe")
	p.wantNeighbor(kernelV4, "none")
	// It is asked again, by broadcast, as soon as it is needed.
	p.kernel.Sysctl("net.ipv4.conf." + p.device + ".arp_ignore=0")
	if got := p.learn(5*time.Second, kernelV4); got[kernelV4] != p.mac() {
		t.Errorf("learned %v after it came back", got)
	}
}
