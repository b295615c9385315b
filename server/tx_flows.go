package server

import (
	"bufio"
	"net/http"

	"glean/generator"
	"glean/generator/program"
	"glean/server/api"
)

// newFlow may be called on any goroutine: the counters are atomic, and the other parts
// of a result that it reads do not change.
func (s *Server) newFlow(r *generator.Result, n int, total program.Counters) api.TxFlow {
	run := r.Run()
	c := run.Flow(n)
	f := api.TxFlow{
		ID:                generator.FlowID(r.ID, n),
		GeneratorResultID: r.ID,
		Counters: api.FlowCounters{
			OctetsActual: c.Octets, PacketsActual: c.Packets,
			OctetsIntended:  proportion(total.OctetsIntended, c.Octets, total.OctetsActual),
			PacketsIntended: proportion(total.PacketsIntended, c.Packets, total.PacketsActual),
			TimestampFirst:  s.sentAt(c.First), TimestampLast: s.sentAt(c.Last),
		},
	}
	if stream, ok := run.Program().FlowStream(uint64(n)); ok {
		f.StreamID = &stream
	}
	return f
}

// proportion returns whole times part/sum.
func proportion(whole, part, sum uint64) uint64 {
	if sum == 0 {
		return 0
	}
	return uint64(float64(whole) * (float64(part) / float64(sum)))
}

// listFlows sends the flows one by one, because all results together may have many.
func (s *Server) listFlows(w *responseWriter, r *request) error {
	wanted := resultFilter(r)
	results, err := call(r.Context(), s, func() (list []*generator.Result, err error) {
		for _, result := range s.Engine.Results() {
			if wanted(result) {
				list = append(list, result)
			}
		}
		return list, nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	out := &listStream{w: bufio.NewWriterSize(w, 32<<10)}
	out.write([]byte{'['})
	for _, result := range results {
		total := result.Run().Counters()
		for n := range result.Run().CountedFlows() {
			if out.item(s.newFlow(result, n, total)); out.err != nil {
				return nil // the client has gone
			}
		}
	}
	out.end("]\n")
	return nil
}

func (s *Server) getFlow(w *responseWriter, r *request) error {
	type flow struct {
		result *generator.Result
		n      int
	}
	f, err := call(r.Context(), s, func() (f flow, err error) {
		f.result, f.n, err = s.Engine.Flow(r.id())
		return f, err
	})
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, s.newFlow(f.result, f.n, f.result.Run().Counters()))
}
