package header_test

import (
	"bytes"
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"glean/stack/header"
	"pgregory.net/rapid"
)

// The tests of this file hold what is emitted and parsed here against
// gopacket, which shares no code and no authors with it.

// decode has gopacket read a frame that is well-formed.
func decode(t *rapid.T, frame []byte) gopacket.Packet {
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	if failure := p.ErrorLayer(); failure != nil {
		t.Fatalf("gopacket cannot read %x: %v", frame, failure.Error())
	}
	return p
}

// layer returns the first layer of the type L of a packet.
func layer[L gopacket.Layer](t *rapid.T, p gopacket.Packet) L {
	for _, l := range p.Layers() {
		if found, ok := l.(L); ok {
			return found
		}
	}
	var none L
	t.Fatalf("gopacket finds no %T in %v", none, p)
	return none
}

// serialize has gopacket write a frame.
func serialize(t *rapid.T, all ...gopacket.SerializableLayer) []byte {
	buffer := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buffer, options, all...); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func checkSame(t *rapid.T, ours, theirs []byte) {
	if !bytes.Equal(ours, theirs) {
		t.Fatalf("\nours   %x\ntheirs %x", ours, theirs)
	}
}

// theirEthernet returns a header and its tags as gopacket's layers.
func theirEthernet(r header.EthernetRepr) []gopacket.SerializableLayer {
	e := &layers.Ethernet{DstMAC: r.Dst[:], SrcMAC: r.Src[:], EthernetType: layers.EthernetType(r.Type)}
	all := []gopacket.SerializableLayer{e}
	next := &e.EthernetType
	for _, tag := range r.Tags[:r.NumTags] {
		*next = layers.EthernetType(tag.TPID)
		d := &layers.Dot1Q{Priority: tag.Priority, DropEligible: tag.DropEligible, VLANIdentifier: tag.ID, Type: layers.EthernetType(r.Type)}
		all = append(all, d)
		next = &d.Type
	}
	return all
}

// checkEthernet compares the Ethernet header and tags of a decoded packet.
func checkEthernet(t *rapid.T, r header.EthernetRepr, p gopacket.Packet) {
	e := layer[*layers.Ethernet](t, p)
	if header.MAC(e.DstMAC) != r.Dst || header.MAC(e.SrcMAC) != r.Src {
		t.Fatalf("%v", e)
	}
	next, tags := e.EthernetType, 0
	for _, l := range p.Layers() {
		if d, ok := l.(*layers.Dot1Q); ok {
			theirs := header.VLAN{TPID: header.EtherType(next), ID: d.VLANIdentifier, Priority: d.Priority, DropEligible: d.DropEligible}
			if tags >= int(r.NumTags) || theirs != r.Tags[tags] {
				t.Fatalf("tag %d is %+v in %+v", tags, theirs, r)
			}
			next = d.Type
			tags++
		}
	}
	if tags != int(r.NumTags) || header.EtherType(next) != r.Type {
		t.Fatalf("%d tags, type %v; want %+v", tags, next, r)
	}
}

// frame puts a network packet behind an Ethernet header.
func frame(r header.EthernetRepr, packet []byte) []byte {
	b := make([]byte, r.Size(), r.Size()+len(packet))
	r.Emit(b)
	return append(b, packet...)
}

func TestOracleARP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, a := drawEthernetRepr(t), drawARPRepr(t)
		e.Type = header.EtherTypeARP
		packet := make([]byte, a.Size())
		a.Emit(packet)
		ours := frame(e, packet)

		theirs := &layers.ARP{
			AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: uint16(a.Op), SourceHwAddress: a.SenderMAC[:], SourceProtAddress: a.SenderIP[:],
			DstHwAddress: a.TargetMAC[:], DstProtAddress: a.TargetIP[:],
		}
		frame := serialize(t, append(theirEthernet(e), theirs)...)
		checkSame(t, ours, frame[:len(ours)]) // gopacket pads frames to 60 octets

		p := decode(t, ours)
		checkEthernet(t, e, p)
		read := layer[*layers.ARP](t, p)
		if read.Operation != uint16(a.Op) || header.MAC(read.SourceHwAddress) != a.SenderMAC || [4]byte(read.SourceProtAddress) != a.SenderIP ||
			header.MAC(read.DstHwAddress) != a.TargetMAC || [4]byte(read.DstProtAddress) != a.TargetIP {
			t.Fatalf("gopacket reads %+v, want %+v", read, a)
		}
		back, payload, err := header.ParseEthernet(frame)
		if err != nil || back != e {
			t.Fatalf("%+v, %v; want %+v", back, err, e)
		}
		if got, err := header.ParseARP(payload); err != nil || got != a {
			t.Fatalf("%+v, %v; want %+v", got, err, a)
		}
	})
}

