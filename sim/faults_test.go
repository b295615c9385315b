package sim

import (
	"fmt"
	"math/bits"
	"net/netip"
	"sort"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// through sends n frames of 100 octets, one every gap, over a wire with these
// rules and returns what the receiver has.
func through(t *testing.T, n int, gap loop.Duration, rules ...Rule) (*receiver, Traffic) {
	t.Helper()
	w, a, _, _, rb := pair(t, WireConfig{AB: rules})
	for i := range n {
		send(t, a, testFrame(i, 100))
		w.Virtual().RunFor(gap)
	}
	settle(w)
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
	return rb, a.Traffic()
}

func TestLoss(t *testing.T) {
	r, c := through(t, 100_000, 0, Loss(10*Percent))
	if got := len(r.frames); got < 89_500 || got > 90_500 {
		t.Errorf("%d of 100000 arrived with 10%% loss", got)
	}
	if c.Dropped[DropLoss] != uint64(100_000-len(r.frames)) {
		t.Errorf("counted %d", c.Dropped[DropLoss])
	}
}

func TestBurst(t *testing.T) {
	r, c := through(t, 100_000, 0, &Burst{GoodToBad: Percent, BadToGood: 10 * Percent, LossBad: Always})
	// Stationary: bad for 1/11 of the frames, runs of 10 on average.
	lost := 100_000 - len(r.frames)
	if lost < 8_000 || lost > 10_200 || c.Dropped[DropBurst] != uint64(lost) {
		t.Errorf("%d lost, %d counted, want about 9091", lost, c.Dropped[DropBurst])
	}
	runs, last := 0, -1
	for _, n := range r.numbers() {
		if n != last+1 {
			runs++
		}
		last = n
	}
	if mean := float64(lost) / float64(runs); mean < 8.5 || mean > 11.5 {
		t.Errorf("runs of %.1f frames are lost, want about 10", mean)
	}
}

func TestDuplicate(t *testing.T) {
	r, c := through(t, 1, 0, Duplicate(Always, 5*loop.Microsecond))
	if got := fmt.Sprint(r.numbers(), r.times); got != "[0 0] [0.000000000s 0.000005000s]" {
		t.Errorf("received %s", got)
	}
	if c.Duplicated != 1 || c.Sent != 1 || c.Delivered != 2 {
		t.Errorf("%+v", c)
	}
	if r, _ := through(t, 10_000, 0, Duplicate(20*Percent, 0)); len(r.frames) < 11_800 || len(r.frames) > 12_200 {
		t.Errorf("%d frames of 10000 with 20%% duplicated", len(r.frames))
	}
}

func TestReorder(t *testing.T) {
	r, _ := through(t, 1000, loop.Microsecond, Reorder(10*Percent, 5*loop.Microsecond+1))
	numbers := r.numbers()
	if len(numbers) != 1000 || sort.IntsAreSorted(numbers) {
		t.Fatalf("%d frames arrived, in order: %t", len(numbers), sort.IntsAreSorted(numbers))
	}
	for at, n := range numbers {
		if off := at - n; off > 5 || off < -5 {
			t.Errorf("frame %d arrived as number %d, more than 5 away", n, at)
		}
	}
}

// TestReflipped: a frame is counted whose bits are flipped when its checksum is
// wrong already, because a second flip can make it right again.
func TestReflipped(t *testing.T) {
	for _, to := range []netip.Addr{first4, first6} {
		from := me4
		if to.Is6() {
			from = me6
		}
		good, bad := datagram(mac(1), from, to, 7, 20), flipped(datagram(mac(1), from, to, 7, 20))
		for _, c := range []struct {
			frame []byte
			bits  int
			want  uint64
		}{{good, 1, 0}, {bad, 1, 1}, {good, 2, 1}, {bad, 0, 0}} {
			w, a, _, _, _ := pair(t, WireConfig{AB: []Rule{Corrupt(100*Percent, c.bits)}})
			send(t, a, c.frame)
			settle(w)
			if got := w.Traffic().Reflipped; got != c.want {
				t.Errorf("to %v: %d flips of a frame that was broken %v: counted %d, want %d", to, c.bits, broken(c.frame), got, c.want)
			}
		}
	}
}

func TestCorruptReachesTheReceiver(t *testing.T) {
	r, c := through(t, 2000, 0, Corrupt(50*Percent, 1))
	if c.Delivered != 2000 {
		t.Fatalf("%d arrived", c.Delivered)
	}
	hurt := 0
	where := map[int]bool{}
	for i, f := range r.frames {
		flipped := 0
		for j, o := range testFrame(i, 100) {
			if d := bits.OnesCount8(o ^ f[j]); d > 0 {
				flipped += d
				where[j] = true
			}
		}
		if flipped > 1 {
			t.Fatalf("frame %d has %d flipped bits", i, flipped)
		}
		hurt += flipped
	}
	if hurt < 900 || hurt > 1100 {
		t.Errorf("%d of 2000 frames have a flipped bit, want about half", hurt)
	}
	if len(where) < 98 {
		t.Errorf("only %d of 100 octets were ever hit", len(where))
	}
}

func TestDelayAndJitter(t *testing.T) {
	r, _ := through(t, 1000, loop.Millisecond, Delay(100*loop.Microsecond), Jitter(50*loop.Microsecond))
	low, high := loop.Second, loop.Duration(0)
	for i, at := range r.times {
		took := at.Sub(loop.Time(0).Add(loop.Duration(i) * loop.Millisecond))
		low, high = min(low, took), max(high, took)
	}
	us := loop.Microsecond
	if low < 100*us || low > 102*us || high > 150*us || high < 148*us {
		t.Errorf("frames took %s to %s, want 100 to 150 us", low, high)
	}
}

func TestRate(t *testing.T) {
	// 100 octets and 24 of overhead at 10 Mbit/s are 99.2 us; the queue holds
	// ten of them and the rest of a burst is dropped.
	r, c := through(t, 100, 0, Rate(10_000_000, 1240))
	if len(r.frames) != 10 || c.Dropped[DropQueue] != 90 {
		t.Fatalf("%d arrived, %d dropped", len(r.frames), c.Dropped[DropQueue])
	}
	for i, at := range r.times {
		if want := loop.Time(99_200 * (i + 1)); at != want {
			t.Errorf("frame %d at %s, want %s", i, at, want)
		}
	}
	// No drift where a frame takes no whole number of nanoseconds: 992 bits at
	// 3 Gbit/s.
	r, _ = through(t, 3000, 0, Rate(3_000_000_000, 1<<20))
	if last := r.times[2999]; last != 992_000 {
		t.Errorf("3000 frames took %s", last)
	}
}

func TestLimitMTU(t *testing.T) {
	w, a, _, _, rb := pair(t, WireConfig{AB: []Rule{LimitMTU(576)}})
	tagged := testFrame(3, 576+14+8)
	header.Ethernet(tagged).SetType(header.EtherTypeQinQ)
	header.Dot1Q(tagged[14:]).SetType(header.EtherTypeVLAN)
	send(t, a, testFrame(1, 576+14), testFrame(2, 576+15), tagged)
	settle(w)
	if len(rb.frames) != 2 || len(rb.frames[1]) != len(tagged) || a.Traffic().Dropped[DropSize] != 1 {
		t.Errorf("%d frames, %+v", len(rb.frames), a.Traffic())
	}
}

func TestPartition(t *testing.T) {
	w, a, b, ra, rb := pair(t, WireConfig{})
	both := func(n int) {
		send(t, a, testFrame(n, 60))
		send(t, b, testFrame(n, 60))
		settle(w)
	}
	both(1)
	a.Wire().Partition(true, false)
	both(2)
	a.Wire().Partition(true, true)
	both(3)
	w.Heal()
	both(4)
	if got := fmt.Sprint(rb.numbers(), ra.numbers()); got != "[1 4] [1 2 4]" {
		t.Errorf("b and a received %s", got)
	}
	if a.Traffic().Dropped[DropPartition] != 2 || b.Traffic().Dropped[DropPartition] != 1 || len(rb.states) != 0 {
		t.Errorf("%+v %+v, states %v", a.Traffic(), b.Traffic(), rb.states)
	}
}

func TestRulesActOnMatchingFrames(t *testing.T) {
	even := func(f []byte) bool { return f[header.EthernetSize+3]%2 == 0 }
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{DropFirst(2, "even", even), "[1 3 4 5 6 7 8 9]"},
		{When("even", even, Loss(Always)), "[1 3 5 7 9]"},
		{NewRule("flip the number", func(_ *Crossing, v *Verdict) {
			v.Flip(8*(header.EthernetSize+3) + 7)
			v.Flip(1 << 20) // beyond the frame
		}), "[1 0 3 2 5 4 7 6 9 8]"},
	} {
		r, traffic := through(t, 10, loop.Microsecond, c.rule)
		if got := fmt.Sprint(r.numbers()); got != c.want {
			t.Errorf("%s: received %s, want %s", c.rule, got, c.want)
		}
		if traffic.Sent != 10 {
			t.Errorf("%s: %+v", c.rule, traffic)
		}
	}
}

