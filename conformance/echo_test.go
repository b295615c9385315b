package conformance

import (
	"testing"
	"time"
)

// TestB07KernelPingsByGroupMACs: the kernel has a group's MAC for glean's address. glean
// answers its pings, IPv4 and IPv6.
func TestB07KernelPingsByGroupMACs(t *testing.T) {
	p := newPeer(t, "", quietTimes, "ping")
	p.learn(5*time.Second, kernelV4, kernelV6) // later the kernel's advertisements go to the group's MAC, too, and do not count
	for _, mac := range []string{"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01"} {
		for _, address := range []string{gleanV4, gleanV6} {
			p.kernel.IP("neigh replace " + address + " lladdr " + mac + " nud permanent dev " + p.device)
			p.ping(address)
			if got := p.kernelMAC(address); got != mac {
				t.Errorf("the kernel pinged %s at %s, not at %s", address, got, mac)
			}
		}
	}
}
