// Package wheel holds timers for millions of records that are named by small
// ids: a hierarchical timing wheel, plain lists for records whose timer is off,
// and a slab for the records themselves. Everything is concrete and free of
// pointers, so that a million neighbors cost the garbage collector nothing.
//
// Read wheel.go first (Set, Expire), then lists.go; queue.go holds the blocks in
// which both keep their entries, slab.go the records by id.
package wheel
