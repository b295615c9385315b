package conformance

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"glean/generator"
	"glean/internal/netlab"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/stack/header"
)

var movedMAC = flag.Bool("moved", false, "measure the time in which a running generator follows an announcement")

// TestMovedMACUnderLoad is a part of `make bench-tx`. A peer writes an announcement (a
// gratuitous ARP or an unsolicited advertisement) to its side of a TAP, while 100,000
// frames a second go to the address. The test measures the time until the peer receives
// the first frame with the new MAC.
func TestMovedMACUnderLoad(t *testing.T) {
	if !*movedMAC {
		t.Skip("`make bench-tx` runs it")
	}
	const rounds = 41
	p := newPeer(t, "", "")
	for _, c := range []struct{ how, address string }{{"gratuitous ARP", kernelV4}, {"unsolicited advertisement", kernelV6}} {
		run := p.load(c.address)
		var times []time.Duration
		for round := range rounds {
			p.sent(run, 500+100*uint64(round%7))
			mac := header.MAC{2, 0, 0x5e, c.address[0], 1, byte(round)}
			times = append(times, p.follow(netip.MustParseAddr(c.address), mac))
		}
		var kept []generator.NeighborChange
		p.do(func(e *engine.Engine) {
			kept, _ = run.NeighborChanges()
			if err := e.StopGenerator(run.Generator.ID, func() {}); err != nil {
				t.Error(err)
			}
		})
		slices.Sort(times)
		fmt.Printf("moved MAC at 100,000 pps, %s to the first frame: median %v, fastest %v, slowest %v of %d (wanted: 1ms); %d frames to old MACs in %d changes\n",
			c.how, times[rounds/2].Round(time.Microsecond), times[0].Round(time.Microsecond), times[rounds-1].Round(time.Microsecond), rounds,
			run.Run().Counters().PacketsToStale, len(kept))
	}
}

// load starts a generator to an address of the kernel, and then removes the address, so
// that only the test announces where it is.
func (p *peer) load(address string) *generator.Result {
	p.t.Helper()
	family, bits := "ipv4", "/16"
	if address == kernelV6 {
		family, bits = "ipv6", "/64"
	}
	id := "load-" + family
	spec, err := bodies.Strict.Generator(fmt.Appendf(nil, `{"id":%q,"target_id":"if-1","config":{"duration":{"continuous":true},
		"load":{"rate":{"value":100000,"period":"second"},"units":"frames"},"traffic":[{"length":{"fixed":128},"packet":{"protocols":[
		{"ethernet":{}},{%q:{"destination":%q}},{"udp":{"destination":9}}]}}]}}`, id, family, address))
	if err != nil {
		p.t.Fatal(err)
	}
	p.do(func(e *engine.Engine) { _, err = e.CreateGenerator(spec) })
	if err != nil {
		p.t.Fatal(err)
	}
	p.until("the address is learned", func(e *engine.Engine) bool {
		g, err := e.Generator(id)
		return err == nil && g.Learning == "resolved"
	})
	p.kernel.IP("addr del " + address + bits + " dev " + p.device)
	var result *generator.Result
	p.do(func(e *engine.Engine) { result, err = e.StartGenerator(id) })
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

// sent waits until more frames are sent.
func (p *peer) sent(r *generator.Result, more uint64) {
	p.t.Helper()
	before := r.Run().Counters().PacketsActual
	p.until("frames are sent", func(*engine.Engine) bool { return r.Run().Counters().PacketsActual >= before+more })
}

// follow announces a MAC and returns the time until the first frame to it arrives.
func (p *peer) follow(a netip.Addr, mac header.MAC) time.Duration {
	p.t.Helper()
	fd := packetSocket(p.t, p.kernel, p.device, toMAC(mac))
	defer unix.Close(fd)
	frame := announcement(mac, a)
	began := time.Now()
	if _, err := unix.Write(fd, frame); err != nil {
		p.t.Fatal(err)
	}
	buffer, control := make([]byte, 64), make([]byte, 64)
	if _, n, _, _, err := unix.Recvmsg(fd, buffer, control, 0); err != nil || n < 32 {
		p.t.Fatalf("no frame to %v: %v", mac, err)
	}
	// The control message is the kernel's time of arrival, seconds and nanoseconds.
	arrived := time.Unix(int64(binary.NativeEndian.Uint64(control[16:])), int64(binary.NativeEndian.Uint64(control[24:])))
	return arrived.Sub(began.Round(0)) // by the wall clock, which the kernel uses, too
}

// packetSocket opens a socket on a device that receives the frames that a filter accepts,
// with their time of arrival.
func packetSocket(t testing.TB, n *netlab.Namespace, device string, filter []bpf.Instruction) (fd int) {
	t.Helper()
	raw, err := bpf.Assemble(filter)
	if err != nil {
		t.Fatal(err)
	}
	program := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		program[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	err = n.Do(func() error {
		index, err := interfaceIndex(device)
		if err == nil {
			fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		}
		if err == nil {
			err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
		}
		if err == nil {
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		}
		if err == nil {
			err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(patience.Seconds())})
		}
		if err == nil {
			const ethTypeAll = 0x0300 // ETH_P_ALL in network order
			err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: ethTypeAll, Ifindex: index})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// toMAC returns a filter that accepts frames to a MAC.
func toMAC(mac header.MAC) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(mac[:4]), SkipTrue: 3},
		bpf.LoadAbsolute{Off: 4, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(binary.BigEndian.Uint16(mac[4:])), SkipTrue: 1},
		bpf.RetConstant{Val: 64},
		bpf.RetConstant{Val: 0},
	}
}

// announcement returns the frame that announces the MAC of an address: RFC 5227 section
// 2.3, RFC 4861 section 7.2.6.
func announcement(mac header.MAC, a netip.Addr) []byte {
	frame := make([]byte, 128)
	eth := header.EthernetRepr{Dst: header.Broadcast, Src: mac, Type: header.EtherTypeARP}
	if a.Is4() {
		at := eth.Emit(frame)
		arp := header.ARPRepr{Op: header.ARPRequest, SenderMAC: mac, SenderIP: a.As4(), TargetIP: a.As4()}
		return frame[:at+arp.Emit(frame[at:])]
	}
	eth.Dst, eth.Type = header.MulticastMAC(netip.AddrFrom16(header.AllNodes)), header.EtherTypeIPv6
	na := header.NeighborAdvertisement{Override: true, HasTargetLink: true, Target: a.As16(), TargetLink: mac}
	at := eth.Emit(frame)
	ip := header.IPv6Repr{Src: a.As16(), Dst: header.AllNodes, NextHeader: header.ProtocolICMPv6,
		HopLimit: header.NeighborHopLimit, PayloadLen: na.Size()}
	at += ip.Emit(frame[at:])
	return frame[:at+na.Emit(frame[at:], ip.Src, ip.Dst)]
}
