package afpacket

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"glean/stack/header"
	"glean/stack/link/linktest"
)

// checked parses a frame as the stack does, checksums included.
func checked(f []byte) error {
	e, packet, err := header.ParseEthernet(f)
	if err != nil {
		return err
	}
	if e.Type == header.EtherTypeIPv4 {
		ip, b, err := header.ParseIPv4(packet)
		if err != nil {
			return err
		}
		switch ip.Protocol {
		case header.ProtocolICMPv4:
			_, err = header.ParseICMPv4Echo(b)
		case header.ProtocolUDP:
			_, _, err = header.ParseUDPv4(ip.Src, ip.Dst, b)
		case header.ProtocolTCP:
			_, _, err = header.ParseTCPv4(ip.Src, ip.Dst, b)
		}
		return err
	}
	ip, b, err := header.ParseIPv6(packet)
	if err != nil {
		return err
	}
	switch ip.NextHeader {
	case header.ProtocolICMPv6:
		_, err = header.ParseICMPv6Echo(ip, b)
	case header.ProtocolUDP:
		_, _, err = header.ParseUDPv6(ip.Src, ip.Dst, b)
	case header.ProtocolTCP:
		_, _, err = header.ParseTCPv6(ip.Src, ip.Dst, b)
	}
	return err
}

// TestKernelsChecksumsAreFinished checks that UDP and TCP of the kernel at the other end
// come without a calculated checksum, and are right when it is finished.
func TestKernelsChecksumsAreFinished(t *testing.T) {
	c := plug(t)
	k, err := newLink(nil, Config{Name: c.near, Room: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.closeSockets)
	c.peer.Sysctl("net.ipv6.conf." + c.far + ".disable_ipv6=0")
	c.peer.IP("address add 192.0.2.1/24 dev "+c.far, "address add 2001:db8::1/64 nodad dev "+c.far,
		"neighbor add 192.0.2.2 lladdr 02:00:00:00:00:09 dev "+c.far, "neighbor add 2001:db8::2 lladdr 02:00:00:00:00:09 dev "+c.far)
	for _, test := range []struct {
		network, address string
		protocol         header.Protocol
	}{
		{"udp4", "192.0.2.2:9", header.ProtocolUDP},
		{"udp6", "[2001:db8::2]:9", header.ProtocolUDP},
		{"tcp4", "192.0.2.2:9", header.ProtocolTCP},
		{"tcp6", "[2001:db8::2]:9", header.ProtocolTCP},
	} {
		t.Run(test.network, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			sent := make(chan error, 1)
			go func() { sent <- c.peer.Do(func() error { return talk(ctx, test.network, test.address) }) }()
			frame, aux := k.awaitProtocol(t, test.protocol, test.network[3] == '6')
			stop()
			if err := <-sent; err != nil {
				t.Error(err)
			}
			if aux.Status&unix.TP_STATUS_CSUMNOTREADY == 0 || checked(frame) == nil {
				t.Fatalf("status %#x, %x: this tests nothing", aux.Status, frame)
			}
			finishChecksum(frame)
			if err := checked(frame); err != nil {
				t.Errorf("%v: %x", err, frame)
			}
		})
	}
}

// talk sends a frame to an address where no host answers.
func talk(ctx context.Context, network, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if network[:3] == "tcp" {
		if err == nil {
			_ = conn.Close()
			return fmt.Errorf("%s answers", address)
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte("odd"))
	return err
}

// awaitProtocol receives until a packet of the protocol comes.
func (k *Link) awaitProtocol(t *testing.T, p header.Protocol, ipv6 bool) ([]byte, *unix.TpacketAuxdata) {
	t.Helper()
	at := header.EthernetSize + 9
	if ipv6 {
		at = header.EthernetSize + 6
	}
	buffer, a := make([]byte, 2000), new(ancillary)
	control := unsafe.Slice((*byte)(unsafe.Pointer(a)), unsafe.Sizeof(*a))
	_ = k.receiver.file.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		n := 0
		err := k.receiver.raw.Read(func(fd uintptr) bool {
			var err error
			n, _, _, _, err = unix.Recvmsg(int(fd), buffer, control, unix.MSG_DONTWAIT)
			return err == nil
		})
		if err != nil {
			t.Fatalf("no packet of protocol %d came: %v", p, err)
		}
		if n > at && header.Protocol(buffer[at]) == p {
			return buffer[:n], &a.aux
		}
	}
}