func theirIPv4(r header.IPv4Repr) *layers.IPv4 {
	ip := &layers.IPv4{
		Version: 4, TOS: r.TOS, Id: r.ID, TTL: r.TTL, Protocol: layers.IPProtocol(r.Protocol),
		SrcIP: net.IP(r.Src[:]), DstIP: net.IP(r.Dst[:]),
	}
	if r.DontFragment {
		ip.Flags = layers.IPv4DontFragment
	}
	return ip
}

func theirIPv6(r header.IPv6Repr) *layers.IPv6 {
	return &layers.IPv6{
		Version: 6, TrafficClass: r.TrafficClass, FlowLabel: r.FlowLabel, NextHeader: layers.IPProtocol(r.NextHeader),
		HopLimit: r.HopLimit, SrcIP: net.IP(r.Src[:]), DstIP: net.IP(r.Dst[:]),
	}
}

// ethernet returns a frame header without tags.
func ethernet(next header.EtherType) header.EthernetRepr {
	return header.EthernetRepr{Dst: header.MAC{2, 0, 0, 0, 0, 1}, Src: header.MAC{2, 0, 0, 0, 0, 2}, Type: next}
}

// unpadded cuts what gopacket pads a short frame with.
func unpadded(t *rapid.T, theirs []byte, size int) []byte {
	if len(theirs) < size {
		t.Fatalf("gopacket writes %d octets, want %d", len(theirs), size)
	}
	return theirs[:size]
}

// sendZeroAsOnes mends a datagram of gopacket's, which writes a checksum that
// comes out as 0 as it is, though that means "none" (RFC 768).
func sendZeroAsOnes(u header.UDP) {
	if u.Checksum() == 0 {
		u.SetChecksum(0xffff)
	}
}

func TestOracleIPv4UDP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ip, e, data := drawIPv4Repr(t), ethernet(header.EtherTypeIPv4), drawBytes(t, "data", 0, 60)
		u := header.UDPRepr{SrcPort: rapid.Uint16().Draw(t, "src"), DstPort: rapid.Uint16().Draw(t, "dst"), PayloadLen: len(data)}
		ip.Protocol, ip.PayloadLen = header.ProtocolUDP, u.Size()+len(data)
		packet := append(make([]byte, ip.Size()+u.Size()), data...)
		u.EmitUDPv4(packet[ip.Emit(packet):], ip.Src, ip.Dst)
		ours := frame(e, packet)

		theirs := &layers.UDP{SrcPort: layers.UDPPort(u.SrcPort), DstPort: layers.UDPPort(u.DstPort)}
		theirs.SetNetworkLayerForChecksum(theirIPv4(ip))
		written := serialize(t, append(theirEthernet(e), theirIPv4(ip), theirs, gopacket.Payload(data))...)
		sendZeroAsOnes(header.UDP(written[34:]))
		checkSame(t, ours, unpadded(t, written, len(ours)))

		// Layer by layer: above UDP gopacket guesses a protocol by the port.
		var v4 layers.IPv4
		var udp layers.UDP
		if err := v4.DecodeFromBytes(packet, gopacket.NilDecodeFeedback); err != nil {
			t.Fatal(err)
		}
		if err := udp.DecodeFromBytes(v4.Payload, gopacket.NilDecodeFeedback); err != nil {
			t.Fatal(err)
		}
		if [4]byte(v4.SrcIP.To4()) != ip.Src || [4]byte(v4.DstIP.To4()) != ip.Dst || v4.TTL != ip.TTL || v4.TOS != ip.TOS || v4.Id != ip.ID ||
			(v4.Flags&layers.IPv4DontFragment != 0) != ip.DontFragment || uint16(udp.SrcPort) != u.SrcPort || uint16(udp.DstPort) != u.DstPort ||
			!bytes.Equal(udp.Payload, data) {
			t.Fatalf("gopacket reads %+v %+v, want %+v %+v", v4, udp, ip, u)
		}
		back := written[header.EthernetSize:]
		got, payload, err := header.ParseIPv4(back)
		if err != nil || got != ip {
			t.Fatalf("%+v, %v; want %+v", got, err, ip)
		}
		if got, rest, err := header.ParseUDPv4(ip.Src, ip.Dst, payload); err != nil || got != u || !bytes.Equal(rest, data) {
			t.Fatalf("%+v, %x, %v; want %+v", got, rest, err, u)
		}
	})
}

