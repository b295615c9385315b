package conformance

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

var (
	compareResolve = flag.Bool("resolve", false, "run the comparison of resolving many addresses with the kernel and arp-scan")
	resolveRounds  = flag.Int("rounds", 5, "rounds of the comparison")
	onlyResolver   = flag.String("resolver", "", "only resolvers whose name begins with this, for profiles")
)

// trial is the outcome of one resolver that resolved all addresses of an arena once.
type trial struct {
	wall     time.Duration
	cpu      time.Duration // of this process and the programs that it ran, which includes a veth's far end
	requests uint64        // number of requests sent
	missed   int           // number of addresses that were not resolved
}

// contest is a comparison of resolvers on an arena.
type contest struct {
	name string
	arenaConfig
	limit float64 // the largest wanted ratio of glean's wall time to the other's
}

var contests = []contest{
	{"veth", arenaConfig{count: 65536}, 0.7},
	{"veth, 10 % of requests lost", arenaConfig{count: 65536, loss: 10}, 0.9},
	{"veth, among as many dead addresses", arenaConfig{count: 65536, dead: true}, 0.83},
	{"veth, IPv6", arenaConfig{count: 4096, v6: true}, 0.6},
	{"TAP", arenaConfig{count: 65536, tap: true}, 0.7},
}

// TestResolve is `make bench-resolve`. In each round each resolver resolves all
// addresses. The table has medians over the rounds, and medians of ratios within a
// round.
func TestResolve(t *testing.T) {
	if !*compareResolve {
		t.Skip("`make bench-resolve` runs it")
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "device\taddresses\tresolver\tmedian wall\tper second\trequests per address\tmissed\tCPU per address\tglean's wall / this\twanted")
	for _, c := range contests {
		t.Run(c.name, func(t *testing.T) { compete(t, w, c) })
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// entrant is a resolver of a contest.
type entrant struct {
	name   string
	run    func() trial
	wanted string
	trials []trial
}

// entrants returns the resolvers of a contest, glean first.
func (a *arena) entrants(limit float64) []*entrant {
	wanted := fmt.Sprint(limit)
	list := []*entrant{{name: "glean", run: a.gleanResolves}}
	if a.dead {
		return append(list, &entrant{name: "glean, with dead addresses", run: func() trial { return a.gleanLearns(true) }, wanted: wanted})
	}
	list = append(list, &entrant{name: "kernel, by netlink", run: func() trial { return a.kernelResolves(false) }, wanted: wanted})
	if !a.v6 {
		list = append(list, &entrant{name: "kernel, by packets", run: func() trial { return a.kernelResolves(true) }, wanted: wanted})
	}
	if !a.v6 && a.loss == 0 && (*onlyResolver == "" || strings.HasPrefix("arp-scan", *onlyResolver)) {
		s := a.tuneArpScan()
		list = append(list, &entrant{name: "arp-scan " + s.String(), run: func() trial { return a.arpScan(s) }, wanted: "0.5"})
	}
	return list
}

// compete runs a contest and writes its rows of the table.
func compete(t *testing.T, w *tabwriter.Writer, c contest) {
	a := newArena(t, c.arenaConfig)
	entrants := a.entrants(c.limit)
	entrants = slices.DeleteFunc(entrants, func(e *entrant) bool { return !strings.HasPrefix(e.name, *onlyResolver) })
	for round := range *resolveRounds {
		for k := range entrants {
			e := entrants[(k+round)%len(entrants)]
			e.trials = append(e.trials, e.run())
		}
	}
	for _, e := range entrants {
		var walls, cpus, ratios, requests []float64
		missed := 0
		for round, r := range e.trials {
			walls = append(walls, float64(r.wall))
			cpus = append(cpus, float64(r.cpu)/float64(c.count))
			ratios = append(ratios, float64(entrants[0].trials[round].wall)/float64(r.wall))
			requests = append(requests, float64(r.requests)/float64(c.count))
			missed += r.missed
		}
		wall := time.Duration(median(walls))
		fmt.Fprintf(w, "%s\t%d\t%s\t%v\t%.0f\t%.3f\t%d\t%v\t%.2f\t%s\n", c.name, c.count, e.name, wall.Round(100*time.Microsecond),
			float64(c.count)/wall.Seconds(), median(requests), missed, time.Duration(median(cpus)).Round(10*time.Nanosecond), median(ratios), e.wanted)
	}
}

// stopwatch measures a trial.
type stopwatch struct {
	wall time.Time
	cpu  time.Duration
}

func startWatch() stopwatch { return stopwatch{time.Now(), cpuTime()} }

func (s stopwatch) stop() trial {
	return trial{wall: time.Since(s.wall), cpu: cpuTime() - s.cpu}
}

// cpuTime returns the processor time of this process and its children. Unlike wall time it
// hardly depends on the other load of the machine.
func cpuTime() (sum time.Duration) {
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if unix.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
