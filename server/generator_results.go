package server

import (
	"net/http"

	"glean/generator"
	"glean/generator/program"
	"glean/server/api"
	"glean/stack/loop"
)

// resultView holds the parts of a result that must be read on the loop. The other parts
// do not change, or are atomic.
type resultView struct {
	*generator.Result
	active    bool
	reason    error
	remaining program.Remaining
	changes   []generator.NeighborChange
	leftOut   uint64
}

// resultView is called on the loop.
func (s *Server) resultView(r *generator.Result) resultView {
	v := resultView{Result: r, active: r.Active()}
	v.changes, v.leftOut = r.NeighborChanges()
	if v.active {
		v.remaining = r.Run().Remaining(s.Engine.Now())
	} else {
		_, v.reason = r.Ended()
	}
	return v
}

// newResult is called off the loop, because a result may have many flows.
func (s *Server) newResult(v resultView) api.GeneratorResult {
	run := v.Run()
	c := run.Counters()
	result := api.GeneratorResult{
		ID:          v.ID,
		GeneratorID: v.Generator.ID,
		Active:      v.active,
		FlowCounters: api.FlowCounters{
			OctetsActual: c.OctetsActual, PacketsActual: c.PacketsActual,
			OctetsIntended: c.OctetsIntended, PacketsIntended: c.PacketsIntended,
			Errors:        c.Errors,
			OctetsDropped: c.OctetsDropped, PacketsDropped: c.PacketsDropped,
			PacketsSkipped: &c.PacketsSkipped, PacketsToStaleMAC: &c.PacketsToStale,
			PacketsToUnconfirmedMAC: &c.PacketsToUnconfirmed,
			TimestampFirst:          s.sentAt(c.First), TimestampLast: s.sentAt(c.Last),
		},
		Flows:            make([]string, run.CountedFlows()),
		ProtocolCounters: make(map[string]map[string]uint64),
		NeighborChanges:  make([]api.NeighborChange, len(v.changes)),

		NeighborChangesLeftOut: v.leftOut,
	}
	for i := range v.changes {
		result.NeighborChanges[i] = s.newNeighborChange(v.Generator.TargetID, &v.changes[i])
	}
	for i := range result.Flows {
		result.Flows[i] = generator.FlowID(v.ID, i)
	}
	for _, family := range run.ProtocolCounters() {
		counts := make(map[string]uint64, len(family.Counts))
		for i, name := range family.Family.Members() {
			counts[name] = family.Counts[i]
		}
		result.ProtocolCounters[family.Family.String()] = counts
	}
	if v.active {
		result.Remaining = newRemaining(v.remaining)
	}
	if v.reason != nil {
		result.Error = v.reason.Error()
	}
	return result
}

func (s *Server) newNeighborChange(interfaceID string, c *generator.NeighborChange) api.NeighborChange {
	change := api.NeighborChange{
		Time: s.timestamp(c.At), InterfaceID: interfaceID, NextHopAddress: c.NextHop.String(),
		OldMAC: c.Old.String(), Cause: c.Cause, FramesToStaleMAC: c.FramesToStale,
	}
	if !c.New.IsZero() {
		change.NewMAC = new(c.New.String())
	}
	return change
}

func (s *Server) newResults(views []resultView) []api.GeneratorResult {
	list := make([]api.GeneratorResult, len(views))
	for i, v := range views {
		list[i] = s.newResult(v)
	}
	return list
}

func newRemaining(r program.Remaining) *api.Remaining {
	left := &api.Remaining{Unit: r.Unit.String()}
	if r.Unit != program.UnitIndefinite {
		left.Value = &r.Value
	}
	return left
}

// sentAt returns "" for the time of a frame that was not sent yet.
func (s *Server) sentAt(t loop.Time) string {
	if t == program.NoTime {
		return ""
	}
	return s.timestamp(t)
}

// resultFilter returns a function that reports whether a result matches all filters of
// results and flows.
func resultFilter(r *request) func(*generator.Result) bool {
	generatorID, byGenerator := r.filter("generator_id")
	target, byTarget := r.filter("target_id")
	return func(result *generator.Result) bool {
		return (!byGenerator || result.Generator.ID == generatorID) && (!byTarget || result.Generator.TargetID == target)
	}
}

func (s *Server) listResults(w *responseWriter, r *request) error {
	wanted := resultFilter(r)
	views, err := call(r.Context(), s, func() (views []resultView, err error) {
		for _, result := range s.Engine.Results() {
			if wanted(result) {
				views = append(views, s.resultView(result))
			}
		}
		return views, nil
	})
	if err != nil {
		return err
	}
	return replyList(w, views, s.newResult)
}

func (s *Server) getResult(w *responseWriter, r *request) error {
	p := s.waiting(w, r)
	defer p.cancel()
	if err := p.runEnded(r.id()); err != nil {
		return err
	}
	v, err := call(r.Context(), s, func() (v resultView, err error) {
		result, err := s.Engine.Result(r.id())
		if err == nil {
			v = s.resultView(result)
		}
		return v, err
	})
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, s.newResult(v))
}

// deleteResult does not delete the result of an active run.
func (s *Server) deleteResult(w *responseWriter, r *request) error {
	if err := s.Do(r.Context(), func() { s.Engine.DeleteResult(r.id()) }); err != nil {
		return err
	}
	return noContent(w)
}

func (s *Server) deleteResults(w *responseWriter, r *request) error {
	if err := s.Do(r.Context(), s.Engine.DeleteResults); err != nil {
		return err
	}
	return noContent(w)
}
