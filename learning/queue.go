package learning

import "glean/learning/congestion"

// Kinds of solicitations, in their order of precedence.
const (
	firstSolicit = iota
	repeatSolicit
	numKinds
)

// ifaceQueue is the queue of an interface while requests use it: the pending next hops
// that wait to be solicited, and the interface's pace.
type ifaceQueue struct {
	handle    uint32
	scheduler *portScheduler
	users     int  // requests
	gone      bool // the interface is deleted: nothing is sent, and no subscription is left
	lists     [numKinds]pendingList
	links     [numKinds]ringLinks
	inFlight  int
	window    int
	congestion.Pacer
}

// close removes the queue of a deleted interface from its scheduler, with all that is
// queued.
func (q *ifaceQueue) close() {
	q.gone = true
	for kind := range q.lists {
		if n := q.lists[kind].n; n > 0 {
			q.scheduler.ready[kind].remove(q)
			q.scheduler.queued -= n
		}
	}
}

// pendingList is a list of pending next hops, linked by their indexes.
type pendingList struct {
	head, tail uint32
	n          int
}

var emptyList = pendingList{head: none, tail: none}

func (q *pendingList) push(hs []pendingHop, id uint32) {
	ph := &hs[id]
	ph.prev, ph.next = q.tail, none
	if q.tail == none {
		q.head = id
	} else {
		hs[q.tail].next = id
	}
	q.tail = id
	q.n++
}

func (q *pendingList) remove(hs []pendingHop, id uint32) {
	ph := &hs[id]
	if ph.prev == none {
		q.head = ph.next
	} else {
		hs[ph.prev].next = ph.next
	}
	if ph.next == none {
		q.tail = ph.prev
	} else {
		hs[ph.next].prev = ph.prev
	}
	ph.prev, ph.next = none, none
	q.n--
}

// ringLinks are a queue's neighbors in a round robin.
type ringLinks struct {
	next, prev *ifaceQueue
}

// roundRobin is the ring of the queues that have solicitations of one kind to send. An
// interface with a million addresses thus does not keep the others waiting.
type roundRobin struct {
	kind int
	at   *ifaceQueue // the next one to send
	n    int
}

// add adds a queue at the end.
func (r *roundRobin) add(q *ifaceQueue) {
	t := &q.links[r.kind]
	if r.at == nil {
		r.at, t.next, t.prev = q, q, q
	} else {
		last := r.at.links[r.kind].prev
		t.next, t.prev = r.at, last
		last.links[r.kind].next = q
		r.at.links[r.kind].prev = q
	}
	r.n++
}

func (r *roundRobin) remove(q *ifaceQueue) {
	t := &q.links[r.kind]
	if r.n--; r.n == 0 {
		r.at = nil
	} else {
		t.prev.links[r.kind].next = t.next
		t.next.links[r.kind].prev = t.prev
		if r.at == q {
			r.at = t.next
		}
	}
	t.next, t.prev = nil, nil
}

// advance moves on to the next queue.
func (r *roundRobin) advance() {
	if r.at != nil {
		r.at = r.at.links[r.kind].next
	}
}
