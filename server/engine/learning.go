package engine

import (
	"errors"
	"fmt"
	"net/netip"

	"glean/generator/program"
	"glean/learning"
	"glean/stack/header"
	"glean/stack/loop"
)

// LearningSpec is the specification of a learning request: either GeneratorIDs, or
// InterfaceID and Addresses.
type LearningSpec struct {
	ID           string
	GeneratorIDs []string
	InterfaceID  string
	Addresses    []netip.Addr
	Mode         learning.Mode
	Timeout      loop.Duration // 0: the longest of the generators' time-outs, or learning.DefaultTimeout for addresses

	unconfirmed bool                                   // only next hops whose MAC is unconfirmed
	bound       *snapshot[subject, *learning.Prepared] // by BindLearning
}

// StartLearning starts a learning request.
func (e *Engine) StartLearning(spec LearningSpec) (*learning.Request, error) {
	before := spec.bound
	before.release(e) // BindLearning reserves it anew
	if err := e.BindLearning(&spec); err != nil {
		return nil, err
	}
	defer spec.bound.release(e)
	prepared, holds := before.resultFor(spec.bound.of)
	if !holds {
		if err := PrepareLearning(&spec); err != nil {
			return nil, err
		}
		prepared = spec.bound.result
	}
	return e.startLearning(prepared)
}

func (e *Engine) startLearning(d *learning.Prepared) (*learning.Request, error) {
	r, err := e.learning.StartPrepared(d)
	if err != nil {
		return nil, learningError(err)
	}
	return r, nil
}

// learningError converts an error of package learning to one of the engine.
func learningError(err error) error {
	var field learning.ErrInvalid
	var busy learning.ErrBusy
	switch {
	case errors.As(err, &field):
		return invalid(field.Field, "%s", field.Detail)
	case errors.As(err, &busy):
		return &Error{Kind: Conflict, Detail: busy.Error(), LearningID: busy.RequestID}
	}
	return invalid("id", "%v", err)
}

// LearningRequests lists the requests by id.
func (e *Engine) LearningRequests() []*learning.Request { return e.learning.Requests() }

// LearningRequest returns one request.
func (e *Engine) LearningRequest(id string) (*learning.Request, error) {
	if r := e.learning.Request(id); r != nil {
		return r, nil
	}
	return nil, notFound("learning request", id)
}

// DeleteLearning cancels a request that is in progress, or removes one that is finished.
// An unknown id is not an error.
func (e *Engine) DeleteLearning(id string) {
	if r := e.learning.Request(id); r == nil {
		return
	}
	if !e.learning.Cancel(id) {
		e.learning.DeleteRequest(id)
	}
}

// DeleteFinishedLearning removes the finished requests.
func (e *Engine) DeleteFinishedLearning() { e.learning.DeleteFinishedRequests() }

// LearningResults lists the results by id.
func (e *Engine) LearningResults() []*learning.Result { return e.learning.Results() }

// LearningResult returns one result.
func (e *Engine) LearningResult(id string) (*learning.Result, error) {
	if r := e.learning.Result(id); r != nil {
		return r, nil
	}
	return nil, notFound("learning result", id)
}

// DeleteLearningResult removes a finished result. An unknown id is not an
// error.
func (e *Engine) DeleteLearningResult(id string) error {
	if err := e.learning.DeleteResult(id); err != nil {
		return conflict("learning result %q: its request is in progress", id)
	}
	return nil
}

// DeleteFinishedLearningResults removes the results of finished requests.
func (e *Engine) DeleteFinishedLearningResults() { e.learning.DeleteFinishedResults() }

// learningObserver implements learning.Observer.
type learningObserver struct{ *Engine }

var _ learning.Observer = learningObserver{}

// GeneratorBegins implements learning.Observer.
func (o learningObserver) GeneratorBegins(handle uint32, r *learning.Request) {
	if g := o.generators.ByHandle(handle); g != nil {
		targetOf(g).iface.forgetMissed(handle)
	}
	o.generators.LearningStarted(handle, r.ID())
}

// Learned implements learning.Observer.
func (o learningObserver) Learned(handle, adj uint32, mac header.MAC) {
	o.generators.Learned(handle, adj, mac)
}

