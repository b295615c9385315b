package learning

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"

	"pgregory.net/rapid"
)

// The model of a manager: destinations that share nothing, all found by walking.

type modelRow struct {
	key    // next hop; invalid if there is none
	dst    netip.Addr
	wanted map[uint32][]uint32 // generator -> adjacencies
	state  State
	reason Reason
	mac    header.MAC
	cached bool
	begun  bool
	gone   bool   // its interface is
	no     Reason // why there is no next hop
}

type modelRequest struct {
	id       string
	mode     Mode
	ending   Reason // of what is ended, in one or several turns; ReasonNone: nothing is
	cancels  bool
	rows     []*modelRow
	gens     map[uint32]bool // generator -> still there
	ended    map[uint32]bool // GeneratorDone was called
	deadline loop.Time
	state    State
	sent     uint64
	replies  uint64
}

type adjacency struct{ generator, adj uint32 }

type machine struct {
	t        *rapid.T
	f        *fake
	o        *recorder
	m        *Manager
	requests []*modelRequest // in progress
	old      map[string]*modelRequest
	kept     map[string]*modelRequest // results by id
	ids      int
	told     map[adjacency]string // what the model expects the observer to have received last
	done     map[string]bool      // generator/request -> completed
}

// recorder records what the observer received last.
type recorder struct {
	log
	told map[adjacency]string
	done map[string]bool
}

func (o *recorder) GeneratorBegins(g uint32, r *Request) {
	if r.State() != StateResolving {
		panic(fmt.Sprintf("request %s begins for generator %d and is %v", r.ID(), g, r.State()))
	}
}
func (o *recorder) Learned(g, adj uint32, mac header.MAC) { o.told[adjacency{g, adj}] = mac.String() }
func (o *recorder) Lost(g, adj uint32, why Reason, _ int) { o.told[adjacency{g, adj}] = why.String() }
func (o *recorder) GeneratorDone(g uint32, completed bool, r *Request) {
	id := fmt.Sprintf("%d/%s", g, r.ID())
	if _, twice := o.done[id]; twice {
		panic("GeneratorDone twice: " + id)
	}
	o.done[id] = completed
}

const modelInterfaces, modelGenerators = 3, 5

func newMachine(t *rapid.T, outer testing.TB) *machine {
	f := newFake(outer)
	o := &recorder{told: map[adjacency]string{}, done: map[string]bool{}}
	s := &machine{t: t, f: f, o: o, old: map[string]*modelRequest{}, kept: map[string]*modelRequest{},
		told: map[adjacency]string{}, done: map[string]bool{}}
	s.m = NewManager(f.loop, f, o, Options{})
	s.m.slice = rapid.SampledFrom([]int{1, 2, slice}).Draw(t, "slice")
	f.m = s.m
	for h := uint32(1); h <= modelInterfaces; h++ {
		i := f.addInterface(h)
		i.budget = Budget{Port: h / 3, Window: rapid.IntRange(1, 5).Draw(t, "window"),
			RatePPS: rapid.SampledFrom([]int{0, 0, 50}).Draw(t, "rate"), RetransTimer: testRetrans}
		i.prefix = netip.MustParsePrefix("10.0.0.0/30")
		i.own = netip.MustParseAddr("10.0.0.3")
		if rapid.Bool().Draw(t, "gateway") {
			i.gateway = netip.MustParseAddr("10.0.0.1")
		}
	}
	f.onSend = func(_ Ref, h *held) {
		for _, r := range s.requests {
			if r.state == StateResolving && r.waits(h.key) {
				r.sent++
			}
		}
	}
	return s
}

func (r *modelRequest) waits(k key) bool {
	return slices.ContainsFunc(r.rows, func(row *modelRow) bool {
		return row.begun && !row.gone && row.state == StateResolving && row.key == k
	})
}

var modelPool = addresses("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1", "10.0.1.2",
	"2001:db8::1", "0.0.0.0")

// neighbor draws one of the subscriptions that pass.
func (s *machine) neighbor(t *rapid.T, pass func(*held) bool) Ref {
	refs := slices.Sorted(maps.Keys(s.f.refs))
	refs = slices.DeleteFunc(refs, func(ref Ref) bool { return !pass(s.f.refs[ref]) })
	if len(refs) == 0 {
		t.Skip("no such neighbor is held")
	}
	return rapid.SampledFrom(refs).Draw(t, "neighbor")
}

