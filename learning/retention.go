package learning

import (
	"container/list"
	"slices"
	"strings"

	"glean/stack/loop"
)

// registry holds values by id and lists them in order. It sorts when a list is needed, so
// that adding and removing cost the same for any number.
type registry[T comparable] struct {
	byID   map[string]T // never walked
	id     func(T) string
	all    []T // what was added, in order of id if sorted
	sorted bool
}

func newRegistry[T comparable](id func(T) string) registry[T] {
	return registry[T]{byID: make(map[string]T), id: id}
}

func (c *registry[T]) has(id string) bool { _, ok := c.byID[id]; return ok }

func (c *registry[T]) add(v T) {
	c.byID[c.id(v)] = v
	c.all = append(c.all, v)
	c.sorted = false
}

func (c *registry[T]) remove(v T) {
	delete(c.byID, c.id(v))
	c.sorted = false
	if len(c.all) > 64 && len(c.all) > 2*len(c.byID) {
		c.compact()
	}
}

// compact drops what was removed from the list.
func (c *registry[T]) compact() {
	c.all = slices.DeleteFunc(c.all, func(v T) bool { return c.byID[c.id(v)] != v })
}

// each visits the values without sorting them.
func (c *registry[T]) each(visit func(T)) {
	for _, v := range c.all {
		if c.byID[c.id(v)] == v {
			visit(v)
		}
	}
}

func (c *registry[T]) list() []T {
	if !c.sorted {
		c.compact()
		slices.SortFunc(c.all, func(a, b T) int { return strings.Compare(c.id(a), c.id(b)) })
		c.sorted = true
	}
	return slices.Clone(c.all)
}

// retention keeps finished requests or results, oldest first.
type retention[T any] struct {
	items list.List // of T
	drop  func(T)
	ended func(T) loop.Time
	total *int64 // octets of what is kept, nil if only the number counts
}

// trim drops the oldest beyond the limits (0: no limit) and returns when the next one
// is too old. The newest is kept whatever its size.
func (s *retention[T]) trim(now loop.Time, keep int, age loop.Duration, size int64) (next loop.Time) {
	for s.items.Len() > 0 {
		oldest := s.items.Front().Value.(T)
		until := loop.Never
		if age > 0 {
			until = s.ended(oldest).Add(age)
		}
		tooLarge := size > 0 && s.total != nil && *s.total > size && s.items.Len() > 1
		if (keep <= 0 || s.items.Len() <= keep) && !tooLarge && now < until {
			return until
		}
		s.items.Remove(s.items.Front())
		s.drop(oldest)
	}
	return loop.Never
}

func (s *retention[T]) clear() {
	for s.items.Len() > 0 {
		s.drop(s.items.Remove(s.items.Front()).(T))
	}
}