// Lost implements learning.Observer. A next hop that had a MAC loses it only if it did not
// answer a solicitation. The other reasons do not show that the neighbor is gone: it was
// not solicited (no attempts, link_down, table_full, address_tentative), its answer may
// have gone to another station (address_conflict), it sent a MAC (unconfirmed), or no
// request waited for it (cancelled, interface_deleted). Next hops with no_route,
// own_address or no_source_address never have a MAC.
func (o learningObserver) Lost(handle, adj uint32, why learning.Reason, attempts int) {
	g := o.generators.ByHandle(handle)
	if g == nil {
		return
	}
	switch p, i := g.Program(), targetOf(g).iface; why {
	case learning.LinkDown:
		i.missedByLink(g)
	case learning.Unconfirmed:
		if n, known := i.stack.Neighbor(p.Hop(adj)); known && n.State.HasMAC() {
			o.generators.Heard(g, adj, n.MAC)
		}
	}
	if why != learning.NoReply || attempts == 0 {
		switch _, state := g.Program().Adjacency(adj); state {
		case program.AdjacencyResolved, program.AdjacencyStale, program.AdjacencyUnconfirmed:
			return
		}
	}
	o.generators.Lost(handle, adj, why.String())
}

// GeneratorDone implements learning.Observer.
func (o learningObserver) GeneratorDone(handle uint32, _ bool, _ *learning.Request) {
	o.generators.LearningDone(handle)
}

// RequestChanged implements learning.Observer.
func (o learningObserver) RequestChanged(r *learning.Request) {
	o.emit(o.learningEvent(r))
	if r.State() == learning.StateResolving {
		return
	}
	o.waiting.ended(endOfLearning(r.ID()))
}

// mostNamed is the largest number of generators and of addresses that an event names.
const mostNamed = 5

// learningEvent returns the event about a request's state. At the end of the request it has
// counts and the first addresses without a MAC.
func (e *Engine) learningEvent(r *learning.Request) Event {
	event := Event{Type: "learning", ID: r.ID(), PortID: e.portOf(r.InterfaceIDs()), What: r.State().String()}
	end, finished := r.FinishedAt()
	if !finished {
		return event
	}
	p := r.Progress()
	if ids := r.GeneratorIDs(); len(ids) > 0 {
		event.Fields = append(event.Fields, Field{"generators", ids[:min(len(ids), mostNamed)]})
	} else {
		event.Fields = append(event.Fields, Field{"interfaces", r.InterfaceIDs()})
	}
	event.Fields = append(event.Fields,
		Field{"result", r.ResultID()}, Field{"addresses", p.Total}, Field{"completed", p.Completed}, Field{"unresolved", p.Total - p.Completed},
		Field{"next_hops", r.NextHops()}, Field{"requests_sent", r.RequestsSent()}, Field{"took_ms", int(end.Sub(r.CreatedAt()) / loop.Millisecond)})
	if first := firstUnresolved(r); len(first) > 0 {
		event.Fields = append(event.Fields, Field{"first_unresolved", first})
	}
	return event
}

// firstUnresolved describes the first addresses without a MAC, with their reasons.
func firstUnresolved(r *learning.Request) []string {
	if r.Progress().TimedOut == 0 {
		return nil
	}
	rows := r.Destinations(learning.DestinationFilter{State: learning.StateTimedOut, Limit: mostNamed})
	texts := make([]string, 0, mostNamed)
	for _, row := range rows[:min(len(rows), mostNamed)] {
		text := row.Address.String()
		if row.NextHop.IsValid() && row.NextHop != row.Address {
			text += " via " + row.NextHop.String()
		}
		texts = append(texts, fmt.Sprintf("%s on %s: %s after %d attempts", text, row.InterfaceID, row.Reason, row.Attempts))
	}
	return texts
}

// portOf returns the id of the port of all interfaces, "" if they have several or none.
func (e *Engine) portOf(interfaceIDs []string) string {
	port := ""
	for _, id := range interfaceIDs {
		i := e.interfaces[id]
		if i == nil || port != "" && port != i.port.spec.ID {
			return ""
		}
		port = i.port.spec.ID
	}
	return port
}
