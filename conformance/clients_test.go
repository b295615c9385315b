package conformance

import (
	"fmt"
	"strings"
	"testing"

	"glean/server/engine"
)

// These tests run other projects' programs on the kernel's side. The programs find
// glean's address and the ranges for which glean responds.

const ranges = quietTimes + `,"respond_for":["198.18.32.0/22","2001:db8:18:0:7::/80"]`

func TestArpingFindsAddressesOfGlean(t *testing.T) {
	p := newPeer(t, "", ranges, "arping")
	for _, address := range []string{gleanV4, "198.18.32.0", "198.18.35.255"} {
		for name, args := range map[string][]string{"broadcast": nil, "unicast": {"-t", gleanMAC}, "other source": {"-S", "203.0.113.9"}} {
			out, err := p.kernel.Try("arping", append(append([]string{"-r", "-i", p.device, "-c", "1", "-w", "5"}, args...), address)...)
			if name == "unicast" { // then -r prints the address instead
				if err != nil || strings.TrimSpace(out) == "" {
					t.Errorf("%s, %s: %q, %v", address, name, out, err)
				}
			} else if err != nil || strings.TrimSpace(out) != gleanMAC {
				t.Errorf("%s, %s: %q, %v", address, name, out, err)
			}
		}
	}
	if out, err := p.kernel.Try("arping", "-r", "-i", p.device, "-c", "1", "-w", "1", "198.18.36.0"); err == nil {
		t.Errorf("an address outside of the ranges is answered: %q", out)
	}
}

func TestNdisc6FindsAddressesOfGlean(t *testing.T) {
	p := newPeer(t, "", ranges, "ndisc6")
	for _, address := range []string{gleanV6, "2001:db8:18:0:7::1", "2001:db8:18:0:7:ffff:ffff:ffff", "fe80::ff:fe00:64"} {
		out, err := p.kernel.Try("ndisc6", "-q", "-1", address, p.device)
		if err != nil || !strings.EqualFold(strings.TrimSpace(out), gleanMAC) {
			t.Errorf("%s: %q, %v", address, out, err)
		}
	}
	if out, err := p.kernel.Try("ndisc6", "-q", "-1", "-r", "1", "-w", "200", "2001:db8:18:0:8::1", p.device); err == nil {
		t.Errorf("an address outside of the ranges is answered: %q", out)
	}
}

func TestArpScanFindsRangesOfGlean(t *testing.T) {
	p := newPeer(t, "", ranges, "arp-scan")
	out := p.kernel.Run("arp-scan", "--interface="+p.device, "--plain", "--quiet", "--retry=1", "--timeout=2000", "198.18.31.0-198.18.36.255")
	found := strings.Fields(out)
	if len(found) != 2*1024 {
		t.Errorf("%d addresses answered, want 1,024", len(found)/2)
	}
	for i := 0; i+1 < len(found); i += 2 {
		if !strings.HasPrefix(found[i], "198.18.3") || found[i+1] != gleanMAC {
			t.Fatalf("%s is at %s", found[i], found[i+1])
		}
	}
	p.do(func(e *engine.Engine) {
		if c := e.StackCounters()[0]; c.ARPRepliesSent != 1024 {
			t.Errorf("%d replies were sent", c.ARPRepliesSent)
		}
		if n := len(e.Neighbors(engine.NeighborFilter{})); n > 1 {
			t.Errorf("%d neighbors, but the kernel is the only one", n)
		}
	})
}

func TestNmapFindsAddressesOfGlean(t *testing.T) {
	p := newPeer(t, "", ranges, "nmap")
	out := p.kernel.Run("nmap", "-sn", "-n", "-PR", "-oG", "-", "198.18.35.192/26", "198.18.36.0/28", gleanV4)
	if got := strings.Count(out, "Status: Up"); got != 65 {
		t.Errorf("nmap found %d hosts, want 65\n%s", got, out)
	}
	out = p.kernel.Run("nmap", "-6", "-sn", "-n", "-oG", "-", gleanV6, "2001:db8:18:0:7::9", "2001:db8:18:0:8::9")
	for address, up := range map[string]bool{gleanV6: true, "2001:db8:18:0:7::9": true, "2001:db8:18:0:8::9": false} {
		if strings.Contains(out, fmt.Sprintf("Host: %s ()\tStatus: Up", address)) != up {
			t.Errorf("nmap of %s, want up %v:\n%s", address, up, out)
		}
	}
}