func TestOracleIPv6UDP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ip, e, data := drawIPv6Repr(t), ethernet(header.EtherTypeIPv6), drawBytes(t, "data", 0, 60)
		u := header.UDPRepr{SrcPort: rapid.Uint16().Draw(t, "src"), DstPort: rapid.Uint16().Draw(t, "dst"), PayloadLen: len(data)}
		ip.NextHeader, ip.PayloadLen = header.ProtocolUDP, u.Size()+len(data)
		packet := append(make([]byte, ip.Size()+u.Size()), data...)
		u.EmitUDPv6(packet[ip.Emit(packet):], ip.Src, ip.Dst)
		ours := frame(e, packet)

		theirs := &layers.UDP{SrcPort: layers.UDPPort(u.SrcPort), DstPort: layers.UDPPort(u.DstPort)}
		theirs.SetNetworkLayerForChecksum(theirIPv6(ip))
		written := serialize(t, append(theirEthernet(e), theirIPv6(ip), theirs, gopacket.Payload(data))...)
		sendZeroAsOnes(header.UDP(written[54:]))
		checkSame(t, ours, unpadded(t, written, len(ours)))

		back := written[header.EthernetSize:]
		got, payload, err := header.ParseIPv6(back)
		if err != nil || got != ip {
			t.Fatalf("%+v, %v; want %+v", got, err, ip)
		}
		if got, rest, err := header.ParseUDPv6(ip.Src, ip.Dst, payload); err != nil || got != u || !bytes.Equal(rest, data) {
			t.Fatalf("%+v, %x, %v; want %+v", got, rest, err, u)
		}
	})
}

func TestOracleTCP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ip, e, data := drawIPv4Repr(t), ethernet(header.EtherTypeIPv4), drawBytes(t, "data", 0, 60)
		s := drawTCPRepr(t, len(data))
		ip.Protocol, ip.PayloadLen = header.ProtocolTCP, s.Size()+len(data)
		packet := append(make([]byte, ip.Size()+s.Size()), data...)
		s.EmitTCPv4(packet[ip.Emit(packet):], ip.Src, ip.Dst)
		has := func(f header.TCPFlags) bool { return s.Flags&f != 0 }
		theirs := &layers.TCP{
			SrcPort: layers.TCPPort(s.SrcPort), DstPort: layers.TCPPort(s.DstPort), Seq: s.Seq, Ack: s.Ack,
			FIN: has(header.TCPFin), SYN: has(header.TCPSyn), RST: has(header.TCPRst), PSH: has(header.TCPPsh),
			ACK: has(header.TCPAck), URG: has(header.TCPUrg), ECE: has(header.TCPEce), CWR: has(header.TCPCwr),
			Window: s.Window, Urgent: s.Urgent,
		}
		theirs.SetNetworkLayerForChecksum(theirIPv4(ip))
		ours := frame(e, packet)
		checkSame(t, ours, unpadded(t, serialize(t, append(theirEthernet(e), theirIPv4(ip), theirs, gopacket.Payload(data))...), len(ours)))
	})
}

func TestOracleMPLS(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := ethernet(header.EtherTypeMPLS)
		ours := frame(e, nil)
		all := theirEthernet(e)
		for i := range 2 {
			r := header.MPLSRepr{
				Label:        rapid.Uint32Range(16, 1<<20-1).Draw(t, "label"),
				TrafficClass: rapid.Uint8Range(0, 7).Draw(t, "class"), Bottom: i == 1, TTL: rapid.Uint8().Draw(t, "ttl"),
			}
			entry := make([]byte, r.Size())
			r.Emit(entry)
			ours = append(ours, entry...)
			all = append(all, &layers.MPLS{Label: r.Label, TrafficClass: r.TrafficClass, StackBottom: r.Bottom, TTL: r.TTL})
		}
		checkSame(t, ours, unpadded(t, serialize(t, all...), len(ours)))
	})
}

