package sim

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// A host of a farm says octet by octet what a host with a full stack says, to
// all hosts that the full stack knows.
func TestFarmAnswersAsAHostDoes(t *testing.T) {
	const number = 300
	own4, own6 := Offset(first4, number), Offset(first6, number)
	rapid.Check(t, func(t *rapid.T) {
		w, f, toFarm, fromFarm := farmBench(t, FarmConfig{Hosts: 1, First: number, IPv4: own4, IPv6: own6})
		toHost, e := w.Wire("host", WireConfig{})
		fromHost := &receiver{loop: w.Loop()}
		toHost.Attach(fromHost)
		cfg := stack.InterfaceConfig{
			MAC: f.MAC(0), IPv4: netip.PrefixFrom(own4, 8), IPv6: netip.PrefixFrom(own6, 32),
		}
		if _, err := w.NewHost("twin", e, HostConfig{Interfaces: []stack.InterfaceConfig{cfg}}); err != nil {
			t.Fatal(err)
		}
		// Both get to know host 100.
		for _, target := range []netip.Addr{own4, own6} {
			hello := whoHas(100, me(target), target)
			send(t, toFarm, hello)
			send(t, toHost, hello)
		}
		for broken := false; !broken; {
			frame := drawQuestion(t, f.MAC(0), number)
			// A broken frame is the last: what the full stack has learned from it may
			// be wrong, while a farm learns nothing.
			if broken = rapid.IntRange(0, 4).Draw(t, "broken") == 0; broken {
				bit := rapid.IntRange(header.EthernetSize*8, len(frame)*8-1).Draw(t, "bit")
				frame[bit/8] ^= 0x80 >> (bit % 8)
			}
			send(t, toFarm, frame)
			send(t, toHost, frame)
			w.Virtual().RunFor(loop.Microsecond)
			farm, host := fromFarm.frames, fromHost.frames
			if len(farm) != len(host) || len(farm) > 0 && !bytes.Equal(farm[len(farm)-1], host[len(host)-1]) {
				t.Fatalf("asked %s\nfarm says %s\nhost says %s", Describe(frame), last(farm), last(host))
			}
		}
	})
}

// me is the address of host 100 in the family of another.
func me(other netip.Addr) netip.Addr {
	if other.Is4() {
		return me4
	}
	return me6
}

func last(frames [][]byte) string {
	if len(frames) == 0 {
		return "nothing"
	}
	return fmt.Sprint(len(frames), " frames, the last ", Describe(frames[len(frames)-1]))
}

// drawQuestion draws a frame for host number n at a MAC, or nearly.
func drawQuestion(t *rapid.T, m header.MAC, n uint32) []byte {
	number := n + uint32(rapid.SampledFrom([]int{0, 0, 0, 0, 1000}).Draw(t, "host"))
	target := Offset(first4, number)
	if rapid.Bool().Draw(t, "v6") {
		target = Offset(first6, number)
		if rapid.IntRange(0, 3).Draw(t, "link-local") == 0 {
			target = netip.AddrFrom16(header.LinkLocal(MAC(KindFarm, number)))
		}
	}
	dst := rapid.SampledFrom([]header.MAC{m, m, m, mac(9)}).Draw(t, "mac")
	var frame []byte
	switch rapid.SampledFrom([]string{"who has", "probe", "unicast who has", "ping", "udp"}).Draw(t, "kind") {
	case "who has":
		frame = whoHas(100, me(target), target)
	case "probe":
		if target.Is4() {
			frame = whoHas(100, netip.IPv4Unspecified(), target)
		} else {
			frame = duplicateCheck(target)
		}
	case "unicast who has":
		frame = whoHas(100, me(target), target)
		header.Ethernet(frame).SetDst(dst)
		if target.Is6() && rapid.Bool().Draw(t, "to the address") {
			frame = solicit(100, dst, me(target), target, target)
		}
	case "ping":
		frame = ping(dst, me(target), target)
		if target.Is4() {
			header.IPv4(frame[14:]).SetTOS(rapid.Byte().Draw(t, "tos"))
			fix(frame[14:])
		} else {
			header.IPv6(frame[14:]).SetVersionClassLabel(rapid.Byte().Draw(t, "class"), rapid.Uint32Range(0, 1<<20-1).Draw(t, "label"))
		}
	case "udp":
		frame = datagram(dst, me(target), target, 9, rapid.IntRange(0, 500).Draw(t, "size"))
	}
	return frame
}
