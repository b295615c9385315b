package program

import (
	"cmp"
	"slices"
	"sync/atomic"

	"glean/generator/traffic"
	"glean/stack/loop"
)

// MaxCountedFlows is the largest flow count at which each flow has counters
// of its own.
const MaxCountedFlows = 65_536

// NoTime is the time of a first or last frame if none was sent.
const NoTime loop.Time = -1

// Counters counts what a run has done so far. Octets include the FCS.
type Counters struct {
	PacketsIntended, OctetsIntended uint64 // due by the schedule
	PacketsActual, OctetsActual     uint64 // taken by the device
	PacketsDropped, OctetsDropped   uint64 // not taken in time, with DropOverruns
	PacketsSkipped                  uint64 // left out of the schedule because the next hop had no MAC
	PacketsToStale                  uint64 // sent to a MAC that had changed or stopped answering, as was known by then
	PacketsToUnconfirmed            uint64 // sent to a MAC that no answer had confirmed since the link was down
	Errors                          uint64 // frames that could not leave
	First, Last                     loop.Time
}

// FlowCounters is what a run has sent of one flow.
type FlowCounters struct {
	Packets, Octets uint64
	First, Last     loop.Time
}

// FamilyCounters are the counters of one family, in the order of its Members.
type FamilyCounters struct {
	Family traffic.Family
	Counts []uint64
}

// tally is the transmitter's own account. Other goroutines see what it publishes.
type tally struct {
	made    uint64 // frames taken from the schedule
	actual  uint64
	octets  uint64
	dropped uint64
	lost    uint64 // octets of dropped frames and errors
	droppedOctets,
	skipped, stale, unconfirmed, errors uint64
	first, last loop.Time
	due         uint64
	classes     []uint64
}

// published is the account for other goroutines, in two copies. The version names the
// copy to read. The writer fills the other copy and then raises the version, so a reader
// never sees half of a batch, even if the writer's thread is interrupted in the middle.
type published struct {
	version atomic.Uint64
	words   [2][13]atomic.Uint64
	classes []atomic.Uint64
}

func (p *published) store(t *tally) {
	version := p.version.Load() + 1
	words := &p.words[version&1]
	for i, v := range [13]uint64{t.made, t.actual, t.octets, t.dropped, t.lost, t.droppedOctets, t.skipped, t.stale,
		t.errors, uint64(t.first), uint64(t.last), t.due, t.unconfirmed} {
		if words[i].Load() != v {
			words[i].Store(v)
		}
	}
	for i, v := range t.classes {
		if p.classes[i].Load() != v {
			p.classes[i].Store(v)
		}
	}
	p.version.Store(version)
}

// readAttempts bounds the attempts of a reader beside a fast writer. Each value of the
// last attempt is right, but they may be of two moments.
const readAttempts = 1024

func (p *published) load() (t tally) {
	for range readAttempts {
		version := p.version.Load()
		w := &p.words[version&1]
		t = tally{
			made: w[0].Load(), actual: w[1].Load(), octets: w[2].Load(), dropped: w[3].Load(),
			lost: w[4].Load(), droppedOctets: w[5].Load(), skipped: w[6].Load(), stale: w[7].Load(),
			errors: w[8].Load(), first: loop.Time(w[9].Load()), last: loop.Time(w[10].Load()), due: w[11].Load(),
			unconfirmed: w[12].Load(),
		}
		if p.version.Load() == version {
			break
		}
	}
	return t
}

// flowCount is the account of one flow, written by the transmitter only.
type flowCount struct {
	packets, octets atomic.Uint64
	first, last     atomic.Int64
}

// add counts n frames. If all have one length (evenly), octets follow from the number of
// frames.
func (f *flowCount) add(n, octets, evenly uint64, at loop.Time) {
	packets := f.packets.Load()
	if packets == 0 {
		f.first.Store(int64(at))
	}
	if evenly == 0 {
		f.octets.Store(f.octets.Load() + octets)
	}
	f.last.Store(int64(at))
	f.packets.Store(packets + n)
}

// Counters returns a snapshot. It may be called from any goroutine.
func (r *Run) Counters() Counters {
	if len(r.parts) > 0 {
		all := Counters{First: NoTime, Last: NoTime}
		for _, part := range r.parts {
			all = all.Plus(part.Counters())
		}
		return all
	}
	t := r.published.load()
	t.due = r.owed(t.due)
	c := Counters{
		PacketsIntended: t.due, PacketsActual: t.actual, OctetsActual: t.octets,
		PacketsDropped: t.dropped, OctetsDropped: t.droppedOctets, PacketsSkipped: t.skipped, PacketsToStale: t.stale,
		PacketsToUnconfirmed: t.unconfirmed, Errors: t.errors, First: t.first, Last: t.last,
	}
	c.OctetsIntended = t.octets + t.lost + r.p.pace.octetsOf(t.due-min(t.due, t.actual+t.dropped+t.errors))
	return c
}

// CountedFlows returns how many flows have counters: all, or none if there are more than
// MaxCountedFlows.
func (r *Run) CountedFlows() int {
	if r.p.flows > MaxCountedFlows {
		return 0
	}
	return int(r.p.flows)
}

// Flow returns a snapshot of the counters of a flow. It may be called from any
// goroutine.
func (r *Run) Flow(i int) FlowCounters {
	part, own := r.partOf(uint64(i))
	f := &part.flows[own]
	c := FlowCounters{Packets: f.packets.Load(), Octets: f.octets.Load(), First: NoTime, Last: NoTime}
	if d := r.p.definitionOf(uint64(i)); d.fixedLength > 0 {
		c.Octets = c.Packets * d.fixedLength
	}
	if c.Packets > 0 {
		c.First, c.Last = loop.Time(f.first.Load()), loop.Time(f.last.Load())
	}
	return c
}

// FlowStream returns the stream id of a flow; ok is false if it has no signature.
func (p *Program) FlowStream(flow uint64) (stream uint32, ok bool) {
	d := p.definitionOf(flow)
	if d.signature == nil {
		return 0, false
	}
	return d.signature.Stream(flow - d.first), true
}

// definitionOf finds the definition of a flow.
func (p *Program) definitionOf(flow uint64) *definition {
	i, found := slices.BinarySearchFunc(p.defs, flow, func(d definition, flow uint64) int { return cmp.Compare(d.first, flow) })
	if !found {
		i--
	}
	return &p.defs[i]
}

// ProtocolCounters returns the counters of the families that the configuration names.
func (r *Run) ProtocolCounters() []FamilyCounters {
	var all []FamilyCounters
	for f := range traffic.NumFamilies {
		if !r.p.config.Families.Has(f) {
			continue
		}
		c := FamilyCounters{f, make([]uint64, len(f.Members()))}
		for i := range r.p.classes {
			if member := r.p.classes[i][f]; member > 0 {
				c.Counts[member-1] += r.classed(i)
			}
		}
		all = append(all, c)
	}
	return all
}
