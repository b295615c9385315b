package stack

import (
	"fmt"

	"glean/stack/header"
	"glean/stack/loop"
	"glean/stack/wheel"
)

// Where several proxies may answer for an address, each delays its advert for a
// random time, so that the adverts do not collide (RFC 4861 section 7.2.8): that is
// ProxyDelay. A single proxy needs no delay.

// maxAnycastDelay is MAX_ANYCAST_DELAY_TIME (RFC 4861 section 10).
const maxAnycastDelay = 1 * loop.Second

// maxDelayed bounds the delayed answers of a stack: about 4 MB.
const maxDelayed = 1 << 16

// delayedAnswers holds the solicitations that are answered later.
type delayedAnswers struct {
	answers wheel.Slab[delayedAnswer]
	timers  wheel.Wheel
}

type delayedAnswer struct {
	iface        uint32 // slot; 0: free
	asker        [16]byte
	solicitation header.NeighborSolicitation
}

// respond answers a solicitation, one for a range of RespondFor perhaps later. A
// solicitation to our MAC alone is answered at once, because no other proxy has received
// it.
func (i *Interface) respond(asker [16]byte, r *header.NeighborSolicitation, exact bool, asked header.MAC) {
	if longest := i.config.Neighbor.ProxyDelay; !exact && longest > 0 && asked.IsMulticast() {
		i.delay(asker, r, longest)
		return
	}
	i.respondNow(asker, r, exact)
}

func (i *Interface) respondNow(asker [16]byte, r *header.NeighborSolicitation, exact bool) {
	if r.HasSourceLink || asker == [16]byte{} {
		i.answer(asker, r, r.SourceLink, exact)
		return
	}
	i.answerUnknown(asker, r, exact)
}

// delay schedules the answer to a solicitation at a random time within longest.
func (i *Interface) delay(asker [16]byte, r *header.NeighborSolicitation, longest loop.Duration) {
	s := i.stack
	if !s.up { // the solicitation arrived after the link went down
		s.drop(DropLinkDown)
		return
	}
	if s.delayed == nil {
		s.delayed = &delayedAnswers{}
	}
	d := s.delayed
	if d.answers.Live() >= maxDelayed {
		s.drop(DropProxyFull)
		return
	}
	id, now := d.answers.Alloc(), s.loop.Now()
	*d.answers.At(id) = delayedAnswer{i.slot, asker, *r}
	at := wheel.TickDown(now.Add(loop.Duration(s.rand.Int64N(int64(longest) + 1)))) // timers expire up to a tick late
	d.timers.Set(id, at, now)
}

// next returns when the next answer is due.
func (d *delayedAnswers) next() loop.Time {
	if d == nil {
		return loop.Never
	}
	return d.timers.Next()
}

// expire removes and returns an answer that is due, 0 if none is.
func (d *delayedAnswers) expire(now loop.Time) uint32 {
	if d == nil {
		return 0
	}
	return d.timers.Expire(now)
}

// answerDelayed answers a solicitation whose time has come.
func (s *Stack) answerDelayed(id uint32) {
	a := *s.delayed.answers.At(id)
	s.delayed.answers.Release(id)
	s.interfaces[a.iface].respondNow(a.asker, &a.solicitation, false)
}

// dropDelayed drops the delayed answers of an interface, or of all if it is nil: because
// it is removed, or because the link is down and the soliciting host may be elsewhere
// when it comes up again. A flush keeps them: they are not part of the cache.
func (s *Stack) dropDelayed(i *Interface) {
	if s.delayed == nil {
		return
	}
	for id := uint32(1); id <= s.delayed.answers.Len(); id++ {
		a := s.delayed.answers.At(id)
		if a.iface != 0 && (i == nil || a.iface == i.slot) {
			s.delayed.timers.Remove(id)
			s.delayed.answers.Release(id)
			s.drop(DropLinkDown)
		}
	}
}

// checkDelayed checks the delayed answers.
func (s *Stack) checkDelayed() error {
	if s.delayed == nil {
		return nil
	}
	live := 0
	for id := uint32(1); id <= s.delayed.answers.Len(); id++ {
		a, armed := s.delayed.answers.At(id), s.delayed.timers.IsArmed(id)
		switch {
		case armed != (a.iface != 0):
			return fmt.Errorf("delayed answer %d of interface %d: timer armed: %v", id, a.iface, armed)
		case !armed:
			continue
		case int(a.iface) >= len(s.interfaces) || s.interfaces[a.iface] == nil:
			return fmt.Errorf("delayed answer %d is of interface %d, which does not exist", id, a.iface)
		case !s.up:
			return fmt.Errorf("delayed answer %d is pending while the link is down", id)
		case s.delayed.timers.Deadline(id) > s.loop.Now().Add(s.interfaces[a.iface].config.Neighbor.ProxyDelay):
			return fmt.Errorf("delayed answer %d is delayed for longer than ProxyDelay", id)
		}
		live++
	}
	if live != s.delayed.answers.Live() || live > maxDelayed {
		return fmt.Errorf("%d delayed answers, %d records", live, s.delayed.answers.Live())
	}
	return nil
}
