package conformance

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"glean/generator"
	"glean/internal/netlab"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/stack/link/afpacket"
	"glean/stack/link/tap"
)

// trunk is glean with the kernel as VLAN peer: the other side of glean's only port is a
// trunk of a namespace, and hosts of the kernel are in VLANs of the trunk.
//
//	glean if-1 (VLAN 10), if-2 (VLAN 20), ...
//	   | TAP or veth
//	trunk --+-- VLAN 10 -- host
//	        +-- VLAN 20 -- host
type trunk struct {
	*peer
}

// onTrunks runs a test on a TAP and on a packet port.
func onTrunks(t *testing.T, f func(t *testing.T, p trunk)) {
	t.Run("TAP", func(t *testing.T) { f(t, newTrunk(t, false)) })
	t.Run("packet", func(t *testing.T) { f(t, newTrunk(t, true)) })
}

func newTrunk(t *testing.T, packet bool) trunk {
	t.Helper()
	t.Parallel()
	p := trunk{&peer{kernel: netlab.New(t, "ping", "tcpdump"), device: netlab.Name()}}
	if !packet {
		p.glean = newGlean(t)
		p.openTAP("0", tap.Config{Name: p.device})
		p.kernel.Move(p.device)
	} else {
		own, near := netlab.Own(t), netlab.Name()
		own.Veth(near, p.kernel, p.device)
		t.Cleanup(func() { _, _ = own.Try("ip", "link", "del", near) })
		own.Quiet(near)
		own.IP("link set " + near + " up")
		p.glean = newGlean(t)
		p.openPacket("0", afpacket.Config{Name: near})
	}
	p.kernel.Quiet(p.device)
	p.kernel.IP("link set " + p.device + " up")
	p.until("the port is up", func(e *engine.Engine) bool {
		v, err := e.Port("0")
		return err == nil && v.State.Up
	})
	return p
}

// host is a device of the kernel in a VLAN.
type host struct {
	*netlab.Namespace
	device string
}

// addHost adds a device in a VLAN to a namespace, with a MAC and addresses.
func (p trunk) addHost(n *netlab.Namespace, tag netlab.Tag, mac string, addresses ...string) host {
	p.t.Helper()
	return p.addHostOn(p.device, n, tag, mac, addresses...)
}

// addHostOn is addHost on another trunk of the kernel.
func (p trunk) addHostOn(device string, n *netlab.Namespace, tag netlab.Tag, mac string, addresses ...string) host {
	p.t.Helper()
	h := host{n, netlab.Name()}
	p.kernel.VLAN(device, tag, n, h.device)
	n.Sysctl("net.ipv6.conf."+h.device+".accept_dad=0", "net.ipv6.conf."+h.device+".router_solicitations=0")
	n.IP("link set " + h.device + " address " + mac)
	for _, a := range addresses {
		words := "addr add " + a + " dev " + h.device
		if strings.Contains(a, ":") {
			words += " nodad"
		}
		n.IP(words)
	}
	n.IP("link set " + h.device + " up")
	return h
}

// addInterface makes an interface in a VLAN; gateways may be empty.
func (p trunk) addInterface(id string, tag netlab.Tag, mac, v4, gateway4, v6, gateway6 string) {
	p.t.Helper()
	static := func(address, gateway string) string {
		prefix := netip.MustParsePrefix(address)
		if gateway != "" {
			gateway = fmt.Sprintf(`,"gateway":%q`, gateway)
		}
		return fmt.Sprintf(`{"method":"static","static":{"address":%q,"prefix_length":%d%s}}`, prefix.Addr(), prefix.Bits(), gateway)
	}
	tags := fmt.Sprintf(`{"vlan":{"id":%d,"priority":%d}}`, tag.ID, tag.Priority)
	if tag.Provider {
		tags = fmt.Sprintf(`{"vlan":{"id":%d,"priority":%d,"tpid":"0x88a8"}},{"vlan":{"id":%d}}`, tag.ID, tag.Priority, innerID)
	}
	p.iface(fmt.Sprintf(`{"id":%q,"port_id":"0","config":{"protocols":[{"eth":{"mac_address":%q}},%s,
		{"ipv4":%s},{"ipv6":%s}],"neighbor":{%s}}}`, id, mac, tags, static(v4, gateway4), static(v6, gateway6), quietTimes))
}

