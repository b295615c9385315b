package server

import (
	"net/http"
	"net/netip"

	"glean/generator"
	"glean/stack/header"
	"glean/stack/loop"
)

type resultJSON struct {
	ID               string                       `json:"id"`
	GeneratorID      string                       `json:"generator_id"`
	Active           bool                         `json:"active"`
	FlowCounters     flowCountersJSON             `json:"flow_counters"`
	Flows            []string                     `json:"flows"`
	ProtocolCounters map[string]map[string]uint64 `json:"protocol_counters"`
	NeighborChanges  []neighborChangeJSON         `json:"neighbor_changes"`
	ChangesLeftOut   uint64                       `json:"neighbor_changes_left_out"`
	Remaining        *remainingJSON               `json:"remaining,omitempty"`
	Error            string                       `json:"error,omitempty"`
}

type neighborChangeJSON struct {
	Time             string      `json:"time"`
	InterfaceID      string      `json:"interface_id"`
	NextHopAddress   netip.Addr  `json:"next_hop_address"`
	OldMAC           header.MAC  `json:"old_mac"`
	NewMAC           *header.MAC `json:"new_mac"` // nil: it does not answer
	Cause            string      `json:"cause"`
	FramesToStaleMAC uint64      `json:"frames_to_stale_mac"`
}

type flowCountersJSON struct {
	OctetsActual            uint64  `json:"octets_actual"`
	PacketsActual           uint64  `json:"packets_actual"`
	OctetsIntended          uint64  `json:"octets_intended"`
	PacketsIntended         uint64  `json:"packets_intended"`
	Errors                  uint64  `json:"errors"`
	OctetsDropped           uint64  `json:"octets_dropped"`
	PacketsDropped          uint64  `json:"packets_dropped"`
	PacketsSkipped          *uint64 `json:"packets_skipped,omitempty"` // not of a flow
	PacketsToStaleMAC       *uint64 `json:"packets_to_stale_mac,omitempty"`
	PacketsToUnconfirmedMAC *uint64 `json:"packets_to_unconfirmed_mac,omitempty"`
	TimestampFirst          *string `json:"timestamp_first,omitempty"`
	TimestampLast           *string `json:"timestamp_last,omitempty"`
}

type remainingJSON struct {
	Unit  string  `json:"unit"`
	Value *uint64 `json:"value,omitempty"`
}

// resultView is what of a result has to be read on the loop. The rest does not
// change, or is atomic.
type resultView struct {
	*generator.Result
	active    bool
	reason    error
	remaining generator.Remaining
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

// resultJSON is called off the loop, because a result may have very many
// flows.
func (s *Server) resultJSON(v resultView) resultJSON {
	run := v.Run()
	c := run.Counters()
	j := resultJSON{
		ID:          v.ID,
		GeneratorID: v.Generator.ID,
		Active:      v.active,
		FlowCounters: flowCountersJSON{
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
		NeighborChanges:  make([]neighborChangeJSON, len(v.changes)),
		ChangesLeftOut:   v.leftOut,
	}
	for i := range v.changes {
		j.NeighborChanges[i] = s.neighborChangeJSON(v.Generator.TargetID, &v.changes[i])
	}
	for i := range j.Flows {
		j.Flows[i] = generator.FlowID(v.ID, i)
	}
	for _, family := range run.ProtocolCounters() {
		counts := make(map[string]uint64, len(family.Counts))
		for i, name := range family.Family.Members() {
			counts[name] = family.Counts[i]
		}
		j.ProtocolCounters[family.Family.String()] = counts
	}
	if v.active {
		j.Remaining = newRemainingJSON(v.remaining)
	}
	if v.reason != nil {
		j.Error = v.reason.Error()
	}
	return j
}

func (s *Server) neighborChangeJSON(interfaceID string, c *generator.NeighborChange) neighborChangeJSON {
	j := neighborChangeJSON{
		Time: s.timestamp(c.At), InterfaceID: interfaceID, NextHopAddress: c.NextHop,
		OldMAC: c.Old, Cause: c.Cause, FramesToStaleMAC: c.FramesToStale,
	}
	if !c.New.IsZero() {
		j.NewMAC = &c.New
	}
	return j
}

func (s *Server) resultsJSON(views []resultView) []resultJSON {
	list := make([]resultJSON, len(views))
	for i, v := range views {
		list[i] = s.resultJSON(v)
	}
	return list
}

func newRemainingJSON(r generator.Remaining) *remainingJSON {
	j := &remainingJSON{Unit: r.Unit.String()}
	if r.Unit != generator.UnitIndefinite {
		j.Value = &r.Value
	}
	return j
}

// sentAt is nil for a time at which nothing was sent yet.
func (s *Server) sentAt(t loop.Time) *string {
	if t == generator.NoTime {
		return nil
	}
	text := s.timestamp(t)
	return &text
}

// resultFilter joins the filters of results and flows by and.
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
	return replyList(w, views, s.resultJSON)
}

func (s *Server) getResult(w *responseWriter, r *request) error {
	p := s.patience(w, r)
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
	return reply(w, http.StatusOK, s.resultJSON(v))
}

// deleteResult leaves the result of an active generator alone.
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
