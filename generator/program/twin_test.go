package program

import (
	"encoding/binary"
	"net/netip"

	"glean/generator/signature"
	"glean/generator/traffic"
	"glean/internal/arith"
	"glean/stack/header"
	"glean/stack/loop"
)

// The twin expands a configuration the slow way: it writes down every header
// variant of a definition, and sums every checksum octet by octet.

// twinFrames are the first n frames that a configuration describes, all sent
// at one time.
func twinFrames(c *traffic.Config, b Binding, mac func(hop netip.Addr) header.MAC, n int, now loop.Time) [][]byte {
	var defs []*twinDefinition
	for i := range c.Traffic {
		defs = append(defs, newTwin(&c.Traffic[i], b, c, mac))
	}
	var frames [][]byte
	for len(frames) < n {
		for _, d := range defs {
			block := int(d.t.Weight)
			if c.Order == traffic.OrderSequential {
				m, _ := arith.LCM(uint64(len(d.rows)), d.t.Lengths.Cycle())
				block *= int(m)
			}
			if len(defs) == 1 {
				block = n
			}
			for i := 0; i < block && len(frames) < n; i++ {
				frames = append(frames, d.frame(now))
			}
		}
	}
	return frames
}

type twinDefinition struct {
	t    *traffic.Definition
	b    Binding
	c    *traffic.Config
	mac  func(netip.Addr) header.MAC
	rows [][][]uint64 // row, protocol, modifier: the index of its value
	k    uint64
}

func newTwin(t *traffic.Definition, b Binding, c *traffic.Config, mac func(netip.Addr) header.MAC) *twinDefinition {
	d := &twinDefinition{t: t, b: b, c: c, mac: mac}
	var variants [][][]uint64 // protocol, variant, modifier
	for _, h := range t.Headers {
		var counts [][][]uint64
		for _, m := range h.Modifiers {
			var one [][]uint64
			for i := uint64(0); i < m.Values.Count; i++ {
				one = append(one, []uint64{i})
			}
			counts = append(counts, one)
		}
		variants = append(variants, combine(counts, h.Tie))
	}
	d.rows = append(d.rows, combineRows(variants, t.Tie)...)
	return d
}

// combine joins lists of index vectors into one list, by zip or product.
func combine(lists [][][]uint64, tie traffic.Tie) [][]uint64 {
	var out [][]uint64
	for _, row := range combineRows(lists, tie) {
		var flat []uint64
		for _, part := range row {
			flat = append(flat, part...)
		}
		out = append(out, flat)
	}
	return out
}

func combineRows(lists [][][]uint64, tie traffic.Tie) [][][]uint64 {
	rows := [][][]uint64{nil}
	if tie == traffic.TieCartesian {
		for _, l := range lists {
			var more [][][]uint64
			for _, r := range rows {
				for _, e := range l {
					more = append(more, append(append([][]uint64(nil), r...), e))
				}
			}
			rows = more
		}
		return rows
	}
	for length := 1; ; length++ { // the first length that is a multiple of all
		fits := true
		for _, l := range lists {
			fits = fits && length%len(l) == 0
		}
		if !fits {
			continue
		}
		rows = make([][][]uint64, length)
		for i := range rows {
			for _, l := range lists {
				rows[i] = append(rows[i], l[i%len(l)])
			}
		}
		return rows
	}
}

// frame is the definition's next frame.
func (d *twinDefinition) frame(now loop.Time) []byte {
	flow := d.k % uint64(len(d.rows))
	octets := d.t.Lengths.At(d.k%d.t.Lengths.Cycle()) - traffic.FCS
	if d.t.Lengths.Random {
		octets = d.t.Lengths.At(d.k) - traffic.FCS
	}
	headers := d.headers(d.rows[flow])
	var all []byte
	for _, h := range headers {
		all = append(all, h.octets...)
	}
	n := len(all)
	frame := make([]byte, max(octets, n))
	copy(frame, all)
	d.payload(frame[n:])
	frame = frame[:octets]
	sign := octets
	if s := d.t.Signature; s != nil {
		sign -= signature.Size
		first := uint64(s.Stream(flow))<<32 | d.k/uint64(len(d.rows))&0xffffffff
		second := uint64(now)<<2 | s.Flags()
		clear(frame[sign:])
		binary.BigEndian.PutUint64(frame[sign:], first)
		binary.BigEndian.PutUint64(frame[sign+8:], second)
		binary.BigEndian.PutUint16(frame[sign+16:], signature.Check(first, second))
	}
	d.lengths(headers, frame, sign)
	d.sums(headers, frame, sign)
	d.k++
	return frame
}

func (d *twinDefinition) headers(row [][]uint64) []frameHeader {
	var out []frameHeader
	var inserted []int
	at := 0
	for i := range d.t.Headers {
		h := &d.t.Headers[i]
		p := frameHeader{kind: h.Protocol, offset: at, octets: append([]byte(nil), h.Octets...), protocolID: h.ProtocolID, spec: h}
		at += len(p.octets)
		out = append(out, p)
		if i == 0 && d.b.Interface && h.Protocol == traffic.Ethernet && (len(d.t.Headers) < 2 || d.t.Headers[1].Protocol != traffic.VLAN) {
			for _, tag := range d.b.Tags {
				octets := []byte{tag.Priority<<5 | byte(tag.ID>>8), byte(tag.ID), h.Octets[12], h.Octets[13]}
				inserted = append(inserted, len(out))
				out = append(out, frameHeader{kind: traffic.VLAN, offset: at, octets: octets, protocolID: -1})
				at += len(octets)
			}
		}
	}
	(&definition{headers: out}).chain()
	for k, i := range inserted {
		binary.BigEndian.PutUint16(out[i-1].octets[len(out[i-1].octets)-2:], uint16(d.b.Tags[k].Type()))
	}
	part := 0
	for i := range out {
		if out[i].spec == nil {
			continue
		}
		for j, m := range out[i].spec.Modifiers {
			f := &traffic.Field{Bit: m.Bit, Width: m.Width}
			v := m.Values.At(row[part][j])
			if m.XOR {
				was := f.Get(out[i].spec.Octets)
				v.Lo ^= was.Lo
			}
			f.Put(out[i].octets, v)
		}
		part++
	}
	d.fill(out)
	return out
}

