package transmit

import (
	"fmt"
	"net/netip"
	"testing"

	"glean/generator/program"
	"glean/stack/header"
)

// TestPitfall31MACsChangeWhileTransmitting: while MACs are stored again and
// again, every frame that leaves is one or the other, whole, and nothing else of
// it changes.
func TestPitfall31MACsChangeWhileTransmitting(t *testing.T) {
	const frames = 200_000
	own := header.MAC{2, 0, 0, 0, 0, 1}
	macs := [2]header.MAC{{2, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa}, {2, 0x55, 0x55, 0x55, 0x55, 0x55}}
	p := compile(t, fmt.Sprintf(`{"duration":{"frames":%d},"load":{"rate":{"value":10000000,"period":"second"},"units":"frames"},
		"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{}},
		{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":256,"start":"198.18.1.0"}}}]}},
		{"udp":{}}]}}]}`, frames), program.Binding{Interface: true, MAC: own, IPv4: netip.MustParseAddr("198.18.0.1"),
		NextHop: func(netip.Addr) (netip.Addr, bool) { return netip.MustParseAddr("198.18.0.254"), true }})
	p.SetMAC(0, macs[0])
	q := &checked{t: t, macs: macs, next: make(chan struct{}, 1)}
	done := make(chan error, 1)
	Start(program.NewRun(p, program.RunOptions{}), q, clock(), func(reason error) { done <- reason })
	for n := 1; ; n++ {
		select {
		case <-q.next: // a batch was sent
			p.SetMAC(0, macs[n%2])
			continue
		case reason := <-done:
			if reason != nil {
				t.Fatal(reason)
			}
		}
		break
	}
	if q.sent[0]+q.sent[1] != frames || q.sent[0] == 0 || q.sent[1] == 0 {
		t.Errorf("%v frames to the two MACs, want %d together and both used", q.sent, frames)
	}
}

// checked is a device that looks at every frame.
type checked struct {
	t    *testing.T
	macs [2]header.MAC
	sent [2]int
	next chan struct{}
}

func (q *checked) Send(frames [][]byte) (int, error) {
	for _, f := range frames {
		q.look(f)
	}
	q.next <- struct{}{} // waits if the test is a batch behind, so both MACs are used
	return len(frames), nil
}

func (q *checked) look(f []byte) {
	n := q.sent[0] + q.sent[1]
	e, packet, err := header.ParseEthernet(f)
	if err != nil {
		q.t.Errorf("frame %d: %v", n, err)
		return
	}
	ip, _, err := header.ParseIPv4(packet)
	if err != nil || ip.Dst != [4]byte{198, 18, 1, byte(n)} {
		q.t.Errorf("frame %d: to %v, %v", n, ip.Dst, err)
	}
	switch e.Dst {
	case q.macs[0]:
		q.sent[0]++
	case q.macs[1]:
		q.sent[1]++
	default:
		q.t.Errorf("frame %d: to %v", n, e.Dst)
		q.sent[0]++
	}
}

func (q *checked) Close() error { return nil }