// mayAsk reports whether RetransTimer has passed.
func (s *machine) mayAsk(h *held) bool {
	return h.asked == 0 || s.f.loop.Now().Sub(h.askedAt) >= testRetrans
}

// Start begins a request for generators or addresses.
func (s *machine) Start(t *rapid.T) {
	spec := Spec{Timeout: loop.Duration(rapid.SampledFrom([]int{1, 10, 50, 300}).Draw(t, "timeout")) * 100 * loop.Millisecond,
		Mode: rapid.SampledFrom([]Mode{ModeAll, ModeCached}).Draw(t, "mode")}
	if rapid.Bool().Draw(t, "id given") {
		s.ids++
		spec.ID = fmt.Sprintf("m-%d", s.ids)
	}
	if rapid.Bool().Draw(t, "for generators") {
		for _, h := range rapid.SliceOfNDistinct(rapid.Uint32Range(1, modelGenerators), 1, 3, rapid.ID).Draw(t, "generators") {
			g := gen(h, rapid.Uint32Range(1, modelInterfaces).Draw(t, "interface"))
			for range rapid.IntRange(0, 6).Draw(t, "wants") {
				g.Wants = append(g.Wants, Want{Dst: rapid.SampledFrom(modelPool).Draw(t, "dst"),
					Adj: rapid.SampledFrom([]uint32{0, 1, 2, NoAdjacency}).Draw(t, "adj")})
			}
			spec.Generators = append(spec.Generators, g)
		}
	} else {
		spec.Interface = ifc(rapid.Uint32Range(1, modelInterfaces).Draw(t, "interface"))
		spec.Addresses = rapid.SliceOfN(rapid.SampledFrom(modelPool[:len(modelPool)-1]), 1, 6).Draw(t, "addresses")
	}
	for _, g := range spec.Generators {
		for _, r := range s.requests {
			if !r.gens[g.Handle] {
				continue
			}
			var busy ErrBusy
			if _, err := s.m.Start(spec); !errors.As(err, &busy) {
				t.Fatalf("generator %d is learned by %s: %v", g.Handle, r.id, err)
			}
			return
		}
	}
	mr := s.begin(&spec)
	r, err := s.m.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	mr.id = r.ID()
	s.requests = append(s.requests, mr)
	s.kept[r.ResultID()] = mr
	s.note(mr) // generators that want nothing
	s.follow(mr)
}

// begin makes the model's request.
func (s *machine) begin(spec *Spec) *modelRequest {
	r := &modelRequest{gens: map[uint32]bool{}, ended: map[uint32]bool{}, state: StateResolving, mode: spec.Mode,
		deadline: s.f.loop.Now().Add(spec.Timeout)}
	for _, a := range spec.Addresses {
		s.addRow(r, spec.Interface.Handle, a)
	}
	for _, g := range spec.Generators {
		r.gens[g.Handle] = true
		for _, w := range g.Wants {
			row := s.addRow(r, g.Interface.Handle, w.Dst)
			row.wanted[g.Handle] = append(row.wanted[g.Handle], w.Adj)
		}
	}
	slices.SortFunc(r.rows, func(a, b *modelRow) int {
		if c := a.dst.Compare(b.dst); c != 0 {
			return c
		}
		return int(a.iface) - int(b.iface)
	})
	return r
}

func (s *machine) addRow(r *modelRequest, iface uint32, dst netip.Addr) *modelRow {
	for _, row := range r.rows {
		if row.dst == dst && row.iface == iface {
			return row
		}
	}
	row := &modelRow{key: key{iface: iface}, dst: dst, wanted: map[uint32][]uint32{}, state: StateResolving}
	hop, why := s.f.NextHop(iface, dst)
	if dst.IsUnspecified() {
		hop, why = netip.Addr{}, NoRoute
	}
	row.hop = hop
	row.no = why
	r.rows = append(r.rows, row)
	return row
}