// innerID is the customer's VLAN ID of interfaces in a provider's VLAN.
const innerID = 7

// wantFound requires that all addresses were learned with a MAC or reason.
func wantFound(t *testing.T, got map[string]string, want string, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		if got[a] != want {
			t.Errorf("learned %s at %q, want %s", a, got[a], want)
		}
	}
}

// wantHostMAC lets a host resolve addresses anew, by pings, and requires a MAC for them.
func (p trunk) wantHostMAC(h host, want string, addresses ...string) {
	p.t.Helper()
	h.IP("neigh flush dev " + h.device)
	for _, a := range addresses {
		h.Run("ping", "-n", "-c", "1", "-i", "0.1", "-w", fmt.Sprint(int(patience.Seconds())), a)
		if got := h.Run("ip", "neigh", "show", a, "dev", h.device); !strings.Contains(got, want) {
			p.t.Errorf("the kernel has %q for %s, want %s", strings.TrimSpace(got), a, want)
		}
	}
}

const (
	hostMAC   = "02:00:5e:00:00:10"
	secondMAC = "02:00:5e:00:00:20"
	glean2MAC = "02:00:00:00:00:65"
	gleanNet4 = gleanV4 + "/16"
	gleanNet6 = gleanV6 + "/64"
	hostNet4  = kernelV4 + "/16"
	hostNet6  = kernelV6 + "/64"
)

// TestPeersResolveWithinVLAN: glean and the kernel resolve each other in a VLAN, IPv4 and
// IPv6, with different priorities in their tags. A host in another VLAN has the same
// addresses, and glean ignores it.
func TestPeersResolveWithinVLAN(t *testing.T) {
	onTrunks(t, func(t *testing.T, p trunk) {
		in := p.addHost(netlab.New(t), netlab.Tag{ID: 10, Priority: 5}, hostMAC, hostNet4, hostNet6)
		p.addHost(netlab.New(t), netlab.Tag{ID: 11, Priority: 5}, secondMAC, hostNet4, hostNet6, "198.18.0.9/16")
		p.addInterface("if-1", netlab.Tag{ID: 10, Priority: 3}, gleanMAC, gleanNet4, "", gleanNet6, "")
		seen := p.capture("vlan and (arp or icmp6)")
		got := p.learn(3*time.Second, kernelV4, kernelV6, "198.18.0.9")
		wantFound(t, got, hostMAC, kernelV4, kernelV6)
		wantFound(t, got, "no_reply", "198.18.0.9")
		p.wantHostMAC(in, gleanMAC, gleanV4, gleanV6)
		text := seen(1, "Request who-has "+gleanV4) // a frame of the kernel
		for _, priority := range []string{"vlan 10, p 3", "vlan 10, p 5"} {
			if !strings.Contains(text, priority) {
				t.Errorf("no frame with %s:\n%s", priority, text)
			}
		}
	})
}

// TestPeersResolveWithTwoTags: glean and the kernel resolve each other with two tags.
// Hosts with another inner or outer tag have the same addresses, and glean ignores them.
func TestPeersResolveWithTwoTags(t *testing.T) {
	onTrunks(t, func(t *testing.T, p trunk) {
		outer, other := netlab.Tag{ID: 20, Provider: true, Priority: 4}, netlab.Tag{ID: 21, Provider: true}
		within := make(map[int]string)
		for _, tag := range []netlab.Tag{outer, other} {
			device := netlab.Name()
			p.kernel.VLAN(p.device, tag, p.kernel, device)
			p.kernel.Quiet(device)
			p.kernel.IP("link set " + device + " up")
			within[tag.ID] = device
		}
		in := p.addHostOn(within[outer.ID], netlab.New(t), netlab.Tag{ID: innerID}, hostMAC, hostNet4, hostNet6)
		p.addHostOn(within[outer.ID], netlab.New(t), netlab.Tag{ID: innerID + 1}, secondMAC, hostNet4, hostNet6, "198.18.0.9/16")
		p.addHostOn(within[other.ID], netlab.New(t), netlab.Tag{ID: innerID}, otherMAC, hostNet4, hostNet6, "198.18.0.9/16")
		p.addInterface("if-1", netlab.Tag{ID: outer.ID, Provider: true, Priority: 2}, gleanMAC, gleanNet4, "", gleanNet6, "")
		got := p.learn(3*time.Second, kernelV4, kernelV6, "198.18.0.9")
		wantFound(t, got, hostMAC, kernelV4, kernelV6)
		wantFound(t, got, "no_reply", "198.18.0.9")
		p.wantHostMAC(in, gleanMAC, gleanV4, gleanV6)
	})
}

