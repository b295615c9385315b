package transmit

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"glean/generator/program"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/link/tap"
	"glean/stack/link/uring"
	"glean/stack/loop"
)

// Benchmarks compare with reference loops of the same run, on the same TAP,
// whose other end drops frames at once. Rounds of all ways alternate, and the
// medians are compared, so that what else the machine does hits all of them.
const (
	rounds         = 11
	framesPerRound = 1 << 17 // enough that to start and end a run is nothing
)

// sizes are lengths of frames without FCS.
var sizes = []int{60, 1514}

// medians measures each way once a round and gives its median. What it measures
// is the time of processors that this process uses, in which other processes
// have no part, or the time that passes.
func medians(b *testing.B, clock func(*testing.B) time.Duration, ways ...func()) []time.Duration {
	times := make([][]time.Duration, len(ways))
	for round := range rounds + 1 {
		for i, way := range ways {
			began := clock(b)
			way()
			if round > 0 { // the first one is to warm up
				times[i] = append(times[i], clock(b)-began)
			}
		}
	}
	all := make([]time.Duration, len(ways))
	for i := range times {
		all[i] = median(times[i])
	}
	return all
}

// cpuTime is what this process has used of processors.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var epoch = time.Now()

func wallTime(*testing.B) time.Duration { return time.Since(epoch) }

func median[T ~int64 | ~float64](s []T) T {
	s = slices.Clone(s)
	slices.Sort(s)
	return s[len(s)/2]
}

func perFrame(d time.Duration, frames int) float64 { return float64(d.Nanoseconds()) / float64(frames) }

func ratio(reference, ours time.Duration) float64 { return float64(reference) / float64(ours) }

// bench is a TAP with the descriptors of its queues, for reference loops.
type bench struct {
	*port
	files []int
}

func newBench(b *testing.B, c tap.Config) *bench {
	b.Helper()
	before := tunFiles(b)
	p := newPort(b, c)
	p.Do(func() { p.Attach(linktest.Discard{}) })
	x := &bench{port: p}
	for _, fd := range tunFiles(b) {
		if !slices.Contains(before, fd) {
			x.files = append(x.files, fd)
		}
	}
	if len(x.files) != p.Queues() {
		b.Fatalf("%d descriptors of a TAP with %d queues", len(x.files), p.Queues())
	}
	return x
}

// tunFiles are this process' descriptors of /dev/net/tun.
func tunFiles(b *testing.B) (files []int) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if target, _ := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && target == "/dev/net/tun" {
			files = append(files, fd)
		}
	}
	return files
}

// constant is a program of equal frames of size octets.
func constant(b *testing.B, size int, load, duration string) *program.Program {
	return compile(b, fmt.Sprintf(`{"duration":%s,"load":{"rate":%s,"units":"frames"},"traffic":[{"length":{"fixed":%d},
		"packet":{"protocols":[{"ethernet":{"destination":"02:00:00:00:00:09","source":"02:00:00:00:00:01"}},
		{"ipv4":{"source":"198.18.0.1","destination":"198.18.0.2"}},{"udp":{}}]}}]}`, duration, load, size+4), program.Binding{})
}

// different is a program whose frames are all different: MAC, addresses,
// identification, checksums and signature.
func different(b *testing.B, size int, duration string) *program.Program {
	own := header.MAC{2, 0, 0, 0, 0, 1}
	p := compile(b, fmt.Sprintf(`{"duration":%s,"load":{"rate":%s,"units":"frames"},"traffic":[{"length":{"fixed":%d},
		"signature":{"stream_id":1,"latency":"start_of_frame"},"packet":{"modifier_tie":"zip","protocols":[{"ethernet":{}},
		{"ipv4":{},"modifiers":{"tie":"zip","items":[
			{"name":"destination","permute":false,"ipv4":{"sequence":{"count":1024,"start":"198.18.1.0"}}},
			{"name":"identification","permute":false,"field":{"sequence":{"count":32768,"start":0}}}]}},
		{"udp":{}}]}}]}`, duration, fullRate, size+4), program.Binding{Interface: true, MAC: own, IPv4: netip.MustParseAddr("198.18.0.1"), NextHop: direct})
	for i := range p.Hops() {
		p.SetMAC(uint32(i), header.MACFromUint64(own.Uint64()+uint64(i)<<8))
	}
	return p
}

// direct is a network in which every address is a next hop.
func direct(a netip.Addr) (netip.Addr, bool) { return a, true }

func frames(n int) string { return fmt.Sprintf(`{"frames":%d}`, n) }

// engine gives a way to send a program on one queue of a port, by a transmitter
// as it is in production.
func (p *port) engine(program *program.Program) func() {
	return func() {
		if reason := <-p.start(program).done; reason != nil {
			p.t.Fatal(reason)
		}
	}
}

// copied makes a batch of a program's frames, for reference loops.
func copied(p *program.Program) [][]byte {
	q, r := new(keeper), program.NewRun(p, program.RunOptions{})
	for now := loop.Time(0); len(q.frames) < program.Batch; now += loop.Time(loop.Second) {
		r.Step(now, q)
	}
	return q.frames[:program.Batch]
}

// keeper keeps copies of frames.
type keeper struct{ frames [][]byte }

func (q *keeper) Send(frames [][]byte) (int, error) {
	for _, f := range frames {
		q.frames = append(q.frames, slices.Clone(f))
	}
	return len(frames), nil
}

func (q *keeper) Close() error { return nil }

// bareWrite is a loop of write(2).
func bareWrite(b *testing.B, fd, n int, batch [][]byte) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for sent := 0; sent < n; sent += len(batch) {
		for _, f := range batch {
			if _, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(f))), uintptr(len(f))); errno != 0 {
				b.Error(errno)
				return
			}
		}
	}
}

