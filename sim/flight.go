package sim

// flight holds the frames of one direction that are under way, ordered by
// (at, seq). On most wires each frame arrives after the one before it, so the
// frames in order are a linked list; only one that overtakes goes into the heap.
type flight struct {
	head, tail *frame
	overtakers []*frame // binary heap on (at, seq)
	count      int
}

func earlier(a, b *frame) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

// push adds f, whose seq is higher than that of all frames before it.
func (q *flight) push(f *frame) {
	q.count++
	switch {
	case q.head == nil:
		q.head, q.tail = f, f
	case f.at >= q.tail.at:
		q.tail.next = f
		q.tail = f
	default:
		q.overtakers = append(q.overtakers, f)
		q.up(len(q.overtakers) - 1)
	}
}

// first is the frame that arrives next, nil if there is none.
func (q *flight) first() *frame {
	if len(q.overtakers) > 0 && (q.head == nil || earlier(q.overtakers[0], q.head)) {
		return q.overtakers[0]
	}
	return q.head
}

// pop removes f, which is what first returned.
func (q *flight) pop(f *frame) {
	q.count--
	if f == q.head {
		q.head, f.next = f.next, nil
		if q.head == nil {
			q.tail = nil
		}
		return
	}
	last := len(q.overtakers) - 1
	q.overtakers[0] = q.overtakers[last]
	q.overtakers[last] = nil
	q.overtakers = q.overtakers[:last]
	q.down(0)
}

func (q *flight) up(i int) {
	for h := q.overtakers; i > 0; {
		parent := (i - 1) / 2
		if !earlier(h[i], h[parent]) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (q *flight) down(i int) {
	for h := q.overtakers; ; {
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
