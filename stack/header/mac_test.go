package header_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"glean/stack/header"
	"pgregory.net/rapid"
)

func TestParseMAC(t *testing.T) {
	want := header.MAC{0x02, 0x0a, 0xb0, 0xff, 0x00, 0x01}
	for _, s := range []string{
		"02:0a:b0:ff:00:01", "02-0a-b0-ff-00-01", "02.0a.b0.ff.00.01",
		"2:a:b0:ff:0:1", "02:0A:B0:FF:00:01", "2-A-b0-Ff-0-01",
	} {
		if got, err := header.ParseMAC(s); err != nil || got != want {
			t.Errorf("ParseMAC(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", ":", "02", "02:0a:b0:ff:00", "02:0a:b0:ff:00:", "02:0a:b0:ff:00:01:", "02:0a:b0:ff:00:01:02",
		":02:0a:b0:ff:00:01", "02::b0:ff:00:01", "002:0a:b0:ff:00:01", "02:0a:b0:ff:00:001", "0g:0a:b0:ff:00:01",
		"02:0a-b0:ff:00:01", "020ab0ff0001", "020a.b0ff.0001", " 02:0a:b0:ff:00:01", "02:0a:b0:ff:00:01 ", "02 0a b0 ff 00 01",
	} {
		if got, err := header.ParseMAC(s); err == nil || got != (header.MAC{}) {
			t.Errorf("ParseMAC(%q) = %v, %v; want an error", s, got, err)
		} else if !strings.Contains(err.Error(), "\""+s+"\"") {
			t.Errorf("error %q does not quote %q", err, s)
		}
	}
}

func TestMACForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMAC(t, "mac")
		if back, err := header.ParseMAC(m.String()); err != nil || back != m {
			t.Fatalf("ParseMAC(%q) = %v, %v", m.String(), back, err)
		}
		if back := header.MACFromUint64(m.Uint64()); back != m || m.Uint64()>>48 != 0 {
			t.Fatalf("%v as number is %#x, back %v", m, m.Uint64(), back)
		}
		text, err := json.Marshal(m)
		if err != nil || string(text) != `"`+m.String()+`"` {
			t.Fatalf("JSON of %v is %s, %v", m, text, err)
		}
		var back header.MAC
		if err := json.Unmarshal(text, &back); err != nil || back != m {
			t.Fatalf("from JSON %s: %v, %v", text, back, err)
		}
		if appended, err := m.AppendText([]byte("x")); err != nil || string(appended) != "x"+m.String() {
			t.Fatalf("AppendText gives %q, %v", appended, err)
		}
	})
	m := header.Broadcast
	if err := json.Unmarshal([]byte(`"02:00"`), &m); err == nil || m != header.Broadcast {
		t.Errorf("a bad text gives %v, error %v; want the old value and an error", m, err)
	}
	if got := header.MACFromUint64(0xffff_0123_4567_89ab).String(); got != "01:23:45:67:89:ab" {
		t.Errorf("from 64 bits: %s", got)
	}
}

func TestMACKinds(t *testing.T) {
	for _, c := range []struct {
		mac                        string
		zero, multicast, broadcast bool
	}{
		{"00:00:00:00:00:00", true, false, false},
		{"02:00:00:00:00:01", false, false, false},
		{"01:00:5e:00:00:01", false, true, false},
		{"33:33:00:00:00:01", false, true, false},
		{"ff:ff:ff:ff:ff:ff", false, true, true},
		{"ff:ff:ff:ff:ff:fe", false, true, false},
		{"fe:ff:ff:ff:ff:ff", false, false, false},
	} {
		m, err := header.ParseMAC(c.mac)
		if err != nil || m.IsZero() != c.zero || m.IsMulticast() != c.multicast || m.IsBroadcast() != c.broadcast {
			t.Errorf("%s: zero %v multicast %v broadcast %v, %v", c.mac, m.IsZero(), m.IsMulticast(), m.IsBroadcast(), err)
		}
	}
}

// TestM01MACsOfGroups checks RFC 2464 section 7, RFC 4291 section 2.7.1 and RFC 1112
// section 6.4.
func TestM01MACsOfGroups(t *testing.T) {
	for _, c := range []struct{ group, mac string }{
		{"ff02::1", "33:33:00:00:00:01"},
		{"ff02::1:ff0a:0b0c", "33:33:ff:0a:0b:0c"},
		{"ff05::8765:4321", "33:33:87:65:43:21"},
		{"224.0.0.1", "01:00:5e:00:00:01"},
		{"239.255.1.2", "01:00:5e:7f:01:02"}, // the 23rd bit is lost
		{"224.128.0.1", "01:00:5e:00:00:01"},
		{"::ffff:224.0.0.251", "01:00:5e:00:00:fb"}, // the text form does not matter
	} {
		if got := header.MulticastMAC(netip.MustParseAddr(c.group)).String(); got != c.mac {
			t.Errorf("MulticastMAC(%s) = %s, want %s", c.group, got, c.mac)
		}
	}
	node := netip.MustParseAddr("2001:db8::aabb:ccdd:eeff").As16()
	group := header.SolicitedNode(node)
	if got := netip.AddrFrom16(group).String(); got != "ff02::1:ffdd:eeff" {
		t.Errorf("solicited-node address is %s", got)
	}
	if got := header.MulticastMAC(netip.AddrFrom16(group)).String(); got != "33:33:ff:dd:ee:ff" {
		t.Errorf("its MAC is %s", got)
	}
	if !header.IsSolicitedNode(group) {
		t.Error("IsSolicitedNode denies what SolicitedNode gives")
	}
	for _, s := range []string{"ff02::1", "ff02::1:fe00:1", "ff05::1:ff00:1", "ff02::1:1:ff00:1", "fe80::1:ff00:1", "::"} {
		if header.IsSolicitedNode(netip.MustParseAddr(s).As16()) {
			t.Errorf("IsSolicitedNode(%s)", s)
		}
	}
	if got := netip.AddrFrom16(header.AllNodes).String(); got != "ff02::1" {
		t.Errorf("AllNodes is %s", got)
	}
}

// TestLinkLocal checks the example of RFC 2464 section 4, and an address with the bit
// already set.
func TestLinkLocal(t *testing.T) {
	for mac, want := range map[string]string{
		"34:56:78:9a:bc:de": "fe80::3656:78ff:fe9a:bcde",
		"02:00:5e:10:00:01": "fe80::5eff:fe10:1",
	} {
		m, err := header.ParseMAC(mac)
		if got := netip.AddrFrom16(header.LinkLocal(m)).String(); err != nil || got != want {
			t.Errorf("LinkLocal(%s) = %s, want %s", mac, got, want)
		}
	}
}
