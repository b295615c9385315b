package learning

import "glean/learning/congestion"

// Kinds of questions, in their order of precedence.
const (
	firstSolicit = iota
	repeatSolicit
	numKinds
)

// lane is an interface while requests use it: its queues and its pace.
type ifaceQueue struct {
	handle    uint32
	scheduler *portScheduler
	users     int  // requests
	gone      bool // the interface is deleted: nobody is asked, and nothing is held
	lists     [numKinds]pendingList
	links     [numKinds]ringLinks
	inFlight  int
	window    int
	congestion.Pacer
}

// close takes a lane whose interface went away off its path, with all that is
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

// queue is a list of targets linked through their indexes.
type pendingList struct {
	head, tail uint32
	n          int
}

var emptyList = pendingList{head: none, tail: none}

func (q *pendingList) push(hs []pendingHop, id uint32) {
	t := &hs[id]
	t.prev, t.next = q.tail, none
	if q.tail == none {
		q.head = id
	} else {
		hs[q.tail].next = id
	}
	q.tail = id
	q.n++
}

func (q *pendingList) remove(hs []pendingHop, id uint32) {
	t := &hs[id]
	if t.prev == none {
		q.head = t.next
	} else {
		hs[t.prev].next = t.next
	}
	if t.next == none {
		q.tail = t.prev
	} else {
		hs[t.next].prev = t.prev
	}
	t.prev, t.next = none, none
	q.n--
}

// turn is a lane's place in a round of lanes.
type ringLinks struct {
	next, prev *ifaceQueue
}

// round is the ring of the lanes that have questions of one kind to ask. They
// take turns, so that an interface with a million addresses does not make its
// neighbors wait.
type roundRobin struct {
	kind int
	at   *ifaceQueue // whose turn it is
	n    int
}

// join puts a lane at the end of the round.
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

// pass gives the turn to the next lane.
func (r *roundRobin) advance() {
	if r.at != nil {
		r.at = r.at.links[r.kind].next
	}
}