// TestUnfinishedPingsArriveFinished checks that pings whose checksum is left to the
// device reach the handler with a right one, with a VLAN tag or without, and that others
// reach it unchanged.
func TestUnfinishedPingsArriveFinished(t *testing.T) {
	c := plug(t)
	o := open(t, Config{Name: c.near})
	o.observe()
	send := offloading(t, c)
	for name, f := range pings() {
		t.Run(name, func(t *testing.T) {
			ip := header.EthernetSize
			if header.Ethernet(f).Type() == header.EtherTypeVLAN {
				ip += header.VLANSize
			}
			size := header.IPv4Size
			if f[ip]>>4 == 6 {
				size = header.IPv6Size
			}
			field := f[ip+size+2 : ip+size+4]
			right := bytes.Clone(field)
			copy(field, partial(f[ip:])) // what a stack leaves to the device
			send(f, ip+size, 2)
			got := o.awaitFrame(t, len(f))
			if err := checked(got); err != nil {
				t.Errorf("%v: %x", err, got)
			}
			copy(field, right)
			if !bytes.Equal(got, f) {
				t.Errorf("\ngot  %x\nwant %x", got, f)
			}
			field[0] ^= 0x40
			send(f, 0, 0)
			if got := o.awaitFrame(t, len(f)); !bytes.Equal(got, f) {
				t.Errorf("a wrong checksum that is no offer was changed:\ngot  %x\nwant %x", got, f)
			}
		})
	}
}

// pings are echo requests of different lengths.
func pings() map[string][]byte {
	all := make(map[string][]byte)
	src4, dst4 := [4]byte{192, 0, 2, 1}, [4]byte{192, 0, 2, 2}
	src6, dst6 := [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}, [16]byte{0x20, 1, 0xd, 0xb8, 15: 2}
	for i, tag := range []header.VLAN{{}, {TPID: header.EtherTypeVLAN, ID: 7}} {
		e := header.EthernetRepr{Dst: header.MAC{2, 0, 0, 0, 0, 9}, Src: header.MAC{2, 0, 0, 0, 0, 1}, Type: header.EtherTypeIPv4}
		if i > 0 {
			e.Tags[0], e.NumTags = tag, 1
		}
		echo := header.ICMPEchoRepr{ID: 1, Seq: 2, Payload: make([]byte, 33+2*i)}
		ip4 := header.IPv4Repr{Src: src4, Dst: dst4, Protocol: header.ProtocolICMPv4, TTL: 64, PayloadLen: echo.Size()}
		f := make([]byte, e.Size()+ip4.Size()+echo.Size())
		n := e.Emit(f)
		n += ip4.Emit(f[n:])
		echo.EmitICMPv4(f[n:])
		all[fmt.Sprintf("IPv4, %d tags", i)] = f

		e.Type = header.EtherTypeIPv6
		ip6 := header.IPv6Repr{Src: src6, Dst: dst6, NextHeader: header.ProtocolICMPv6, HopLimit: 64, PayloadLen: echo.Size()}
		f = make([]byte, e.Size()+ip6.Size()+echo.Size())
		n = e.Emit(f)
		n += ip6.Emit(f[n:])
		echo.EmitICMPv6(f[n:], src6, dst6)
		all[fmt.Sprintf("IPv6, %d tags", i)] = f
	}
	return all
}

// partial is what stands in the checksum field of an echo request whose
// checksum is unfinished: the sum of the pseudo header.
func partial(packet []byte) []byte {
	var sum uint16
	if packet[0]>>4 == 6 {
		ip := header.IPv6(packet)
		sum = header.SumIPv6Pseudo(ip.Src(), ip.Dst(), header.ProtocolICMPv6, len(packet)-header.IPv6Size)
	}
	return binary.BigEndian.AppendUint16(nil, sum)
}