// note updates the model's request and what the observer should have received.
func (s *machine) note(r *modelRequest) {
	all := StateCompleted
	decided := map[uint32]bool{}
	for g, there := range r.gens {
		decided[g] = there && !r.ended[g]
	}
	failed := map[uint32]bool{}
	for _, row := range r.rows {
		switch row.state {
		case StateResolving:
			all = StateResolving
		case StateTimedOut:
			if all == StateCompleted {
				all = StateTimedOut
			}
		}
		for g, adjs := range row.wanted {
			if row.state == StateResolving {
				decided[g] = false
			}
			if row.state == StateTimedOut {
				failed[g] = true
			}
			if !r.gens[g] || row.state == StateResolving || r.ended[g] {
				continue
			}
			for _, adj := range adjs {
				if adj == NoAdjacency {
					continue
				}
				// An adjacency drawn for several next hops is reported several
				// things; the model doesn't know the order.
				word := row.reason.String()
				if row.state == StateCompleted {
					word = row.mac.String()
				}
				if r.ambiguous(g, adj, row.key, row.reason) {
					word = "any"
				}
				s.told[adjacency{g, adj}] = word
			}
		}
	}
	for g, yes := range decided {
		if yes {
			r.ended[g] = true
			s.done[fmt.Sprintf("%d/%s", g, r.id)] = !failed[g]
		}
	}
	if all != StateResolving {
		if r.state = all; r.cancels {
			r.state = StateCancelled
		}
	}
	if r.state != StateResolving {
		s.requests = slices.DeleteFunc(s.requests, func(o *modelRequest) bool { return o == r })
		s.old[r.id] = r
	}
}

// ambiguous reports whether an adjacency of a generator belongs to several next hops.
func (r *modelRequest) ambiguous(g, adj uint32, k key, why Reason) bool {
	for _, row := range r.rows {
		if slices.Contains(row.wanted[g], adj) && (row.key != k || row.reason != why) {
			return true
		}
	}
	return false
}

// settle ends all destinations for which which returns true.
func (s *machine) settle(which func(*modelRequest, *modelRow) bool, state State, why Reason) {
	for _, r := range slices.Clone(s.requests) {
		hit := false
		for _, row := range r.rows {
			if row.state == StateResolving && which(r, row) {
				row.state, row.reason, hit = state, why, true
				if state == StateCompleted {
					row.mac = macOf(row.key)
				}
			}
		}
		if hit && state == StateCompleted {
			r.replies++
		}
		s.note(r)
	}
}

// Answer confirms a neighbor that was solicited.
func (s *machine) Answer(t *rapid.T) {
	ref := s.neighbor(t, func(h *held) bool { return h.asked > 0 })
	k, target := s.f.refs[ref].key, s.f.refs[ref].target
	s.settle(func(_ *modelRequest, row *modelRow) bool { return row.begun && !row.gone && row.key == k }, StateCompleted, ReasonNone)
	s.f.reply(ref)
	if rapid.Bool().Draw(t, "duplicate") && s.m.pending.at(target) == nil {
		s.m.Confirmed(target, macOf(k), 0, 1) // no request waits for it any more
		s.m.SolicitDue(target)
	}
}

// Due reports that a neighbor, or every one, may be solicited again.
func (s *machine) Due(t *rapid.T) {
	ref := s.neighbor(t, s.mayAsk)
	if rapid.Bool().Draw(t, "only this") {
		s.f.due(ref)
		return
	}
	for _, ref := range slices.Sorted(maps.Keys(s.f.refs)) {
		if s.mayAsk(s.f.refs[ref]) {
			s.f.due(ref)
		}
	}
}

// Wait lets time pass.
func (s *machine) Wait(t *rapid.T) {
	until := s.f.loop.Now().Add(loop.Duration(rapid.SampledFrom([]int{0, 1, 10, 100, 1000, 1000}).Draw(t, "ms")) *
		loop.Millisecond)
	for {
		// Deadlines come one at a time, because a request that ended does not
		// count what is sent for others.
		next := until
		for _, r := range s.requests {
			next = min(next, r.deadline)
		}
		s.step(next-1, nil)
		for _, r := range slices.Clone(s.requests) {
			if r.deadline <= next {
				s.step(next, r)
			}
		}
		s.step(next, nil)
		if next == until {
			return
		}
	}
}

// Turn lets the loop do what is due now.
func (s *machine) Turn(*rapid.T) {
	now := s.f.loop.Now()
	if slices.ContainsFunc(s.requests, func(r *modelRequest) bool { return r.deadline <= now }) {
		return
	}
	s.step(now, nil)
}

