package filter

import "encoding/binary"

// condition is a boolean that is down to comparisons.
type condition interface{ isCondition() }

type (
	always  struct{}
	all     []condition // in order: a load of a later one may be beyond the end
	anyOf   []condition
	negated struct{ x condition }
	compare struct {
		op   string
		l, r arith
		link uint32 // where the link layer's payload begins
	}
)

func (always) isCondition()  {}
func (all) isCondition()     {}
func (anyOf) isCondition()   {}
func (negated) isCondition() {}
func (compare) isCondition() {}

// Offsets from the begin of the payload, and numbers, of the protocols.
const (
	ethernetSize = 14
	tagSize      = 4

	etherIP, etherARP, etherRARP, etherIP6 = 0x0800, 0x0806, 0x8035, 0x86dd

	ip4Fragment, ip4Protocol, ip4Src, ip4Dst = 6, 9, 12, 16
	ip6Next, ip6Src, ip6Dst, ip6Size         = 6, 8, 24, 40
	ip6FragmentHeader                        = 44
	arpSrc, arpDst                           = 14, 24
)

var upperNumbers = map[proto]uint32{
	protoICMP: 1, protoIGMP: 2, protoTCP: 6, protoUDP: 17, protoICMP6: 58, protoSCTP: 132,
}

// lowering is the offset that the vlan words to the left have caused.
type lowering struct{ link uint32 }

func lower(tree boolean) condition {
	l := &lowering{ethernetSize}
	return l.boolean(tree)
}

// boolean goes from left to right, because vlan has its effect on all that is
// to the right of it.
func (l *lowering) boolean(node boolean) condition {
	switch node := node.(type) {
	case both:
		left := l.boolean(node.l)
		return all{left, l.boolean(node.r)}
	case either:
		left := l.boolean(node.l)
		return anyOf{left, l.boolean(node.r)}
	case inverse:
		return negated{l.boolean(node.x)}
	case protocol:
		return l.protocol(node.proto)
	case vlan:
		return l.vlan(node)
	case network:
		return l.network(node)
	case station:
		return l.station(node)
	case ports:
		return l.ports(node)
	case upper:
		return l.upper(node)
	case group:
		return l.group(node.proto)
	case relation:
		checks := append(append(all{}, l.checks(node.l)...), l.checks(node.r)...)
		return append(checks, compare{node.op, node.l, node.r, l.link})
	}
	return always{}
}

// frame compares the value at an offset of the frame with a number.
func frame(at uint32, size int, op string, value uint32) condition {
	return compare{op: op, l: field{protoEther, constant(at), size}, r: constant(value)}
}

// payload compares the value at an offset of the link layer's payload.
func (l *lowering) payload(at uint32, size int, op string, value uint32) condition {
	return frame(l.link+at, size, op, value)
}

// masked compares some bits.
func (l *lowering) masked(at uint32, size int, mask, value uint32) condition {
	var bits arith = field{protoEther, constant(l.link + at), size}
	if mask != 0xffffffff {
		bits = operation{"&", bits, constant(mask)}
	}
	return compare{op: "=", l: bits, r: constant(value)}
}

func (l *lowering) etherType(t uint32) condition { return frame(l.link-2, 2, "=", t) }

func (l *lowering) protocol(p proto) condition {
	switch p {
	case protoNone, protoEther:
		return always{}
	case protoIP:
		return l.etherType(etherIP)
	case protoIP6:
		return l.etherType(etherIP6)
	case protoARP:
		return l.etherType(etherARP)
	case protoRARP:
		return l.etherType(etherRARP)
	case protoICMP, protoIGMP:
		return l.upper4(upperNumbers[p])
	case protoICMP6:
		return l.upper6(upperNumbers[p])
	}
	return anyOf{l.upper6(upperNumbers[p]), l.upper4(upperNumbers[p])}
}

func (l *lowering) upper(node upper) condition {
	switch node.proto {
	case protoEther:
		return l.etherType(node.value)
	case protoIP:
		return l.upper4(node.value)
	case protoIP6:
		return l.upper6(node.value)
	}
	return anyOf{l.upper4(node.value), l.upper6(node.value)}
}

func (l *lowering) upper4(number uint32) condition {
	return all{l.etherType(etherIP), l.payload(ip4Protocol, 1, "=", number)}
}

// upper6 looks behind a fragment header too, but behind no other.
func (l *lowering) upper6(number uint32) condition {
	return all{l.etherType(etherIP6), anyOf{
		l.payload(ip6Next, 1, "=", number),
		all{l.payload(ip6Next, 1, "=", ip6FragmentHeader), l.payload(ip6Size, 1, "=", number)},
	}}
}

func (l *lowering) vlan(node vlan) condition {
	tagged := all{anyOf{l.etherType(0x8100), l.etherType(0x88a8), l.etherType(0x9100)}}
	if node.hasID {
		tagged = append(tagged, l.masked(0, 2, 0xfff, node.id))
	}
	l.link += tagSize
	return tagged
}

