package sim

import (
	"math/rand/v2"

	"glean/stack/header"
	"glean/stack/loop"
)

// Rule is one fault of one direction of a wire. The rules of a direction are applied in
// order to every frame sent: each adds its effect to the verdict, and those after one
// that drops the frame are not applied.
//
// A rule that keeps state (a queue, a burst, a count) serves one direction.
type Rule interface {
	// Judge adds the rule's effect on the frame to v.
	Judge(c *Crossing, v *Verdict)
	// String returns the rule in words, as "loss 10%".
	String() string
}

// Crossing is a frame that is about to cross a wire.
type Crossing struct {
	Now   loop.Time
	Rand  *rand.Rand // the direction's own stream
	Frame []byte     // borrowed, not to be changed
}

// Verdict is the effect of the rules on a frame. Its zero value lets the frame pass.
type Verdict struct {
	Drop      Drop          // why it is dropped, NotDropped if it is not
	Delay     loop.Duration // on top of the wire's own
	Copies    uint8         // how many copies of the frame arrive besides
	CopyDelay loop.Duration // how long after the one before each copy arrives
	flips     uint8
	flip      [maxFlips]uint32
}

// maxFlips is the most bits of one frame that can be flipped.
const maxFlips = 8

// Flip inverts bit number bit of the frame; bit 0 is the highest bit of the first
// octet. More than 8 flips of a frame, and those beyond its end, are
// ignored.
func (v *Verdict) Flip(bit uint32) {
	if int(v.flips) < len(v.flip) {
		v.flip[v.flips] = bit
		v.flips++
	}
}

// broken reports whether a checksum of a frame, or a header before it, is wrong already.
func broken(f []byte) bool {
	e, packet, err := header.ParseEthernet(f)
	switch {
	case err != nil:
	case e.Type == header.EtherTypeIPv4:
		var ip header.IPv4Repr
		if ip, packet, err = header.ParseIPv4(packet); err == nil && ip.Protocol == header.ProtocolUDP {
			_, _, err = header.ParseUDPv4(ip.Src, ip.Dst, packet)
		}
	case e.Type == header.EtherTypeIPv6:
		var ip header.IPv6Repr
		if ip, packet, err = header.ParseIPv6(packet); err == nil && ip.NextHeader == header.ProtocolUDP {
			_, _, err = header.ParseUDPv6(ip.Src, ip.Dst, packet)
		}
	}
	return err != nil
}

// corrupt flips the bits in data.
func (v *Verdict) corrupt(data []byte) {
	for _, bit := range v.flip[:v.flips] {
		if octet := int(bit / 8); octet < len(data) {
			data[octet] ^= 0x80 >> (bit % 8)
		}
	}
}

// Drop is the reason why a frame did not arrive.
type Drop uint8

// Reasons of drops.
const (
	NotDropped     Drop = iota
	DropLoss            // chance
	DropBurst           // chance, in bursts
	DropQueue           // the queue before a slow wire was full
	DropSize            // longer than the wire's smallest MTU
	DropPartition       // the wire was cut
	DropScript          // by a rule that drops chosen frames
	DropDown            // the link went down while the frame was in flight
	DropUnattached      // nothing was attached where it arrived
	DropPoliced         // a solicitation beyond a policer's rate
	numDrops
)

var dropWords = [numDrops]string{
	"", "loss", "burst", "queue", "size", "partition", "script", "down", "unattached", "policed",
}

// String returns the reason in a word.
func (d Drop) String() string {
	if d < numDrops {
		return dropWords[d]
	}
	return "unknown"
}

// Drops lists all reasons, in order.
func Drops() []Drop {
	all := make([]Drop, 0, numDrops-1)
	for d := NotDropped + 1; d < numDrops; d++ {
		all = append(all, d)
	}
	return all
}

// Chance is a probability in parts per million. It is an integer because floats
// may differ in the last bit from one machine to the next.
type Chance uint32

// Units of Chance.
const (
	PerMille Chance = 1_000
	Percent  Chance = 10_000
	Always   Chance = 1_000_000
)

// Draw reports whether the event happens this time. It always draws one number, so that
// another value of one chance does not change later draws.
func (c Chance) Draw(r *rand.Rand) bool { return r.Uint32N(uint32(Always)) < uint32(c) }

// below draws a duration between 0 and most, both included.
func below(r *rand.Rand, most loop.Duration) loop.Duration {
	if most <= 0 {
		return 0
	}
	return loop.Duration(r.Int64N(int64(most) + 1))
}
