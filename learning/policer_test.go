package learning

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"glean/stack/loop"
)

// policer is a peer that answers rate solicitations a second, as many as burst at
// once, and drops the others. Time is virtual.
type policer struct {
	rate, burst int // 0: answers everything
	delay       loop.Duration
	loss        float64
	dead        func(n int) bool

	rnd    *rand.Rand
	credit int64 // a solicitation costs loop.Second
	at     loop.Time
}

// hears is fake.host.
func (p *policer) hears(now loop.Time, k key) (loop.Duration, bool) {
	if p.rnd.Float64() < p.loss {
		return 0, false
	}
	if p.rate > 0 {
		p.credit = min(p.credit+int64(now.Sub(p.at))*int64(p.rate), int64(p.burst)*int64(loop.Second))
		p.at = now
		if p.credit < int64(loop.Second) {
			return 0, false
		}
		p.credit -= int64(loop.Second)
	}
	a := k.hop.As4()
	return p.delay, p.dead == nil || !p.dead(int(a[1])<<16|int(a[2])<<8|int(a[3]))
}

// least returns the least time in which n solicitations are answered.
func (p *policer) least(n int) loop.Duration {
	if p.rate == 0 || n <= p.burst {
		return p.delay
	}
	return loop.Duration(n-p.burst)*loop.Second/loop.Duration(p.rate) + p.delay
}

// learn learns n addresses and returns the time until the last live one is found
// and the solicitations for each address until then, with the rate or without it.
func (p policer) learn(t testing.TB, n int, seed uint64, withRate bool) (took loop.Duration, solicitations float64) {
	f, _, m := newManager(t, Options{})
	f.ifaces[1].budget = Budget{Window: 4096, Room: 8192, RetransTimer: testRetrans}
	p.rnd = rand.New(rand.NewPCG(seed, 2))
	p.credit = int64(p.burst) * int64(loop.Second)
	f.host = func(k key) (loop.Duration, bool) { return p.hears(f.loop.Now(), k) }
	live := 0
	for i := range n {
		if p.dead == nil || !p.dead(i) {
			live++
		}
	}
	r := start(t, m, Spec{Interface: ifc(1), Addresses: spread(n), Timeout: MaxTimeout})
	if !withRate {
		m.schedulers[0].window.DisableRate()
	}
	f.loop.RunWhile(func() bool { return r.Progress().Completed < live }, loop.Never-1)
	return loop.Duration(f.loop.Now()), float64(r.RequestsSent()) / float64(n)
}

// policed are peers of the kind that is met: control plane policers of switches
// and routers.
var policed = []struct{ n, rate, burst int }{
	{3000, 300, 60}, {3000, 1000, 100}, {3000, 3000, 300}, {3000, 1000, 1000}, {10000, 600, 600},
}

// TestPolicerIsSolicitedAtItsRate: a peer that answers a number of solicitations a
// second and drops the rest is solicited that often. Without the rate (logged) it takes
// several times as long and as many solicitations.
func TestPolicerIsSolicitedAtItsRate(t *testing.T) {
	for _, delay := range []loop.Duration{100 * loop.Microsecond, loop.Millisecond} {
		for _, c := range policed {
			p := policer{rate: c.rate, burst: c.burst, delay: delay}
			least := p.least(c.n)
			took, solicitations := p.learn(t, c.n, 1, true)
			off, offQuestions := p.learn(t, c.n, 1, false)
			t.Logf("%d addresses, %d a second, burst %d, round trip %v: %.2f x the least time, %.2f solicitations each; without the rate %.2f x, %.2f",
				c.n, c.rate, c.burst, delay, ratio(took, least), solicitations, ratio(off, least), offQuestions)
			if 2*took > 3*least || solicitations > 2 {
				t.Errorf("want at most 1.5 x %v and 2 solicitations each", least)
			}
		}
	}
}

func ratio(a, b loop.Duration) float64 { return float64(a) / float64(b) }

// TestAnyPolicer: as TestPolicerIsSolicitedAtItsRate, for any rate, burst and round
// trip of a local network, and at least two seconds and 2,000 addresses of work: to
// find the rate costs some hundred solicitations. What is lost in the last second
// is repeated a RetransTimer later. A bucket of a third of the addresses hides the
// rate until most were solicited, so the number of solicitations is bounded for smaller
// ones.
func TestAnyPolicer(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.IntRange(250, 5000).Draw(rt, "rate")
		burst := rapid.IntRange(64, 1000).Draw(rt, "burst")
		n := burst + rapid.IntRange(max(2*rate, 2000), max(2*rate, 2000)+8*rate).Draw(rt, "addresses")
		p := policer{rate: rate, burst: burst,
			delay: loop.Duration(rapid.IntRange(50, 10_000).Draw(rt, "delay")) * loop.Microsecond}
		took, solicitations := p.learn(t, n, 1, true)
		bounded := rate >= 300 && burst <= 300 && p.delay <= 2*loop.Millisecond
		if least := p.least(n); 2*took > 3*least+3*testRetrans || bounded && solicitations > 2 {
			rt.Fatalf("%v, %.2f solicitations each; the least time is %v", took, solicitations, least)
		}
	})
}

