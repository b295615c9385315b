package transmit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"glean/generator/program"
	"glean/internal/netlab"
	"glean/stack/link"
	"glean/stack/link/afpacket"
	"glean/stack/link/linktest"
)

// newPair opens one end of a veth pair whose other end, in a namespace, drops
// what it gets. It gives the name of the end and a way to send a program there.
func newPair(b *testing.B) (device string, engine func(*program.Program) func()) {
	own, peer := netlab.Own(b, "trafgen", "tcpreplay"), netlab.New(b)
	near, far := netlab.Name(), netlab.Name()
	own.Veth(near, peer, far)
	b.Cleanup(func() { _, _ = own.Try("ip", "link", "del", near) })
	own.Quiet(near)
	peer.Quiet(far)
	own.IP("link set " + near + " up")
	peer.IP("link set " + far + " up")
	l, driver := linktest.Real(b)
	k, err := afpacket.Open(l, afpacket.Config{Name: near})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { driver.Do(func() { _ = k.Close() }); <-k.Done() })
	if !driver.Until(func() bool { return k.State().Up }) {
		b.Fatal("the link does not come up")
	}
	return near, func(p *program.Program) func() {
		return func() {
			var q link.Queue
			if driver.Do(func() { q, err = k.OpenQueue() }); err != nil {
				b.Fatal(err)
			}
			done := make(chan error, 1)
			run := program.NewRun(p, program.RunOptions{})
			Start(run, q, l.Clock, func(reason error) { done <- reason })
			if reason := <-done; reason != nil || run.Counters().Errors > 0 {
				b.Fatal(reason, run.Counters())
			}
		}
	}
}

// cost is what one way to send frames takes.
type cost struct{ cpu, wall time.Duration }

// other gives a way to measure another program that sends framesPerRound
// frames, without what it needs to start and end.
func other(b *testing.B, command func(frames int) []string) func() cost {
	run := func(frames int) cost {
		words := command(frames)
		c := exec.Command(words[0], words[1:]...)
		began := time.Now()
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v: %v\n%s", words[0], err, out)
		}
		return cost{c.ProcessState.UserTime() + c.ProcessState.SystemTime(), time.Since(began)}
	}
	return func() cost {
		none, all := run(1), run(framesPerRound)
		return cost{all.cpu - none.cpu, all.wall - none.wall}
	}
}

// captureFile writes a file in the format of pcap with one frame.
func captureFile(b *testing.B, frame []byte) string {
	var f bytes.Buffer
	for _, v := range []any{uint32(0xa1b2c3d4), [2]uint16{2, 4}, [2]uint32{}, uint32(1 << 16), uint32(1), // Ethernet
		[2]uint32{}, [2]uint32{uint32(len(frame)), uint32(len(frame))}, frame} {
		if err := binary.Write(&f, binary.NativeEndian, v); err != nil {
			b.Fatal(err)
		}
	}
	name := filepath.Join(b.TempDir(), "frame.pcap")
	if err := os.WriteFile(name, f.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	return name
}

// BenchmarkAgainstOthers is the engine for existing devices against trafgen (on
// one processor) and tcpreplay, all at full rate with the same frame on the same
// veth, by the time that passes and by the time of processors.
func BenchmarkAgainstOthers(b *testing.B) {
	for _, size := range sizes {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			device, engine := newPair(b)
			p := constant(b, size, fullRate, frames(framesPerRound))
			frame := copied(p)[0]
			packet := "{ " + strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", frame), "[]byte{"), "}") + " }"
			file, send := captureFile(b, frame), engine(p)
			ways := []func() cost{
				func() cost {
					cpu, wall := cpuTime(b), wallTime(b)
					send()
					return cost{cpuTime(b) - cpu, wallTime(b) - wall}
				},
				other(b, func(n int) []string {
					return []string{"trafgen", "--no-sock-mem", "-P", "1", "-n", strconv.Itoa(n), "-o", device, packet}
				}),
				other(b, func(n int) []string {
					return []string{"tcpreplay", "-i", device, "--topspeed", "--preload-pcap", "--loop=" + strconv.Itoa(n), file}
				}),
			}
			b.ResetTimer()
			for range b.N {
				c := make([][]cost, rounds)
				for r := range c {
					for _, way := range ways {
						c[r] = append(c[r], way())
					}
				}
				b.ReportMetric(perFrame(typical(c, func(of []cost) time.Duration { return of[0].cpu }), framesPerRound), "ns/frame")
				for i, name := range []string{"trafgen", "tcpreplay"} {
					b.ReportMetric(typical(c, func(of []cost) float64 { return ratio(of[i+1].cpu, of[0].cpu) }), "x-"+name+"-cpu")
					b.ReportMetric(typical(c, func(of []cost) float64 { return ratio(of[i+1].wall, of[0].wall) }), "x-"+name)
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// typical is the median of a figure of each round. Figures that compare ways are
// taken within a round, which what else the machine does hits evenly.
func typical[T ~int64 | ~float64](rounds [][]cost, figure func(of []cost) T) T {
	var all []T
	for _, of := range rounds {
		all = append(all, figure(of))
	}
	return median(all)
}
