package filter

import (
	"net/netip"
	"strings"

	"glean/stack/header"
)

var broadcast = header.Broadcast

// places are the tokens of qualifiers, for errors.
type places struct {
	proto, kind token
	dirGiven    bool
}

// qualifiers reads protocol, direction and kind, of which all may be absent but
// not at once.
func (p *parser) qualifiers() (qualifier, places) {
	var q qualifier
	var at places
	begin := p.at
	if pr, ok := protoWords[p.peek().text]; ok && p.peek().kind == tokenWord {
		at.proto = p.next()
		q.proto = pr
	}
	if p.peek().is("src", "dst") {
		q.dir, at.dirGiven = p.direction(), true
	}
	if k, ok := kindWords[p.peek().text]; ok && p.peek().kind == tokenWord {
		at.kind = p.next()
		q.kind = k
	}
	if p.at == begin && !p.peek().is("broadcast", "multicast") {
		p.expected("a protocol, a qualifier as host or port, or a value to compare")
	}
	return q, at
}

// direction reads src, dst, src or dst, src and dst.
func (p *parser) direction() direction {
	first, _ := p.accept("src", "dst")
	if p.peek().is("and", "or") && p.behind(1).is("src", "dst") && p.behind(1).text != first {
		word, _ := p.accept("and", "or")
		p.next()
		if word == "and" {
			return dirBoth
		}
		return dirEither
	}
	if first == "src" {
		return dirSrc
	}
	return dirDst
}

// check refuses qualifiers that do not go together.
func (p *parser) check(q qualifier, at places) {
	transport := q.proto == protoTCP || q.proto == protoUDP || q.proto == protoSCTP
	network := q.proto == protoIP || q.proto == protoIP6 || q.proto == protoARP || q.proto == protoRARP
	ok := q.proto == protoNone
	what := "an address"
	switch q.kind {
	case kindPort, kindPortRange:
		what, ok = "a port", ok || transport
	case kindProto:
		what, ok = "a protocol number", ok || q.proto == protoEther || q.proto == protoIP || q.proto == protoIP6
		if at.dirGiven {
			p.wrong(at.kind, "proto has no direction")
		}
	case kindNet:
		ok = ok || network
	default:
		ok = ok || network || q.proto == protoEther
	}
	if !ok {
		p.wrong(at.proto, "%s has not %s", at.proto.text, what)
	}
}

// values reads one value, or several in parentheses joined by and and or.
func (p *parser) values(q qualifier) boolean {
	p.nest(1)
	defer p.nest(-1)
	if _, ok := p.accept("not"); ok {
		return inverse{p.values(q)}
	}
	if _, ok := p.accept("("); !ok {
		return p.value(q)
	}
	node := p.values(q)
	for {
		word, ok := p.accept("and", "or")
		switch {
		case !ok:
			p.expect(")")
			return node
		case word == "and":
			node = both{node, p.values(q)}
		default:
			node = either{node, p.values(q)}
		}
	}
}

func (p *parser) value(q qualifier) boolean {
	switch q.kind {
	case kindPort:
		port := p.port()
		return ports{q.proto, q.dir, port, port}
	case kindPortRange:
		lo := p.port()
		hi := lo
		if _, ok := p.accept("-"); ok {
			hi = p.port()
		}
		return ports{q.proto, q.dir, min(lo, hi), max(lo, hi)}
	case kindProto:
		return p.upper(q)
	}
	if q.proto == protoEther {
		t := p.peek()
		if t.kind != tokenMAC {
			p.expected("a MAC")
		}
		p.next()
		return station{q.dir, t.mac}
	}
	if q.kind == kindNet {
		return p.network(q)
	}
	return p.host(q)
}

func (p *parser) port() uint32 {
	t := p.peek()
	if t.kind != tokenNumber {
		p.expected("a port number")
	}
	if t.value > 0xffff {
		p.wrong(t, "a port is at most 65535, not %s", t.text)
	}
	p.next()
	return t.value
}

