package wheel

// lists are plain lists of ids of a wheel. An id is armed, in one list, or neither.
type lists struct {
	queues  []queue
	unused  []uint32 // numbers of freed lists
	live    int      // ids in lists
	entries int      // in queues, stale ones included
	stamp   uint32
}

// NewList returns the number of an empty list, from 1 on.
func (w *Wheel) NewList() uint32 {
	l := &w.lists
	if last := len(l.unused) - 1; last >= 0 {
		list := l.unused[last]
		l.unused = l.unused[:last]
		return list
	}
	l.queues = append(l.queues, 0)
	return uint32(len(l.queues))
}

// FreeList frees the number of an empty list; 0 is no list.
func (w *Wheel) FreeList(list uint32) {
	if list == 0 {
		return
	}
	w.Oldest(list) // removes its stale entries
	w.lists.unused = append(w.lists.unused, list)
}

// Enlist moves id to the end of a list and turns its timer off.
func (w *Wheel) Enlist(list, id uint32) {
	w.Remove(id)
	w.words.reserve(id)
	l := &w.lists
	if l.entries-l.live > l.live/4+slackEntries+len(l.queues) {
		for k := range l.queues {
			l.entries -= w.queues.sift(&l.queues[k], w.isCurrent)
		}
	}
	l.stamp++
	e := queued{id, kindListed | l.stamp&numberMask}
	*w.words.At(id) = e.word
	w.queues.push(&l.queues[list-1], e)
	l.entries++
	l.live++
}

// Oldest returns the first id of a list, 0 if the list is empty or 0.
func (w *Wheel) Oldest(list uint32) uint32 {
	if list == 0 {
		return 0
	}
	q := &w.lists.queues[list-1]
	for b := w.queues.first(q); b != nil; b = w.queues.first(q) {
		if e := b.entries[b.begin]; w.isCurrent(e) {
			return e.id
		}
		b.begin++
		w.lists.entries--
	}
	return 0
}
