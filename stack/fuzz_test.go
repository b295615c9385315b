package stack

import (
	"net/netip"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// FuzzFrames feeds a stack that waits for neighbors with a sequence of frames,
// each [milliseconds to wait, 2 octets][length, 1][frame], and checks the
// invariants after every one.
func FuzzFrames(f *testing.F) {
	var all []byte
	for _, frame := range [][]byte{
		request(mac2, peer, "192.0.2.1").bytes(f),
		request(mac2, peer, peer).bytes(f),
		reply(mac2, peer).bytes(f),
		reply(mac3, peer).bytes(f),
		request(mac2, "0.0.0.0", "192.0.2.1").bytes(f),
		request(mac2, "192.0.2.1", "192.0.2.1").bytes(f),
		arpFrame{op: 1, senderMAC: mac2, senderIP: peer, targetIP: "192.0.2.1", tags: []uint16{5}}.bytes(f),
		resolveNS().bytes(f),
		answerNA().bytes(f),
		ndFrame{advert: true, dst: "ff02::1", target: peer6, lla: mac3, flags: flagO}.bytes(f),
		ndFrame{advert: true, dst: "ff02::1", target: "2001:db8::1", lla: mac3, flags: flagO}.bytes(f),
		ndFrame{src: "::", dst: solicitGroup, target: "2001:db8::1"}.bytes(f),
		ndFrame{src: peer6, dst: "2001:db8::1", target: "2001:db8::1"}.bytes(f),
		append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, echoRequest(peer, "192.0.2.1", nil)...),
		append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd}, echoRequest(peer6, "2001:db8::1", nil)...),
		udpFrame(f, mac1, mac2, peer, "192.0.2.1"),
		proxyQuestion().bytes(f),
	} {
		for _, wait := range []byte{0, 2, 20} {
			step := append([]byte{wait, 44, byte(len(frame))}, frame...)
			f.Add(step)
			all = append(all, step...)
		}
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, script []byte) {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Announce, c.Neighbor.MaxEntries, c.Neighbor.MaxHeld = true, 8, 2
		c.Static = []StaticNeighbor{{netip.MustParseAddr("192.0.2.9"), mac4}}
		c.RespondFor = []netip.Prefix{netip.MustParsePrefix("198.19.0.0/16"), netip.MustParsePrefix("2001:db8:f::/48")}
		c.Neighbor.ProxyDelay = 300 * loop.Millisecond
		n.add(c)
		c = config(1)
		c.Neighbor.KeepUnreachable = true
		c.Tags = []header.VLAN{{ID: 5}}
		n.add(c)
		for k, hop := range []string{peer, peer6, "fe80::2"} {
			n.waiter.hold(n.iface, hop, uint32(k+1), k == 0, 60e9)
		}
		n.iface.Output(netip.MustParseAddr("192.0.2.3"), udpPacket(t, "192.0.2.1", "192.0.2.3"))
		for len(script) > 3 {
			wait := loop.Duration(script[0])<<8 | loop.Duration(script[1])
			size := min(int(script[2]), len(script)-3)
			n.run(wait * loop.Millisecond)
			n.receive(script[3 : 3+size : 3+size])
			script = script[3+size:]
		}
		n.run(100 * seconds)
		for target := uint32(1); target <= 3; target++ {
			n.stack.Release(n.waiter.refs[target])
		}
		n.run(100 * seconds)
		for _, words := range n.link.take() {
			if strings.Contains(words, "undecodable") || strings.Contains(words, "BAD") {
				t.Error(words)
			}
		}
	})
}
