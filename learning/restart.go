package learning

import "glean/stack/loop"

// deadlineMove moves the subscriptions of a request to its new deadline, a slice in each
// turn of the loop.
type deadlineMove struct {
	timer    loop.Timer
	old      loop.Time // the deadline that they have
	next, to int       // indexes of next hops
}

// Restart sets the deadline of a request in progress to its whole timeout from now. It
// reports whether there is such a request. It does nothing while an earlier restart is
// in progress.
func (m *Manager) Restart(id string) bool {
	r := m.requests.byID[id]
	if r == nil || r.State() != StateResolving || r.ending {
		return false
	}
	w := &r.move
	if w.next < w.to {
		return true
	}
	w.old, w.next, w.to = r.deadline, 0, r.next
	r.deadline = m.loop.Now().Add(r.timeout)
	m.loop.Arm(&r.timer, r.deadline)
	m.moveDeadlines(r)
	return true
}

// moveDeadlines does the next slice of a restart.
func (m *Manager) moveDeadlines(r *Request) {
	w := &r.move
	for to := min(w.to, w.next+m.slice); w.next < to; w.next++ {
		h := &r.result.hops[w.next]
		if h.state != StateResolving || h.link == none || r.queues[h.iface].gone {
			continue
		}
		ref := m.pending.slots[h.link].ref
		m.resolver.AddDeadline(ref, r.deadline)
		m.resolver.RemoveDeadline(ref, w.old)
	}
	if w.next < w.to {
		m.loop.Arm(&w.timer, m.loop.Now())
	}
}