// offloading returns a function that sends a frame from the far end of a cable.
// Unless start is 0, its checksum is left to the device: that of all from start
// on, to be written at start+offset.
func offloading(t *testing.T, c *cable) func(f []byte, start, offset int) {
	t.Helper()
	var file *os.File
	err := c.peer.Do(func() error {
		s, err := newTransmitter(false)
		if err != nil {
			return err
		}
		file = s.file
		d, err := find(c.far)
		if err != nil {
			return err
		}
		return s.control(func(fd int) error {
			if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
				return err
			}
			return bindTo(fd, nothing, d.index)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return func(f []byte, start, offset int) {
		t.Helper()
		b := make([]byte, 10, 10+len(f)) // struct virtio_net_hdr
		if start > 0 {
			b[0] = 1 // VIRTIO_NET_HDR_F_NEEDS_CSUM
			binary.NativeEndian.PutUint16(b[6:], uint16(start))
			binary.NativeEndian.PutUint16(b[8:], uint16(offset))
		}
		if _, err := file.Write(append(b, f...)); err != nil {
			t.Fatal(err)
		}
	}
}

// datagram is UDP over IPv4 with two octets of payload and no checksum.
func datagram(payload uint16) []byte {
	e := header.EthernetRepr{Type: header.EtherTypeIPv4}
	ip := header.IPv4Repr{Src: [4]byte{192, 0, 2, 1}, Dst: [4]byte{192, 0, 2, 2}, Protocol: header.ProtocolUDP, TTL: 64, PayloadLen: 10}
	f := make([]byte, e.Size()+ip.Size()+10)
	n := e.Emit(f)
	n += ip.Emit(f[n:])
	copy(f[n:], []byte{0, 9, 0, 9, 0, 10, 0, 0, byte(payload >> 8), byte(payload)})
	return f
}

// sumOf is the checksum that a datagram carries.
func sumOf(f []byte) uint16 { return binary.BigEndian.Uint16(f[len(f)-4:]) }

// TestFinishChecksum checks that the checksum becomes the right one, whatever the field
// has before.
func TestFinishChecksum(t *testing.T) {
	samples := pings()
	names := slices.Sorted(maps.Keys(samples))
	rapid.Check(t, func(t *rapid.T) {
		frame := bytes.Clone(samples[rapid.SampledFrom(names).Draw(t, "frame")])
		at := len(frame) - rapid.IntRange(2, 20).Draw(t, "back")
		copy(frame[at:], rapid.SliceOfN(rapid.Byte(), 2, 2).Draw(t, "payload"))
		finishChecksum(frame)
		if err := checked(frame); err != nil {
			t.Fatalf("%v: %x", err, frame)
		}
		cut := bytes.Clone(frame[:rapid.IntRange(0, len(frame)-1).Draw(t, "cut")])
		before := bytes.Clone(cut)
		if finishChecksum(cut); !bytes.Equal(cut, before) {
			t.Fatalf("of %d octets some changed:\nnow %x\nwas %x", len(cut), cut, before)
		}
	})
}

// TestFinishChecksumOfZero checks RFC 768: a UDP checksum of zero is written as all
// ones.
func TestFinishChecksumOfZero(t *testing.T) {
	f := datagram(0)
	finishChecksum(f)
	f = datagram(sumOf(f)) // what is missing from a sum of all ones
	finishChecksum(f)
	if got := sumOf(f); got != 0xffff {
		t.Errorf("checksum %#04x, want 0xffff", got)
	}
	if err := checked(f); err != nil {
		t.Error(err)
	}
}

// TestFinishChecksumLeavesOthersAlone checks that frames without a known checksum, or
// with too few octets for one, stay unchanged.
func TestFinishChecksumLeavesOthersAlone(t *testing.T) {
	sctp := datagram(1)
	ip := header.IPv4(sctp[header.EthernetSize:])
	ip.SetProtocol(132)
	ip.SetChecksum(0)
	ip.SetChecksum(header.Checksum(ip[:header.IPv4Size], 0))
	if _, _, err := header.ParseIPv4(ip); err != nil {
		t.Fatal(err)
	}
	short := bytes.Clone(sctp)
	ip = header.IPv4(short[header.EthernetSize:])
	ip.SetProtocol(header.ProtocolTCP) // of 10 octets
	ip.SetChecksum(0)
	ip.SetChecksum(header.Checksum(ip[:header.IPv4Size], 0))
	for name, f := range map[string][]byte{"SCTP": sctp, "short TCP": short, "ARP": linktest.ARPFrame(60)} {
		before := bytes.Clone(f)
		if finishChecksum(f); !bytes.Equal(f, before) {
			t.Errorf("%s changed:\nnow %x\nwas %x", name, f, before)
		}
	}
}
