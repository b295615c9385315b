package learning

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

func TestStartRefusesInvalidSpecs(t *testing.T) {
	f, o, m := newManager(t, Options{})
	start(t, m, Spec{ID: "used", Generators: []GeneratorWants{gen(1, 1, wants("10.0.0.1")...)}})
	o.take()
	one := addresses("10.0.0.1")
	good := func() Spec { return Spec{Interface: ifc(1), Addresses: one} }
	for _, c := range []struct {
		name   string
		change func(*Spec)
		want   error // compared whole; an ErrInvalid by its field
	}{
		{"id", func(s *Spec) { s.ID = "Upper" }, ErrInvalid{Field: "id"}},
		{"plan", func(s *Spec) { s.ID = "plan" }, ErrInvalid{Field: "id"}},
		{"used id", func(s *Spec) { s.ID = "used" }, ErrExists{ID: "used"}},
		{"short", func(s *Spec) { s.Timeout = MinTimeout - 1 }, ErrInvalid{Field: "timeout_ms"}},
		{"long", func(s *Spec) { s.Timeout = MaxTimeout + 1 }, ErrInvalid{Field: "timeout_ms"}},
		{"negative", func(s *Spec) { s.Timeout = -1 }, ErrInvalid{Field: "timeout_ms"}},
		{"mode", func(s *Spec) { s.Mode = 3 }, ErrInvalid{Field: "mode"}},
		{"unresolved", func(s *Spec) { s.Mode = ModeUnresolved }, ErrInvalid{Field: "mode"}},
		{"nothing", func(s *Spec) { s.Addresses = nil }, ErrInvalid{Field: "addresses"}},
		{"too many", func(s *Spec) { s.Addresses = make([]netip.Addr, MaxAddresses+1) }, ErrInvalid{Field: "addresses"}},
		{"both", func(s *Spec) { s.Generators = []GeneratorWants{gen(2, 1)} }, ErrInvalid{Field: "addresses"}},
		{"no address", func(s *Spec) { s.Addresses = []netip.Addr{one[0], {}} }, ErrInvalid{Field: "addresses[1]"}},
		{"multicast", func(s *Spec) { s.Addresses = addresses("224.0.0.1") }, ErrInvalid{Field: "addresses[0]"}},
		{"multicast6", func(s *Spec) { s.Addresses = addresses("ff02::1") }, ErrInvalid{Field: "addresses[0]"}},
		{"broadcast", func(s *Spec) { s.Addresses = addresses("255.255.255.255") }, ErrInvalid{Field: "addresses[0]"}},
		{"unspecified", func(s *Spec) { s.Addresses = addresses("0.0.0.0") }, ErrInvalid{Field: "addresses[0]"}},
		{"unspecified6", func(s *Spec) { s.Addresses = addresses("::") }, ErrInvalid{Field: "addresses[0]"}},
		{"busy", func(s *Spec) { *s = Spec{Generators: []GeneratorWants{gen(2, 1), gen(1, 1)}} },
			ErrBusy{GeneratorID: "gen-1", RequestID: "used"}},
		{"twice", func(s *Spec) { *s = Spec{Generators: []GeneratorWants{gen(2, 1), gen(2, 1)}} },
			ErrInvalid{Field: "generator_ids[1]"}},
		{"bad want", func(s *Spec) { *s = Spec{Generators: []GeneratorWants{gen(2, 1, Want{})}} },
			ErrInvalid{Field: "generator_ids[0]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good()
			c.change(&s)
			r, err := m.Start(s)
			if r != nil || err == nil || err.Error() == "" {
				t.Fatalf("%v %v", r, err)
			}
			if want, ok := c.want.(ErrInvalid); ok {
				var got ErrInvalid
				if !errors.As(err, &got) || got.Field != want.Field || got.Detail == "" {
					t.Fatalf("%#v, want field %s", err, want.Field)
				}
			} else if err != c.want {
				t.Fatalf("%#v, want %#v", err, c.want)
			}
			m.check(t)
			if len(m.Requests()) != 1 || len(m.Results()) != 1 || len(f.refs) != 1 || len(o.lines) != 0 {
				t.Error("something was begun")
			}
		})
	}
}

