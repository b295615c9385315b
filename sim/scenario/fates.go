package scenario

import (
	"net/netip"
	"slices"

	"glean/learning"
)

// fates is what all learning requests of a generator have found out about its
// addresses so far; a later request counts more than an earlier one.
type fates struct {
	completed   []netip.Addr // they have a confirmed MAC
	timedOut    int          // they have none
	unconfirmed int          // they keep the MAC that they had, but a later request could not confirm it
}

func (f *fates) total() int { return len(f.completed) + f.timedOut + f.unconfirmed }

// fatesOf gives the fates of a generator's addresses. A next hop loses its MAC when
// it is asked in vain, and keeps it when nobody could be asked.
func (r *Run) fatesOf(id string) (f fates) {
	type fate struct{ known, confirmed bool }
	found := make(map[netip.Addr]fate)
	var order []netip.Addr
	for _, request := range r.order {
		q, err := r.engine.LearningRequest(request)
		if err != nil || !slices.Contains(q.GeneratorIDs(), id) {
			continue
		}
		for _, row := range q.Rows(learning.RowFilter{}) {
			was, again := found[row.Address]
			if !again {
				order = append(order, row.Address)
			}
			vain := row.Reason == learning.NoReply && row.Attempts > 0
			found[row.Address] = fate{row.State == learning.StateCompleted || was.known && !vain, row.State == learning.StateCompleted}
		}
	}
	for _, a := range order {
		switch {
		case found[a].confirmed:
			f.completed = append(f.completed, a)
		case found[a].known:
			f.unconfirmed++
		default:
			f.timedOut++
		}
	}
	return f
}
