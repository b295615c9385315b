package stack

import (
	"net/netip"
	"testing"

	"glean/stack/header"
)

// TestAnswerDependsOnMessageAndStation checks which messages are answered.
func TestAnswerDependsOnMessageAndStation(t *testing.T) {
	own4, asker4 := [4]byte{192, 0, 2, 1}, [4]byte{192, 0, 2, 2}
	by := Station{MAC: mac1, Tags: []header.VLAN{{ID: 7}}, Override: true}
	for name, c := range map[string]struct {
		change func(r *header.ARPRepr)
		want   string
	}{
		"request":         {func(*header.ARPRepr) {}, "m1>m2 vlan 7/0 arp is-at 192.0.2.1(m1) 192.0.2.2(m2)"},
		"probe":           {func(r *header.ARPRepr) { r.SenderIP = [4]byte{} }, "m1>m2 vlan 7/0 arp is-at 192.0.2.1(m1) 0.0.0.0(m2)"},
		"reply":           {func(r *header.ARPRepr) { r.Op = header.ARPReply }, ""},
		"announcement":    {func(r *header.ARPRepr) { r.SenderIP = own4 }, ""},
		"loopback":        {func(r *header.ARPRepr) { r.SenderIP = [4]byte{127, 0, 0, 1} }, ""},
		"no MAC":          {func(r *header.ARPRepr) { r.SenderMAC = header.MAC{} }, ""},
		"MAC of a group":  {func(r *header.ARPRepr) { r.SenderMAC = header.MAC{1} }, ""},
		"the station's":   {func(r *header.ARPRepr) { r.SenderMAC = mac1 }, ""},
		"everybody's MAC": {func(r *header.ARPRepr) { r.SenderMAC = header.Broadcast }, ""},
	} {
		r := header.ARPRepr{Op: header.ARPRequest, SenderMAC: mac2, SenderIP: asker4, TargetIP: own4}
		c.change(&r)
		frame := make([]byte, AnswerSize)
		wantAnswer(t, name, frame[:AnswerARP(frame, &r, &by)], c.want)
	}
	own, asker := netip.MustParseAddr("2001:db8::1").As16(), netip.MustParseAddr("2001:db8::2").As16()
	for name, c := range map[string]struct {
		src  [16]byte
		to   header.MAC
		lla  header.MAC
		want string
	}{
		"with option":    {asker, mac3, mac2, "m1>m2 vlan 7/0 2001:db8::1>2001:db8::2 NA 2001:db8::1 011 TargetAddress m1"},
		"without option": {asker, mac3, header.MAC{}, "m1>m3 vlan 7/0 2001:db8::1>2001:db8::2 NA 2001:db8::1 011 TargetAddress m1"},
		"duplicates":     {[16]byte{}, mac3, header.MAC{}, "m1>33:33:00:00:00:01 vlan 7/0 2001:db8::1>ff02::1 NA 2001:db8::1 001 TargetAddress m1"},
		"its own":        {own, mac3, mac2, ""},
		"loopback":       {[16]byte{15: 1}, mac3, mac2, ""},
		"group's option": {asker, mac3, header.MAC{0x33, 0x33}, ""},
		"the station's":  {asker, mac3, mac1, ""},
		"nowhere":        {asker, header.MAC{}, header.MAC{}, ""},
	} {
		r := header.NeighborSolicitation{Target: own, SourceLink: c.lla, HasSourceLink: !c.lla.IsZero()}
		frame := make([]byte, AnswerSize)
		wantAnswer(t, name, frame[:AnswerSolicitation(frame, c.src, &r, c.to, &by)], c.want)
	}
}

func wantAnswer(t *testing.T, name string, frame []byte, want string) {
	t.Helper()
	got := ""
	if len(frame) > 0 {
		got = describe(frame)
	}
	if got != want {
		t.Errorf("%s: answered %q, want %q", name, got, want)
	}
}
