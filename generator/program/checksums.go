package program

import (
	"encoding/binary"
	"math/bits"
	"reflect"
	"slices"

	"glean/generator/signature"
	"glean/generator/traffic"
	"glean/stack/header"
)

// Checksums are ones'-complement sums, that is, sums modulo 65,535. So a frame's
// checksum is minus the sum of a constant (the template and the payload, with modified
// bits zero) and one term for each modified field that it covers. A term is the field's
// own sum times 1 or, if the field lies at an odd offset in the covered range, times 256.
// A checksum inside the range of another is such a sum too, so nested ones (a tunnel's)
// also come down to one constant and one factor for each store unit. The compiler works
// them out. Units with the same factors in all checksums form a class: their values are
// added up first. A frame costs an addition for each unit, and a multiplication and an
// addition for each class of a checksum.

const modulus = 0xffff

// lengthVariant is all of a definition that depends on a frame's length.
type lengthVariant struct {
	octets    int // without FCS
	patches   []patch
	sums      []checksum    // those that change from frame to frame, the innermost first
	plan      *checksumPlan // of sums; noPlan if direct
	planGroup int           // frames of one group share a plan and can be made together
	direct    bool          // fields are cut or overlap, so the frame's octets are summed instead
	sign      int           // where the signature begins, -1 if there is none
	whole     bool          // all headers are in the frame and the signature covers none
}

// checksumPlan describes how checksums are made of sums over classes of store units.
type checksumPlan struct {
	classes int
	classOf []int // by unit, -1 if no checksum depends on it
	sums    []checksumTerms
}

// noPlan is the plan of frames whose octets are summed.
var noPlan checksumPlan

// checksumTerms is one checksum's part of a plan.
type checksumTerms struct {
	factors []classFactor
	ones    bool // see checksum
}

// signed stands for the class of signatures.
const signed = -1

// classFactor is a class and its factor in a checksum.
type classFactor struct {
	class  int
	factor uint64
}

// patch is a length field, or a checksum that is always the same.
type patch struct{ at, value uint16 }

// checksum is one checksum of frames of one length.
type checksum struct {
	at    int // where the value is written
	base  uint64
	terms []term // while the compiler works it out; then the plan has them
	ones  bool   // a result of 0 is written as 0xffff (RFC 768)

	start, end int // the range that is summed
	pseudo     int // the IP header whose addresses are summed too, or -1
	protocol   uint64
}

// term is the factor of a unit's sum. The signature counts as the unit after the last.
type term struct {
	cell   int
	factor uint64
}

// lengths makes a variant of the definition for each length that occurs.
func (k *compiler) lengths(t *traffic.Definition, d *definition) {
	distinct := t.Lengths.Distinct()
	if longest := int(distinct[len(distinct)-1]); k.b.MTU > 0 && longest-traffic.FCS > k.b.MTU+d.l2Size() {
		k.faults.Add(t.Path+".length", "a frame of %d octets does not fit the port's MTU of %d", longest, k.b.MTU)
		return
	}
	if least := len(d.template) + traffic.FCS; int(distinct[0]) < least && !k.p.config.CutHeaders {
		k.faults.Add(t.Path+".length", "a frame of %d octets is too short for its headers, which need at least %d with the FCS%s", distinct[0], least, d.insertedTags())
		return
	}
	if k.plans += len(distinct); k.plans > maxPlans {
		k.faults.Add("config.traffic", "all definitions together have more than %d lengths", maxPlans)
		return
	}
	if d.signature != nil && d.signature.Fill == traffic.FillPRBS {
		if k.prbs == nil {
			k.prbs = signature.PRBS(traffic.MaxFrame)
		}
		d.prbs = k.prbs
	}
	d.variants = make([]lengthVariant, len(distinct))
	if len(distinct) == 1 {
		d.fixedLength = uint64(distinct[0])
	}
	image := make([]byte, int(distinct[len(distinct)-1])+slack)
	overlapping := d.overlapping()
	for i, n := range distinct {
		d.variants[i] = d.plan(int(n)-traffic.FCS, overlapping, image)
		if i > 0 {
			d.variants[i].setPlanGroup(&d.variants[i-1])
		}
		if problem := d.signatureCovers(&d.variants[i]); problem != "" {
			k.faults.Add(t.Path+".length", "a frame of %d octets has no room for a signature: it would cover %s", n, problem)
			return
		}
	}
	d.setLengthTable()
	k.p.maxOctets = max(k.p.maxOctets, len(d.template), int(distinct[len(distinct)-1]))
	if t.Lengths.Random {
		return
	}
	d.variantOf = make([]uint32, len(t.Lengths.List))
	for i, n := range t.Lengths.List {
		at, _ := slices.BinarySearch(distinct, n)
		d.variantOf[i] = uint32(at)
	}
}