func TestMatches(t *testing.T) {
	tag := func(f []byte) []byte {
		return append(append(append([]byte(nil), f[:12]...), 0x88, 0xa8, 0, 9, 0x81, 0, 0, 7), f[12:]...)
	}
	w, _, a, r := farmBench(t, FarmConfig{Hosts: 2, IPv4: first4, IPv6: first6})
	ask4, ask6 := whoHas(1, me4, first4), whoHas(1, me6, first6)
	told(w, a, r, ask4, ask6)
	for _, c := range []struct {
		what  string
		frame []byte
		want  string // of Solicitations, Answers, From(host 1), To(host 1), both
	}{
		{"ARP request", ask4, "true false true false false"},
		{"NS", ask6, "true false true false false"},
		{"ARP reply", r.frames[0], "false true false true false"},
		{"NA", r.frames[1], "false true false true false"},
		{"NS with two tags", tag(ask6), "true false true false false"},
		{"ARP request with two tags", tag(ask4), "true false true false false"},
		{"UDP", datagram(mac(1), me6, first6, 9, 9), "false false false true false"},
		{"to itself", ether(mac(1), mac(1)), "false false true true true"},
		{"only a header", ether(mac(2), mac(2))[:14], "false false false false false"},
	} {
		f := c.frame
		got := fmt.Sprint(Solicitations(f), Answers(f), From(mac(1))(f), To(mac(1))(f), All(From(mac(1)), To(mac(1)))(f))
		if got != c.want || !Any(f) || !All()(f) {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestRulesInOrder(t *testing.T) {
	asked := 0
	count := NewRule("count", func(*Crossing, *Verdict) { asked++ })
	through(t, 10, 0, DropFirst(4, "all", Any), count)
	if asked != 6 {
		t.Errorf("the rule after one that drops was asked %d times, want 6", asked)
	}
}

func TestTimelineChangesRules(t *testing.T) {
	w, a, _, _, rb := pair(t, WireConfig{})
	w.At(3500, func() { a.SetRules(Loss(Always)) })
	w.At(6500, func() { a.SetRules() })
	for i := range 10 {
		w.At(loop.Time(i)*1000, func() { send(t, a, testFrame(i, 60)) })
	}
	settle(w)
	if got := fmt.Sprint(rb.numbers()); got != "[0 1 2 3 7 8 9]" {
		t.Errorf("received %s", got)
	}
}

func TestRulesDescribeThemselves(t *testing.T) {
	for want, r := range map[string]Rule{
		"loss 12.5%":                    Loss(125 * PerMille),
		"loss 100%":                     Loss(Always),
		"loss 0%":                       Loss(0),
		"loss 0.0001%":                  Loss(1),
		"delay 0.000001000s":            Delay(loop.Microsecond),
		"rate 10 bit/s, queue 9 octets": Rate(10, 9),
		"burst good->bad 1%, bad->good 50%, loss 0% and 100%": &Burst{
			GoodToBad: Percent, BadToGood: 50 * Percent, LossBad: Always},
	} {
		if r.String() != want {
			t.Errorf("%q, want %q", r, want)
		}
	}
}
