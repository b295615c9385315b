package stack

import (
	"net/netip"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// proxyNode returns a node that answers for 2001:db8:f::/48 and 203.0.113.0/24 after a
// delay.
func proxyNode(t *testing.T, delay loop.Duration) *node {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.RespondFor = []netip.Prefix{netip.MustParsePrefix("2001:db8:f::/48"), netip.MustParsePrefix("203.0.113.0/24")}
	c.Neighbor.ProxyDelay = delay
	n.add(c)
	return n
}

// proxySolicitation returns a solicitation for an address of the range.
func proxySolicitation() ndFrame {
	f := resolveNS()
	f.dst, f.target = "ff02::1:ff00:99", "2001:db8:f::99"
	return f
}

const proxyAdvert = "m1>m2 2001:db8:f::99>2001:db8::2 NA 2001:db8:f::99 010 TargetAddress m1"

// answeredAfter advances the time until a frame is sent.
func (n *node) answeredAfter(longest loop.Duration) (after loop.Duration, sent []string) {
	n.t.Helper()
	start := n.loop.Now()
	n.check()
	for n.loop.Step() && n.loop.Now() <= start.Add(longest) {
		n.check()
		if sent = n.link.take(); sent != nil {
			return n.loop.Now().Sub(start), sent
		}
	}
	n.t.Fatalf("no answer within %v", longest)
	return 0, nil
}

func TestConformanceProxyDelay(t *testing.T) {
	for _, delay := range []loop.Duration{loop.Millisecond, 200 * loop.Millisecond, maxAnycastDelay} {
		t.Run("F12 a multicast solicitation for a range is answered after a random time "+delay.String(), func(t *testing.T) {
			n := proxyNode(t, delay)
			const questions = 300
			shortest, longest := delay, loop.Duration(0)
			for range questions {
				n.receive(proxySolicitation().bytes(t))
				after, sent := n.answeredAfter(delay)
				if len(sent) != 1 || sent[0] != proxyAdvert {
					t.Fatalf("sent %v", sent)
				}
				shortest, longest = min(shortest, after), max(longest, after)
				n.run(3*loop.Millisecond + loop.Microsecond)
				n.wantSent()
			}
			if delay > 10*loop.Millisecond && (shortest > delay/20 || longest < delay-delay/20) {
				t.Errorf("%d delays lie between %v and %v: not the whole range", questions, shortest, longest)
			}
		})
	}
	t.Run("F12 the default is no delay; our own addresses, unicast solicitations and ARP have none ever", func(t *testing.T) {
		n := proxyNode(t, 0)
		n.receive(proxySolicitation().bytes(t))
		n.wantSent(proxyAdvert)

		n = proxyNode(t, maxAnycastDelay)
		f := resolveNS()
		f.dst = solicitGroup
		n.receive(f.bytes(t))
		n.wantSent("m1>m2 2001:db8::1>2001:db8::2 NA 2001:db8::1 011 TargetAddress m1")
		f = proxySolicitation()
		f.dst = f.target
		n.receive(f.bytes(t))
		n.wantSent(proxyAdvert)
		n.receive(request(mac2, peer, "203.0.113.9").bytes(t))
		n.wantSent("m1>m2 arp is-at 203.0.113.9(m1) 192.0.2.2(m2)")
		n.run(2 * seconds)
		n.wantSent()
	})
	t.Run("F12 so are checks for duplicates, and askers without a link-layer address", func(t *testing.T) {
		n := proxyNode(t, maxAnycastDelay)
		f := proxySolicitation()
		f.src, f.lla = "::", header.MAC{}
		n.receive(f.bytes(t))
		n.wantSent()
		if _, sent := n.answeredAfter(maxAnycastDelay); sent[0] != "m1>33:33:00:00:00:01 2001:db8:f::99>ff02::1 NA 2001:db8:f::99 000 TargetAddress m1" {
			t.Errorf("sent %v", sent)
		}
		f.src = peer6
		n.receive(f.bytes(t))
		n.wantSent()
		if _, sent := n.answeredAfter(maxAnycastDelay); sent[0] != groupQuestion(peer6) {
			t.Errorf("sent %v", sent)
		}
		n.receive(answer(t, peer6, mac2))
		n.wantSent(proxyAdvert)
	})
}

// TestDelayedAnswersEndWithLinkAndInterface checks that delayed answers end with the
// link and with their interface, and survive a flush.
func TestDelayedAnswersEndWithLinkAndInterface(t *testing.T) {
	n := proxyNode(t, maxAnycastDelay)
	for range 10 {
		n.receive(proxySolicitation().bytes(t))
	}
	n.link.set(false)
	n.check()
	n.link.set(true)
	n.run(2 * seconds)
	n.wantSent()
	if got := n.stack.Counters().Dropped[DropLinkDown]; got != 10 {
		t.Errorf("%d answers dropped", got)
	}

	c := config(3)
	c.RespondFor = []netip.Prefix{netip.MustParsePrefix("2001:db8:e::/48")}
	c.Neighbor.ProxyDelay = maxAnycastDelay
	n.add(c)
	n.receive(proxySolicitation().bytes(t))
	f := proxySolicitation()
	f.target = "2001:db8:e::99"
	n.receive(f.bytes(t))
	n.stack.RemoveInterface(n.iface)
	n.check()
	n.run(2 * seconds)
	n.wantSent("m3>m2 2001:db8:e::99>2001:db8::2 NA 2001:db8:e::99 010 TargetAddress m3")

	n = proxyNode(t, maxAnycastDelay)
	n.receive(proxySolicitation().bytes(t))
	n.iface.Flush()
	n.run(2 * seconds)
	n.wantSent(proxyAdvert)
}

// TestDelayedAnswersAreBounded checks that excess answers are dropped and counted.
func TestDelayedAnswersAreBounded(t *testing.T) {
	n := proxyNode(t, maxAnycastDelay)
	question := proxySolicitation().bytes(t)
	for range maxDelayed + 5 {
		n.stack.HandleFrame(question)
	}
	n.check()
	if got := n.stack.Counters().Dropped[DropProxyFull]; got != 5 {
		t.Errorf("%d dropped, want 5", got)
	}
	n.run(2 * seconds)
	if got := n.stack.Counters().AdvertsSent; got != maxDelayed {
		t.Errorf("%d answers", got)
	}
	n.link.sent = nil
	n.receive(question)
	n.run(2 * seconds)
	n.wantSent(proxyAdvert)
}
