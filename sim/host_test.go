package sim

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"glean/stack"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

func TestPingAcrossASwitch(t *testing.T) {
	l := newLAN(t, NewWorld(1))
	a, b := l.host(1), l.host(2)
	for _, dst := range []netip.Addr{Address(net4, 2), Address(net6, 2), netip.MustParseAddr("fe80::ff:fe00:2")} {
		before := a.Counts().EchoReplies
		if r := a.Ping(0, dst, 1); r != stack.ReasonNone {
			t.Errorf("%s: %s", dst, r)
		}
		l.run(loop.Second)
		if a.Counts().EchoReplies != before+1 {
			t.Errorf("%s: no reply", dst)
		}
		if got := known(a, dst); got != "02:00:00:00:00:02 reachable" {
			t.Errorf("host 1 knows of %s: %q", dst, got)
		}
	}
	if b.Stack().Counters().EchoesAnswered != 3 {
		t.Errorf("host 2 answered %d", b.Stack().Counters().EchoesAnswered)
	}
}

func TestFlowsAreCounted(t *testing.T) {
	l := newLAN(t, NewWorld(1))
	a, b, c := l.host(1), l.host(2), l.host(3)
	for i := range 5 {
		a.SendUDP(0, Address(net4, 2), 9000+uint16(i%2), 100)
		c.SendUDP(0, Address(net6, 2), 9000, 10)
	}
	l.run(loop.Second)
	want := []FlowCount{
		{Flow{Address(net4, 1), Address(net4, 2), header.ProtocolUDP, 9000}, 3, 3 * 128},
		{Flow{Address(net4, 1), Address(net4, 2), header.ProtocolUDP, 9001}, 2, 2 * 128},
		{Flow{Address(net6, 3), Address(net6, 2), header.ProtocolUDP, 9000}, 5, 5 * 58},
	}
	if got := b.Flows(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if b.Counts().Packets != 10 || len(a.Flows()) != 0 {
		t.Errorf("%+v", b.Counts())
	}
}

// A datagram with a flipped bit is in no flow; nor is anything counted twice.
func TestCorruptPacketsAreInNoFlow(t *testing.T) {
	for _, dst := range []netip.Addr{Address(net4, 2), Address(net6, 2)} {
		l := newLAN(t, NewWorld(1))
		a, b := l.host(1), l.host(2)
		a.SendUDP(0, dst, 9000, 100)
		l.run(loop.Second)
		payload := uint32(header.EthernetSize+header.IPv6Size+header.UDPSize) * 8
		a.End().SetRules(NewRule("flip a bit of the payload", func(c *Crossing, v *Verdict) {
			v.Flip(payload + c.Rand.Uint32N(80*8))
		}))
		for range 50 {
			a.SendUDP(0, dst, 9000, 100)
		}
		l.run(loop.Second)
		if f := b.Flows(); len(f) != 1 || f[0].Packets != 1 || b.Counts().Corrupt != 50 {
			t.Errorf("%s: %v, %+v", dst, f, b.Counts())
		}
	}
}

// A thousand hosts on one switch are all found by one, over both families.
func TestThousandHostsThroughASwitch(t *testing.T) {
	const hosts = 1000
	l := newLAN(t, NewWorld(1))
	var tester *Host
	for n := range uint32(hosts + 1) {
		l.host(n + 1)
	}
	tester = l.hosts[hosts]
	for n := range uint32(hosts) {
		tester.Ping(0, Address(net4, n+1), 0)
		tester.Ping(0, Address(net6, n+1), 0)
		l.run(100 * loop.Microsecond)
	}
	l.run(loop.Second)
	if got := tester.Counts().EchoReplies; got != 2*hosts {
		t.Errorf("%d replies, want %d", got, 2*hosts)
	}
	found := 0
	for n := range tester.Interface(0).Neighbors() {
		for _, p := range []netip.Prefix{net4, net6} {
			if number, ok := Within(p.Addr(), n.Addr); ok && n.MAC == MAC(KindHost, number) {
				found++
			}
		}
	}
	if found != 2*hosts {
		t.Errorf("%d neighbors with the right MAC, want %d", found, 2*hosts)
	}
	if c := l.world.Traffic(); !c.Conserved() || l.world.Check() != nil {
		t.Errorf("%+v", c)
	}
}

func TestHostAnswersAfterItsBoot(t *testing.T) {
	l := newLAN(t, NewWorld(1))
	a := l.host(1)
	b := l.host(2, func(c *HostConfig) { c.Boot = 2500 * loop.Time(loop.Millisecond) })
	a.Ping(0, Address(net4, 2), 1)
	l.run(2400 * loop.Millisecond)
	if got := known(a, Address(net4, 2)); !strings.HasSuffix(got, "incomplete") || b.Stack().Up() {
		t.Errorf("before the boot: %q", got)
	}
	l.run(800 * loop.Millisecond) // host 1 has given up
	a.Ping(0, Address(net4, 2), 2)
	l.run(loop.Second)
	if a.Counts().EchoReplies != 1 || !b.Stack().Up() {
		t.Errorf("after the boot: %+v", a.Counts())
	}
}

func TestPowerOffAndOn(t *testing.T) {
	l := newLAN(t, NewWorld(1))
	a, b := l.host(1), l.host(2, func(c *HostConfig) { c.Think = loop.Millisecond })
	a.Ping(0, Address(net4, 2), 1)
	l.run(loop.Second)
	a.Ping(0, Address(net4, 2), 2)
	l.run(500 * loop.Microsecond) // host 2 is thinking about it
	b.Power(false)
	b.Power(false)
	if r := b.Ping(0, Address(net4, 1), 1); r != stack.LinkDown {
		t.Errorf("a host that is off sends: %s", r)
	}
	a.Ping(0, Address(net4, 2), 3)
	l.run(loop.Second)
	b.Power(true)
	l.run(loop.Second)
	a.Ping(0, Address(net4, 2), 4)
	l.run(loop.Second)
	if got := a.Counts().EchoReplies; got != 2 {
		t.Errorf("%d replies, want those to the first and the last", got)
	}
}

func TestThinkDelaysAnswers(t *testing.T) {
	l := newLAN(t, NewWorld(1))
	a := l.host(1)
	l.host(2, func(c *HostConfig) { c.Think = 5 * loop.Millisecond })
	var replied loop.Time
	a.OnPacket(func(*stack.Interface, []byte) { replied = l.world.Now() })
	a.Ping(0, Address(net4, 2), 1)
	l.run(loop.Second)
	// The request, then the ping: each thought about once, 4 wires each.
	if want := loop.Time(0).Add(10*loop.Millisecond + 8*loop.Microsecond); replied != want {
		t.Errorf("the reply came at %s, want %s", replied, want)
	}
}

func TestMoveToAnotherPort(t *testing.T) {
	for _, announce := range []bool{false, true} {
		l := newLAN(t, NewWorld(1))
		a, b := l.host(1), l.host(2, func(c *HostConfig) { c.Interfaces[0].Announce = announce })
		l.run(10 * loop.Second)
		a.Ping(0, Address(net4, 2), 1)
		l.run(loop.Second)
		b.MoveTo(l.plug("new place"))
		l.run(loop.Second)
		a.Ping(0, Address(net4, 2), 2)
		l.run(loop.Second)
		// The switch sends to the old port until it hears from the new one.
		want := uint64(1)
		if announce {
			want = 2
		}
		if got := a.Counts().EchoReplies; got != want {
			t.Errorf("announced %t: %d replies, want %d", announce, got, want)
		}
		b.Ping(0, Address(net4, 1), 1)
		l.run(loop.Second)
		a.Ping(0, Address(net4, 2), 3)
		l.run(loop.Second)
		if got := a.Counts().EchoReplies; got != want+1 {
			t.Errorf("announced %t: %d replies after the host spoke", announce, got)
		}
	}
}

func TestChangeMAC(t *testing.T) {
	for _, announce := range []bool{false, true} {
		l := newLAN(t, NewWorld(1))
		a, b := l.host(1), l.host(2)
		linkLocal := netip.MustParseAddr("fe80::ff:fe00:2")
		all := []netip.Addr{Address(net4, 2), Address(net6, 2), linkLocal}
		for _, dst := range all {
			a.Ping(0, dst, 1)
		}
		l.run(5 * loop.Second)
		if err := b.ChangeMAC(0, mac(0x222), announce); err != nil {
			t.Fatal(err)
		}
		l.run(loop.Second)
		for _, dst := range all {
			want := "02:00:00:00:00:02 reachable"
			if announce {
				want = "02:00:00:00:02:22 stale"
			}
			if got := known(a, dst); got != want {
				t.Errorf("announced %t: host 1 knows of %s: %q, want %q", announce, dst, got, want)
			}
		}
		if announce {
			a.Ping(0, linkLocal, 2)
			l.run(loop.Second)
			if a.Counts().EchoReplies != 4 {
				t.Error("no reply from the new MAC")
			}
		}
	}
}

func TestInvalidMACIsRefused(t *testing.T) {
	l := newLAN(t, NewWorld(1))
	a, b := l.host(1), l.host(2)
	if err := b.ChangeMAC(0, header.Broadcast, true); err == nil {
		t.Error("no error")
	}
	a.Ping(0, Address(net4, 2), 1)
	l.run(loop.Second)
	if a.Counts().EchoReplies != 1 {
		t.Error("the host is gone")
	}
}

// A spoofer that claims and answers for the address of another is believed, as
// on any Ethernet; the owner sees the conflict.
func TestOwnerDefendsAddressAgainstSpoofer(t *testing.T) {
	for _, victim := range []netip.Addr{Address(net4, 2), Address(net6, 2)} {
		l := newLAN(t, NewWorld(1))
		a, owner := l.host(1), l.host(2)
		spoofer := l.host(3, func(c *HostConfig) {
			c.Interfaces[0].RespondFor = []netip.Prefix{netip.PrefixFrom(victim, victim.BitLen())}
		})
		a.Ping(0, victim, 1)
		l.run(5 * loop.Second)
		spoofer.Claim(0, victim)
		l.run(3 * loop.Microsecond) // there, and the owner's defence is under way
		if got := known(a, victim); !strings.HasPrefix(got, spoofer.Interface(0).MAC().String()) {
			t.Errorf("%s: host 1 believes %q", victim, got)
		}
		l.run(loop.Second)
		if owner.Stack().Counters().Conflicts == 0 || !strings.HasPrefix(known(a, victim), "02:00:00:00:00:02") {
			t.Errorf("%s: the owner did not defend it", victim)
		}
	}
}

func TestInvalidHostIsRefused(t *testing.T) {
	w := NewWorld(1)
	a, _ := w.Wire("w", WireConfig{})
	_, err := w.NewHost("h", a, HostConfig{Interfaces: []stack.InterfaceConfig{{MAC: header.Broadcast}}})
	if err == nil || !strings.Contains(err.Error(), "host h: interface 0: MAC") {
		t.Errorf("error %v", err)
	}
}

// Another host changes neither what the others draw nor, on wires of their own,
// what they say.
func TestAnotherHostChangesNothing(t *testing.T) {
	run := func(more bool) []uint64 {
		w := NewWorld(9)
		lossy := WireConfig{Delay: loop.Microsecond, AB: []Rule{Loss(30 * Percent)}, BA: []Rule{Loss(30 * Percent)}}
		pairOf := func(n uint32) *End {
			a, b := w.Wire(fmt.Sprint("pair ", n), lossy)
			for i, e := range []*End{a, b} {
				cfg := HostConfig{Interfaces: []stack.InterfaceConfig{Numbered(KindHost, 2*n+uint32(i), net4, net6)}}
				h, err := w.NewHost(fmt.Sprint("host ", n, " ", i), e, cfg)
				if err != nil {
					t.Fatal(err)
				}
				for k := range 50 {
					w.At(loop.Time(k)*loop.Time(loop.Second), func() {
						h.Ping(0, Address(net4, 2*n+1-uint32(i)), uint16(k))
						h.Ping(0, Address(net6, 2*n+1-uint32(i)), uint16(k))
					})
				}
			}
			return a
		}
		if more {
			pairOf(7)
		}
		first := pairOf(1)
		if more {
			pairOf(8)
		}
		w.Virtual().RunFor(100 * loop.Second)
		return []uint64{first.Fingerprint(), first.Peer().Fingerprint(), first.Traffic().Delivered}
	}
	alone, crowded := run(false), run(true)
	if fmt.Sprint(alone) != fmt.Sprint(crowded) || alone[2] < 50 {
		t.Errorf("alone %x, with others %x", alone, crowded)
	}
}

// Two runs of a LAN with hosts, loss and everything else are the same.
func TestLANRunsTwiceAlike(t *testing.T) {
	_, err := RunTwice(4, func(w *World) {
		l := newLAN(t, w)
		for n := range uint32(20) {
			h := l.host(n+1, func(c *HostConfig) {
				c.Interfaces[0].Announce = n%2 == 0
				c.Boot = loop.Time(n) * 1000
			})
			h.End().SetRules(Loss(10*Percent), Jitter(loop.Millisecond), Duplicate(5*Percent, 1000), Corrupt(Percent, 1))
		}
		for k := range 200 {
			w.At(loop.Time(k)*loop.Time(100*loop.Millisecond), func() {
				l.hosts[k%20].Ping(0, Address(net4, uint32(k*7%23)+1), uint16(k))
				l.hosts[k%19].Ping(0, Address(net6, uint32(k*5%23)+1), uint16(k))
			})
		}
		w.At(loop.Time(3*loop.Second), func() { l.hosts[3].MoveTo(l.plug("elsewhere")) })
		w.At(loop.Time(4*loop.Second), func() { l.hosts[4].ChangeMAC(0, mac(99), true) })
		w.At(loop.Time(5*loop.Second), func() { l.hosts[5].End().SetState(link.State{Reason: link.ReasonDown}) })
		w.Virtual().RunFor(30 * loop.Second)
		if err := w.Check(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// Two stations with one address hear each other's announcements, whichever comes
// first: both find the address duplicate, and neither shouts without end.
func TestStationsWithOneAddressBecomeDuplicate(t *testing.T) {
	for _, boot := range []loop.Duration{0, 20 * loop.Second} {
		l := newLAN(t, NewWorld(1))
		same := Numbered(KindHost, 7, net4, net6)
		same.LinkLocal, same.Announce = netip.MustParseAddr("fe80::7"), true
		for n := range uint32(2) {
			l.host(n+1, func(c *HostConfig) {
				c.Interfaces[0] = same
				c.Interfaces[0].MAC = MAC(KindHost, n+1)
				c.Boot = loop.Time(boot) * loop.Time(n)
			})
		}
		l.run(60 * loop.Second)
		for k, h := range l.hosts {
			other := l.hosts[1-k].Interface(0).MAC()
			for _, a := range h.Interface(0).Status() {
				if !a.Duplicate || a.ConflictMAC != other {
					t.Errorf("the second boots after %v: host %d finds %v duplicate: %v, with %v, want %v", boot, k+1, a.Addr, a.Duplicate, a.ConflictMAC, other)
				}
			}
			// Announcements, and a defence of each address every ten seconds at most.
			if sent := h.Stack().Counters().Announcements; sent > 2+2*6+3*7 {
				t.Errorf("the second boots after %v: host %d announced %d times", boot, k+1, sent)
			}
		}
	}
}
