package server

import (
	"net/http"
	"slices"

	"glean/generator/program"
	"glean/learning"
	"glean/server/api"
	"glean/server/engine"
)

var adjacencyWords = map[program.AdjacencyState]string{
	program.AdjacencyUnresolved:  "unresolved",
	program.AdjacencyUnconfirmed: "unconfirmed",
	program.AdjacencyResolved:    "resolved",
	program.AdjacencyFailed:      "timed_out",
	program.AdjacencyStale:       "stale",
}

// newPlan sorts next hops and addresses.
func newPlan(v engine.PlanView) api.LearningPlan {
	slices.SortFunc(v.NextHops, func(a, b engine.PlanHop) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(v.Rows, func(a, b engine.PlanRow) int { return a.Destination.Compare(b.Destination) })
	plan := api.LearningPlan{
		GeneratorID: v.GeneratorID,
		InterfaceID: v.InterfaceID,
		VLANIDs:     orEmpty(v.VLANs),
		NextHops:    make([]api.PlanHop, len(v.NextHops)),
		Addresses:   make([]api.PlanAddress, len(v.Rows)),
	}
	for i, hop := range v.NextHops {
		plan.NextHops[i] = api.PlanHop{NextHopAddress: hop.Address.String(), Addresses: hop.Destinations, State: adjacencyWords[hop.State]}
	}
	for i, row := range v.Rows {
		plan.Addresses[i].IPAddress = row.Destination.String()
		if row.Reason == learning.ReasonNone {
			plan.Addresses[i].NextHopAddress = row.NextHop.String()
		} else {
			plan.Addresses[i].Reason = row.Reason.String()
		}
	}
	return plan
}

// perPlanRow is about the memory of a reply for each destination, in octets.
const perPlanRow = 400

// learningPlan replies with the next hops that learning would resolve for a generator.
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
	return reply(w, http.StatusOK, newPlan(view()))
}
