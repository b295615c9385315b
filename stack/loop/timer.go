package loop

// Timer is a deadline and the function to run then. It is embedded in the
// structure that it serves, so that arming it allocates nothing. Its zero value
// must be given a function by Init before it is armed.
type Timer struct {
	fn  func()
	at  Time
	pos int // 1-based position in the heap, 0 when not armed
}

// NewTimer returns a timer that runs fn.
func NewTimer(fn func()) *Timer { return &Timer{fn: fn} }

// Init sets the function of a timer. It must not be called on an armed timer.
func (t *Timer) Init(fn func()) {
	if t.pos != 0 {
		panic("loop: Init of an armed timer")
	}
	t.fn = fn
}

// Armed reports whether the timer waits for its deadline.
func (t *Timer) Armed() bool { return t.pos != 0 }

// At returns the deadline of an armed timer, else Never.
func (t *Timer) At() Time {
	if t.pos == 0 {
		return Never
	}
	return t.at
}

// timers is a 4-ary min-heap on (at, seq). A wider heap than a binary one is
// shallower, and most timers are disarmed or moved before they reach the top.
type timers struct {
	heap []entry
	seq  uint64 // the sequence number given last; shared with posted functions
}

// An entry is an armed timer. It has a copy of all that the heap compares, so that
// comparing does not read the timers themselves, which are spread over memory.
type entry struct {
	at    Time
	seq   uint64
	timer *Timer
}

const arity = 4

func (h *timers) next() uint64 { h.seq++; return h.seq }

// min returns the entry that is due first. Its timer is nil if the heap is empty.
func (h *timers) min() entry {
	if len(h.heap) == 0 {
		return entry{at: Never}
	}
	return h.heap[0]
}

func (h *timers) arm(t *Timer, at Time) {
	if t.fn == nil {
		panic("loop: Arm of a timer without a function")
	}
	t.at = at
	e := entry{at, h.next(), t}
	if t.pos == 0 {
		h.heap = append(h.heap, e)
		h.up(e, len(h.heap)-1)
		return
	}
	h.fix(e, t.pos-1)
}

func (h *timers) disarm(t *Timer) {
	if t.pos == 0 {
		return
	}
	n := len(h.heap) - 1
	last := h.heap[n]
	h.heap[n] = entry{}
	h.heap = h.heap[:n]
	if last.timer != t {
		h.fix(last, t.pos-1)
	}
	t.pos = 0
}

func (h *timers) place(e entry, i int) {
	h.heap[i] = e
	e.timer.pos = i + 1
}

func (e entry) before(f entry) bool {
	return e.at < f.at || e.at == f.at && e.seq < f.seq
}

// fix moves e, whose position i is free, to where it belongs.
func (h *timers) fix(e entry, i int) {
	if i > 0 && e.before(h.heap[(i-1)/arity]) {
		h.up(e, i)
	} else {
		h.down(e, i)
	}
}

func (h *timers) up(e entry, i int) {
	for i > 0 {
		parent := (i - 1) / arity
		if !e.before(h.heap[parent]) {
			break
		}
		h.place(h.heap[parent], i)
		i = parent
	}
	h.place(e, i)
}

func (h *timers) down(e entry, i int) {
	for {
		first := i*arity + 1
		if first >= len(h.heap) {
			break
		}
		least := first
		for c := first + 1; c < min(first+arity, len(h.heap)); c++ {
			if h.heap[c].before(h.heap[least]) {
				least = c
			}
		}
		if !h.heap[least].before(e) {
			break
		}
		h.place(h.heap[least], i)
		i = least
	}
	h.place(e, i)
}
