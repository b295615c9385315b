package stack

import (
	"errors"
	"net/netip"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

func TestInterfaceConfigFaults(t *testing.T) {
	p, a := netip.MustParsePrefix, netip.MustParseAddr
	for name, c := range map[string]struct {
		field  string
		change func(c *InterfaceConfig)
	}{
		"no MAC":                      {"MAC", func(c *InterfaceConfig) { c.MAC = header.MAC{} }},
		"multicast MAC":               {"MAC", func(c *InterfaceConfig) { c.MAC = header.MAC{1} }},
		"three tags":                  {"Tags", func(c *InterfaceConfig) { c.Tags = []header.VLAN{{ID: 1}, {ID: 2}, {ID: 3}} }},
		"VLAN 0":                      {"Tags", func(c *InterfaceConfig) { c.Tags = []header.VLAN{{ID: 0}} }},
		"VLAN 4095":                   {"Tags", func(c *InterfaceConfig) { c.Tags = []header.VLAN{{ID: 4095}} }},
		"strange TPID":                {"Tags", func(c *InterfaceConfig) { c.Tags = []header.VLAN{{ID: 1, TPID: 0x0800}} }},
		"multicast IPv4":              {"IPv4", func(c *InterfaceConfig) { c.IPv4 = p("224.0.0.1/24") }},
		"IPv6 as IPv4":                {"IPv4", func(c *InterfaceConfig) { c.IPv4 = p("2001:db8::1/24") }},
		"loopback":                    {"IPv4", func(c *InterfaceConfig) { c.IPv4 = p("127.0.0.1/8") }},
		"gateway outside":             {"Gateway4", func(c *InterfaceConfig) { c.Gateway4 = a("198.51.100.1") }},
		"gateway is us":               {"Gateway4", func(c *InterfaceConfig) { c.Gateway4 = a("192.0.2.1") }},
		"broadcast address":           {"IPv4", func(c *InterfaceConfig) { c.IPv4 = p("192.0.2.255/24") }},
		"network address":             {"IPv4", func(c *InterfaceConfig) { c.IPv4 = p("192.0.2.64/26"); c.Gateway4 = netip.Addr{} }},
		"gateway is a broadcast":      {"Gateway4", func(c *InterfaceConfig) { c.Gateway4 = a("192.0.2.255") }},
		"gateway is the network":      {"Gateway4", func(c *InterfaceConfig) { c.Gateway4 = a("192.0.2.0") }},
		"gateway of a /30":            {"Gateway4", func(c *InterfaceConfig) { c.IPv4, c.Gateway4 = p("192.0.2.1/30"), a("192.0.2.3") }},
		"link-local broadcast":        {"Gateway4", func(c *InterfaceConfig) { c.IPv4, c.Gateway4 = p("192.0.2.1/32"), a("169.254.255.255") }},
		"link-local gateway is us":    {"Gateway6", func(c *InterfaceConfig) { c.Gateway6 = a("fe80::1") }},
		"... by a made address":       {"Gateway6", func(c *InterfaceConfig) { c.LinkLocal, c.Gateway6 = netip.Addr{}, a("fe80::ff:fe00:1") }},
		"gateway without address":     {"Gateway4", func(c *InterfaceConfig) { c.IPv4 = netip.Prefix{} }},
		"gateway of the other family": {"Gateway4", func(c *InterfaceConfig) { c.Gateway4 = a("2001:db8::9") }},
		"link-local that is not":      {"LinkLocal", func(c *InterfaceConfig) { c.LinkLocal = a("2001:db8::9") }},
		"link-local as global":        {"IPv6", func(c *InterfaceConfig) { c.IPv6 = p("fe80::9/64") }},
		"mapped":                      {"IPv6", func(c *InterfaceConfig) { c.IPv6 = p("::ffff:192.0.2.1/120") }},
		"gateway6 outside":            {"Gateway6", func(c *InterfaceConfig) { c.Gateway6 = a("2001:db8:9::1") }},
		"multicast gateway6":          {"Gateway6", func(c *InterfaceConfig) { c.Gateway6 = a("ff02::1") }},
		"multicast range":             {"RespondFor", func(c *InterfaceConfig) { c.RespondFor = []netip.Prefix{p("224.0.0.0/8")} }},
		"static multicast MAC":        {"Static", func(c *InterfaceConfig) { c.Static = []StaticNeighbor{{a("192.0.2.9"), header.Broadcast}} }},
		"static own address":          {"Static", func(c *InterfaceConfig) { c.Static = []StaticNeighbor{{a("192.0.2.1"), mac2}} }},
		"static no address":           {"Static", func(c *InterfaceConfig) { c.Static = []StaticNeighbor{{netip.Addr{}, mac2}} }},
		"negative RetransTimer":       {"Neighbor.RetransTimer", func(c *InterfaceConfig) { c.Neighbor.RetransTimer = -1 }},
		"ReachableTime of a year":     {"Neighbor.ReachableTime", func(c *InterfaceConfig) { c.Neighbor.ReachableTime = 365 * 86400 * loop.Second }},
		"too many MulticastSolicits":  {"Neighbor.MulticastSolicits", func(c *InterfaceConfig) { c.Neighbor.MulticastSolicits = 256 }},
		"MaxEntries beyond the table": {"Neighbor.MaxEntries", func(c *InterfaceConfig) { c.Neighbor.MaxEntries = 1 << 24 }},
		"more static than MaxEntries": {"Static", func(c *InterfaceConfig) {
			c.Neighbor.MaxEntries = 1
			c.Static = []StaticNeighbor{{a("192.0.2.8"), mac2}, {a("192.0.2.9"), mac2}}
		}},
		"handle in use": {"Handle", func(c *InterfaceConfig) {
			c.Handle = 77
			c.IPv4 = p("192.0.2.9/24")
			c.IPv6 = netip.Prefix{}
			c.LinkLocal = a("fe80::9")
		}},
		"address in use":            {"IPv4, IPv6, LinkLocal", func(c *InterfaceConfig) { c.IPv4 = p("192.0.2.77/24") }},
		"link-local address in use": {"IPv4, IPv6, LinkLocal", func(c *InterfaceConfig) { c.LinkLocal = a("fe80::77") }},
		"negative ProxyDelay":       {"Neighbor.ProxyDelay", func(c *InterfaceConfig) { c.Neighbor.ProxyDelay = -1 }},
		"ProxyDelay above 1 s":      {"Neighbor.ProxyDelay", func(c *InterfaceConfig) { c.Neighbor.ProxyDelay = loop.Second + 1 }},
		"negative MaxHeld":          {"Neighbor.MaxHeld", func(c *InterfaceConfig) { c.Neighbor.MaxHeld = -1 }},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, loop.NewVirtual(), Options{})
			other := config(0x77)
			other.Handle, other.IPv4 = 77, p("192.0.2.77/24")
			n.add(other)
			good := config(1)
			good.Handle = 1
			bad := good
			c.change(&bad)
			_, err := n.stack.AddInterface(bad)
			var fault *ConfigError
			if !errors.As(err, &fault) || fault.Field != c.field {
				t.Fatalf("error %v, want one about %s", err, c.field)
			}
			n.check()
			if _, err := n.stack.AddInterface(good); err != nil {
				t.Errorf("after the failure a good interface is refused: %v", err)
			}
		})
	}
}

