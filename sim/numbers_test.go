package sim

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"glean/stack/header"
)

func TestNumbersAreReadable(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{MAC(KindHost, 1234).String(), "02:00:00:00:04:d2"},
		{MAC(KindFarm, 1_000_000).String(), "02:fa:00:0f:42:40"},
		{MAC(KindRouter, 3<<12|5).String(), "02:02:00:00:30:05"},
		{Address(netip.MustParsePrefix("10.0.0.0/16"), 1234).String(), "10.0.4.210"},
		{Address(netip.MustParsePrefix("10.0.0.9/16"), 65535).String(), "10.0.255.255"},
		{Address(netip.MustParsePrefix("10.0.0.0/16"), 65536).String(), "invalid IP"},
		{Address(netip.MustParsePrefix("255.255.255.0/24"), 256).String(), "invalid IP"},
		{Address(netip.MustParsePrefix("2001:db8::/64"), 1234).String(), "2001:db8::4d2"},
		{Offset(netip.MustParseAddr("2001:db8::ffff:ffff"), 1).String(), "2001:db8::1:0:0"},
		{Offset(netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 1).String(), "invalid IP"},
		{Offset(netip.Addr{}, 1).String(), "invalid IP"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
	if k, n, ok := Station(MAC(KindFarm, 77)); k != KindFarm || n != 77 || !ok {
		t.Errorf("Station: %d %d %t", k, n, ok)
	}
	if _, _, ok := Station(header.Broadcast); ok {
		t.Error("the broadcast address is a station")
	}
}

func TestWithinUndoesOffset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var first netip.Addr
		if rapid.Bool().Draw(t, "v6") {
			first = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "first")))
		} else {
			first = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "first")))
		}
		n := rapid.Uint32().Draw(t, "n")
		a := Offset(first, n)
		if !a.IsValid() {
			if got := Offset(first, 0); got != first {
				t.Fatal("offset 0")
			}
			return
		}
		if got, ok := Within(first, a); got != n || !ok {
			t.Fatalf("%s + %d = %s, back %d %t", first, n, a, got, ok)
		}
		if n > 0 {
			if _, ok := Within(a, first); ok {
				t.Fatalf("%s is before %s", first, a)
			}
			if _, ok := Within(first, a.Prev()); !ok {
				t.Fatal("the one before is not within")
			}
		}
	})
}

func TestWithinRefuses(t *testing.T) {
	for _, c := range [][2]string{
		{"10.0.0.0", "::1"}, {"::1", "10.0.0.0"}, {"2001:db8::", "2001:db8::1:0:0"},
		{"2001:db8::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::"},
	} {
		if _, ok := Within(netip.MustParseAddr(c[0]), netip.MustParseAddr(c[1])); ok {
			t.Errorf("%s is within reach of %s", c[1], c[0])
		}
	}
}
