package learning

import "glean/learning/congestion"

// Kinds of questions, in their order of precedence.
const (
	firstQuestion = iota
	repeatQuestion
	numKinds
)

// lane is an interface while requests use it: its queues and its pace.
type lane struct {
	handle uint32
	path   *path
	users  int  // requests
	gone   bool // the interface is deleted: nobody is asked, and nothing is held
	queues [numKinds]queue
	turn   [numKinds]turn
	flying int
	window int
	congestion.Pacer
}

// close takes a lane whose interface went away off its path, with all that is
// queued.
func (l *lane) close() {
	l.gone = true
	for kind := range l.queues {
		if n := l.queues[kind].n; n > 0 {
			l.path.rounds[kind].leave(l)
			l.path.waiting -= n
		}
	}
}

// queue is a list of targets linked through their indexes.
type queue struct {
	head, tail uint32
	n          int
}

var emptyQueue = queue{head: none, tail: none}

func (q *queue) push(ts []target, id uint32) {
	t := &ts[id]
	t.prev, t.next = q.tail, none
	if q.tail == none {
		q.head = id
	} else {
		ts[q.tail].next = id
	}
	q.tail = id
	q.n++
}

func (q *queue) remove(ts []target, id uint32) {
	t := &ts[id]
	if t.prev == none {
		q.head = t.next
	} else {
		ts[t.prev].next = t.next
	}
	if t.next == none {
		q.tail = t.prev
	} else {
		ts[t.next].prev = t.prev
	}
	t.prev, t.next = none, none
	q.n--
}

// turn is a lane's place in a round of lanes.
type turn struct {
	next, prev *lane
}

// round is the ring of the lanes that have questions of one kind to ask. They
// take turns, so that an interface with a million addresses does not make its
// neighbors wait.
type round struct {
	kind int
	at   *lane // whose turn it is
	n    int
}

// join puts a lane at the end of the round.
func (r *round) join(l *lane) {
	t := &l.turn[r.kind]
	if r.at == nil {
		r.at, t.next, t.prev = l, l, l
	} else {
		last := r.at.turn[r.kind].prev
		t.next, t.prev = r.at, last
		last.turn[r.kind].next = l
		r.at.turn[r.kind].prev = l
	}
	r.n++
}

func (r *round) leave(l *lane) {
	t := &l.turn[r.kind]
	if r.n--; r.n == 0 {
		r.at = nil
	} else {
		t.prev.turn[r.kind].next = t.next
		t.next.turn[r.kind].prev = t.prev
		if r.at == l {
			r.at = t.next
		}
	}
	t.next, t.prev = nil, nil
}

// pass gives the turn to the next lane.
func (r *round) pass() {
	if r.at != nil {
		r.at = r.at.turn[r.kind].next
	}
}