func (l *lowering) group(p proto) condition {
	switch p {
	case protoIP:
		return all{l.etherType(etherIP), l.payload(ip4Dst, 1, ">=", 224)}
	case protoIP6:
		return all{l.etherType(etherIP6), l.payload(ip6Dst, 1, "=", 255)}
	}
	bit := operation{"&", field{protoEther, constant(0), 1}, constant(1)}
	return compare{op: "!=", l: bit, r: constant(0)}
}

// directed joins the conditions on source and destination.
func directed(d direction, src, dst condition) condition {
	switch d {
	case dirSrc:
		return src
	case dirDst:
		return dst
	case dirBoth:
		return all{src, dst}
	}
	return anyOf{src, dst}
}

func (l *lowering) station(node station) condition {
	at := func(offset uint32) condition {
		return all{
			frame(offset+2, 4, "=", binary.BigEndian.Uint32(node.mac[2:])),
			frame(offset, 2, "=", uint32(binary.BigEndian.Uint16(node.mac[:]))),
		}
	}
	return directed(node.dir, at(6), at(0))
}

func (l *lowering) network(node network) condition {
	if node.prefix.Addr().Is6() {
		return all{l.etherType(etherIP6), directed(node.dir, l.prefix6(ip6Src, node), l.prefix6(ip6Dst, node))}
	}
	a := node.prefix.Addr().As4()
	value, mask := binary.BigEndian.Uint32(a[:]), maskOf(node.prefix.Bits())
	in := func(etherType, src, dst uint32) condition {
		return all{l.etherType(etherType), directed(node.dir, l.masked(src, 4, mask, value), l.masked(dst, 4, mask, value))}
	}
	switch node.proto {
	case protoIP:
		return in(etherIP, ip4Src, ip4Dst)
	case protoARP:
		return in(etherARP, arpSrc, arpDst)
	case protoRARP:
		return in(etherRARP, arpSrc, arpDst)
	}
	return anyOf{in(etherIP, ip4Src, ip4Dst), in(etherARP, arpSrc, arpDst), in(etherRARP, arpSrc, arpDst)}
}

func (l *lowering) prefix6(at uint32, node network) condition {
	a := node.prefix.Addr().As16()
	var words all
	for n := range 4 {
		mask := maskOf(min(max(node.prefix.Bits()-32*n, 0), 32))
		words = append(words, l.masked(at+uint32(4*n), 4, mask, binary.BigEndian.Uint32(a[4*n:])))
	}
	return words
}

// maskOf returns 32 bits of which the first ones are set.
func maskOf(bits int) uint32 { return uint32(0xffffffff << (32 - bits)) }

func (l *lowering) ports(node ports) condition {
	protocols := []uint32{6, 17, 132}
	if node.proto != protoNone {
		protocols = []uint32{upperNumbers[node.proto]}
	}
	var in4, in6 anyOf
	for _, p := range protocols {
		in4 = append(in4, all{l.payload(ip4Protocol, 1, "=", p), l.unfragmented(), l.between(node, protoTCP, 0)})
		in6 = append(in6, all{l.payload(ip6Next, 1, "=", p), l.between(node, protoEther, l.link+ip6Size)})
	}
	return anyOf{all{l.etherType(etherIP6), in6}, all{l.etherType(etherIP), in4}}
}

// unfragmented returns the condition that the frame is the first fragment of an IPv4
// packet, or all of it.
func (l *lowering) unfragmented() condition { return l.masked(ip4Fragment, 2, 0x1fff, 0) }

// between compares the ports of a segment, which begins at offset begin, relative to
// base.
func (l *lowering) between(node ports, base proto, begin uint32) condition {
	at := func(offset uint32) condition {
		port := field{base, constant(begin + offset), 2}
		if node.lo == node.hi {
			return compare{"=", port, constant(node.lo), l.link}
		}
		return all{compare{">=", port, constant(node.lo), l.link}, compare{"<=", port, constant(node.hi), l.link}}
	}
	return directed(node.dir, at(0), at(2))
}

// checks are the conditions under which the fields of a value exist. Of an
// operation only those of the left operand count: libpcap drops the others, and
// the verdicts are to be its own.
func (l *lowering) checks(a arith) all {
	switch a := a.(type) {
	case negative:
		return l.checks(a.x)
	case operation:
		return l.checks(a.l)
	case field:
		inner := l.checks(a.index)
		switch a.proto {
		case protoEther:
			return inner
		case protoIP, protoIP6, protoARP, protoRARP:
			return append(inner, l.protocol(a.proto))
		case protoICMP6:
			return append(inner, l.etherType(etherIP6), l.payload(ip6Next, 1, "=", upperNumbers[protoICMP6]))
		}
		return append(append(all{l.etherType(etherIP)}, inner...), l.protocol(a.proto), l.unfragmented())
	}
	return nil
}
