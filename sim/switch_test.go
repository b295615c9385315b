package sim

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// bench is a switch with one receiver per port.
type bench struct {
	t     testing.TB
	world *World
	sw    *Switch
	ends  []*End
	rx    []*receiver
}

func newBench(t testing.TB, cfg SwitchConfig, ports ...PortConfig) *bench {
	b := &bench{t: t, world: NewWorld(1)}
	b.sw = b.world.NewSwitch("sw", cfg)
	for i, p := range ports {
		near, far := b.world.Wire(fmt.Sprint("port ", i), WireConfig{MTU: 9000})
		b.sw.AddPort(far, p)
		r := &receiver{loop: b.world.Loop()}
		near.Attach(r)
		b.ends = append(b.ends, near)
		b.rx = append(b.rx, r)
	}
	return b
}

// from sends a frame into a port and returns on which ports it came out.
func (b *bench) from(port int, f []byte) string {
	b.t.Helper()
	for _, r := range b.rx {
		r.frames = nil
	}
	send(b.t, b.ends[port], f)
	b.world.Virtual().RunFor(loop.Millisecond)
	var out []int
	for i, r := range b.rx {
		for range r.frames {
			out = append(out, i)
		}
	}
	return fmt.Sprint(out)
}

func (b *bench) expect(what string, port int, f []byte, want string) {
	b.t.Helper()
	if got := b.from(port, f); got != want {
		b.t.Errorf("%s: came out on %s, want %s", what, got, want)
	}
}