// TestVLANsNeverCross: two VLANs have the same addresses with different MACs, on glean's
// side and on the kernel's. A host's new MAC changes nothing in the other VLAN.
func TestVLANsNeverCross(t *testing.T) {
	onTrunks(t, func(t *testing.T, p trunk) {
		ten, eleven := netlab.Tag{ID: 10}, netlab.Tag{ID: 11}
		first := p.addHost(netlab.New(t), ten, hostMAC, hostNet4, hostNet6)
		second := p.addHost(netlab.New(t), eleven, secondMAC, hostNet4, hostNet6)
		p.addInterface("if-1", ten, gleanMAC, gleanNet4, "", gleanNet6, "")
		p.addInterface("if-2", eleven, glean2MAC, gleanNet4, "", gleanNet6, "")
		wantFound(t, p.learnOn("if-1", 5*time.Second, kernelV4, kernelV6), hostMAC, kernelV4, kernelV6)
		wantFound(t, p.learnOn("if-2", 5*time.Second, kernelV4, kernelV6), secondMAC, kernelV4, kernelV6)
		p.wantHostMAC(first, gleanMAC, gleanV4, gleanV6)
		p.wantHostMAC(second, glean2MAC, gleanV4, gleanV6)
		if c := p.counters(); c.Conflicts != 0 || c.Suspicions != 0 || c.NeighborChanges != 0 {
			t.Errorf("%d conflicts, %d suspicions and %d changes between VLANs", c.Conflicts, c.Suspicions, c.NeighborChanges)
		}
		second.Sysctl("net.ipv4.conf."+second.device+".arp_notify=1", "net.ipv6.conf."+second.device+".ndisc_notify=1")
		seq := p.seq()
		second.IP("link set " + second.device + " address " + otherMAC)
		p.event(seq, "neighbor", "if-2", "moved")
		for _, a := range []string{kernelV4, kernelV6} {
			if !p.within(patience, func(e *engine.Engine) bool { return p.macOn(e, "if-2", a) == otherMAC }) {
				t.Errorf("if-2 did not learn that %s is at %s", a, otherMAC)
			}
			p.do(func(e *engine.Engine) {
				if got := p.macOn(e, "if-1", a); got != hostMAC {
					t.Errorf("if-1 has %s for %s after an announcement in another VLAN, want %s", got, a, hostMAC)
				}
			})
		}
	})
}

// macOn returns the MAC that an interface has for an address, "none" if it has none.
func (g *glean) macOn(e *engine.Engine, id, address string) string {
	list := e.Neighbors(engine.NeighborFilter{InterfaceID: id, Address: netip.MustParseAddr(address)})
	if len(list) == 0 {
		return "none"
	}
	return list[0].Info.MAC.String()
}