func TestOracleEcho(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		echo, v4, v6 := drawEcho(t), drawIPv4Repr(t), drawIPv6Repr(t)
		v4.Protocol, v4.PayloadLen = header.ProtocolICMPv4, echo.Size()
		v6.NextHeader, v6.PayloadLen = header.ProtocolICMPv6, echo.Size()
		kind4, kind6 := uint8(layers.ICMPv4TypeEchoRequest), uint8(layers.ICMPv6TypeEchoRequest)
		if echo.Reply {
			kind4, kind6 = layers.ICMPv4TypeEchoReply, layers.ICMPv6TypeEchoReply
		}

		packet := make([]byte, v4.Size()+echo.Size())
		echo.EmitICMPv4(packet[v4.Emit(packet):])
		e := ethernet(header.EtherTypeIPv4)
		ours := frame(e, packet)
		icmp4 := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(kind4, 0), Id: echo.ID, Seq: echo.Seq}
		written := serialize(t, append(theirEthernet(e), theirIPv4(v4), icmp4, gopacket.Payload(echo.Payload))...)
		checkSame(t, ours, unpadded(t, written, len(ours)))

		packet = make([]byte, v6.Size()+echo.Size())
		echo.EmitICMPv6(packet[v6.Emit(packet):], v6.Src, v6.Dst)
		e = ethernet(header.EtherTypeIPv6)
		ours = frame(e, packet)
		icmp6 := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(kind6, 0)}
		icmp6.SetNetworkLayerForChecksum(theirIPv6(v6))
		body := &layers.ICMPv6Echo{Identifier: echo.ID, SeqNumber: echo.Seq}
		written = serialize(t, append(theirEthernet(e), theirIPv6(v6), icmp6, body, gopacket.Payload(echo.Payload))...)
		checkSame(t, ours, unpadded(t, written, len(ours)))
	})
}

// neighborFrame puts an ICMPv6 message behind its headers.
func neighborFrame(e header.EthernetRepr, ip header.IPv6Repr, icmp []byte) []byte {
	packet := append(make([]byte, ip.Size()), icmp...)
	ip.Emit(packet)
	return frame(e, packet)
}

// parseNeighbor reads gopacket's frame down to the ICMPv6 message.
func parseNeighbor(t *rapid.T, written []byte, want header.IPv6Repr) []byte {
	_, packet, err := header.ParseEthernet(written)
	if err != nil {
		t.Fatal(err)
	}
	ip, icmp, err := header.ParseIPv6(packet)
	if err != nil || ip != want {
		t.Fatalf("%+v, %v; want %+v", ip, err, want)
	}
	return icmp
}

func TestOracleSolicitation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, ip := drawSolicitation(t)
		e := ethernet(header.EtherTypeIPv6)
		icmp := make([]byte, r.Size())
		r.Emit(icmp, ip.Src, ip.Dst)
		ours := neighborFrame(e, ip, icmp)

		head := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeNeighborSolicitation, 0)}
		head.SetNetworkLayerForChecksum(theirIPv6(ip))
		body := &layers.ICMPv6NeighborSolicitation{TargetAddress: net.IP(r.Target[:])}
		if r.HasSourceLink {
			body.Options = layers.ICMPv6Options{{Type: layers.ICMPv6OptSourceAddress, Data: r.SourceLink[:]}}
		}
		written := serialize(t, append(theirEthernet(e), theirIPv6(ip), head, body)...)
		checkSame(t, ours, unpadded(t, written, len(ours)))

		read := layer[*layers.ICMPv6NeighborSolicitation](t, decode(t, ours))
		if [16]byte(read.TargetAddress) != r.Target || len(read.Options) != len(body.Options) {
			t.Fatalf("gopacket reads %+v, want %+v", read, r)
		}
		if got, err := header.ParseNeighborSolicitation(ip, parseNeighbor(t, written, ip)); err != nil || got != r {
			t.Fatalf("%+v, %v; want %+v", got, err, r)
		}
	})
}

func TestOracleAdvertisement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, ip := drawAdvertisement(t)
		e := ethernet(header.EtherTypeIPv6)
		icmp := make([]byte, r.Size())
		r.Emit(icmp, ip.Src, ip.Dst)
		ours := neighborFrame(e, ip, icmp)

		head := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeNeighborAdvertisement, 0)}
		head.SetNetworkLayerForChecksum(theirIPv6(ip))
		body := &layers.ICMPv6NeighborAdvertisement{Flags: icmp[4], TargetAddress: net.IP(r.Target[:])}
		if r.HasTargetLink {
			body.Options = layers.ICMPv6Options{{Type: layers.ICMPv6OptTargetAddress, Data: r.TargetLink[:]}}
		}
		written := serialize(t, append(theirEthernet(e), theirIPv6(ip), head, body)...)
		checkSame(t, ours, unpadded(t, written, len(ours)))

		read := layer[*layers.ICMPv6NeighborAdvertisement](t, decode(t, ours))
		if read.Router() != r.Router || read.Solicited() != r.Solicited || read.Override() != r.Override ||
			[16]byte(read.TargetAddress) != r.Target || len(read.Options) != len(body.Options) {
			t.Fatalf("gopacket reads %+v, want %+v", read, r)
		}
		if got, err := header.ParseNeighborAdvertisement(ip, parseNeighbor(t, written, ip)); err != nil || got != r {
			t.Fatalf("%+v, %v; want %+v", got, err, r)
		}
	})
}
