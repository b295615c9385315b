package server

import (
	"bufio"
	"context"
	"net/http"
	"net/netip"
	"strings"

	"glean/server/api"
	"glean/server/engine"
)

// neighborsDefault is the largest number of neighbors in a reply without ?limit=.
const neighborsDefault = 10_000

func (s *Server) newNeighbor(v engine.NeighborView) api.Neighbor {
	n := api.Neighbor{
		InterfaceID: v.InterfaceID,
		VLANIDs:     orEmpty(v.VLANs),
		IPAddress:   v.Info.Addr.String(),
		State:       v.Info.State.String(),
		IsRouter:    v.Info.IsRouter,
		UpdatedAt:   s.timestamp(v.Info.UpdatedAt),
	}
	if v.Info.Confirmed {
		n.ConfirmedAt = new(s.timestamp(v.Info.ConfirmedAt))
	}
	if !v.Info.MAC.IsZero() {
		n.MACAddress = new(v.Info.MAC.String())
	}
	return n
}

// listNeighbors sends the list page by page: copying a million neighbors at once would
// hold the loop and fill the memory. Each neighbor is sent as it is when its page is
// copied. A neighbor that is removed before that is left out; one that is added
// meanwhile may be.
func (s *Server) listNeighbors(w *responseWriter, r *request) error {
	f, empty, err := neighborFilter(r)
	if err != nil {
		return err
	}
	list := &engine.NeighborList{Filter: f}
	if !empty {
		release, err := s.collectNeighbors(r.Context(), list)
		if err != nil {
			return err
		}
		defer release()
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	out := &listStream{w: bufio.NewWriterSize(w, 32<<10)}
	out.write([]byte{'['})
	for at, end := 0, list.Sort(); at < end; at += addressesPage {
		views, err := call(r.Context(), s, func() ([]engine.NeighborView, error) {
			return list.Views(s.Engine, at, min(at+addressesPage, end)), nil
		})
		if err != nil {
			return err // the reply has begun, so it is broken off
		}
		for _, v := range views {
			out.item(s.newNeighbor(v))
		}
		if out.err != nil {
			return nil // the client has gone
		}
	}
	out.end("]\n")
	return nil
}

// collectNeighbors collects the keys of the neighbors to list. release releases the
// list's memory.
func (s *Server) collectNeighbors(ctx context.Context, list *engine.NeighborList) (release func(), err error) {
	release, err = s.reserve(func() (int64, error) { return list.Need(s.Engine), nil })
	for more := true; more && err == nil; {
		more, err = call(ctx, s, func() (bool, error) { return list.Collect(s.Engine), nil })
		if err == nil {
			list.Merge()
		}
	}
	if err != nil {
		release() // it releases 0 octets if none were reserved
	}
	return release, err
}

// neighborFilter reads the filters. It reports as empty whether one of them matches no
// neighbor.
func neighborFilter(r *request) (f engine.NeighborFilter, empty bool, err error) {
	if id, given := r.filter("interface_id"); given {
		f.InterfaceID, empty = id, empty || id == ""
	}
	if f.State, _, err = r.word("state", "incomplete", "reachable", "stale", "delay", "probe", "unreachable", "static"); err != nil {
		return f, false, err
	}
	if f.Address, err = r.address("ip_address"); err != nil {
		return f, false, err
	}
	if f.Limit, err = r.integer("limit", 1, 1<<20, neighborsDefault); err != nil {
		return f, false, err
	}
	after, given := r.filter("after")
	if !given {
		return f, empty, nil
	}
	// The key of a neighbor is an interface and an address. With interface_id the
	// address is enough.
	id, text, both := strings.Cut(after, ",")
	if !both {
		id, text = f.InterfaceID, after
	}
	a, err := netip.ParseAddr(text)
	if err != nil || id == "" {
		return f, false, badParameter("after", `%q is not INTERFACE_ID,IP_ADDRESS, nor an IP address beside interface_id`, after)
	}
	f.After = engine.NeighborKey{InterfaceID: id, Address: a}
	return f, empty, nil
}

func (s *Server) flushNeighbors(w *responseWriter, r *request) error {
	id, given := r.filter("interface_id")
	if given && id == "" {
		return badParameter("interface_id", "is empty; leave it out to flush all")
	}
	flushed := newCountdown()
	if err := s.do(r, func() error { return s.Engine.FlushNeighbors(id, flushed.release) }); err != nil {
		return err
	}
	if err := flushed.wait(r.Context(), s); err != nil {
		return err
	}
	return noContent(w)
}