// setPlanGroup puts a variant into the group of the one before it if both have the same
// plan, else into the next one.
func (s *lengthVariant) setPlanGroup(before *lengthVariant) {
	s.planGroup = before.planGroup
	if s.direct == before.direct && reflect.DeepEqual(s.plan, before.plan) {
		s.plan = before.plan
	} else {
		s.planGroup++
	}
}

// l2Size returns the length of the Ethernet header and its tags, which the MTU does not
// include.
func (d *definition) l2Size() int {
	n := header.EthernetSize
	for i := 1; i < len(d.headers) && d.headers[i].kind == traffic.VLAN; i++ {
		n += header.VLANSize
	}
	return n
}

// slack is the room after a frame, in octets, for headers that are cut off.
const slack = 16

// plan works out the variant of one length. image has room for a frame of it.
func (d *definition) plan(octets int, overlapping bool, image []byte) lengthVariant {
	s := lengthVariant{octets: octets, sign: -1, direct: overlapping}
	covered := octets
	if d.signature != nil {
		s.sign = octets - signature.Size
		covered = s.sign
	}
	s.whole = len(d.template) <= covered
	image = image[:octets]
	d.emit(image)
	if d.signature != nil {
		clear(image[s.sign:])
	}
	for i := range d.units {
		s.direct = s.direct || d.units[i].end() > covered
	}
	for i := range d.headers {
		d.patchLength(&d.headers[i], octets, covered, &s)
	}
	for _, p := range s.patches {
		binary.BigEndian.PutUint16(image[p.at:], p.value)
	}
	d.planSums(&s, image)
	return s
}

// emit writes the template and the payload.
func (d *definition) emit(frame []byte) {
	n := copy(frame, d.template)
	d.fillPayload(frame[n:], 0)
}

// overlapping reports whether two modifiers change the same bit.
func (d *definition) overlapping() bool {
	return slices.ContainsFunc(d.units, func(c storeUnit) bool { return c.overlapping })
}

// patchLength finds the value of a header's length field. A modifier of that field wins:
// it is the way to send wrong lengths.
func (d *definition) patchLength(h *frameHeader, octets, covered int, s *lengthVariant) {
	f := h.kind.Field(traffic.RoleLength)
	if f == nil || d.modifierOf(h, traffic.RoleLength) >= 0 || h.offset+f.Bit/8+2 > covered {
		return
	}
	n := octets - h.offset
	if h.kind == traffic.IPv6 {
		n -= header.IPv6Size // RFC 8200 section 3: of what follows
	}
	s.patches = append(s.patches, patch{uint16(h.offset + f.Bit/8), uint16(max(n, 0))})
}

// planSums finds the checksums of a frame, from the last header back: a checksum may lie
// in the range of those before it, but not of those after it.
func (d *definition) planSums(s *lengthVariant, image []byte) {
	balanced := false
	for i := len(d.headers) - 1; i >= 0; i-- {
		if c, ok := d.newChecksum(i, s, &balanced); ok {
			s.direct = s.direct || d.splits(&c, s)
			s.sums = append(s.sums, c)
		}
	}
	if s.direct {
		s.plan = &noPlan
		return
	}
	for i := range d.units { // their constant bits are summed with them
		clear(image[d.units[i].off:d.units[i].end()])
	}
	for i := range s.sums {
		c := &s.sums[i]
		binary.BigEndian.PutUint16(image[c.at:], 0) // a configured value does not count
		c.base = uint64(header.Sum(image[c.start:c.end], 0)) + c.pseudoSum(image)
		d.terms(c, s)
		c.substitute(s.sums[:i])
	}
	for i := range s.sums {
		s.sums[i].solve()
	}
	s.makeConstantsPatches()
	s.makePlan(len(d.units))
}

// makeConstantsPatches turns checksums that no unit changes into patches.
func (s *lengthVariant) makeConstantsPatches() {
	s.sums = slices.DeleteFunc(s.sums, func(c checksum) bool {
		if len(c.terms) > 0 {
			return false
		}
		s.patches = append(s.patches, patch{uint16(c.at), c.result(c.base)})
		return true
	})
}

