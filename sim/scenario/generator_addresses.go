package scenario

import (
	"net/netip"
	"slices"

	"glean/learning"
)

// GeneratorAddresses is the joint result of all learning requests of a generator; a
// later request overrides an earlier one.
type GeneratorAddresses struct {
	Completed   []netip.Addr // with a confirmed MAC
	TimedOut    int          // without a MAC
	Unconfirmed int          // with an earlier MAC that a later request could not confirm
}

// Total returns how many addresses there are.
func (a *GeneratorAddresses) Total() int { return len(a.Completed) + a.TimedOut + a.Unconfirmed }

// AddressesOf returns the results of a generator's addresses until now. A next hop
// that does not answer a solicitation loses its MAC; one that could not be solicited
// keeps it.
func (r *Run) AddressesOf(generatorID string) (list GeneratorAddresses) {
	type result struct{ known, confirmed bool }
	found := make(map[netip.Addr]result)
	var order []netip.Addr
	for _, request := range r.requests {
		q, err := r.engine.LearningRequest(request)
		if err != nil || !slices.Contains(q.GeneratorIDs(), generatorID) {
			continue
		}
		for _, row := range q.Destinations(learning.DestinationFilter{}) {
			was, again := found[row.Address]
			if !again {
				order = append(order, row.Address)
			}
			lost := row.Reason == learning.NoReply && row.Attempts > 0
			found[row.Address] = result{row.State == learning.StateCompleted || was.known && !lost, row.State == learning.StateCompleted}
		}
	}
	for _, a := range order {
		switch {
		case found[a].confirmed:
			list.Completed = append(list.Completed, a)
		case found[a].known:
			list.Unconfirmed++
		default:
			list.TimedOut++
		}
	}
	return list
}
