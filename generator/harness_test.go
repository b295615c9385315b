package generator

import (
	"bytes"
	"net/netip"
	"testing"

	"glean/generator/program"
	"glean/generator/traffic"
	"glean/stack/header"
)

// recorder is a queue that keeps copies of what it takes.
type recorder struct {
	frames [][]byte
	room   int // frames it takes before it is full, -1 for any number
	err    error
}

func (q *recorder) Send(frames [][]byte) (int, error) {
	for i, f := range frames {
		if q.room == 0 {
			return i, q.err
		}
		q.frames = append(q.frames, bytes.Clone(f))
		q.room--
	}
	return len(frames), nil
}

func (q *recorder) Close() error { return nil }

var peerMAC = header.MAC{0x02, 0, 0, 0, 0, 0x99}

// macOf returns the MAC that the learner gives the next hop of an adjacency.
func macOf(adj uint32) header.MAC {
	return header.MACFromUint64(peerMAC.Uint64() + uint64(adj)<<8)
}

// onLink is an interface with 198.18.0.0/16 and no gateway.
func onLink() program.Binding {
	network := netip.MustParsePrefix("198.18.0.0/16")
	return program.Binding{
		Interface: true, MAC: header.MAC{0x02, 0, 0, 0, 0, 0x01}, IPv4: netip.MustParseAddr("198.18.0.1"), Prefix4: network,
		NextHop: func(dst netip.Addr) (netip.Addr, bool) { return dst, network.Contains(dst) },
	}
}

func mustCompile(t testing.TB, config string, b program.Binding) *program.Program {
	t.Helper()
	c, faults := traffic.ParseConfig([]byte(config))
	if len(faults) > 0 {
		t.Fatalf("parse: %v\n%s", faults, config)
	}
	p, faults := program.Compile(c, b)
	if len(faults) > 0 {
		t.Fatalf("compile: %v\n%s", faults, config)
	}
	return p
}