// upper reads the number or name of a protocol.
func (p *parser) upper(q qualifier) boolean {
	t := p.peek()
	names, limit := upperWords, uint32(0xff)
	if q.proto == protoEther {
		names, limit = etherTypeWords, 0xffff
	}
	if t.kind == tokenName || t.kind == tokenWord {
		v, ok := names[strings.TrimPrefix(t.text, `\`)]
		if !ok {
			p.expected("the number or name of a protocol")
		}
		p.next()
		return upper{q.proto, v}
	}
	v := p.number("the number or name of a protocol")
	switch {
	case v > limit:
		p.wrong(t, "a protocol number is at most %d here, not %s", limit, t.text)
	case q.proto == protoEther && (v <= maxLengthField || v == appleTalk || v == appleARP):
		p.wrong(t, "%s is a protocol of LLC, which is not supported", t.text)
	}
	return upper{q.proto, v}
}

const (
	maxLengthField = 1500   // IEEE 802.3: up to here it is a length
	appleTalk      = 0x809b // libpcap looks for these behind SNAP too
	appleARP       = 0x80f3
)

// host reads an address.
func (p *parser) host(q qualifier) boolean {
	t := p.peek()
	var prefix netip.Prefix
	switch {
	case t.kind == tokenDotted && t.octets == 4:
		prefix = netip.PrefixFrom(t.ipv4(), 32)
	case t.kind == tokenIPv6:
		prefix = netip.PrefixFrom(t.addr, 128)
	case t.kind == tokenMAC:
		p.wrong(t, "a MAC needs ether before it: ether host, ether src")
	default:
		p.expected("an IPv4 or IPv6 address")
	}
	p.next()
	if slash := p.peek(); slash.is("/") {
		p.wrong(slash, "only a net has a prefix length: net %v/...", prefix.Addr())
	}
	return p.family(q, t, prefix)
}

// network reads a prefix, an address, or the first octets of one.
func (p *parser) network(q qualifier) boolean {
	t := p.peek()
	var addr netip.Addr
	bits := 128
	switch {
	case t.kind == tokenDotted:
		addr, bits = t.ipv4(), 8*t.octets
	case t.kind == tokenNumber && t.value <= 0xff:
		addr, bits = netip.AddrFrom4([4]byte{byte(t.value)}), 8
	case t.kind == tokenIPv6:
		addr = t.addr
	default:
		p.expected("a network as 10.0.0.0/8 or 2001:db8::/32")
	}
	p.next()
	if _, ok := p.accept("/"); ok {
		length := p.peek()
		if length.kind != tokenNumber || int64(length.value) > int64(addr.BitLen()) {
			p.expected("a prefix length")
		}
		p.next()
		bits = int(length.value)
	} else if _, ok := p.accept("mask"); ok {
		bits = p.mask(addr)
	}
	prefix := netip.PrefixFrom(addr, bits)
	if prefix.Masked() != prefix {
		p.wrong(t, "prefix %v has host bits set; did you mean %v?", prefix, prefix.Masked())
	}
	return p.family(q, t, prefix)
}

// mask reads a mask of contiguous bits and returns their number.
func (p *parser) mask(addr netip.Addr) int {
	t := p.peek()
	if t.kind != tokenDotted || t.octets != 4 || !addr.Is4() {
		p.expected("a mask as 255.255.0.0 of an IPv4 network")
	}
	p.next()
	for bits := range 33 {
		if t.value == uint32(0xffffffff<<(32-bits)) {
			return bits
		}
	}
	p.wrong(t, "the bits of mask %s are not contiguous", t.text)
	return 0
}

// family refuses an address that the protocol does not have.
func (p *parser) family(q qualifier, t token, prefix netip.Prefix) boolean {
	if is4 := prefix.Addr().Is4(); q.proto != protoNone && is4 == (q.proto == protoIP6) {
		p.wrong(t, "%s is not an address of the protocol before it", t.text)
	}
	return network{q.proto, q.dir, prefix}
}

func (t token) ipv4() netip.Addr {
	return netip.AddrFrom4([4]byte{byte(t.value >> 24), byte(t.value >> 16), byte(t.value >> 8), byte(t.value)})
}
