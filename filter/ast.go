package filter

import (
	"net/netip"

	"glean/stack/header"
)

// proto is a protocol word.
type proto uint8

const (
	protoNone proto = iota
	protoEther
	protoIP
	protoIP6
	protoARP
	protoRARP
	protoTCP
	protoUDP
	protoSCTP
	protoICMP
	protoICMP6
	protoIGMP
)

// direction is which of two addresses or ports has to match.
type direction uint8

const (
	dirEither direction = iota // no direction, or src or dst
	dirSrc
	dirDst
	dirBoth // src and dst
)

// kind is the kind of value behind the qualifiers.
type kind uint8

const (
	kindNone kind = iota // no kind: a host
	kindHost
	kindNet
	kindPort
	kindPortRange
	kindProto
)

// A qualifier is the words before a value: tcp src port.
type qualifier struct {
	proto proto
	dir   direction
	kind  kind
}

// boolean is a node that a frame passes or not.
type boolean interface{ isBoolean() }

type (
	everything struct{} // the empty expression
	both       struct{ l, r boolean }
	either     struct{ l, r boolean }
	inverse    struct{ x boolean }
	protocol   struct{ proto proto } // tcp
	vlan       struct {              // vlan, vlan 7
		id    uint32
		hasID bool
	}
	network struct { // src host, dst net
		proto  proto
		dir    direction
		prefix netip.Prefix
	}
	station struct { // ether src
		dir direction
		mac header.MAC
	}
	ports struct { // tcp port, src portrange
		proto  proto
		dir    direction
		lo, hi uint32
	}
	upper struct { // ip proto, ether proto
		proto proto
		value uint32
	}
	group    struct{ proto proto } // ip6 multicast
	relation struct {              // ip[0] & 0xf > 5
		op   string
		l, r arith
	}
)

func (everything) isBoolean() {}
func (both) isBoolean()       {}
func (either) isBoolean()     {}
func (inverse) isBoolean()    {}
func (protocol) isBoolean()   {}
func (vlan) isBoolean()       {}
func (network) isBoolean()    {}
func (station) isBoolean()    {}
func (ports) isBoolean()      {}
func (upper) isBoolean()      {}
func (group) isBoolean()      {}
func (relation) isBoolean()   {}

// arith is a node with a value of 32 bits, unsigned.
type arith interface{ isArith() }

type (
	constant  uint32
	length    struct{}
	negative  struct{ x arith }
	operation struct {
		op   string
		l, r arith
	}
	field struct { // tcp[13:1]
		proto proto
		index arith
		size  int
	}
)

func (constant) isArith()  {}
func (length) isArith()    {}
func (negative) isArith()  {}
func (operation) isArith() {}
func (field) isArith()     {}