// splits reports whether a checksum's range ends inside a field that changes. That of
// an IPv4 header can, if its header length claims options.
func (d *definition) splits(c *checksum, s *lengthVariant) bool {
	inside := func(from, to int) bool { return from < c.end*8 && c.end*8 < to }
	for i := range d.modifiers {
		if inside(d.modifiers[i].bit, d.modifiers[i].bit+d.modifiers[i].width) {
			return true
		}
	}
	for i := range d.units {
		if inside(d.units[i].off*8, d.units[i].end()*8) {
			return true
		}
	}
	for i := range s.sums {
		if inside(s.sums[i].at*8, s.sums[i].at*8+16) {
			return true
		}
	}
	return s.sign >= 0 && inside(s.sign*8, s.octets*8)
}

// makePlan makes the checksum plan from the terms.
func (s *lengthVariant) makePlan(cells int) {
	r := &checksumPlan{classOf: make([]int, cells), sums: make([]checksumTerms, len(s.sums))}
	factors := make([]uint64, (cells+1)*len(s.sums)) // by cell and checksum
	of := func(cell int) []uint64 { return factors[cell*len(s.sums):][:len(s.sums)] }
	for k := range s.sums {
		c := &s.sums[k]
		for _, t := range c.terms {
			of(t.cell)[k] = t.factor
		}
		r.sums[k].ones, c.terms = c.ones, nil
		if factor := of(cells)[k]; factor > 0 { // times 256 if the signature is at an odd place; see sign
			r.sums[k].factors = append(r.sums[k].factors, classFactor{signed, factor * weight(s.sign) % modulus})
		}
	}
	for i := range r.classOf {
		r.classOf[i] = -1
		for j := range i {
			if slices.Equal(of(i), of(j)) {
				r.classOf[i] = r.classOf[j]
				break
			}
		}
		if r.classOf[i] >= 0 || !slices.ContainsFunc(of(i), func(f uint64) bool { return f != 0 }) {
			continue
		}
		r.classOf[i] = r.classes
		for k, factor := range of(i) {
			if factor > 0 {
				r.sums[k].factors = append(r.sums[k].factors, classFactor{r.classes, factor})
			}
		}
		r.classes++
	}
	s.plan = r
}

// newChecksum finds the place of a header's checksum and the range that it covers.
func (d *definition) newChecksum(i int, s *lengthVariant, balanced *bool) (c checksum, ok bool) {
	h := &d.headers[i]
	f := h.kind.Field(traffic.RoleChecksum)
	if f == nil || d.modifierOf(h, traffic.RoleChecksum) >= 0 {
		return c, false // none, or a modifier sets it, which is the way to send wrong ones
	}
	c = checksum{at: h.offset + f.Bit/8, start: h.offset, end: s.octets, pseudo: -1}
	if h.kind == traffic.IPv4 {
		length := int(traffic.IPv4.Field(traffic.RoleHeaderLength).Get(h.octets).Lo) * 4
		c.end = min(h.offset+max(length, header.IPv4Size), s.octets)
	} else if c.pseudo = d.ipBefore(i); c.pseudo < 0 {
		return c, false // RFC 768 and 9293 define it over IP only
	}
	if h.kind == traffic.UDP {
		c.protocol, c.ones = uint64(header.ProtocolUDP), true
	} else {
		c.protocol = uint64(header.ProtocolTCP)
	}
	if c.pseudo >= 0 && d.headers[c.pseudo].kind == traffic.IPv6 {
		c.protocol |= pseudoIPv6
	}
	if c.pseudo >= 0 {
		c.pseudo = d.headers[c.pseudo].offset
	}
	switch {
	case s.sign < 0 || c.at+2 <= s.sign:
		if c.at+2 > s.octets {
			return c, false // cut off
		}
	case h.kind.IsTransport() && h.offset < s.sign && !*balanced:
		// The signature has a field that takes the checksum's part.
		*balanced = true
		c.at, c.ones = s.sign+signature.BalanceOffset, false
	default:
		return c, false
	}
	return c, true
}

// pseudoIPv6 marks a checksum whose pseudo header has IPv6 addresses.
const pseudoIPv6 = 1 << 8

// ipBefore returns the index of the IP header that carries header i, -1 if none does.
func (d *definition) ipBefore(i int) int {
	for i--; i >= 0; i-- {
		if d.headers[i].kind.IsIP() {
			return i
		}
	}
	return -1
}

// addresses returns the range of the source and destination in the pseudo header.
func (c *checksum) addresses() (from, to int) {
	if c.protocol&pseudoIPv6 != 0 {
		return c.pseudo + 8, c.pseudo + 40
	}
	return c.pseudo + 12, c.pseudo + 20
}

