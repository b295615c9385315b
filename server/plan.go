package server

import (
	"net/http"
	"slices"

	"glean/generator"
	"glean/learning"
	"glean/server/engine"
)

type planJSON struct {
	GeneratorID string         `json:"generator_id"`
	InterfaceID string         `json:"interface_id"`
	VLANs       []uint16       `json:"vlan_ids"`
	NextHops    []planHopJSON  `json:"next_hops"`
	Addresses   []planAddrJSON `json:"addresses"`
}

type planHopJSON struct {
	Address   string `json:"next_hop_address"`
	Addresses int    `json:"addresses"`
	State     string `json:"state"`
}

type planAddrJSON struct {
	Address string `json:"ip_address"`
	NextHop string `json:"next_hop_address,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

var adjacencyWords = map[generator.AdjacencyState]string{
	generator.AdjacencyUnresolved:  "unresolved",
	generator.AdjacencyUnconfirmed: "unconfirmed",
	generator.AdjacencyResolved:    "resolved",
	generator.AdjacencyFailed:      "timed_out",
	generator.AdjacencyStale:       "stale",
}

// newPlanJSON sorts next hops and addresses.
func newPlanJSON(v engine.PlanView) planJSON {
	slices.SortFunc(v.NextHops, func(a, b engine.PlanHop) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(v.Rows, func(a, b engine.PlanRow) int { return a.Destination.Compare(b.Destination) })
	j := planJSON{
		GeneratorID: v.GeneratorID,
		InterfaceID: v.InterfaceID,
		VLANs:       orEmpty(v.VLANs),
		NextHops:    make([]planHopJSON, len(v.NextHops)),
		Addresses:   make([]planAddrJSON, len(v.Rows)),
	}
	for i, hop := range v.NextHops {
		j.NextHops[i] = planHopJSON{hop.Address.String(), hop.Destinations, adjacencyWords[hop.State]}
	}
	for i, row := range v.Rows {
		j.Addresses[i].Address = row.Destination.String()
		if row.Reason == learning.ReasonNone {
			j.Addresses[i].NextHop = row.NextHop.String()
		} else {
			j.Addresses[i].Reason = row.Reason.String()
		}
	}
	return j
}

// perPlanRow is about what an answer takes of memory for a destination, in octets.
const perPlanRow = 400

// learningPlan tells what learning a generator would ask for.
func (s *Server) learningPlan(w *responseWriter, r *request) error {
	id, given := r.filter("generator_id")
	if !given {
		return badParameter("generator_id", "is required")
	}
	if !engine.ValidID(id) {
		return badParameter("generator_id", "%q is not an id", id)
	}
	var view func() engine.PlanView
	release, err := s.reserve(func() (octets int64, err error) {
		var n int
		view, n, err = s.Engine.Plan(id)
		return int64(n) * perPlanRow, err
	})
	if err != nil {
		return err
	}
	defer release()
	return reply(w, http.StatusOK, newPlanJSON(view()))
}
