package server

import (
	"net/http"
	"net/netip"
	"strings"

	"glean/server/engine"
)

// neighborsDefault is how many neighbors one reply lists unless the client
// says otherwise.
const neighborsDefault = 10_000

type neighborJSON struct {
	InterfaceID string   `json:"interface_id"`
	VLANs       []uint16 `json:"vlan_ids"`
	Address     string   `json:"ip_address"`
	MAC         *string  `json:"mac_address"`
	State       string   `json:"state"`
	IsRouter    bool     `json:"is_router"`
	UpdatedAt   string   `json:"updated_at"`
}

func (s *Server) neighborJSON(v engine.NeighborView) neighborJSON {
	j := neighborJSON{
		InterfaceID: v.InterfaceID,
		VLANs:       orEmpty(v.VLANs),
		Address:     v.Info.Addr.String(),
		State:       v.Info.State.String(),
		IsRouter:    v.Info.IsRouter,
		UpdatedAt:   s.timestamp(v.Info.UpdatedAt),
	}
	if !v.Info.MAC.IsZero() {
		mac := v.Info.MAC.String()
		j.MAC = &mac
	}
	return j
}

func (s *Server) listNeighbors(w *responseWriter, r *request) error {
	f, empty, err := neighborFilter(r)
	if err != nil {
		return err
	}
	list := []neighborJSON{}
	if !empty {
		views, err := call(r.Context(), s, func() ([]engine.NeighborView, error) { return s.Engine.Neighbors(f), nil })
		if err != nil {
			return err
		}
		for _, v := range views {
			list = append(list, s.neighborJSON(v))
		}
	}
	return reply(w, http.StatusOK, list)
}

// neighborFilter reads the filters; empty tells that one of them can match
// nothing.
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
	// The place in the list is an interface and an address; with one interface
	// the address is enough.
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
	if err := s.do(r, func() error { return s.Engine.FlushNeighbors(id) }); err != nil {
		return err
	}
	return noContent(w)
}