func TestSwitchLearns(t *testing.T) {
	b := newBench(t, SwitchConfig{}, make([]PortConfig, 4)...)
	b.expect("unknown unicast", 0, ether(mac(1), mac(2)), "[1 2 3]")
	b.expect("answer", 1, ether(mac(2), mac(1)), "[0]")
	b.expect("known unicast", 0, ether(mac(1), mac(2)), "[1]")
	b.expect("broadcast", 0, ether(mac(1), header.Broadcast), "[1 2 3]")
	b.expect("multicast", 2, ether(mac(3), header.MAC{0x33, 0x33, 0, 0, 0, 1}), "[0 1 3]")
	b.expect("on the same port", 0, ether(mac(9), mac(1)), "[]")
	b.expect("link-local group", 0, ether(mac(1), header.MAC{1, 0x80, 0xc2, 0, 0, 0x0e}), "[]")
	b.expect("group as source", 0, ether(header.Broadcast, mac(2)), "[]")
	b.expect("host 2 moves", 3, ether(mac(2), header.Broadcast), "[0 1 2]")
	b.expect("to host 2 after the move", 0, ether(mac(1), mac(2)), "[3]")
	want := SwitchCounts{Forwarded: 3, Flooded: 4, Filtered: 2, Local: 1, Moves: 1}
	if got := b.sw.Counts(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if p := b.sw.Find(1, mac(2)); p == nil || p.Index() != 3 {
		t.Error("Find does not know where host 2 is")
	}
	if b.sw.Find(2, mac(2)) != nil {
		t.Error("Find mixes VLANs")
	}
}

func TestSwitchForgetsOldAndDownMACs(t *testing.T) {
	b := newBench(t, SwitchConfig{Ageing: 10 * loop.Second}, make([]PortConfig, 3)...)
	b.from(1, ether(mac(2), header.Broadcast))
	b.world.Virtual().RunFor(6 * loop.Second)
	b.from(1, ether(mac(2), mac(2))) // seen again
	b.world.Virtual().RunFor(6 * loop.Second)
	b.expect("younger than 10 s", 0, ether(mac(1), mac(2)), "[1]")
	b.world.Virtual().RunFor(6 * loop.Second)
	b.expect("aged", 0, ether(mac(1), mac(2)), "[1 2]")

	b.from(1, ether(mac(2), header.Broadcast))
	b.expect("known", 0, ether(mac(1), mac(2)), "[1]")
	b.ends[1].SetState(link.State{Reason: link.ReasonDown})
	b.expect("its port is down", 0, ether(mac(1), mac(2)), "[2]")
	b.ends[1].SetState(link.State{Up: true})
	b.expect("up again", 0, ether(mac(1), mac(2)), "[1 2]")
}

func TestFullSwitchFloods(t *testing.T) {
	b := newBench(t, SwitchConfig{MaxMACs: 1}, make([]PortConfig, 3)...)
	b.from(0, ether(mac(1), header.Broadcast))
	b.from(1, ether(mac(2), header.Broadcast))
	b.expect("not learned", 0, ether(mac(1), mac(2)), "[1 2]")
	b.expect("learned", 1, ether(mac(2), mac(1)), "[0]")
	if b.sw.Counts().TableFull != 2 {
		t.Errorf("%+v", b.sw.Counts())
	}
}

func TestSwitchVLANs(t *testing.T) {
	tag := func(id uint16) header.VLAN { return header.VLAN{TPID: header.EtherTypeVLAN, ID: id, Priority: 5} }
	b := newBench(t, SwitchConfig{},
		PortConfig{Untagged: 10},                           // 0: access
		PortConfig{Untagged: 20},                           // 1: access
		PortConfig{Untagged: 10},                           // 2: access
		PortConfig{Trunk: true},                            // 3: all tagged, VLAN 1 without
		PortConfig{Untagged: 20, Tagged: []uint16{10, 30}}, // 4: hybrid
	)
	all := header.Broadcast
	b.expect("untagged into VLAN 10", 0, ether(mac(1), all), "[2 3 4]")
	if f := b.rx[2].frames[0]; !bytes.Equal(f, ether(mac(1), all)) {
		t.Error("an access port must give the frame as it was")
	}
	for _, i := range []int{3, 4} {
		r, payload, err := header.ParseEthernet(b.rx[i].frames[0])
		if err != nil || r.NumTags != 1 || r.Tags[0].ID != 10 || r.Type != header.EtherTypeIPv4 || len(payload) != 46 {
			t.Errorf("on the tagged port %d: %+v, %d octets, %v", i, r, len(payload), err)
		}
	}
	b.expect("tagged 10 on the trunk", 3, ether(mac(2), all, tag(10)), "[0 2 4]")
	if f := b.rx[0].frames[0]; !bytes.Equal(f, ether(mac(2), all)) {
		t.Error("the tag was not taken away")
	}
	if f := b.rx[4].frames[0]; !bytes.Equal(f, ether(mac(2), all, tag(10))) {
		t.Error("the tag's priority must survive")
	}
	b.expect("tagged 20 on the trunk", 3, ether(mac(3), all, tag(20)), "[1 4]")
	b.expect("untagged on the trunk is VLAN 1", 3, ether(mac(4), all), "[]")
	b.expect("tagged 30", 4, ether(mac(5), all, tag(30)), "[3]")
	b.expect("tag where none is allowed", 0, ether(mac(6), all, tag(10)), "[]")
	b.expect("VLAN the port is not in", 4, ether(mac(6), all, tag(40)), "[]")
	b.expect("priority tag on an access port", 0, ether(mac(1), all, tag(0)), "[2 3 4]")
	if f := b.rx[3].frames[0]; !bytes.Equal(f, ether(mac(1), all, tag(10))) {
		t.Error("the priority tag did not become one of VLAN 10")
	}
	b.expect("MAC known in another VLAN only", 1, ether(mac(7), mac(1)), "[3 4]")
	b.expect("MAC known in this VLAN", 2, ether(mac(8), mac(1)), "[0]")
	b.expect("cut tag", 3, append(ether(mac(1), all)[:12], 0x81, 0), "[]")
}

// A provider's switch carries the customer's tags as payload.
func TestSwitchQinQ(t *testing.T) {
	b := newBench(t, SwitchConfig{TPID: header.EtherTypeQinQ}, PortConfig{Untagged: 100}, PortConfig{Trunk: true})
	customer := header.VLAN{TPID: header.EtherTypeVLAN, ID: 7}
	b.expect("customer's tag", 0, ether(mac(1), header.Broadcast, customer), "[1]")
	service := header.VLAN{TPID: header.EtherTypeQinQ, ID: 100}
	want := ether(mac(1), header.Broadcast, service, customer)
	if !bytes.Equal(b.rx[1].frames[0], want) {
		t.Errorf("on the trunk\n% x, want\n% x", b.rx[1].frames[0], want)
	}
	back := ether(mac(2), mac(1), service, customer)
	b.expect("back", 1, back, "[0]")
	if !bytes.Equal(b.rx[0].frames[0], ether(mac(2), mac(1), customer)) {
		t.Errorf("to the customer % x", b.rx[0].frames[0])
	}
}

// A tunnel port takes frames with any tag for the payload of its VLAN, also with a
// tag of the kind that the switch itself reads.
func TestSwitchTunnelPortKeepsTags(t *testing.T) {
	b := newBench(t, SwitchConfig{}, PortConfig{Untagged: 100, Tunnel: true}, PortConfig{Trunk: true})
	customer, outer := header.VLAN{ID: 7}, header.VLAN{ID: 100}
	b.expect("customer's tag", 0, ether(mac(1), header.Broadcast, customer), "[1]")
	if want := ether(mac(1), header.Broadcast, outer, customer); !bytes.Equal(b.rx[1].frames[0], want) {
		t.Errorf("on the trunk\n% x, want\n% x", b.rx[1].frames[0], want)
	}
	b.expect("back", 1, ether(mac(2), mac(1), outer, customer), "[0]")
	if want := ether(mac(2), mac(1), customer); !bytes.Equal(b.rx[0].frames[0], want) {
		t.Errorf("to the customer\n% x, want\n% x", b.rx[0].frames[0], want)
	}
}

func TestListenFiltersSolicitations(t *testing.T) {
	b := newBench(t, SwitchConfig{}, make([]PortConfig, 5)...)
	p4, p6 := netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8::/64")
	for i := 1; i < 4; i++ {
		b.sw.Ports()[i].Listen(Address(p4, uint32(i)), Address(p6, uint32(i)))
	}
	b.sw.Ports()[3].Listen(Address(p4, 2), Address(p6, 0x1000002)) // the same low 24 bits as 2
	ask := func(n uint32) []byte { return whoHas(100, Address(p4, 100), Address(p4, n)) }
	b.expect("ARP for 1", 0, ask(1), "[1 4]")
	b.expect("ARP for 2, on two ports", 0, ask(2), "[2 3 4]")
	b.expect("ARP for an unknown address", 0, ask(50), "[4]")
	b.expect("ARP from a filtered port", 1, ask(1), "[0 4]")
	b.expect("NS for 1", 0, whoHas(100, Address(p6, 100), Address(p6, 1)), "[1 4]")
	b.expect("NS for 2", 0, whoHas(100, Address(p6, 100), Address(p6, 2)), "[2 3 4]")
	b.expect("announcement", 0, whoHas(100, Address(p4, 100), Address(p4, 100)), "[1 2 3 4]")
	b.expect("probe", 0, whoHas(100, netip.IPv4Unspecified(), Address(p4, 100)), "[1 2 3 4]")
	b.expect("broadcast", 0, ether(mac(100), header.Broadcast), "[1 2 3 4]")
	b.expect("unknown unicast", 0, ether(mac(100), mac(50)), "[1 2 3 4]")
}

// Known unicast costs the same whatever the number of ports.
func BenchmarkSwitchUnicast(b *testing.B) {
	for _, ports := range []int{2, 4096} {
		b.Run(fmt.Sprint(ports, " ports"), func(b *testing.B) {
			w := NewWorld(1)
			sw := w.NewSwitch("sw", SwitchConfig{})
			var ends []*End
			for i := range ports {
				near, far := w.Wire(fmt.Sprint(i), WireConfig{})
				sw.AddPort(far, PortConfig{})
				near.Attach(&counter{})
				ends = append(ends, near)
			}
			frames := make([][]byte, 2)
			for i := range frames {
				frames[i] = ether(mac(uint32(i)), mac(uint32(1-i)))
				ends[i*(ports-1)].Send(frames[i : i+1])
			}
			w.Virtual().RunFor(1)
			before := w.Delivered()
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += 2 {
				ends[0].Send(frames[:1])
				ends[ports-1].Send(frames[1:])
				w.Virtual().RunFor(1)
			}
			perSecond(b, w, before)
		})
	}
}

// A cable passes what a bridge keeps back; with a third port it is a bridge.
func TestSwitchAsCable(t *testing.T) {
	w := NewWorld(1)
	sw := w.NewSwitch("patch", SwitchConfig{Cable: true})
	got := make([]*counter, 3)
	var ends []*End
	for i, name := range []string{"p0", "p1", "p2"} {
		port, plug := w.Wire(name, WireConfig{})
		sw.AddPort(plug, PortConfig{Trunk: true})
		got[i] = &counter{}
		port.Attach(got[i])
		ends = append(ends, port)
	}
	ends[2].SetState(link.State{Reason: link.ReasonDown})
	frame := make([]byte, 60)
	copy(frame, "\x01\x80\xc2\x00\x00\x0e\x02\x00\x00\x00\x00\x01\x88\xcc") // to a group that no bridge forwards
	send := func() {
		if n, err := ends[0].Send([][]byte{frame}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		w.Virtual().RunFor(loop.Millisecond)
	}
	send()
	if got[0].n != 0 || got[1].n != 1 || got[2].n != 0 {
		t.Errorf("received %d, %d and %d frames, want one at the other port", got[0].n, got[1].n, got[2].n)
	}
	ends[2].SetState(link.State{Up: true})
	send()
	if got[0].n != 0 || got[1].n != 1 || got[2].n != 0 {
		t.Errorf("received %d, %d and %d frames, want none more with three ports", got[0].n, got[1].n, got[2].n)
	}
}

// TestRemovedPortMovesOthersUp: the switch goes on as if the port had never
// been there.
func TestRemovedPortMovesOthersUp(t *testing.T) {
	b := newBench(t, SwitchConfig{}, PortConfig{}, PortConfig{}, PortConfig{}, PortConfig{})
	for port := range b.ends {
		b.from(port, ether(mac(uint32(port)), mac(99)))
	}
	b.sw.Ports()[3].Listen(netip.MustParseAddr("192.0.2.3"))
	removed := b.sw.Ports()[1]
	b.sw.RemovePort(removed)
	b.sw.RemovePort(removed) // a second time has no effect
	removed.End().Wire().Remove()
	for n, p := range b.sw.Ports() {
		if p.Index() != n {
			t.Errorf("port %d has the index %d", n, p.Index())
		}
	}
	for _, c := range []struct {
		from, to int
		want     string
	}{{0, 2, "[2]"}, {0, 3, "[3]"}, {3, 0, "[0]"}, {0, 1, "[2 3]"}} {
		if got := b.from(c.from, ether(mac(uint32(c.from)), mac(uint32(c.to)))); got != c.want {
			t.Errorf("from %d to the MAC behind %d: %s, want %s", c.from, c.to, got, c.want)
		}
	}
	if b.world.FindWire("port 1") != nil || len(b.world.Wires()) != 3 {
		t.Errorf("%d wires are left", len(b.world.Wires()))
	}
}
