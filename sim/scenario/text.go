package scenario

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"

	"glean/sim"
	"glean/stack/loop"
)

// WriteText prints a report for people. Consecutive addresses with the same result share
// a row.
func (r *Report) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for i := range r.Learning {
		r.Learning[i].write(t)
	}
	r.writeTraffic(t)
	r.writeFrames(t)
	r.writeVerdict(t)
	return t.Flush()
}

// Seconds returns the text of a duration with the digits that matter.
func Seconds(d loop.Duration) string {
	switch {
	case d >= 10*loop.Millisecond:
		return fmt.Sprintf("%d.%03d s", d/loop.Second, d%loop.Second/loop.Millisecond)
	case d >= 10*loop.Microsecond:
		return fmt.Sprintf("%d.%03d ms", d/loop.Millisecond, d%loop.Millisecond/loop.Microsecond)
	}
	return fmt.Sprintf("%d ns", d)
}

// span is a row of a table that stands for consecutive addresses.
type span struct {
	first, last netip.Addr
	count       int
}

// extends reports whether a is the address after the span's last.
func (s *span) extends(a netip.Addr) bool {
	n, ok := sim.Within(s.last, a)
	return ok && n == 1
}

func (s *span) String() string {
	if s.count == 1 {
		return s.first.String()
	}
	return fmt.Sprintf("%s - %s (%d)", s.first, s.last, s.count)
}

// learned is a row of the table of learned addresses.
type learned struct {
	span
	like     Address // the first
	attempts map[uint32]int
	last     loop.Time // when the last one was decided
}

// alike reports whether an address can share the row.
func (l *learned) alike(a *Address) bool {
	self := func(x *Address) bool { return x.NextHop == x.Address }
	return l.extends(a.Address) && l.like.Interface == a.Interface && l.like.State == a.State &&
		l.like.Reason == a.Reason && self(&l.like) == self(a) &&
		(self(a) || l.like.NextHop == a.NextHop && l.like.MAC == a.MAC)
}

func (q *Request) rows() (rows []learned) {
	for i := range q.Addresses {
		a := &q.Addresses[i]
		n := len(rows)
		if n == 0 || !rows[n-1].alike(a) {
			rows = append(rows, learned{span: span{a.Address, a.Address, 0}, like: *a, attempts: make(map[uint32]int)})
			n++
		}
		row := &rows[n-1]
		row.span.last = a.Address
		row.count++
		row.attempts[a.Attempts]++
		row.last = max(row.last, a.At)
	}
	return rows
}

const (
	maxRows    = 40 // of a table
	maxSlowest = 3  // addresses that took longest, shown in full
)

func (q *Request) write(t io.Writer) {
	of := ""
	if len(q.Generators) > 0 {
		of = " of generator " + strings.Join(q.Generators, ", ")
	}
	fmt.Fprintf(t, "learning%s: %s in %s: %d completed, %d timed out; %d next hops, %d solicitations\n\n", of, q.State,
		Seconds(q.Took), q.Completed, q.TimedOut, q.NextHops, q.Sent)
	fmt.Fprintf(t, "  DESTINATION\tNEXT HOP\tMAC\tSTATE\tATTEMPTS\tBY\n")
	rows := q.rows()
	for i := range rows[:min(len(rows), maxRows)] {
		rows[i].write(t)
	}
	if len(rows) > maxRows {
		fmt.Fprintf(t, "  ... %d more rows; --json has all\n", len(rows)-maxRows)
	}
	q.writeSlowest(t)
	if q.Completed > 0 {
		fmt.Fprintf(t, "\n  answered after: half %s, 90 %% %s, 99 %% %s, last %s; round trip of an answer: half %s, last %s\n",
			Seconds(q.Settled.P50), Seconds(q.Settled.P90), Seconds(q.Settled.P99), Seconds(q.Settled.Max),
			Seconds(q.RTT.P50), Seconds(q.RTT.Max))
	}
	fmt.Fprintln(t)
}

func (l *learned) write(t io.Writer) {
	hop, mac, state := l.like.NextHop.String(), l.like.MAC.String(), l.like.State
	switch {
	case !l.like.NextHop.IsValid():
		hop = "none"
	case l.like.NextHop == l.like.Address:
		hop = "on-link"
	}
	switch {
	case l.like.MAC.IsZero():
		mac = "-"
	case l.count > 1 && hop == "on-link":
		mac = "one each"
	}
	if l.like.Reason != "" {
		state += " (" + l.like.Reason + ")"
	}
	fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\n", &l.span, hop, mac, state, l.histogram(), Seconds(l.last.Sub(0)))
}

