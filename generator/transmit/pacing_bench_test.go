package transmit

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"glean/generator/program"
	"glean/stack/link"
	"glean/stack/link/tap"
	"glean/stack/loop"
)

// stamped is a queue that notes when frames leave: those of a batch one after the
// other from its beginning to its end, which is how the device takes them.
type stamped struct {
	link.Queue
	clock func() loop.Time
	at    []loop.Time
}

func (q *stamped) Send(frames [][]byte) (int, error) {
	begin := q.clock()
	taken, err := q.Queue.Send(frames)
	spent := q.clock().Sub(begin)
	for n := range taken {
		q.at = append(q.at, begin.Add(spent*loop.Duration(n)/loop.Duration(taken)))
	}
	return taken, err
}

// gaps gives the error of the rate in millionths, and the 99th percentile of the
// errors of gaps in nanoseconds.
func gaps(at []loop.Time, rate int) (ppm, p99 float64) {
	nominal := float64(loop.Second) / float64(rate)
	errs := make([]float64, len(at)-1)
	for i := range errs {
		errs[i] = max(float64(at[i+1]-at[i])-nominal, nominal-float64(at[i+1]-at[i]))
	}
	slices.Sort(errs)
	mean := float64(at[len(at)-1]-at[0]) / float64(len(errs))
	return (mean/nominal - 1) * 1e6, errs[len(errs)*99/100]
}

// BenchmarkPacing sends paced frames of 60 octets for a second, and compares
// with a loop that does nothing but look at the clock and write. It also tells
// how much of a processor the process used.
func BenchmarkPacing(b *testing.B) {
	const rounds = 9
	for _, rate := range []int{1000, 10_000, 100_000, 500_000} {
		b.Run(strconv.Itoa(rate), func(b *testing.B) {
			x := newBench(b, tap.Config{})
			p := constant(b, 60, fmt.Sprintf(`{"value":%d,"period":"second"}`, rate), frames(rate))
			frame := copied(p)[0]
			stamps := make([]loop.Time, 0, rate)
			var ppm, p99, barePPM, bareP99, busy []float64
			b.ResetTimer()
			for range b.N {
				for range rounds {
					before := cpuTime(b)
					q := &stamped{clock: x.loop.Clock, at: stamps}
					x.Do(func() { q.Queue, _ = x.OpenQueue() })
					done := make(chan error, 1)
					Start(program.NewRun(p, program.RunOptions{}), q, x.loop.Clock, func(reason error) { done <- reason })
					if reason := <-done; reason != nil {
						b.Fatal(reason)
					}
					busy = append(busy, 100*float64(cpuTime(b)-before)/float64(q.at[len(q.at)-1]-q.at[0]))
					e, gap := gaps(q.at, rate)
					ppm, p99 = append(ppm, max(e, -e)), append(p99, gap)
					e, gap = gaps(spin(b, x.loop.Clock, x.files[0], frame, rate, stamps), rate)
					barePPM, bareP99 = append(barePPM, max(e, -e)), append(bareP99, gap)
				}
			}
			b.ReportMetric(median(ppm), "ppm")
			b.ReportMetric(median(barePPM), "ppm-bare")
			b.ReportMetric(median(p99), "ns-p99")
			b.ReportMetric(median(bareP99), "ns-p99-bare")
			b.ReportMetric(median(p99)/median(bareP99), "x-p99-bare")
			b.ReportMetric(median(busy), "%cpu")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// spin is the bare loop: it sends rate frames within a second.
func spin(b *testing.B, clock func() loop.Time, fd int, frame []byte, rate int, at []loop.Time) []loop.Time {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := clock()
	for n := range rate {
		due := begin.Add(loop.Second * loop.Duration(n) / loop.Duration(rate))
		now := clock()
		for now < due {
			now = clock()
		}
		at = append(at, now)
		if _, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(frame))), uintptr(len(frame))); errno != 0 {
			b.Fatal(errno)
		}
	}
	return at
}
