package program

import (
	"math"
	"math/big"
	"math/bits"

	"glean/generator/traffic"
	"glean/internal/arith"
	"glean/stack/loop"
)

// pace is when frames are due: burst k at k * den / num nanoseconds after the
// start, rounded up. It is worked out from k each time, so nothing adds up.
type pace struct {
	num, den uint64 // bursts per nanosecond
	burst    uint64
	limit    uint64 // frames after which a run ends, MaxUint64 if none
	end      loop.Duration

	// The average frame, to tell octets of frames that were not made.
	meanOctets, meanFrames uint64
}

// setPace works the pace out of load, duration and the average length of the
// whole sequence.
func (p *Program) setPace() {
	c := p.config
	p.setBlocks()
	octets, frames := p.mean()
	p.pace.meanOctets, p.pace.meanFrames = fraction(octets, frames)
	num := new(big.Int).SetUint64(c.Load.Value)
	den := new(big.Int).SetUint64(uint64(c.Load.Period))
	den.Mul(den, new(big.Int).SetUint64(c.Load.Burst))
	if c.Load.Octets {
		num.Mul(num, frames)
		den.Mul(den, octets)
	}
	p.pace.num, p.pace.den = fraction(num, den)
	p.pace.burst = c.Load.Burst
	p.pace.limit = math.MaxUint64
	switch {
	case c.Duration.Frames > 0:
		p.pace.limit = c.Duration.Frames
	case c.Duration.Time > 0:
		p.pace.end = c.Duration.Time
		p.pace.limit = framesIn(c.Duration.Time, num, den, c.Load.Burst)
	}
}

// fraction brings n/d into 63 bits each, exactly where that is possible.
func fraction(n, d *big.Int) (uint64, uint64) {
	gcd := new(big.Int).GCD(nil, nil, n, d)
	n, d = new(big.Int).Quo(n, gcd), new(big.Int).Quo(d, gcd)
	if excess := max(n.BitLen(), d.BitLen()) - 63; excess > 0 {
		n.Rsh(n, uint(excess))
		d.Rsh(d, uint(excess))
	}
	return max(n.Uint64(), 1), max(d.Uint64(), 1)
}

// framesIn is how many frames are due within t: whole bursts that begin before
// its end, but no more than the rate allows.
func framesIn(t loop.Duration, num, den *big.Int, burst uint64) uint64 {
	ceiling := func(n *big.Int) *big.Int {
		n.Add(n, den)
		n.Sub(n, big.NewInt(1))
		return n.Quo(n, den)
	}
	b := new(big.Int).SetUint64(burst)
	time := new(big.Int).Mul(big.NewInt(int64(t)), num)
	bursts := ceiling(new(big.Int).Set(time))
	frames := ceiling(time.Mul(time, b))
	if bursts.Mul(bursts, b); bursts.Cmp(frames) < 0 {
		frames = bursts
	}
	if !frames.IsUint64() {
		return math.MaxUint64
	}
	return frames.Uint64()
}

// due is how many frames are due at a time after the start.
func (p *pace) due(elapsed loop.Duration) uint64 {
	if elapsed < 0 {
		return 0
	}
	frames := mulDiv(uint64(elapsed), p.num, p.den)
	if frames == math.MaxUint64 {
		return p.limit
	}
	frames, ok := arith.Product(frames+1, p.burst)
	if !ok {
		return p.limit
	}
	return min(frames, p.limit)
}

// when is the time after the start at which frame n is due.
func (p *pace) when(n uint64) loop.Duration {
	hi, lo := bits.Mul64(n/p.burst, p.den)
	lo, carry := bits.Add64(lo, p.num-1, 0)
	hi += carry
	if hi >= p.num {
		return loop.Duration(loop.Never)
	}
	q, _ := bits.Div64(hi, lo, p.num)
	return loop.Duration(min(q, math.MaxInt64))
}

// mulDiv is a*b/c, MaxUint64 if it does not fit.
func mulDiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return math.MaxUint64
	}
	q, _ := bits.Div64(hi, lo, c)
	return q
}

// octetsOf is the average length of n frames, with FCS.
func (p *pace) octetsOf(n uint64) uint64 { return mulDiv(n, p.meanOctets, p.meanFrames) }

// setBlocks works out how many frames of a definition come in a row.
func (p *Program) setBlocks() {
	p.blocks = make([]uint64, len(p.defs))
	for i := range p.blocks {
		t := &p.config.Traffic[i]
		p.blocks[i] = t.Weight
		if p.config.Order == traffic.OrderSequential {
			cycle, ok := arith.LCM(t.Flows, t.Lengths.Cycle())
			if ok {
				cycle, ok = arith.Product(cycle, t.Weight)
			}
			if !ok {
				cycle = math.MaxUint64
			}
			p.blocks[i] = cycle
		}
	}
	if len(p.blocks) == 1 {
		p.blocks[0] = math.MaxUint64
	}
}

// mean is the average length over the whole sequence as a fraction. Lengths
// advance evenly, so it is the definitions' averages weighted by their blocks.
// It is exact where the averages have a common denominator of 63 bits.
func (p *Program) mean() (octets, frames *big.Int) {
	common, exact := uint64(1), true
	for i := 0; i < len(p.defs) && exact; i++ {
		_, f := p.config.Traffic[i].Lengths.Mean()
		if common, exact = arith.LCM(common, f); common >= 1<<63 {
			exact = false
		}
	}
	if !exact {
		common = 1 << 63
	}
	octets, frames = new(big.Int), new(big.Int)
	denominator := new(big.Int).SetUint64(common)
	for i := range p.defs {
		o, f := p.config.Traffic[i].Lengths.Mean()
		block := new(big.Int).SetUint64(p.blocks[i])
		frames.Add(frames, block)
		mean := new(big.Int).SetUint64(o)
		mean.Mul(mean, denominator).Quo(mean, new(big.Int).SetUint64(f))
		octets.Add(octets, mean.Mul(mean, block))
	}
	return octets, frames.Mul(frames, denominator)
}
