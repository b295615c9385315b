package generator

import (
	"cmp"
	"container/list"
	"encoding/hex"
	"iter"
	"slices"
	"strings"

	"glean/generator/program"
	"glean/internal/document"
	"glean/stack/loop"
)

// Result is what one start of a generator did. It outlives the run until it,
// or its generator, is deleted.
type Result struct {
	ID        string
	Generator *Generator
	StartedAt loop.Time

	run     *program.Run
	changes changeLog
	size    int64 // as accounted for
	ended   bool
	endedAt loop.Time
	reason  error
	shelved *list.Element // in Manager.shelf once ended
}

// Active reports whether the run goes on.
func (r *Result) Active() bool { return !r.ended }

// Ended is when and why the run ended; reason is nil if it ended by itself or
// was stopped.
func (r *Result) Ended() (at loop.Time, reason error) { return r.endedAt, r.reason }

// Run has the counters.
func (r *Result) Run() *program.Run { return r.run }

// end takes the numbers of changes out of the adjacencies, because the next run
// has its own.
func (r *Result) end(at loop.Time, reason error) {
	r.ended, r.endedAt, r.reason = true, at, reason
	for n := range r.changes.entries {
		r.run.Program().ForgetChange(r.changes.entries[n].adj, n+1)
	}
}

// flowDigits are the last digits of a UUID, which hold a flow's index + 1, and
// are zero in the id of a result.
const flowDigits = 12

func (m *Manager) newResult(g *Generator, run *program.Run) *Result {
	id := m.options.NewID()
	id = id[:len(id)-flowDigits] + strings.Repeat("0", flowDigits)
	return &Result{ID: id, Generator: g, StartedAt: m.loop.Now(), run: run, size: run.Size() + resultOverhead}
}

func (m *Manager) addResult(r *Result) {
	at, _ := m.findResult(r.ID)
	m.results = slices.Insert(m.results, at, r)
	r.Generator.results++
	m.running += r.size
}

func (m *Manager) findResult(id string) (int, bool) {
	return slices.BinarySearchFunc(m.results, id, func(r *Result, id string) int { return cmp.Compare(r.ID, id) })
}

// Result finds a result.
func (m *Manager) Result(id string) (*Result, error) {
	if at, found := m.findResult(id); found {
		return m.results[at], nil
	}
	return nil, failure(KindNotFound, "there is no result %q", document.Shorten(id))
}

// Results are the results by id.
func (m *Manager) Results() iter.Seq[*Result] { return slices.Values(m.results) }

// ResultCount is the number of results.
func (m *Manager) ResultCount() int { return len(m.results) }

// DeleteResult removes a result of an ended run; that of an active one stays.
func (m *Manager) DeleteResult(id string) (deleted bool, err error) {
	at, found := m.findResult(id)
	if !found {
		return false, failure(KindNotFound, "there is no result %q", document.Shorten(id))
	}
	if m.results[at].Active() {
		return false, nil
	}
	m.shelf.remove(m.results[at])
	m.results[at].Generator.results--
	m.results = slices.Delete(m.results, at, at+1)
	return true, nil
}

// DeleteResults removes the results whose generator is not active.
func (m *Manager) DeleteResults() {
	m.forgetResults(func(r *Result) bool { return !r.Generator.Active() })
}

// FlowID is the id of a flow of a result: the result's UUID with the flow's
// index + 1 in its last six octets.
func FlowID(resultID string, flow int) string {
	var b [6]byte
	for i := range b {
		b[i] = byte(uint64(flow+1) >> (8 * (len(b) - 1 - i)))
	}
	return resultID[:len(resultID)-flowDigits] + hex.EncodeToString(b[:])
}

// Flow finds a flow of a result by its id.
func (m *Manager) Flow(id string) (*Result, int, error) {
	missing := failure(KindNotFound, "there is no flow %q", document.Shorten(id))
	if len(id) < flowDigits {
		return nil, 0, missing
	}
	prefix, digits := id[:len(id)-flowDigits], id[len(id)-flowDigits:]
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, 0, missing
	}
	r, err := m.Result(prefix + strings.Repeat("0", flowDigits))
	if err != nil {
		return nil, 0, missing
	}
	flow := uint64(0)
	for _, octet := range b {
		flow = flow<<8 | uint64(octet)
	}
	if flow == 0 || flow > uint64(r.run.CountedFlows()) {
		return nil, 0, missing
	}
	return r, int(flow - 1), nil
}
