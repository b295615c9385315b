package sim

import (
	"fmt"
	"math"
	"strings"

	"glean/stack/loop"
)

// etherOverhead is what a frame occupies on a wire besides its own octets: FCS
// 4, preamble and delimiter 8, gap 12. Shorter frames are padded to 60.
const (
	etherOverhead = 24
	etherMinimum  = 60
)

// rule is a Rule made of a function and its description.
type rule struct {
	words string
	judge func(c *Crossing, v *Verdict)
}

func (r *rule) Judge(c *Crossing, v *Verdict) { r.judge(c, v) }
func (r *rule) String() string                { return r.words }

// NewRule makes a rule of a function.
func NewRule(words string, judge func(c *Crossing, v *Verdict)) Rule {
	return &rule{words, judge}
}

// String returns percent, as "12.5%".
func (c Chance) String() string {
	s := fmt.Sprintf("%d.%04d", c/Percent, c%Percent)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + "%"
}

// Loss drops each frame with the same chance.
func Loss(p Chance) Rule {
	return NewRule("loss "+p.String(), func(c *Crossing, v *Verdict) {
		if p.Draw(c.Rand) {
			v.Drop = DropLoss
		}
	})
}

// Burst is loss in bursts after Gilbert and Elliott: a direction is good or bad,
// changes between the two with a chance per frame, and loses with another chance
// in each. It begins good.
type Burst struct {
	GoodToBad, BadToGood Chance
	LossGood, LossBad    Chance
	bad                  bool
}

// Judge implements Rule.
func (b *Burst) Judge(c *Crossing, v *Verdict) {
	change := b.GoodToBad
	if b.bad {
		change = b.BadToGood
	}
	if change.Draw(c.Rand) {
		b.bad = !b.bad
	}
	loss := b.LossGood
	if b.bad {
		loss = b.LossBad
	}
	if loss.Draw(c.Rand) {
		v.Drop = DropBurst
	}
}

// String implements Rule.
func (b *Burst) String() string {
	return fmt.Sprintf("burst good->bad %s, bad->good %s, loss %s and %s",
		b.GoodToBad, b.BadToGood, b.LossGood, b.LossBad)
}

// Duplicate has a frame arrive twice, the second time after more time than the
// first.
func Duplicate(p Chance, after loop.Duration) Rule {
	return NewRule(fmt.Sprintf("duplicate %s after %s", p, after), func(c *Crossing, v *Verdict) {
		if p.Draw(c.Rand) {
			v.Copies++
			v.CopyDelay = after
		}
	})
}

// Reorder holds a frame back by that much, so that those sent after it within
// that time overtake it.
func Reorder(p Chance, by loop.Duration) Rule {
	return NewRule(fmt.Sprintf("reorder %s by %s", p, by), func(c *Crossing, v *Verdict) {
		if p.Draw(c.Rand) {
			v.Delay += by
		}
	})
}

// Corrupt flips that many bits (up to 8) of a frame, drawn over its whole
// length. The frame arrives: here no FCS protects a receiver that checks nothing.
func Corrupt(p Chance, bits int) Rule {
	return NewRule(fmt.Sprintf("corrupt %s, %d bits", p, bits), func(c *Crossing, v *Verdict) {
		if p.Draw(c.Rand) {
			for range bits {
				v.Flip(c.Rand.Uint32N(uint32(len(c.Frame)) * 8))
			}
		}
	})
}

// Delay makes every frame late by the same time.
func Delay(d loop.Duration) Rule {
	return NewRule("delay "+d.String(), func(_ *Crossing, v *Verdict) { v.Delay += d })
}

// Jitter makes every frame late by a drawn time of at most d, so that frames
// overtake each other.
func Jitter(d loop.Duration) Rule {
	return NewRule("jitter "+d.String(), func(c *Crossing, v *Verdict) {
		v.Delay += below(c.Rand, d)
	})
}

// Rate lets that many bits per second pass, FCS, preamble and gap included, and
// keeps at most queue octets waiting (the frame that is being sent is one of
// them); a frame that would be more than that is dropped.
func Rate(bitsPerSecond uint64, queue int) Rule {
	if bitsPerSecond == 0 {
		panic("sim: Rate of 0")
	}
	words := fmt.Sprintf("rate %d bit/s, queue %d octets", bitsPerSecond, queue)
	const perOctet = 8 * uint64(loop.Second)
	room := loop.Duration(uint64(min(queue, math.MaxInt32)) * perOctet / bitsPerSecond)
	var free loop.Time // when the last frame accepted has left
	var rest uint64    // of a nanosecond, in units of 1/bitsPerSecond
	return NewRule(words, func(c *Crossing, v *Verdict) {
		need := uint64(max(len(c.Frame), etherMinimum)+etherOverhead)*perOctet + rest
		takes := loop.Duration(need / bitsPerSecond)
		begin := max(free, c.Now)
		if begin.Sub(c.Now)+takes > room {
			v.Drop = DropQueue
			return
		}
		rest = need % bitsPerSecond
		free = begin.Add(takes)
		v.Delay += free.Sub(c.Now)
	})
}

// LimitMTU drops frames with more payload than that without a word to anybody,
// as a switch in the middle would. VLAN tags do not count as payload.
func LimitMTU(mtu int) Rule {
	return NewRule(fmt.Sprintf("mtu %d", mtu), func(c *Crossing, v *Verdict) {
		if _, payload := peel(c.Frame); len(payload) > mtu {
			v.Drop = DropSize
		}
	})
}

// When applies a rule to the frames that match only. The others are not seen by
// it: they neither advance its state nor draw from the stream.
func When(words string, match Match, r Rule) Rule {
	return NewRule(r.String()+" when "+words, func(c *Crossing, v *Verdict) {
		if match(c.Frame) {
			r.Judge(c, v)
		}
	})
}

// DropFirst drops the first n frames that match.
func DropFirst(n int, words string, match Match) Rule {
	return NewRule(fmt.Sprintf("drop first %d %s", n, words), func(c *Crossing, v *Verdict) {
		if n > 0 && match(c.Frame) {
			n--
			v.Drop = DropScript
		}
	})
}
