package stack

import (
	"net/netip"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

func TestResolveBetweenTwoStacks(t *testing.T) {
	for _, hop := range []string{"192.0.2.2", "2001:db8::2", "fe80::2"} {
		t.Run(hop, func(t *testing.T) {
			_, a, b := pair(t)
			a.subscriber.subscribe(a.iface, hop, 7, false, 30e9)
			a.run(loop.Millisecond)
			b.check()
			got := a.subscriber.confirmed[7]
			if want := (confirmation{mac2, 20 * loop.Microsecond, 1}); got != want {
				t.Errorf("confirmed %+v, want %+v", got, want)
			}
			a.wantState(hop, "reachable "+mac2.String())
			if h := a.subscriber.subscribe(a.iface, hop, 8, false, 30e9); h.State != SubscribeKnown || h.MAC != mac2 {
				t.Errorf("second hold gives %+v, want the known MAC", h)
			}
		})
	}
}

func TestPing(t *testing.T) {
	for _, c := range []struct{ src, dst string }{
		{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8::2"}, {"fe80::1", "fe80::2"},
	} {
		t.Run(c.dst, func(t *testing.T) {
			var delivered [][]byte
			l := loop.NewVirtual()
			a := newNode(t, l, Options{Deliver: func(i *Interface, packet []byte) {
				delivered = append(delivered, append([]byte(nil), packet...))
			}})
			b := newNode(t, l, Options{})
			wire(a, b, loop.Microsecond)
			a.add(config(1))
			b.add(config(2))
			dst := netip.MustParseAddr(c.dst)
			if r := a.iface.Output(dst, echoRequest(c.src, c.dst, []byte("ping"))); r != ReasonNone {
				t.Fatalf("Output: %v", r)
			}
			a.run(loop.Millisecond)
			b.check()
			if len(delivered) != 1 {
				t.Fatalf("%d packets delivered, want the reply", len(delivered))
			}
			if payload := delivered[0][len(delivered[0])-4:]; string(payload) != "ping" {
				t.Errorf("the reply carries %q", payload)
			}
			for _, f := range b.link.take() {
				t.Log(f)
			}
		})
	}
}

// echoRequest returns an IP packet.
func echoRequest(src, dst string, payload []byte) []byte {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	echo := header.ICMPEchoRepr{ID: 1, Seq: 2, Payload: payload}
	b := make([]byte, 1500)
	if s.Is4() {
		n := header.IPv4Repr{Src: s.As4(), Dst: d.As4(), Protocol: header.ProtocolICMPv4, TTL: 64, PayloadLen: echo.Size()}.Emit(b)
		return b[:n+echo.EmitICMPv4(b[n:])]
	}
	n := header.IPv6Repr{Src: s.As16(), Dst: d.As16(), NextHeader: header.ProtocolICMPv6, HopLimit: 64, PayloadLen: echo.Size()}.Emit(b)
	return b[:n+echo.EmitICMPv6(b[n:], s.As16(), d.As16())]
}
