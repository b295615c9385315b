package program

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"glean/generator/traffic"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
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

// countingQueue is a queue that only counts.
type countingQueue struct{ frames, octets int }

func (q *countingQueue) Send(frames [][]byte) (int, error) {
	q.frames += len(frames)
	for _, f := range frames {
		q.octets += len(f)
	}
	return len(frames), nil
}

func (q *countingQueue) Close() error { return nil }

var _ = []link.Queue{(*recorder)(nil), (*countingQueue)(nil)}

var (
	ownMAC  = header.MAC{0x02, 0, 0, 0, 0, 0x01}
	peerMAC = header.MAC{0x02, 0, 0, 0, 0, 0x99}
)

// onLink is an interface with a gateway: 198.18.0.0/16 is on-link, all else
// is behind 198.18.0.254; 2001:db8::/64 is on-link, all else has no route.
func onLink() Binding {
	return Binding{
		Interface: true, MAC: ownMAC,
		IPv4: netip.MustParseAddr("198.18.0.1"), Prefix4: netip.MustParsePrefix("198.18.0.0/16"),
		LinkLocal: netip.MustParseAddr("fe80::1"), IPv6: netip.MustParseAddr("2001:db8::1"),
		NextHop: func(dst netip.Addr) (netip.Addr, bool) {
			switch {
			case netip.MustParsePrefix("198.18.0.0/16").Contains(dst),
				netip.MustParsePrefix("2001:db8::/64").Contains(dst), dst.IsLinkLocalUnicast():
				return dst, true
			case dst.Is4():
				return netip.MustParseAddr("198.18.0.254"), true
			}
			return netip.Addr{}, false
		},
	}
}

func mustCompile(t testing.TB, config string, b Binding) *Program {
	t.Helper()
	c, faults := traffic.ParseConfig([]byte(config))
	if len(faults) > 0 {
		t.Fatalf("parse: %v\n%s", faults, config)
	}
	p, faults := Compile(c, b)
	if len(faults) > 0 {
		t.Fatalf("compile: %v\n%s", faults, config)
	}
	return p
}

// send runs a program until n frames have left, in steps of virtual time.
func send(t testing.TB, r *Run, n int) [][]byte {
	t.Helper()
	q := &recorder{room: n, err: errEnough}
	now := loop.Time(0)
	for range 1_000_000 {
		next, running := r.Step(now, q)
		if q.room == 0 || !running {
			return q.frames
		}
		now = max(now, next)
	}
	t.Fatalf("%d of %d frames after many steps", len(q.frames), n)
	return nil
}

var errEnough = fmt.Errorf("enough: %w", link.ErrDeleted)

// resolveAll gives every next hop a MAC of its own.
func resolveAll(p *Program) {
	for i := range p.Hops() {
		p.SetMAC(uint32(i), macOf(uint32(i)))
	}
}

func macOf(adj uint32) header.MAC {
	return header.MACFromUint64(peerMAC.Uint64() + uint64(adj)<<8)
}

// judge lets gopacket decode a frame and check its checksums.
func judge(t testing.TB, frame []byte) gopacket.Packet {
	t.Helper()
	packet := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	if e := packet.ErrorLayer(); e != nil {
		t.Fatalf("gopacket: %v\n% x", e.Error(), frame)
	}
	if err := checkSums(packet); err != nil {
		t.Fatalf("%v\n%v\n% x", err, packet, frame)
	}
	return packet
}

// checkSums builds each header anew with gopacket's own checksum code and
// compares.
func checkSums(packet gopacket.Packet) error {
	var network gopacket.NetworkLayer
	for _, l := range packet.Layers() {
		switch l := l.(type) {
		case *layers.IPv4:
			network = l
			again := *l
			b := gopacket.NewSerializeBuffer()
			if err := again.SerializeTo(b, gopacket.SerializeOptions{ComputeChecksums: true}); err != nil {
				return err
			}
			if again.Checksum != l.Checksum {
				return fmt.Errorf("IPv4 checksum %04x, should be %04x", l.Checksum, again.Checksum)
			}
		case *layers.IPv6:
			network = l
		case *layers.UDP:
			again := *l
			if err := sumTransport(&again, again.SetNetworkLayerForChecksum, network, l.Payload); err != nil {
				return err
			}
			if again.Checksum != l.Checksum && !(again.Checksum == 0 && l.Checksum == 0xffff) {
				return fmt.Errorf("UDP checksum %04x, should be %04x", l.Checksum, again.Checksum)
			}
		case *layers.TCP:
			again := *l
			if err := sumTransport(&again, again.SetNetworkLayerForChecksum, network, l.Payload); err != nil {
				return err
			}
			if again.Checksum != l.Checksum {
				return fmt.Errorf("TCP checksum %04x, should be %04x", l.Checksum, again.Checksum)
			}
		}
	}
	return nil
}

func sumTransport(l gopacket.SerializableLayer, set func(gopacket.NetworkLayer) error, n gopacket.NetworkLayer, payload []byte) error {
	if n == nil {
		return errors.New("transport without a network layer")
	}
	if err := set(n); err != nil {
		return err
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.Payload(payload).SerializeTo(b, gopacket.SerializeOptions{}); err != nil {
		return err
	}
	return l.SerializeTo(b, gopacket.SerializeOptions{ComputeChecksums: true})
}