func (s *machine) request(t *rapid.T) *modelRequest {
	if len(s.requests) == 0 {
		t.Skip("no request is in progress")
	}
	return rapid.SampledFrom(s.requests).Draw(t, "request")
}

// Cancel ends a request.
func (s *machine) Cancel(t *rapid.T) {
	r := s.request(t)
	if s.m.Cancel(r.id) == r.cancels {
		t.Fatalf("%s is cancelled, and was before: %v", r.id, r.cancels)
	}
	if !r.cancels {
		r.cancels, r.ending = true, Cancelled
	}
	if s.follow(r); s.m.Cancel(r.id) {
		t.Fatalf("%s was cancelled twice", r.id)
	}
}

// DeleteGenerator deletes any generator.
func (s *machine) DeleteGenerator(t *rapid.T) {
	g := rapid.Uint32Range(1, modelGenerators).Draw(t, "generator")
	for _, r := range s.requests {
		if r.gens[g] {
			r.gens[g] = false
			if !slices.Contains(slices.Collect(maps.Values(r.gens)), true) {
				r.cancels, r.ending = true, GeneratorDeleted
			}
		}
	}
	s.settle(func(r *modelRequest, row *modelRow) bool {
		if _, was := r.gens[g]; !was || r.ending == GeneratorDeleted || row.gone {
			return false
		}
		for other := range row.wanted {
			if r.gens[other] {
				return false
			}
		}
		return true
	}, StateTimedOut, GeneratorDeleted)
	s.m.GeneratorDeleted(g)
	for _, r := range slices.Clone(s.requests) {
		s.follow(r)
	}
}

// DeleteInterface deletes an interface and makes it again.
func (s *machine) DeleteInterface(t *rapid.T) {
	h := rapid.Uint32Range(1, modelInterfaces).Draw(t, "interface")
	for _, r := range s.requests {
		for _, row := range r.rows {
			row.gone = row.gone || row.iface == h
		}
	}
	s.m.InterfaceDeleted(h)
	s.f.forget(h)
	for _, r := range slices.Clone(s.requests) {
		s.follow(r)
	}
}

// Drop makes the port lose frames.
func (s *machine) Drop(t *rapid.T) {
	s.f.ifaces[rapid.Uint32Range(1, modelInterfaces).Draw(t, "interface")].budget.Drops++
}

// Link takes all links down or up.
func (s *machine) Link(t *rapid.T) { s.f.down = rapid.Bool().Draw(t, "down") }

// Cache makes a neighbor REACHABLE.
func (s *machine) Cache(t *rapid.T) {
	k := key{rapid.Uint32Range(1, modelInterfaces).Draw(t, "interface"),
		rapid.SampledFrom(modelPool[:3]).Draw(t, "hop")}
	s.f.cached[k] = macOf(k)
}

// Delete deletes a request or a result.
func (s *machine) Delete(t *rapid.T) {
	if rapid.Bool().Draw(t, "request") {
		if len(s.old) == 0 {
			t.Skip("no request has ended")
		}
		id := rapid.SampledFrom(slices.Sorted(maps.Keys(s.old))).Draw(t, "id")
		if !s.m.DeleteRequest(id) || s.m.Request(id) != nil || s.m.DeleteRequest(id) {
			t.Fatalf("request %s does not go", id)
		}
		delete(s.old, id)
		return
	}
	if len(s.kept) == 0 {
		t.Skip("no result")
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(s.kept))).Draw(t, "id")
	err := s.m.DeleteResult(id)
	var busy ErrInProgress
	if s.kept[id].state == StateResolving {
		if !errors.As(err, &busy) {
			t.Fatalf("result %s of a request in progress: %v", id, err)
		}
		return
	}
	if err != nil || s.m.Result(id) != nil {
		t.Fatalf("result %s does not go: %v", id, err)
	}
	delete(s.kept, id)
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newMachine(rt, t)
		rt.Repeat(map[string]func(*rapid.T){
			"start": s.Start, "answer": s.Answer, "due": s.Due, "wait": s.Wait, "turn": s.Turn,
			"cancel": s.Cancel, "generator": s.DeleteGenerator, "interface": s.DeleteInterface,
			"drop": s.Drop, "link": s.Link, "cache": s.Cache, "delete": s.Delete, "": s.Check,
		})
	})
}
