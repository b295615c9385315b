package sim

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// No frame, however broken, makes a device panic or a wire lose count; nor can
// any not be described.
func TestHostileFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWorld(1)
		sw := w.NewSwitch("sw", SwitchConfig{})
		plug := func(name string, cfg PortConfig) *End {
			near, far := w.Wire(name, WireConfig{})
			sw.AddPort(far, cfg)
			return near
		}
		attacker := plug("attacker", PortConfig{Untagged: 1, Tagged: []uint16{7}})
		attacker.Attach(&counter{})
		if _, err := w.NewFarm("farm", plug("farm", PortConfig{}), FarmConfig{Hosts: 2000, IPv4: first4, IPv6: first6}); err != nil {
			t.Fatal(err)
		}
		host := Numbered(KindHost, 9, netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"))
		if _, err := w.NewHost("host", plug("host", PortConfig{Trunk: true}), HostConfig{Interfaces: []stack.InterfaceConfig{host}}); err != nil {
			t.Fatal(err)
		}
		r := w.NewRouter("router")
		router := Numbered(KindRouter, 3, netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"))
		if _, err := r.AddPort(plug("router", PortConfig{Tagged: []uint16{7}}), router); err != nil {
			t.Fatal(err)
		}
		macs := []header.MAC{MAC(KindFarm, 300), host.MAC, router.MAC, header.Broadcast}
		for range rapid.IntRange(1, 20).Draw(t, "frames") {
			frame := drawQuestion(t, rapid.SampledFrom(macs).Draw(t, "to"), 300)
			frame = frame[:rapid.IntRange(header.EthernetSize, len(frame)).Draw(t, "length")]
			for range rapid.IntRange(0, 5).Draw(t, "octets") {
				frame[rapid.IntRange(0, len(frame)-1).Draw(t, "at")] = rapid.SampledFrom(
					[]byte{0, 1, 0x08, 0x60, 0x81, 0x45, 0x4f, 0x86, 0xdd, 0xff, 58, 43, 44}).Draw(t, "octet")
			}
			if Describe(frame) == "" {
				t.Fatal("nothing to say")
			}
			send(t, attacker, frame)
			w.Virtual().RunFor(loop.Millisecond)
		}
		if err := w.Check(); err != nil {
			t.Fatal(err)
		}
	})
}
