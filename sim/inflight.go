package sim

// frameQueue holds the frames in flight in one direction, ordered by (at, seq). On
// most wires each frame arrives after the one before it, so the frames that arrive in
// order are a linked list; only a frame that overtakes another goes into the heap.
type frameQueue struct {
	head, tail *frame
	overtakers *overtakers // nil until a frame overtakes
	count      int32
}

// overtakers is a binary heap on (at, seq).
type overtakers struct{ heap []*frame }

func earlier(a, b *frame) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

// push adds f, whose seq is higher than that of all frames before it.
func (q *frameQueue) push(f *frame) {
	q.count++
	switch {
	case q.head == nil:
		q.head, q.tail = f, f
	case f.at >= q.tail.at:
		q.tail.next = f
		q.tail = f
	default:
		if q.overtakers == nil {
			q.overtakers = &overtakers{}
		}
		q.overtakers.push(f)
	}
}

// first returns the frame that arrives next, or nil if there is none.
func (q *frameQueue) first() *frame {
	if q.overtakers != nil && len(q.overtakers.heap) > 0 {
		if f := q.overtakers.heap[0]; q.head == nil || earlier(f, q.head) {
			return f
		}
	}
	return q.head
}

// pop removes f, which first has returned.
func (q *frameQueue) pop(f *frame) {
	q.count--
	if f == q.head {
		q.head, f.next = f.next, nil
		if q.head == nil {
			q.tail = nil
		}
		return
	}
	q.overtakers.pop()
}

func (o *overtakers) push(f *frame) {
	o.heap = append(o.heap, f)
	for h, i := o.heap, len(o.heap)-1; i > 0; {
		parent := (i - 1) / 2
		if !earlier(h[i], h[parent]) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (o *overtakers) pop() {
	last := len(o.heap) - 1
	o.heap[0] = o.heap[last]
	o.heap[last] = nil
	o.heap = o.heap[:last]
	for h, i := o.heap, 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if earlier(h[child], h[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
