package learning

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// mirror is the leanest resolver: every solicitation is answered in the next turn of
// the loop, or never (dead).
type mirror struct {
	loop  *loop.Virtual
	m     *Manager
	timer loop.Timer
	asked []Ref
	spare []Ref
	dead  func(Ref) bool
}

func newMirror(options Options) (*mirror, *Manager) {
	s := &mirror{loop: loop.NewVirtual()}
	s.timer.Init(s.answer)
	s.m = NewManager(s.loop, s, silent{}, options)
	return s, s.m
}

func (s *mirror) answer() {
	s.asked, s.spare = s.spare[:0], s.asked
	for _, ref := range s.spare {
		if s.dead == nil || !s.dead(ref) {
			s.m.Confirmed(uint32(ref), header.MAC{2}, 0, 1)
		}
	}
}

func (s *mirror) NextHop(_ uint32, dst netip.Addr) (netip.Addr, Reason) { return dst, ReasonNone }
func (s *mirror) Subscribe(_ uint32, _ netip.Addr, target uint32, _ bool, _ loop.Time) SubscribeResult {
	return SubscribeResult{State: SubscribeDue, Ref: Ref(target)}
}
func (s *mirror) Solicit(ref Ref) bool {
	if s.asked = append(s.asked, ref); !s.timer.Armed() {
		s.loop.Arm(&s.timer, s.loop.Now())
	}
	return true
}
func (s *mirror) Known(uint32, netip.Addr, bool, loop.Time) (header.MAC, bool) {
	return header.MAC{}, false
}
func (s *mirror) AddDeadline(Ref, loop.Time)    {}
func (s *mirror) RemoveDeadline(Ref, loop.Time) {}
func (s *mirror) Release(Ref)                   {}
func (s *mirror) FailureReason(Ref) Reason      { return NoReply }
func (s *mirror) Budget(uint32) Budget {
	return Budget{Window: 4096, RetransTimer: loop.Second}
}

type silent struct{}

func (silent) Learned(uint32, uint32, header.MAC)   {}
func (silent) Lost(uint32, uint32, Reason, int)     {}
func (silent) GeneratorDone(uint32, bool, *Request) {}
func (silent) GeneratorBegins(uint32, *Request)     {}
func (silent) RequestChanged(*Request)              {}

// wantsOf returns n on-link destinations.
func wantsOf(n int) []Want {
	w := make([]Want, n)
	for i := range w {
		w[i] = Want{ipv4(i), uint32(i)}
	}
	return w
}

func startWants(t testing.TB, m *Manager, w []Want) *Request {
	return start(t, m, Spec{Generators: []GeneratorWants{gen(1, 1, w...)}})
}

// TestNoAllocationPerNextHop: once a request has begun, solicitations and replies
// allocate nothing.
func TestNoAllocationPerNextHop(t *testing.T) {
	s, m := newMirror(Options{})
	r := startWants(t, m, wantsOf(50000))
	for r.Progress().Completed < 10000 { // buffers reach their size
		s.loop.Step()
	}
	before := r.Progress().Completed
	allocs := testing.AllocsPerRun(20, func() {
		for range 10 {
			s.loop.Step()
		}
	})
	if done := r.Progress().Completed - before; allocs > 0 || done < 10000 || r.State() != StateResolving {
		t.Errorf("%v allocations while %d targets were answered, %v", allocs, done, r.State())
	}
}

// TestTablesAreReleasedAfterLargeRequest: after a large request nothing of it is left but the
// result.
func TestTablesAreReleasedAfterLargeRequest(t *testing.T) {
	s, m := newMirror(Options{})
	s.dead = func(ref Ref) bool { return ref%2 == 0 }
	r := startWants(t, m, wantsOf(5000))
	for range 3 { // the index remains while other requests have pending next hops
		start(t, m, Spec{Interface: ifc(2), Addresses: spread(3000)})
	}
	s.loop.RunFor(10 * loop.Second)
	m.check(t)
	if r.Progress().Completed == 0 {
		t.Fatal("nothing was answered")
	}
	s.loop.RunFor(DefaultTimeout)
	if m.check(t); m.pending.slots != nil || m.pending.index != nil || m.pending.waiters != nil || len(m.schedulers) != 0 {
		t.Errorf("%d slots, %d in the index, %d holders", len(m.pending.slots), len(m.pending.index), len(m.pending.waiters))
	}
}

// TestIndexUnderChurn: pending next hops come and go while others stay. Garbage in the
// index never hides one, and a rebuild drops it.
func TestIndexUnderChurn(t *testing.T) {
	f, _, m := newManager(t, Options{Retain: 1})
	start(t, m, Spec{ID: "stays", Interface: ifc(1), Addresses: spread(100), Timeout: MaxTimeout})
	for i := range 300 {
		list := make([]netip.Addr, 20)
		for j := range list {
			list[j] = ipv4(1000*i + j)
		}
		r := start(t, m, Spec{Interface: ifc(1), Addresses: append(list, spread(10)...)})
		if i%50 == 0 {
			m.check(t)
		}
		m.Cancel(r.ID())
	}
	if m.check(t); len(m.pending.index) > 512 || len(f.refs) != 100 {
		t.Errorf("%d in the index, %d held", len(m.pending.index), len(f.refs))
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// TestMemory bounds what a destination costs where every one is its own next hop, which
// costs most.
func TestMemory(t *testing.T) {
	const n = 1 << 18
	s, m := newMirror(Options{})
	w := wantsOf(n)
	before := heap()
	r := startWants(t, m, w)
	during := float64(heap()-before) / n
	s.loop.RunWhile(func() bool { return r.State() == StateResolving }, loop.Never-1)
	after := float64(heap()-before) / n
	t.Logf("bytes a row: %.1f while all are resolving, %.1f kept", during, after)
	if during > 92 || after > 56 {
		t.Errorf("bytes a row: %.1f while all are resolving, %.1f kept", during, after)
	}
	runtime.KeepAlive(m)
	runtime.KeepAlive(w)
}

// BenchmarkLearn learns on-link addresses that all reply.
func BenchmarkLearn(b *testing.B) {
	for _, n := range []int{1, 65536, 1000000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := wantsOf(n)
			for b.Loop() {
				s, m := newMirror(Options{})
				r := startWants(b, m, w)
				for r.State() == StateResolving {
					s.loop.Step()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/address")
		})
	}
}

// BenchmarkMemory prints what the destinations of one request hold on the heap.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{65536, 1000000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := wantsOf(n)
			for b.Loop() {
				s, m := newMirror(Options{})
				before := heap()
				r := startWants(b, m, w)
				b.ReportMetric(float64(heap()-before)/float64(n), "B/row-resolving")
				for r.State() == StateResolving {
					s.loop.Step()
				}
				b.ReportMetric(float64(heap()-before)/float64(n), "B/row-kept")
				runtime.KeepAlive(m)
			}
		})
	}
}

// BenchmarkStart is the part of it that is one turn of the loop.
func BenchmarkStart(b *testing.B) {
	for _, n := range []int{65536, 1000000} {
		w := wantsOf(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				_, m := newMirror(Options{})
				startWants(b, m, w)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/address")
		})
	}
}