// histogram returns how many addresses took how many attempts. Behind a gateway there
// is one number, because the attempts are those of the gateway.
func (l *learned) histogram() string {
	var words []string
	for _, n := range sortedKeys(l.attempts) {
		word := fmt.Sprintf("%d", n)
		if len(l.attempts) > 1 {
			word = fmt.Sprintf("%d: %d", n, l.attempts[n])
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func sortedKeys(m map[uint32]int) []uint32 {
	keys := make([]uint32, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// writeSlowest prints the completed addresses that needed most attempts.
func (q *Request) writeSlowest(t io.Writer) {
	var slow []Address
	for _, a := range q.Addresses {
		if a.State == "completed" && a.Attempts > 1 && a.NextHop == a.Address {
			slow = append(slow, a)
		}
	}
	slices.SortStableFunc(slow, func(a, b Address) int { return int(b.Attempts) - int(a.Attempts) })
	if len(slow) == 0 || len(q.Addresses) <= maxSlowest {
		return
	}
	fmt.Fprintf(t, "  most attempts:\n")
	for _, a := range slow[:min(len(slow), maxSlowest)] {
		l := learned{span: span{a.Address, a.Address, 1}, like: a, attempts: map[uint32]int{a.Attempts: 1}, last: a.At}
		l.write(t)
	}
}

// carried is a row of the table of traffic.
type carried struct {
	span
	like           Flow
	sent, received uint64
	least, most    uint64 // received of one flow
}

func (r *Report) writeTraffic(t io.Writer) {
	for _, g := range r.Generators {
		if g.Runs == 0 {
			if g.Refused != "" {
				fmt.Fprintf(t, "generator %s did not start: %s\n\n", g.ID, g.Refused)
			}
			continue
		}
		fmt.Fprintf(t, "traffic of generator %s: %d frames sent, %d received by the owners of the addresses", g.ID, g.Sent, g.Received)
		if g.Skipped > 0 {
			fmt.Fprintf(t, "; flows without a MAC left out %d times", g.Skipped)
		}
		fmt.Fprintf(t, "\n\n  FLOWS TO\tSENT\tRECEIVED\t\tOF EACH FLOW\n")
		rows := r.trafficOf(g.ID)
		for i := range rows[:min(len(rows), maxRows)] {
			c := &rows[i]
			fmt.Fprintf(t, "  %s\t%d\t%d\t%s\t%d to %d\n", &c.span, c.sent, c.received, percent(c.received, c.sent), c.least, c.most)
		}
		if len(rows) > maxRows {
			fmt.Fprintf(t, "  ... %d more rows; --json has all\n", len(rows)-maxRows)
		}
		fmt.Fprintln(t)
	}
}

func (r *Report) trafficOf(id string) (rows []carried) {
	for _, f := range r.Flows {
		if f.Generator != id {
			continue
		}
		n := len(rows)
		if n == 0 || !rows[n-1].extends(f.Destination) || rows[n-1].like.Port != f.Port ||
			(rows[n-1].like.Owner == "") != (f.Owner == "") {
			rows = append(rows, carried{span: span{f.Destination, f.Destination, 0}, like: f, least: f.Received})
			n++
		}
		c := &rows[n-1]
		c.span.last = f.Destination
		c.count++
		c.sent += f.Sent
		c.received += f.Received
		c.least, c.most = min(c.least, f.Received), max(c.most, f.Received)
	}
	return rows
}

func percent(part, whole uint64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

func (r *Report) writeFrames(t io.Writer) {
	fmt.Fprintf(t, "frames at glean's ports\n\n  KIND\tSENT\tRECEIVED\n")
	for _, k := range r.Frames {
		fmt.Fprintf(t, "  %s\t%d\t%d\n", k.Kind, k.Sent, k.Received)
	}
	fmt.Fprintf(t, "\nwires: %d frames delivered", r.Delivered)
	for _, d := range r.Drops {
		fmt.Fprintf(t, ", %d dropped (%s)", d.Frames, d.Reason)
	}
	fmt.Fprintf(t, "; %s of virtual time, seed %d, fingerprint %s\n", Seconds(r.Duration), r.Seed, r.Fingerprint)
}

func (r *Report) writeVerdict(t io.Writer) {
	if len(r.Expectations) > 0 {
		fmt.Fprintf(t, "\nexpected\n\n")
	}
	for _, e := range r.Expectations {
		word := "ok"
		if !e.Held {
			word = "FAILED"
		}
		fmt.Fprintf(t, "  %-6s  %s (%s)\n", word, e.What, e.Why)
	}
	for _, f := range r.Faults {
		fmt.Fprintf(t, "FAILED step %s\n", f)
	}
	for _, v := range r.Violations {
		fmt.Fprintf(t, "VIOLATION %s\n", v)
	}
}
