package learning

import (
	"math/rand/v2"
	"testing"

	"glean/stack/loop"
)

// receiver answers at the other end of a wire: one solicitation after the other, with a queue of a certain length in front. All of it is in virtual time.
type receiver struct {
	each  loop.Duration // for a solicitation; 0: none
	room  int           // solicitations that wait; 0: any number
	delay loop.Duration // of the wire, there and back
	loss  float64       // fraction of solicitations that the wire loses
	dead  func(key) bool

	rnd     *rand.Rand
	free    loop.Time // when it has answered all that wait
	dropped int
}

// hears is fake.host.
func (v *receiver) hears(now loop.Time, k key) (loop.Duration, bool) {
	if v.rnd.Float64() < v.loss {
		return 0, false
	}
	waits := max(0, v.free.Sub(now))
	if v.room > 0 && waits >= loop.Duration(v.room)*v.each {
		v.dropped++
		return 0, false
	}
	v.free = now.Add(waits + v.each)
	return waits + v.each + v.delay, v.dead == nil || !v.dead(k)
}

// course is how a request went.
type course struct {
	took          loop.Duration // until the last live address was found
	solicitations float64       // per address
	window        int           // at the end
}

// learnFrom learns n addresses of a receiver, live of which reply.
func learnFrom(t *testing.T, v receiver, n, live int, retrans loop.Duration) (c course) {
	f, _, m := newManager(t, Options{})
	f.retrans = retrans
	f.ifaces[1].budget = Budget{Window: 4096, Room: 8192, RetransTimer: retrans}
	v.rnd = rand.New(rand.NewPCG(1, 2))
	f.host = func(k key) (loop.Duration, bool) { return v.hears(f.loop.Now(), k) }
	r := start(t, m, Spec{Interface: ifc(1), Addresses: spread(n), Timeout: MaxTimeout})
	steps := 0
	f.loop.RunWhile(func() bool {
		if p := m.schedulers[0]; p != nil {
			c.window = p.window.State().Cwnd
		}
		if steps++; steps%20000 == 0 {
			m.check(t)
		}
		return r.Progress().Completed < live
	}, loop.Never-1)
	c.took, c.solicitations = loop.Duration(f.loop.Now()), float64(r.RequestsSent())/float64(n)
	t.Logf("%v, %.3f solicitations each, window %d at the end; %d found no room", c.took, c.solicitations, c.window, v.dropped)
	return c
}

// TestChanceLossIsNoCongestion: what a network loses by chance costs its
// repetition and no more; the window stays.
func TestChanceLossIsNoCongestion(t *testing.T) {
	const n, each, retrans = 32768, 10 * loop.Microsecond, 50 * loop.Millisecond
	for _, c := range []struct{ loss, solicitations float64 }{{0, 1}, {.1, 1.12}, {.19, 1.25}} {
		got := learnFrom(t, receiver{each: each, delay: 100 * loop.Microsecond, loss: c.loss}, n, n, retrans)
		// The last solicitations may be lost a few times.
		if most := loop.Duration(c.solicitations*n)*each + 5*retrans; got.solicitations > c.solicitations || got.took > most || got.window != 4096 {
			t.Errorf("%v lost: want at most %v solicitations each, %v, window 4096", c.loss, c.solicitations, most)
		}
	}
}

// TestWindowFindsTheReceiversRoom: a receiver with a short queue loses few
// solicitations, and is kept busy, with and without loss by chance.
func TestWindowFindsTheReceiversRoom(t *testing.T) {
	const n, each = 32768, 10 * loop.Microsecond
	for _, c := range []struct {
		retrans       loop.Duration
		room          int
		loss          float64
		solicitations float64
	}{
		{loop.Second, 100, 0, 1.1}, {loop.Second, 1000, 0, 1.1}, {loop.Second, 1000, .1, 1.25},
		{50 * loop.Millisecond, 100, 0, 1.1}, {50 * loop.Millisecond, 1000, 0, 1.6}, {50 * loop.Millisecond, 1000, .1, 1.25},
	} {
		got := learnFrom(t, receiver{each: each, delay: 100 * loop.Microsecond, room: c.room, loss: c.loss}, n, n, c.retrans)
		rounds := loop.Duration(2)
		if c.loss > 0 {
			rounds = 5
		}
		if most := loop.Duration(c.solicitations*n)*each + rounds*c.retrans; got.solicitations > c.solicitations || got.took > most || got.window > 3*c.room/2+16 {
			t.Errorf("%+v: want at most %v solicitations each, %v", c, c.solicitations, most)
		}
	}
}

// TestDeadAddressesCostNoTime: where every second address is dead and only the window
// bounds the rate, the live ones are found as fast as alone. Where each solicitation
// takes its time on the wire, twice as many take twice the time.
func TestDeadAddressesCostNoTime(t *testing.T) {
	const n = 32768
	everySecond := func(k key) bool { return k.hop.As4()[3]%2 == 0 }
	blocks := func(k key) bool { return k.hop.As4()[2]%2 == 0 }
	for _, c := range []struct {
		receiver
		dead   func(key) bool
		within float64
		begin  loop.Duration // what it may take besides
	}{
		{receiver{delay: loop.Millisecond}, everySecond, 1.2, 0},
		{receiver{delay: loop.Millisecond}, blocks, 1.2, 3 * 20 * loop.Millisecond}, // the first block has no live address
		{receiver{delay: 100 * loop.Microsecond}, everySecond, 1.2, 0},
		{receiver{delay: 10 * loop.Millisecond}, everySecond, 1.2, 0},
		{receiver{each: 10 * loop.Microsecond, delay: 100 * loop.Microsecond}, everySecond, 2.1, 0},
	} {
		alone := learnFrom(t, c.receiver, n, n, loop.Second)
		c.receiver.dead = c.dead
		mixed := learnFrom(t, c.receiver, 2*n, n, loop.Second)
		if float64(mixed.took-c.begin) > c.within*float64(alone.took) || mixed.solicitations > 1.1 {
			t.Errorf("alone %v, among as many dead %v", alone.took, mixed.took)
		}
	}
}