// pseudoSum returns the sum of the pseudo header (RFC 768, RFC 8200 section 8.1).
func (c *checksum) pseudoSum(frame []byte) uint64 {
	if c.pseudo < 0 {
		return 0
	}
	from, to := c.addresses()
	return uint64(header.Sum(frame[from:to], 0)) + c.protocol&0xff + uint64(c.end-c.start)
}

// terms finds the units that a checksum depends on.
func (d *definition) terms(c *checksum, s *lengthVariant) {
	from, to := 0, 0
	if c.pseudo >= 0 {
		from, to = c.addresses()
	}
	for i := range d.units {
		o := &d.units[i]
		switch {
		case o.off >= c.start && o.end() <= c.end:
			c.terms = append(c.terms, term{i, o.weight(c.start)})
		case o.off >= from && o.end() <= to:
			c.terms = append(c.terms, term{i, o.weight(from)})
		}
	}
	if s.sign >= c.start && s.sign < c.end {
		c.terms = append(c.terms, term{len(d.units), weight(s.sign - c.start)})
	}
}

// weight returns the factor of the unit's value in a range that begins at from. One
// octet counts 256 times if it is the first of a word.
func (c *storeUnit) weight(from int) uint64 {
	if c.span == 1 {
		return weight(c.off - from + 1)
	}
	return weight(c.off - from)
}

// weight returns the factor of a sum whose first octet is at an offset in a range.
func weight(offset int) uint64 {
	if offset&1 != 0 {
		return 256
	}
	return 1
}

// substitute replaces the inner checksums that lie in c's range by what they depend on.
func (c *checksum) substitute(inner []checksum) {
	for i := range inner {
		j := &inner[i]
		if j.at < c.start || j.at+2 > c.end {
			continue
		}
		// j = -(base + terms) / its own weight, and its weight is its own inverse.
		w := (modulus - weight(j.at-j.start)*weight(j.at-c.start)%modulus) % modulus
		c.base = (c.base + j.base%modulus*w) % modulus
		for _, t := range j.terms {
			c.add(t.cell, t.factor*w%modulus)
		}
	}
}

func (c *checksum) add(cell int, factor uint64) {
	for i := range c.terms {
		if c.terms[i].cell == cell {
			c.terms[i].factor = (c.terms[i].factor + factor) % modulus
			return
		}
	}
	c.terms = append(c.terms, term{cell, factor})
}

// solve brings the factor of the checksum itself to 1, which matters at an odd offset,
// and drops the terms that cancel.
func (c *checksum) solve() {
	w := weight(c.at - c.start)
	c.base = c.base%modulus*w%modulus + modulus // never 0; see result
	for i := range c.terms {
		c.terms[i].factor = c.terms[i].factor * w % modulus
	}
	c.terms = slices.DeleteFunc(c.terms, func(t term) bool { return t.factor == 0 })
}

// result returns the checksum of a sum above 0. A ones'-complement sum of numbers that
// are not all 0 is never 0, so the result is below 0xffff (RFC 1071).
func (c *checksum) result(sum uint64) uint16 { return complement(sum, c.ones) }

// complement folds a sum to 16 bits. Adding a number to itself with its halves
// swapped leaves the halves' sum, with its carry added to it, in the upper half.
func complement(sum uint64, ones bool) uint16 {
	sum += bits.RotateLeft64(sum, 32)
	half := uint32(sum >> 32)
	half += bits.RotateLeft32(half, 16)
	v := ^uint16(half >> 16)
	if v == 0 && ones {
		return 0xffff
	}
	return v
}

// sumDirectly writes every checksum of a frame by summing its octets.
func (s *lengthVariant) sumDirectly(frame []byte) {
	for i := range s.sums {
		binary.BigEndian.PutUint16(frame[s.sums[i].at:], 0)
	}
	for i := range s.sums {
		c := &s.sums[i]
		sum := uint64(header.Sum(frame[c.start:c.end], 0)) + c.pseudoSum(frame)
		binary.BigEndian.PutUint16(frame[c.at:], c.result(sum*weight(c.at-c.start)+modulus))
	}
}

// sumOf returns the ones'-complement sum of a number's 16-bit words, below 2^17.
func sumOf(a traffic.Uint128) uint64 {
	s, carry := bits.Add64(a.Hi, a.Lo, 0)
	s, carry = bits.Add64(s, carry, 0)
	s = s>>32 + s&0xffffffff + carry
	s = s>>16 + s&0xffff
	return s>>16 + s&0xffff
}
