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