func TestInterfaceConfigAccepted(t *testing.T) {
	p, a := netip.MustParsePrefix, netip.MustParseAddr
	for name, c := range map[string]InterfaceConfig{
		"only a MAC":                      {MAC: mac1},
		"link-local only, gateway":        {MAC: mac1, LinkLocal: a("fe80::1"), Gateway6: a("fe80::fe")},
		"global only, link-local gateway": {MAC: mac1, IPv6: p("2001:db8::1/64"), Gateway6: a("fe80::fe%eth0")},
		"/32 with a gateway outside":      {MAC: mac1, IPv4: p("192.0.2.1/32"), Gateway4: a("198.51.100.1")},
		"/31":                             {MAC: mac1, IPv4: p("192.0.2.1/31"), Gateway4: a("192.0.2.0")},
		"/0":                              {MAC: mac1, IPv4: p("192.0.2.1/0")},
		"all ones in the last octet":      {MAC: mac1, IPv4: p("192.0.2.255/23"), Gateway4: a("192.0.3.0")},
		"/31 at its end":                  {MAC: mac1, IPv4: p("192.0.2.255/31"), Gateway4: a("192.0.2.254")},
		"/128 with a gateway outside":     {MAC: mac1, IPv6: p("2001:db8::1/128"), Gateway6: a("2001:db8:9::1")},
		"range over its own prefix":       {MAC: mac1, IPv4: p("192.0.2.1/24"), RespondFor: []netip.Prefix{p("192.0.2.55/24")}},
		"two tags of the same ID":         {MAC: mac1, Tags: []header.VLAN{{ID: 5, TPID: header.EtherTypeQinQ}, {ID: 5}}},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, loop.NewVirtual(), Options{})
			i := n.add(c)
			n.check()
			if c.IPv6.IsValid() && !i.Config().LinkLocal.IsValid() {
				t.Error("no link-local address was made")
			}
			if i.Config().Neighbor != DefaultNeighborConfig() {
				t.Error("no defaults")
			}
		})
	}
}

func TestSource(t *testing.T) {
	n := alone(t)
	for dst, want := range map[string]string{
		"8.8.8.8": "192.0.2.1", "2001:db8::9": "2001:db8::1", "fe80::9": "fe80::1", "ff02::1": "fe80::1", "ff0e::1": "2001:db8::1",
	} {
		if got := n.iface.Source(netip.MustParseAddr(dst)); got.String() != want {
			t.Errorf("source for %s is %v, want %s", dst, got, want)
		}
	}
	if n.iface.Source(netip.Addr{}).IsValid() {
		t.Error("a source for nothing")
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{NoReply.String(), "no_reply"}, {TableFull.String(), "table_full"}, {ReasonNone.String(), ""}, {Reason(99).String(), "unknown"},
		{StateProbe.String(), "probe"}, {StateStatic.String(), "static"}, {State(99).String(), "unknown"},
		{CauseLinkDown.String(), "link_down"}, {Cause(99).String(), "unknown"},
		{DropDevice.String(), "device"}, {DropVLAN.String(), "vlan"}, {Drop(99).String(), "unknown"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	for d := Drop(0); d < numDrops; d++ {
		if d.String() == "" {
			t.Errorf("drop %d has no word", d)
		}
	}
}
