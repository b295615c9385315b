package netlab

import (
	"fmt"
	"testing"
)

// TestOnlyHostsOfOneVLANReachEachOther: two trunks are connected. Hosts in one VLAN reach
// each other by IPv4 and IPv6, also with two tags. Hosts in different VLANs do not.
func TestOnlyHostsOfOneVLANReachEachOther(t *testing.T) {
	left, right := New(t, "ping"), New(t)
	a, b := Name(), Name()
	left.Veth(a, right, b)
	left.IP("link set " + a + " up")
	right.IP("link set " + b + " up")
	host := func(n *Namespace, trunk string, tag Tag, last int) (*Namespace, string) {
		h, device := New(t), Name()
		n.VLAN(trunk, tag, h, device)
		h.Sysctl("net.ipv6.conf." + device + ".accept_dad=0")
		h.IP("link set "+device+" up", fmt.Sprintf("addr add 192.0.2.%d/24 dev %s", last, device),
			fmt.Sprintf("addr add 2001:db8::%d/64 nodad dev %s", last, device))
		return h, device
	}
	h1, _ := host(left, a, Tag{ID: 10, Priority: 5}, 1)
	host(right, b, Tag{ID: 10}, 2)
	host(right, b, Tag{ID: 11}, 3)
	for _, address := range []string{"192.0.2.2", "2001:db8::2"} {
		h1.Run("ping", "-n", "-c", "1", "-w", "10", address)
	}
	if out, err := h1.Try("ping", "-n", "-c", "1", "-w", "1", "192.0.2.3"); err == nil {
		t.Errorf("VLANs 10 and 11 are one: %s", out)
	}
	// Two tags: the device of the outer one is the trunk of the inner.
	outer := Tag{ID: 20, Provider: true}
	la, lb := Name(), Name()
	left.VLAN(a, outer, left, la)
	right.VLAN(b, outer, right, lb)
	left.IP("link set " + la + " up")
	right.IP("link set " + lb + " up")
	h2, _ := host(left, la, Tag{ID: 10}, 4)
	host(right, lb, Tag{ID: 10}, 5)
	h2.Run("ping", "-n", "-c", "1", "-w", "10", "192.0.2.5")
	if out, err := h2.Try("ping", "-n", "-c", "1", "-w", "1", "192.0.2.2"); err == nil {
		t.Errorf("one tag and two are one VLAN: %s", out)
	}
}
