package loop

// Timer is a deadline and the function to run then. It is embedded in the
// structure that it serves, so that arming it allocates nothing. Its zero value
// must be given a function by Init before it is armed.
type Timer struct {
	fn  func()
	at  Time
	seq uint64
	pos int // 1-based position in the heap, 0 when not armed
}

// NewTimer returns a timer that runs fn.
func NewTimer(fn func()) *Timer { return &Timer{fn: fn} }

// Init gives the timer its function. It must not be called on an armed timer.
func (t *Timer) Init(fn func()) {
	if t.pos != 0 {
		panic("loop: Init of an armed timer")
	}
	t.fn = fn
}

// Armed tells whether the timer waits for its deadline.
func (t *Timer) Armed() bool { return t.pos != 0 }

// At is the deadline of an armed timer, else Never.
func (t *Timer) At() Time {
	if t.pos == 0 {
		return Never
	}
	return t.at
}

// timers is a 4-ary min-heap on (at, seq). A wider heap than a binary one is
// shallower, and most timers are disarmed or moved before they reach the top.
type timers struct {
	heap []*Timer
	seq  uint64 // the sequence number given last; shared with posted functions
}

const arity = 4

func (h *timers) next() uint64 { h.seq++; return h.seq }

func (h *timers) min() *Timer {
	if len(h.heap) == 0 {
		return nil
	}
	return h.heap[0]
}

func (h *timers) arm(t *Timer, at Time) {
	if t.fn == nil {
		panic("loop: Arm of a timer without a function")
	}
	t.at, t.seq = at, h.next()
	if t.pos == 0 {
		h.heap = append(h.heap, t)
		t.pos = len(h.heap)
		h.up(t)
		return
	}
	h.up(t)
	h.down(t)
}

func (h *timers) disarm(t *Timer) {
	if t.pos == 0 {
		return
	}
	last := h.heap[len(h.heap)-1]
	h.heap[len(h.heap)-1] = nil
	h.heap = h.heap[:len(h.heap)-1]
	if last != t {
		h.place(last, t.pos-1)
		h.up(last)
		h.down(last)
	}
	t.pos = 0
}

func (h *timers) place(t *Timer, i int) {
	h.heap[i] = t
	t.pos = i + 1
}

func before(a, b *Timer) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (h *timers) up(t *Timer) {
	i := t.pos - 1
	for i > 0 {
		parent := (i - 1) / arity
		if !before(t, h.heap[parent]) {
			break
		}
		h.place(h.heap[parent], i)
		i = parent
	}
	h.place(t, i)
}

func (h *timers) down(t *Timer) {
	i := t.pos - 1
	for {
		first := i*arity + 1
		if first >= len(h.heap) {
			break
		}
		least := first
		for c := first + 1; c < first+arity && c < len(h.heap); c++ {
			if before(h.heap[c], h.heap[least]) {
				least = c
			}
		}
		if !before(h.heap[least], t) {
			break
		}
		h.place(h.heap[least], i)
		i = least
	}
	h.place(t, i)
}