// fill gives sources and the destination MAC what the interface has.
func (d *twinDefinition) fill(headers []frameHeader) {
	eth := header.Ethernet(headers[0].octets)
	if !d.b.Interface || headers[0].kind != traffic.Ethernet {
		return
	}
	if eth.Src().IsZero() {
		eth.SetSrc(d.b.MAC)
	}
	for _, h := range headers {
		var dst netip.Addr
		switch h.kind {
		case traffic.IPv4:
			ip := header.IPv4(h.octets)
			if ip.Src() == [4]byte{} {
				ip.SetSrc(d.b.IPv4.As4())
			}
			dst = netip.AddrFrom4(ip.Dst())
		case traffic.IPv6:
			ip := header.IPv6(h.octets)
			dst = netip.AddrFrom16(ip.Dst())
			if ip.Src() == [16]byte{} && dst.IsLinkLocalUnicast() {
				ip.SetSrc(d.b.LinkLocal.As16())
			} else if ip.Src() == [16]byte{} {
				ip.SetSrc(d.b.IPv6.As16())
			}
		default:
			continue
		}
		if dst.IsMulticast() {
			eth.SetDst(header.MulticastMAC(dst))
		} else if hop, ok := d.b.NextHop(dst); ok && !dst.IsUnspecified() {
			eth.SetDst(d.mac(hop))
		} else if d.c.Learning.HasFallback {
			eth.SetDst(d.c.Learning.Fallback)
		}
		return
	}
}

func (d *twinDefinition) payload(b []byte) {
	s := d.t.Signature
	if s == nil {
		return
	}
	for i := range b {
		switch s.Fill {
		case traffic.FillConstant:
			b[i] = []byte{byte(s.FillValue >> 8), byte(s.FillValue)}[i%2]
		case traffic.FillIncrement:
			b[i] = byte(int(s.FillValue) + i)
		case traffic.FillDecrement:
			b[i] = byte(int(s.FillValue) - i)
		case traffic.FillPRBS:
			b[i] = signature.PRBS(i + 1)[i]
		}
	}
}

// modified reports whether a modifier sets the field of a role.
func modified(h *frameHeader, r traffic.Role) bool {
	if h.spec == nil {
		return false
	}
	for _, m := range h.spec.Modifiers {
		if m.Field != nil && m.Field.Role == r {
			return true
		}
	}
	return false
}

func (d *twinDefinition) lengths(headers []frameHeader, frame []byte, sign int) {
	for i := range headers {
		h := &headers[i]
		at, n := 0, len(frame)-h.offset
		switch h.kind {
		case traffic.IPv4:
			at = h.offset + 2
		case traffic.IPv6:
			at, n = h.offset+4, n-40
		case traffic.UDP:
			at = h.offset + 4
		default:
			continue
		}
		if at+2 <= sign && !modified(h, traffic.RoleLength) {
			binary.BigEndian.PutUint16(frame[at:], uint16(max(n, 0)))
		}
	}
}

func (d *twinDefinition) sums(headers []frameHeader, frame []byte, sign int) {
	balanced := false
	for i := len(headers) - 1; i >= 0; i-- {
		h := &headers[i]
		at, end, zero := 0, len(frame), h.kind == traffic.UDP
		switch h.kind {
		case traffic.IPv4:
			at, end = h.offset+10, min(end, h.offset+max(20, int(h.octets[0]&15)*4))
			if modified(h, traffic.RoleHeaderLength) {
				end = min(len(frame), h.offset+20)
			}
		case traffic.UDP:
			at = h.offset + 6
		case traffic.TCP:
			at = h.offset + 16
		default:
			continue
		}
		sum := uint32(0)
		if h.kind != traffic.IPv4 {
			ip := i - 1
			for ip >= 0 && !headers[ip].kind.IsIP() {
				ip--
			}
			if ip < 0 {
				continue
			}
			from, to := headers[ip].offset+12, headers[ip].offset+20
			if headers[ip].kind == traffic.IPv6 {
				from, to = headers[ip].offset+8, headers[ip].offset+40
			}
			sum = slowSum(frame[from:to]) + uint32(end-h.offset) + map[traffic.Protocol]uint32{traffic.UDP: 17, traffic.TCP: 6}[h.kind]
		}
		if modified(h, traffic.RoleChecksum) || at+2 > len(frame) {
			continue
		}
		if at+2 > sign {
			if balanced || h.kind == traffic.IPv4 || h.offset >= sign {
				continue
			}
			balanced, zero, at = true, false, sign+signature.BalanceOffset
		}
		binary.BigEndian.PutUint16(frame[at:], 0)
		sum += slowSum(frame[h.offset:end])
		for sum > 0xffff {
			sum = sum>>16 + sum&0xffff
		}
		v := ^uint16(sum)
		if (at-h.offset)%2 != 0 {
			v = v<<8 | v>>8
		}
		if zero && v == 0 {
			v = 0xffff
		}
		binary.BigEndian.PutUint16(frame[at:], v)
	}
}

func slowSum(b []byte) (sum uint32) {
	for i, v := range b {
		if i%2 == 0 {
			sum += uint32(v) << 8
		} else {
			sum += uint32(v)
		}
	}
	return sum
}
