package sim

import (
	"fmt"

	"glean/stack/loop"
)

// Police lets perSecond ARP requests and neighbor solicitations pass in a second,
// and bucket of them at once, and drops the others, as the control plane policers
// of switches and routers do (RFC 2698 section 1 has the token bucket). The bucket
// is full at the beginning. Other frames pass.
func Police(perSecond uint64, bucket int) Rule {
	if perSecond == 0 || bucket < 1 {
		panic("sim: Police of 0")
	}
	const token = int64(loop.Second)
	full := int64(bucket) * token
	fills := loop.Duration(full/int64(perSecond)) + 1 // the time in which an empty bucket does
	credit, last := full, loop.Time(0)
	return NewRule(fmt.Sprintf("police %d/s, bucket %d", perSecond, bucket), func(c *Crossing, v *Verdict) {
		if !Solicitations(c.Frame) {
			return
		}
		credit = min(full, credit+int64(min(c.Now.Sub(last), fills))*int64(perSecond))
		last = c.Now
		if credit < token {
			v.Drop = DropPoliced
			return
		}
		credit -= token
	})
}