// bareRing is a loop of io_uring_enter(2).
func bareRing(b *testing.B, r *uring.Ring, n int, batch [][]byte) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for sent := 0; sent < n; sent += len(batch) {
		results, err := r.Write(batch)
		if err != nil || len(results) != len(batch) || results[0] != int32(len(batch[0])) {
			b.Errorf("results %v, error %v", results, err)
			return
		}
	}
}

func newRing(b *testing.B, fd int) *uring.Ring {
	r, err := uring.New(fd, program.Batch)
	if err != nil {
		b.Skipf("needs io_uring: %v", err)
	}
	b.Cleanup(func() { _ = r.Close() })
	return r
}

// BenchmarkOneQueue is each engine on one queue against bare loops.
func BenchmarkOneQueue(b *testing.B) {
	for _, plain := range []bool{true, false} {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("%s/%d", map[bool]string{true: "plain", false: "io_uring"}[plain], size), func(b *testing.B) {
				x := newBench(b, tap.Config{Plain: plain})
				p := constant(b, size, fullRate, frames(framesPerRound))
				batch := copied(p)
				ways := []func(){func() { bareWrite(b, x.files[0], framesPerRound, batch) }, x.engine(p)}
				if !plain {
					ring := newRing(b, x.files[0])
					ways = append(ways, func() { bareRing(b, ring, framesPerRound, batch) })
				}
				b.ResetTimer()
				for range b.N {
					m := medians(b, cpuTime, ways...)
					b.ReportMetric(perFrame(m[1], framesPerRound), "ns/frame")
					b.ReportMetric(ratio(m[0], m[1]), "x-write")
					if !plain {
						b.ReportMetric(ratio(m[2], m[1]), "x-bare-io_uring")
					}
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkDifferentFrames is what it costs that every frame is different.
func BenchmarkDifferentFrames(b *testing.B) {
	for _, size := range []int{64, 1514} { // 60 octets have no room for a signature
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			x := newBench(b, tap.Config{})
			n := frames(framesPerRound)
			b.ResetTimer()
			for range b.N {
				m := medians(b, cpuTime, x.engine(constant(b, size, fullRate, n)), x.engine(different(b, size, n)))
				b.ReportMetric(perFrame(m[1], framesPerRound), "ns/frame")
				b.ReportMetric(ratio(m[0], m[1]), "x-constant")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkStartTogether is how far the first frames of generators are apart
// that start at an agreed time.
func BenchmarkStartTogether(b *testing.B) {
	const rounds = 31
	for _, n := range []int{2, 8} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			x := newBench(b, tap.Config{})
			p := constant(b, 60, `{"value":1000,"period":"second"}`, frames(10))
			var apart []float64
			b.ResetTimer()
			for range b.N {
				for range rounds {
					apart = append(apart, float64(x.startTogether(p, n)))
				}
			}
			b.ReportMetric(median(apart)/1000, "us-apart")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// startTogether starts n generators at one time, waits for their ends, and tells
// how far the first frames were apart.
func (x *bench) startTogether(p *program.Program, n int) loop.Duration {
	queues := make([]*stamped, n)
	done := make(chan error, n)
	at := x.loop.Clock().Add(10 * loop.Millisecond)
	for i := range queues {
		q := &stamped{clock: x.loop.Clock, at: make([]loop.Time, 0, 10)}
		x.Do(func() { q.Queue, _ = x.OpenQueue() })
		queues[i] = q
		Start(program.NewRun(p, program.RunOptions{StartAt: at}), q, x.loop.Clock, func(reason error) { done <- reason })
	}
	first, last := loop.Never, loop.Time(0)
	for range queues {
		if reason := <-done; reason != nil {
			x.t.Fatal(reason)
		}
	}
	for _, q := range queues {
		first, last = min(first, q.at[0]), max(last, q.at[0])
	}
	return last.Sub(first)
}

// BenchmarkProtocols is how long a request of ARP and the kernel's reply take,
// through the loop, while transmitters do what they can on the same TAP.
func BenchmarkProtocols(b *testing.B) {
	const requests = 500
	for _, n := range []int{0, 1, runtime.NumCPU(), 2 * runtime.NumCPU()} {
		b.Run(fmt.Sprintf("%d-transmitters", n), func(b *testing.B) {
			x := newBench(b, tap.Config{Queues: 2})
			x.ns.IP("address add 10.77.255.1/16 dev " + x.Name())
			p := constant(b, 60, fullRate, continuous)
			var runs []*transmission
			for range n {
				runs = append(runs, x.start(p))
				runs[len(runs)-1].awaitFrames(1)
			}
			b.ResetTimer()
			var took []float64
			for range b.N {
				for range requests {
					took = append(took, float64(x.exchange()))
				}
			}
			for _, r := range runs {
				if reason := r.end(); reason != nil {
					b.Error(reason)
				}
			}
			slices.Sort(took)
			b.ReportMetric(median(took)/1000, "us-median")
			b.ReportMetric(took[len(took)*99/100]/1000, "us-p99")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// exchange sends a request and waits for the reply.
func (x *bench) exchange() time.Duration {
	replied := make(chan struct{}, 1)
	began := time.Now()
	x.Do(func() {
		x.Attach(replies(replied))
		if _, err := x.Send([][]byte{linktest.ARPRequest([4]byte{10, 77, 255, 1})}); err != nil {
			x.t.Error(err)
		}
	})
	<-replied
	return time.Since(began)
}

// replies is told of each frame of a protocol.
type replies chan struct{}

func (r replies) HandleFrame([]byte) {
	select {
	case r <- struct{}{}:
	default:
	}
}

func (r replies) HandleState(link.State) {}
