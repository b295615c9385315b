package conformance

import (
	"testing"
	"time"

	"glean/internal/netlab"
)

// TestAnswersOfProxiesResolve: the kernel is a proxy for hosts behind it, by ARP and ND.
// glean accepts its answers, although a proxy's advertisements have no override flag
// (RFC 4861 section 7.2.8).
func TestAnswersOfProxiesResolve(t *testing.T) {
	p := newPeer(t, "", quietTimes)
	far := netlab.New(t)
	up, down := netlab.Name(), netlab.Name()
	p.kernel.Veth(up, far, down)
	p.neigh("proxy_delay=0")
	p.kernel.Sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
		"net.ipv4.conf."+p.device+".proxy_arp=1", "net.ipv6.conf."+p.device+".proxy_ndp=1")
	p.kernel.IP("link set "+up+" up", "route add 198.18.7.0/24 dev "+up,
		"-6 route add 2001:db8:18::77/128 dev "+up, "-6 neigh add proxy 2001:db8:18::77 dev "+p.device)
	got := p.learn(5*time.Second, "198.18.7.1", "198.18.7.2", "2001:db8:18::77", "2001:db8:18::78", "198.18.8.1")
	for address, want := range map[string]string{
		"198.18.7.1": p.mac(), "198.18.7.2": p.mac(), "2001:db8:18::77": p.mac(),
		"2001:db8:18::78": "no_reply", "198.18.8.1": "no_reply",
	} {
		if got[address] != want {
			t.Errorf("%s: %s, want %s", address, got[address], want)
		}
	}
}