// TestRateIsForPolicers: where addresses are dead or solicitations get lost by chance,
// the rate takes no more time than the window alone.
func TestRateIsForPolicers(t *testing.T) {
	tenth := func(i int) bool { return rand.New(rand.NewPCG(uint64(i), 7)).IntN(10) != 0 }
	for name, p := range map[string]policer{
		"a tenth is lost":                          {loss: .1},
		"a fifth is lost":                          {loss: .19},
		"a tenth is live":                          {dead: tenth},
		"a tenth is live and a tenth of it lost":   {dead: tenth, loss: .1},
		"half is live, in blocks":                  {dead: func(i int) bool { return i>>8&1 == 0 }},
		"a tenth is live, in blocks":               {dead: func(i int) bool { return (i>>8)%10 != 0 }},
		"a tenth is live, in small blocks":         {dead: func(i int) bool { return (i>>6)%10 != 0 }},
		"a block is live, the next one a tenth so": {dead: func(i int) bool { return i>>10&1 == 0 && tenth(i) }},
	} {
		for _, p.delay = range []loop.Duration{100 * loop.Microsecond, loop.Millisecond, 10 * loop.Millisecond} {
			for _, n := range []int{3000, 30000} {
				for seed := range uint64(3) {
					on, _ := p.learn(t, n, seed, true)
					off, _ := p.learn(t, n, seed, false)
					if on > off {
						t.Errorf("%s: %d addresses, round trip %v, seed %d: %v with the rate, %v without", name, n, p.delay, seed, on, off)
					}
				}
			}
		}
	}
}

// TestAnyBucket: no policer, not even one with a bucket of one, takes
// more than a few times the least time and some RetransTimers.
func TestAnyBucket(t *testing.T) {
	learn := func(fail failer, rate, burst, n int, delay loop.Duration) {
		p := policer{rate: rate, burst: burst, delay: delay}
		most := 4*p.least(n) + 16*testRetrans
		if burst == 1 { // only evenly spaced solicitations are answered
			most *= 2
		}
		if took, solicitations := p.learn(t, n, 1, true); took > most {
			fail.Fatalf("%d addresses, %d a second, burst %d: %v, %.2f solicitations each; the least time is %v",
				n, rate, burst, took, solicitations, p.least(n))
		}
	}
	learn(t, 508, 6, 1648, 100*loop.Microsecond)
	learn(t, 194, 5, 1748, loop.Millisecond)
	learn(t, 331, 3, 9288, 13737*loop.Microsecond)
	rapid.Check(t, func(rt *rapid.T) {
		learn(rt, rapid.IntRange(100, 5000).Draw(rt, "rate"), rapid.IntRange(1, 1000).Draw(rt, "burst"),
			rapid.IntRange(100, 10000).Draw(rt, "addresses"), rapid.Custom(delayOfTest).Draw(rt, "delay"))
	})
}

// delayOfTest draws a round trip from 0.1 to 50 ms.
func delayOfTest(rt *rapid.T) loop.Duration {
	return loop.Duration(rapid.IntRange(100, 50_000).Draw(rt, "us")) * loop.Microsecond
}

// TestDeadBlocksAreNoPolicer: where live and dead addresses come in blocks and
// solicitations are lost by chance, a rate that was found by mistake ends soon.
func TestDeadBlocksAreNoPolicer(t *testing.T) {
	learn := func(fail failer, n, live, bits int, loss float64, delay loop.Duration, seed uint64) {
		p := policer{loss: loss, delay: delay, dead: func(i int) bool {
			i >>= bits
			return i > 0 && rand.New(rand.NewPCG(uint64(i), seed)).IntN(100) >= live
		}}
		on, _ := p.learn(t, n, 1, true)
		off, _ := p.learn(t, n, 1, false)
		if most := off*6/5 + 8*testRetrans; on > most {
			fail.Fatalf("%d addresses, %d %% of the blocks of %d live, %.2f lost, seed %d: %v, %v without the rate", n, live, 1<<bits, loss, seed, on, off)
		}
	}
	for seed := range uint64(8) {
		for _, loss := range []float64{.09, .18, .26} {
			for _, live := range []int{55, 70, 77} {
				learn(t, 5000, live, 6, loss, 500*loop.Microsecond, seed)
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		learn(rt, rapid.IntRange(100, 20000).Draw(rt, "addresses"), rapid.IntRange(10, 100).Draw(rt, "live"),
			rapid.IntRange(3, 11).Draw(rt, "bits"), rapid.Float64Range(0, .3).Draw(rt, "loss"),
			rapid.Custom(delayOfTest).Draw(rt, "delay"), rapid.Uint64Max(1000).Draw(rt, "seed"))
	})
}