// TestPreparedRequestStartsAsOthers: a request that was prepared is like any other, and what keeps it from
// starting is seen when it starts.
func TestPreparedRequestStartsAsOthers(t *testing.T) {
	f, o, m := newManager(t, Options{})
	prepare := func(s Spec) *Prepared {
		t.Helper()
		d, err := Prepare(s, f.NextHop)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	spec := Spec{ID: "a", Generators: []GeneratorWants{gen(0, 1, wants("10.0.0.1", "10.0.0.2")...)}}
	first, same, other := prepare(spec), prepare(spec), prepare(Spec{ID: "b", Generators: spec.Generators})
	f.loop.RunFor(loop.Second)
	for _, d := range []*Prepared{first, same, other} {
		d.SetGenerator("new", 7)
	}
	r, err := m.StartPrepared(first)
	if err != nil || r.ID() != "a" || !slices.Equal(r.GeneratorIDs(), []string{"new"}) || r.CreatedAt() != loop.Time(loop.Second) {
		t.Fatalf("%+v %v", r, err)
	}
	m.check(t)
	f.loop.RunFor(0)
	o.take()
	f.answer(1, "10.0.0.2")
	if _, err := m.StartPrepared(other); err != (ErrBusy{GeneratorID: "new", RequestID: "a"}) {
		t.Error(err)
	}
	f.loop.RunFor(DefaultTimeout)
	if _, err := m.StartPrepared(same); err != (ErrExists{ID: "a"}) {
		t.Error(err)
	}
	want := []string{"learned 7/1 02:01:0a:00:00:02", "lost 7/0 no_reply", "done 7 false a", "request a timed_out"}
	if got := o.take(); !slices.Equal(got, want) || len(m.Requests()) != 1 || len(m.Results()) != 1 {
		t.Errorf("told %q, want %q", got, want)
	}
	if _, err := Prepare(Spec{Interface: ifc(1)}, f.NextHop); err == nil {
		t.Error("a wrong spec is prepared")
	}
	m.check(t)
}

// TestKnownNextHopsAreDecidedAtOnce: what can't change by waiting is decided when Start returns.
func TestKnownNextHopsAreDecidedAtOnce(t *testing.T) {
	f, o, m := newManager(t, Options{})
	i := f.ifaces[1]
	i.prefix, i.own = netip.MustParsePrefix("10.0.0.0/24"), netip.MustParseAddr("10.0.0.1")
	f.cached[key{1, netip.MustParseAddr("10.0.0.2")}] = header.MAC{2, 2}
	f.refuse[key{1, netip.MustParseAddr("10.0.0.3")}] = TableFull
	r := start(t, m, Spec{ID: "a", Mode: ModeCached, Generators: []GeneratorWants{
		gen(7, 1, wants("0.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.9.9.9", "10.9.9.8")...)}})
	if r.State() != StateTimedOut || len(f.refs) != 0 || f.loop.Next() != loop.Never {
		t.Fatalf("%v, next %v", r.State(), f.loop.Next())
	}
	var got []string
	for _, row := range r.Destinations(DestinationFilter{}) {
		got = append(got, fmt.Sprint(row.Address, row.State, row.Reason, row.MAC, row.FromCache, row.NextHop.IsValid()))
	}
	want := []string{
		"0.0.0.0 timed_out no_route 00:00:00:00:00:00 false false",
		"10.0.0.1 timed_out own_address 00:00:00:00:00:00 false false",
		"10.0.0.2 completed  02:02:00:00:00:00 true true",
		"10.0.0.3 timed_out table_full 00:00:00:00:00:00 false true",
		"10.9.9.8 timed_out no_route 00:00:00:00:00:00 false false",
		"10.9.9.9 timed_out no_route 00:00:00:00:00:00 false false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	told := o.take()
	wantTold := []string{"begins 7 a", "lost 7/0 no_route", "lost 7/4 no_route", "lost 7/5 no_route", "lost 7/1 own_address",
		"learned 7/2 02:02:00:00:00:00", "lost 7/3 table_full", "done 7 false a", "request a timed_out"}
	if !slices.Equal(told, wantTold) {
		t.Errorf("told %q, want %q", told, wantTold)
	}
	if r.NextHops() != 2 || r.RequestsSent() != 0 || r.RepliesReceived() != 0 {
		t.Error(r.NextHops(), r.RequestsSent(), r.RepliesReceived())
	}
	m.check(t)
}

// TestGeneratorWithoutWantsIsDoneAtOnce: a generator without wants is done at once.
func TestGeneratorWithoutWantsIsDoneAtOnce(t *testing.T) {
	_, o, m := newManager(t, Options{})
	r := start(t, m, Spec{ID: "a", Generators: []GeneratorWants{gen(7, 1)}})
	want := []string{"begins 7 a", "done 7 true a", "request a completed"}
	if got := o.take(); r.State() != StateCompleted || !slices.Equal(got, want) {
		t.Errorf("%v, told %q", r.State(), got)
	}
}

// TestOnlyModeCachedUsesReachable: only cached learning takes what is REACHABLE.
func TestOnlyModeCachedUsesReachable(t *testing.T) {
	for mode, fresh := range map[Mode]bool{ModeAll: true, ModeUnresolved: true, ModeCached: false} {
		f, _, m := newManager(t, Options{})
		r := start(t, m, Spec{Mode: mode, Generators: []GeneratorWants{gen(7, 1, wants("10.0.0.1")...)}})
		if h := f.refs[1]; h == nil || h.fresh != fresh || r.Mode() != mode {
			t.Errorf("%v: %+v", mode, h)
		}
	}
}

// TestGatewayIsSolicitedOnce: a million destinations behind one gateway cost one
// solicitation.
func TestGatewayIsSolicitedOnce(t *testing.T) {
	f, o, m := newManager(t, Options{})
	f.ifaces[1].prefix = netip.MustParsePrefix("198.18.0.0/24")
	f.ifaces[1].gateway = netip.MustParseAddr("198.18.0.1")
	g := gen(7, 1)
	const n = 1 << 20
	for i := range n {
		g.Wants = append(g.Wants, Want{ipv4(i), 3})
	}
	g.Wants = append(g.Wants, Want{f.ifaces[1].gateway, 3}, Want{netip.MustParseAddr("198.18.0.2"), 4})
	r := start(t, m, Spec{ID: "a", Generators: []GeneratorWants{g}})
	f.loop.RunUntil(0)
	if len(f.sent) != 2 || r.NextHops() != 2 || r.Progress().Total != n+2 {
		t.Fatalf("%d solicitations, %d next hops", len(f.sent), r.NextHops())
	}
	f.answer(1, "198.18.0.1")
	if p := r.Progress(); p.Completed != n+1 {
		t.Errorf("%+v", p)
	}
	f.answer(1, "198.18.0.2")
	want := []string{"begins 7 a", "request a resolving", "learned 7/3 02:01:c6:12:00:01", "learned 7/4 02:01:c6:12:00:02",
		"done 7 true a", "request a completed"}
	if got := o.take(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	rows := r.Destinations(DestinationFilter{After: ipv4(n - 2), Limit: 2})
	if rows[0].Address != ipv4(n-1) || rows[0].NextHop != f.ifaces[1].gateway || rows[1].NextHop != f.ifaces[1].gateway ||
		r.RepliesReceived() != 2 {
		t.Errorf("%+v", rows)
	}
}

// TestRequestsShareASubscription: one subscription serves every request until the last has
// left, and has the deadline of each.
func TestRequestsShareASubscription(t *testing.T) {
	f, o, m := newManager(t, Options{})
	a := start(t, m, Spec{ID: "a", Timeout: 10 * loop.Second, Interface: ifc(1), Addresses: addresses("10.0.0.1")})
	f.loop.RunUntil(0)
	b := start(t, m, Spec{ID: "b", Timeout: 20 * loop.Second, Mode: ModeCached,
		Generators: []GeneratorWants{gen(7, 1, wants("10.0.0.1")...)}})
	c := start(t, m, Spec{ID: "c", Timeout: 5 * loop.Second, Interface: ifc(1), Addresses: addresses("10.0.0.1")})
	f.loop.RunUntil(0)
	h := f.refs[1]
	wait := func(want ...int) {
		t.Helper()
		got := []int{}
		for _, d := range h.deadlines {
			got = append(got, int(d.Sub(0)/loop.Second))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("the resolver knows of deadlines %v, want %v", got, want)
		}
	}
	if len(f.refs) != 1 || f.holds != 1 || len(f.sent) != 1 {
		t.Fatalf("%d held, %d holds, %d solicitations", len(f.refs), f.holds, len(f.sent))
	}
	wait(5, 10, 20)
	if a.RequestsSent() != 1 || b.RequestsSent() != 0 {
		t.Error("a solicitation counts for the requests that wait when it is sent")
	}
	m.check(t)
	f.loop.RunUntil(loop.Time(5 * loop.Second))
	if c.State() != StateTimedOut || a.State() != StateResolving {
		t.Error(c.State(), a.State())
	}
	wait(10, 20)
	m.Cancel("a")
	if len(f.refs) != 1 {
		t.Error("released while b waits")
	}
	wait(20)
	m.check(t)
	f.answer(1, "10.0.0.1")
	if b.State() != StateCompleted || a.State() != StateCancelled || len(f.refs) != 0 {
		t.Error(a.State(), b.State())
	}
	if row := a.Destinations(DestinationFilter{})[0]; row.Reason != Cancelled || row.Attempts != 1 || row.DecidedAt != loop.Time(5*loop.Second) {
		t.Errorf("%+v", row)
	}
	o.take()
	m.check(t)
}

// TestModeCachedCompletesBesideAnotherRequest: what is REACHABLE completes at once in mode cached,
// though another request solicits it anew.
func TestModeCachedCompletesBesideAnotherRequest(t *testing.T) {
	f, _, m := newManager(t, Options{})
	k := key{1, netip.MustParseAddr("10.0.0.1")}
	all := start(t, m, Spec{Interface: ifc(1), Addresses: []netip.Addr{k.hop}})
	f.cached[k] = header.MAC{9}
	anew := start(t, m, Spec{Interface: ifc(1), Addresses: []netip.Addr{k.hop}})
	cached := start(t, m, Spec{Mode: ModeCached, Interface: ifc(1), Addresses: []netip.Addr{k.hop}})
	m.check(t)
	if row := cached.Destinations(DestinationFilter{})[0]; cached.State() != StateCompleted || row.MAC != f.cached[k] || !row.FromCache {
		t.Errorf("%v %+v", cached.State(), row)
	}
	if all.State() != StateResolving || anew.State() != StateResolving || len(f.refs[1].deadlines) != 2 {
		t.Errorf("%v %v %v", all.State(), anew.State(), f.refs[1].deadlines)
	}
}

// TestLeavingRequestKeepsOthersWaiting: leaving in any order leaves the others waiting.
func TestLeavingRequestKeepsOthersWaiting(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}} {
		f, _, m := newManager(t, Options{})
		for i := range 4 {
			start(t, m, Spec{ID: fmt.Sprint("r-", i), Interface: ifc(1), Addresses: addresses("10.0.0.1")})
		}
		for i, n := range order {
			m.check(t)
			if len(f.refs) != 1 {
				t.Fatalf("%v: nothing held with %d left", order, 4-i)
			}
			m.Cancel(fmt.Sprint("r-", n))
		}
		if m.check(t); len(f.refs) != 0 {
			t.Errorf("%v: something is held", order)
		}
	}
}

func TestGeneratorDeleted(t *testing.T) {
	f, o, m := newManager(t, Options{})
	f.ifaces[1].prefix = netip.MustParsePrefix("10.0.0.0/24")
	f.ifaces[1].gateway = netip.MustParseAddr("10.0.0.1")
	r := start(t, m, Spec{ID: "a", Generators: []GeneratorWants{
		gen(7, 1, wants("10.0.0.2", "10.0.0.3", "10.1.0.1", "10.1.0.2")...),
		gen(8, 1, wants("10.0.0.3", "10.0.0.4", "10.1.0.2", "10.1.0.3")...)}})
	f.loop.RunUntil(0)
	f.answer(1, "10.0.0.4")
	o.take()
	m.GeneratorDeleted(7)
	m.check(t)
	if _, held := f.byKey[key{1, netip.MustParseAddr("10.0.0.2")}]; held {
		t.Error("a next hop that no request wants has a subscription")
	}
	f.answer(1, "10.0.0.3")
	f.answer(1, "10.0.0.1")
	var got []string
	for _, row := range r.Destinations(DestinationFilter{}) {
		got = append(got, fmt.Sprint(row.Address, " ", row.State, " ", row.Reason))
	}
	want := []string{"10.0.0.2 timed_out generator_deleted", "10.0.0.3 completed ", "10.0.0.4 completed ",
		"10.1.0.1 timed_out generator_deleted", "10.1.0.2 completed ", "10.1.0.3 completed "}
	if !slices.Equal(got, want) || r.State() != StateTimedOut {
		t.Errorf("%v %q", r.State(), got)
	}
	told := o.take()
	wantTold := []string{"request a resolving", "learned 8/0 02:01:0a:00:00:03", "learned 8/2 02:01:0a:00:00:01",
		"learned 8/3 02:01:0a:00:00:01", "done 8 true a", "request a timed_out"}
	if !slices.Equal(told, wantTold) {
		t.Errorf("told %q, want %q", told, wantTold)
	}
	m.GeneratorDeleted(8) // finished: nothing happens
	if len(o.take()) != 0 {
		t.Error("a finished request changed")
	}
}

// TestRequestWithoutGeneratorsIsCancelled: a request without generators ends cancelled.
func TestRequestWithoutGeneratorsIsCancelled(t *testing.T) {
	f, o, m := newManager(t, Options{})
	r := start(t, m, Spec{ID: "a", Generators: []GeneratorWants{
		gen(7, 1, wants("10.0.0.1")...), gen(8, 1, wants("10.0.0.1", "10.0.0.2")...)}})
	o.take()
	m.GeneratorDeleted(8)
	m.GeneratorDeleted(8)
	if r.State() != StateResolving || len(f.refs) != 1 {
		t.Fatal(r.State())
	}
	m.GeneratorDeleted(7)
	if rows := r.Destinations(DestinationFilter{}); r.State() != StateCancelled || rows[0].Reason != GeneratorDeleted || len(f.refs) != 0 {
		t.Errorf("%v %+v", r.State(), rows)
	}
	for _, line := range o.take() {
		if !strings.HasPrefix(line, "request") {
			t.Errorf("a deleted generator was told %q", line)
		}
	}
	// Its handle and its name may be used again.
	start(t, m, Spec{Generators: []GeneratorWants{gen(7, 1, wants("10.0.0.1")...)}})
}

func TestInterfaceDeleted(t *testing.T) {
	f, o, m := newManager(t, Options{})
	f.addInterface(2)
	both := start(t, m, Spec{ID: "both", Generators: []GeneratorWants{
		gen(7, 1, wants("10.0.0.1")...), gen(8, 2, wants("10.0.0.1")...)}})
	only := start(t, m, Spec{ID: "only", Interface: ifc(1), Addresses: addresses("10.0.0.1", "10.0.0.9")})
	o.take()
	m.InterfaceDeleted(1)
	f.forget(1)
	m.check(t)
	if both.State() != StateResolving || only.State() != StateTimedOut || len(f.refs) != 1 {
		t.Fatal(both.State(), only.State())
	}
	// The handle may be used again, even for an interface on another port.
	f.ifaces[1].budget.Port = 5
	again := start(t, m, Spec{ID: "again", Interface: ifc(1), Addresses: addresses("10.0.0.1")})
	f.loop.RunUntil(0)
	m.check(t)
	if id := m.queues[1].scheduler.id; id != 5 {
		t.Errorf("the new interface's path is %d", id)
	}
	f.answer(1, "10.0.0.1")
	f.answer(2, "10.0.0.1")
	rows := both.Destinations(DestinationFilter{})
	if rows[0].Reason != InterfaceDeleted || rows[1].State != StateCompleted || both.State() != StateTimedOut ||
		again.State() != StateCompleted {
		t.Errorf("%+v %v", rows, again.State())
	}
	want := []string{"lost 7/0 interface_deleted", "done 7 false both", "request both resolving",
		"request only timed_out", "request again resolving", "request again completed",
		"learned 8/0 02:02:0a:00:00:01", "done 8 true both", "request both timed_out"}
	if got := o.take(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	m.InterfaceDeleted(99)
	m.check(t)
}

// TestReasons produces every reason that learning returns.
func TestReasons(t *testing.T) {
	end := map[Reason]func(f *fake, m *Manager){
		Cancelled:        func(_ *fake, m *Manager) { m.Cancel("a") },
		GeneratorDeleted: func(_ *fake, m *Manager) { m.GeneratorDeleted(7) },
		InterfaceDeleted: func(_ *fake, m *Manager) { m.InterfaceDeleted(1) },
	}
	k := key{1, netip.MustParseAddr("10.0.0.1")}
	for want := NoReply; want < numReasons; want++ {
		f, o, m := newManager(t, Options{})
		switch want {
		case NoRoute:
			f.ifaces[1].prefix = netip.MustParsePrefix("10.1.0.0/16")
		case OwnAddress:
			f.ifaces[1].own = k.hop
		case NoSourceAddress, AddressConflict, TableFull:
			f.refuse[k] = want
		case LinkDown, AddressTentative, Unconfirmed:
			f.why[k], f.wait[k] = want, true
		}
		r := start(t, m, Spec{ID: "a", Generators: []GeneratorWants{gen(7, 1, wants("10.0.0.1")...)}})
		if does := end[want]; does != nil {
			does(f, m)
		}
		f.loop.RunUntil(loop.Time(DefaultTimeout))
		if got := r.Destinations(DestinationFilter{})[0].Reason; got != want {
			t.Errorf("%v, want %v", got, want)
		}
		lost := fmt.Sprintf("lost 7/0 %v", want)
		if got := slices.Contains(o.take(), lost); got != (want != GeneratorDeleted) {
			t.Errorf("%q was told: %v", lost, got)
		}
		m.check(t)
	}
}

// TestSubscribeWaitSolicitsWhenDue: a neighbor that may not be solicited yet is solicited when
// SolicitDue comes.
func TestSubscribeWaitSolicitsWhenDue(t *testing.T) {
	f, _, m := newManager(t, Options{})
	k := key{1, netip.MustParseAddr("10.0.0.1")}
	f.wait[k] = true
	start(t, m, Spec{Interface: ifc(1), Addresses: []netip.Addr{k.hop}})
	f.loop.RunFor(loop.Second)
	if len(f.sent) != 0 {
		t.Fatal("asked before it was allowed")
	}
	f.due(f.byKey[k])
	f.due(f.byKey[k])
	f.loop.RunFor(0)
	if len(f.sent) != 1 {
		t.Errorf("%d solicitations", len(f.sent))
	}
	m.check(t)
}

func TestDestinations(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.addInterface(2)
	one, two := ifc(2), ifc(1) // the order of the ids is not that of the handles
	one.ID, two.ID, two.VLANs = "aa", "bb", []uint16{100, 7}
	g1, g2 := gen(7, 2, wants("10.0.0.2", "::1", "10.0.0.2", "10.0.0.9")...), gen(8, 1, wants("10.0.0.2", "2001:db8::1", "9.0.0.1")...)
	g1.Interface, g2.Interface = one, two
	r := start(t, m, Spec{Generators: []GeneratorWants{g1, g2}})
	f.loop.RunUntil(0)
	f.loop.RunFor(loop.Millisecond)
	f.answer(1, "10.0.0.2")
	f.answer(1, "2001:db8::1")
	list := func(f DestinationFilter) string {
		var s []string
		for _, row := range r.Destinations(f) {
			s = append(s, fmt.Sprint(row.Address, "@", row.InterfaceID))
		}
		return strings.Join(s, " ")
	}
	for _, c := range []struct {
		f    DestinationFilter
		want string
	}{
		{DestinationFilter{}, "9.0.0.1@bb 10.0.0.2@aa 10.0.0.2@bb 10.0.0.9@aa ::1@aa 2001:db8::1@bb"},
		{DestinationFilter{Limit: 1}, "9.0.0.1@bb"},
		{DestinationFilter{Limit: 2}, "9.0.0.1@bb 10.0.0.2@aa 10.0.0.2@bb"},
		{DestinationFilter{Limit: 3}, "9.0.0.1@bb 10.0.0.2@aa 10.0.0.2@bb"},
		{DestinationFilter{After: netip.MustParseAddr("10.0.0.2")}, "10.0.0.9@aa ::1@aa 2001:db8::1@bb"},
		{DestinationFilter{After: netip.MustParseAddr("10.0.0.3"), Limit: 2}, "10.0.0.9@aa ::1@aa"},
		{DestinationFilter{After: netip.MustParseAddr("2001:db8::1")}, ""},
		{DestinationFilter{State: StateCompleted}, "10.0.0.2@bb 2001:db8::1@bb"},
		{DestinationFilter{State: StateCompleted, Limit: 1}, "10.0.0.2@bb"},
		{DestinationFilter{State: StateTimedOut}, ""},
	} {
		if got := list(c.f); got != c.want {
			t.Errorf("%+v: %q, want %q", c.f, got, c.want)
		}
	}
	row := r.Destinations(DestinationFilter{})[2]
	if row.RTT != loop.Millisecond || row.Attempts != 1 || !slices.Equal(row.VLANs, []uint16{100, 7}) ||
		row.DecidedAt != loop.Time(loop.Millisecond) || row.FromCache || row.NextHop != row.Address {
		t.Errorf("%+v", row)
	}
	if ids := r.InterfaceIDs(); !slices.Equal(ids, []string{"aa", "bb"}) || !slices.Equal(r.GeneratorIDs(), []string{"gen-7", "gen-8"}) {
		t.Error(ids, r.GeneratorIDs())
	}
}

// TestRoundTripBeyond32BitsIsKept: a round trip beyond 32 bits of nanoseconds is kept.
func TestRoundTripBeyond32BitsIsKept(t *testing.T) {
	var a hopResult
	for _, d := range []loop.Duration{0, 1, 1<<32 - 1, 1 << 32, 3600 * loop.Second, 1<<47 - 1} {
		if a.setRTT(d); a.rtt() != d {
			t.Errorf("%v, want %v", a.rtt(), d)
		}
	}
	if a.setRTT(1 << 60); a.rtt() != 1<<47-1 {
		t.Errorf("%v", a.rtt())
	}
	if a.setRTT(-1); a.rtt() != 0 {
		t.Errorf("%v", a.rtt())
	}
}

func TestRetention(t *testing.T) {
	f, _, m := newManager(t, Options{Retain: 3, RetainFor: 10 * loop.Second})
	run := func(id string) {
		start(t, m, Spec{ID: id, Interface: ifc(1), Addresses: addresses("10.0.0.1")})
		m.Cancel(id)
	}
	ids := func() (s string) {
		for _, r := range m.Requests() {
			s += r.ID()
		}
		return s + fmt.Sprint(len(m.Results()))
	}
	start(t, m, Spec{ID: "z", Interface: ifc(1), Addresses: addresses("10.0.0.2"), Timeout: 100 * loop.Second})
	for _, id := range []string{"e", "d", "c", "b"} {
		run(id)
		f.loop.RunFor(loop.Second)
	}
	if got := ids(); got != "bcdz4" {
		t.Errorf("%s are kept, want the last three and the one in progress", got)
	}
	m.DeleteRequest("c")
	run("a")
	if got := ids(); got != "abdz4" {
		t.Errorf("%s are kept", got)
	}
	f.loop.RunUntil(loop.Time(13 * loop.Second)) // b ended at 3 s, a at 4 s
	if got := ids(); got != "az2" {
		t.Errorf("%s are kept after 13 s", got)
	}
	f.loop.RunUntil(loop.Time(14 * loop.Second))
	if got := ids(); got != "z1" {
		t.Errorf("%s are kept after 14 s", got)
	}
}

func TestDelete(t *testing.T) {
	_, _, m := newManager(t, Options{})
	r := start(t, m, Spec{ID: "a", Interface: ifc(1), Addresses: addresses("10.0.0.1")})
	result := m.Result(r.ResultID())
	if m.DeleteRequest("a") || m.DeleteRequest("nosuch") || m.DeleteResult("nosuch") != nil || m.Cancel("nosuch") {
		t.Error("deleted what can't be")
	}
	if err := m.DeleteResult(result.ID()); err != (ErrInProgress{result.ID(), "a"}) || err.Error() == "" {
		t.Error(err)
	}
	m.DeleteFinishedRequests()
	m.DeleteFinishedResults()
	m.Cancel("a")
	if !m.DeleteRequest("a") || m.Result(r.ResultID()) != result || len(result.Destinations(DestinationFilter{})) != 1 {
		t.Error("the result does not outlive its request")
	}
	b := start(t, m, Spec{ID: "b", Interface: ifc(1), Addresses: addresses("10.0.0.1")})
	m.Cancel("b")
	id := b.ResultID()
	if m.DeleteResult(id) != nil || m.Result(id) != nil || b.ResultID() != id || m.Request("b") != b ||
		len(b.Destinations(DestinationFilter{})) != 0 || b.Progress().TimedOut != 1 {
		t.Error("the request does not outlive its result")
	}
	start(t, m, Spec{ID: "c", Interface: ifc(1), Addresses: addresses("10.0.0.1")})
	m.DeleteFinishedRequests()
	m.DeleteFinishedResults()
	if len(m.Requests()) != 1 || len(m.Results()) != 1 || m.Request("c") == nil {
		t.Error("the one in progress is not what is left")
	}
	m.check(t)
}

func TestNewID(t *testing.T) {
	given := []string{"plan", "a", "b", "b", "c", "c", "d"}
	_, _, m := newManager(t, Options{NewID: func() string { id := given[0]; given = given[1:]; return id }})
	a := start(t, m, Spec{Interface: ifc(1), Addresses: addresses("10.0.0.1")})
	b := start(t, m, Spec{Interface: ifc(1), Addresses: addresses("10.0.0.1")})
	if got := []string{a.ID(), a.ResultID(), b.ID(), b.ResultID()}; !slices.Equal(got, []string{"a", "b", "b", "c"}) {
		t.Errorf("ids %q", got)
	}
}

// TestRegistryUnderChurn: what is removed does not pile up.
func TestRegistryUnderChurn(t *testing.T) {
	_, _, m := newManager(t, Options{Retain: 10})
	for range 10000 {
		r := start(t, m, Spec{Interface: ifc(1), Addresses: addresses("10.0.0.1")})
		m.Cancel(r.ID())
	}
	if n := len(m.requests.all); n > 100 || len(m.active) != 1 || m.pending.live != 0 || len(m.pending.slots) > 1 {
		t.Errorf("%d entries, %d slots, %d targets", n, len(m.active), len(m.pending.slots))
	}
}