// TestRouterOnAStick: the kernel routes between two VLANs of one port. glean has an
// interface in both VLANs. It resolves the router in both, the router resolves glean,
// and frames of a generator arrive at a host behind the router.
//
//	glean if-1  198.18.10.100  VLAN 10 --.
//	                                     +-- trunk -- router .1 of each --- host 198.18.30.7
//	glean if-2  198.18.20.100  VLAN 20 --'
func TestRouterOnAStick(t *testing.T) {
	onTrunks(t, func(t *testing.T, p trunk) {
		const routerMAC10, routerMAC20, routerMAC30 = "02:00:5e:00:01:10", "02:00:5e:00:01:20", "02:00:5e:00:01:30"
		router, far := netlab.New(t), netlab.New(t)
		router.Sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
		p.addHost(router, netlab.Tag{ID: 10, Priority: 1}, routerMAC10, "198.18.10.1/24", "2001:db8:10::1/64")
		p.addHost(router, netlab.Tag{ID: 20, Priority: 2}, routerMAC20, "198.18.20.1/24", "2001:db8:20::1/64")
		third := host{router, netlab.Name()}
		device := netlab.Name()
		router.Veth(third.device, far, device)
		router.IP("link set "+third.device+" address "+routerMAC30+" up", "addr add 198.18.30.1/24 dev "+third.device, "addr add 2001:db8:30::1/64 nodad dev "+third.device)
		far.Sysctl("net.ipv6.conf." + device + ".accept_dad=0")
		far.IP("addr add 198.18.30.7/24 dev "+device, "addr add 2001:db8:30::7/64 nodad dev "+device, "link set "+device+" up",
			"route add default via 198.18.30.1", "-6 route add default via 2001:db8:30::1")
		p.addInterface("if-1", netlab.Tag{ID: 10, Priority: 6}, gleanMAC, "198.18.10.100/24", "198.18.10.1", "2001:db8:10::100/64", "2001:db8:10::1")
		p.addInterface("if-2", netlab.Tag{ID: 20}, glean2MAC, "198.18.20.100/24", "198.18.20.1", "2001:db8:20::100/64", "2001:db8:20::1")
		for id, want := range map[string]string{"if-1": routerMAC10, "if-2": routerMAC20} {
			wantFound(t, p.learnOn(id, 5*time.Second, "198.18.30.7", "2001:db8:30::7", "203.0.113.9"), want, "198.18.30.7", "2001:db8:30::7", "203.0.113.9")
		}
		// A host behind the router pings glean in both VLANs: the router must resolve
		// both addresses, and glean's replies go through it.
		p.wantHostMAC(host{far, device}, routerMAC30, "198.18.30.1", "2001:db8:30::1")
		for _, a := range []string{"198.18.10.100", "198.18.20.100", "2001:db8:10::100", "2001:db8:20::100"} {
			far.Run("ping", "-n", "-c", "1", "-i", "0.1", "-w", fmt.Sprint(int(patience.Seconds())), a)
		}
		for _, to := range []string{"198.18.30.7", "2001:db8:30::7"} {
			p.throughRouter(far, to)
		}
	})
}

// throughRouter sends frames from if-1 to a host behind the router and requires that all
// of them arrive.
func (p trunk) throughRouter(far *netlab.Namespace, to string) {
	p.t.Helper()
	const frames = 200
	var socket *net.UDPConn
	address := netip.AddrPortFrom(netip.MustParseAddr(to), 5000)
	err := far.Do(func() (err error) {
		socket, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(address))
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	defer socket.Close()
	family, source := "ipv4", "198.18.10.100"
	if address.Addr().Is6() {
		family, source = "ipv6", "2001:db8:10::100"
	}
	spec, err := bodies.Strict.Generator(fmt.Appendf(nil, `{"id":"through-%[1]s","target_id":"if-1","config":{"duration":{"frames":%[4]d},
		"load":{"rate":{"value":2000,"period":"second"},"units":"frames"},"traffic":[{"length":{"fixed":128},"packet":{"protocols":[
		{"ethernet":{}},{%[1]q:{"source":%[2]q,"destination":%[3]q}},{"udp":{"destination":5000}}]}}]}}`, family, source, to, frames))
	if err != nil {
		p.t.Fatal(err)
	}
	id := "through-" + family
	p.do(func(e *engine.Engine) { _, err = e.CreateGenerator(spec) })
	if err != nil {
		p.t.Fatal(err)
	}
	p.until("the router is learned", func(e *engine.Engine) bool {
		g, err := e.Generator(id)
		return err == nil && g.Learning == "resolved"
	})
	var result *generator.Result
	p.do(func(e *engine.Engine) { result, err = e.StartGenerator(id) })
	if err != nil {
		p.t.Fatal(err)
	}
	buffer := make([]byte, 256)
	_ = socket.SetReadDeadline(time.Now().Add(patience))
	for n := range frames {
		_, from, err := socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			p.t.Fatalf("%s: %d of %d frames came through the router, %d were sent: %v", to, n, frames, result.Run().Counters().PacketsActual, err)
		}
		if from.Addr().Unmap().String() != source {
			p.t.Errorf("a packet from %v, want %s", from, source)
		}
	}
}
