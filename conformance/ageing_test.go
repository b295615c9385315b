package conformance

import (
	"strings"
	"testing"
	"time"
)

// Short times, so that a neighbor goes through all its states within a second.
const (
	shortTimes  = `"reachable_time_ms":300,"delay_first_probe_ms":100,"retrans_timer_ms":50`
	quietTimes  = `"duplicate_detection":"none"`
	shortKernel = "base_reachable_time_ms=300"
)

// TestAnswersKeepGleanReachable: with short times the kernel probes glean by unicast
// repeatedly. Each answer of glean makes the kernel's entry REACHABLE.
func TestAnswersKeepGleanReachable(t *testing.T) {
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
				t.Fatalf("the kernel does not probe, or gets no answer:\n%s", monitor.text())
			}
		}
	}
	if got := monitor.text(); strings.Contains(got, "FAILED") || strings.Contains(got, "INCOMPLETE") {
		t.Errorf("the kernel lost glean:\n%s", got)
	}
}

// TestAnswersKeepKernelReachable: glean's entry for the kernel becomes STALE. It is
// probed when an echo reply uses it, and the kernel's answer makes it REACHABLE. When
// the kernel stops answering, glean deletes the entry.
func TestAnswersKeepKernelReachable(t *testing.T) {
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
			t.Errorf("%s became REACHABLE without a solicitation", c.kernel)
		}
		p.wantNeighbor(c.kernel, "stale "+p.mac())
	}
	// With arp_ignore=8 the kernel answers no ARP; Neighbor Discovery has no such
	// setting.
	p.kernel.Sysctl("net.ipv4.conf." + p.device + ".arp_ignore=8")
	p.ping(gleanV4)
	p.wantNeighbor(kernelV4, "probe")
	p.wantNeighbor(kernelV4, "none")
	// glean solicits it again, by broadcast, as soon as it is needed.
	p.kernel.Sysctl("net.ipv4.conf." + p.device + ".arp_ignore=0")
	if got := p.learn(5*time.Second, kernelV4); got[kernelV4] != p.mac() {
		t.Errorf("learned %v after it answers again", got)
	}
}
