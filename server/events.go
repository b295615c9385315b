package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"glean/server/api"
	"glean/server/engine"
)

// eventsPage is how many events one turn on the loop copies.
const eventsPage = 256

// broadcaster wakes the event streams. The events themselves stay in the
// engine's ring: a stream reads on from where it is, so a slow one costs no
// memory and holds up no other.
type broadcaster struct {
	mu      sync.Mutex
	streams map[*subscription]struct{}
}

// subscription is the broadcaster's side of a stream.
type subscription struct {
	wake   chan struct{} // there are events
	ended  chan struct{} // closed when the stream has to give way to another one
	active time.Time     // when it sent an event last, or began; under the broadcaster's lock
}

func newBroadcaster() *broadcaster {
	return &broadcaster{streams: make(map[*subscription]struct{})}
}

// publish runs on the loop and never blocks.
func (b *broadcaster) publish(engine.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.streams {
		select {
		case s.wake <- struct{}{}:
		default: // it is awake already
		}
	}
}

// subscribe adds a stream. If there are limit of them, the one that has sent no event
// for the longest time ends, unless that is less than idle; then subscribe fails.
func (b *broadcaster) subscribe(limit int, idle time.Duration) (s *subscription, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if len(b.streams) >= limit {
		oldest := b.oldest()
		if now.Sub(oldest.active) < idle {
			return nil, false
		}
		delete(b.streams, oldest)
		close(oldest.ended)
	}
	s = &subscription{wake: make(chan struct{}, 1), ended: make(chan struct{}), active: now}
	b.streams[s] = struct{}{}
	return s, true
}

// oldest returns the stream that has sent no event for the longest time.
func (b *broadcaster) oldest() (oldest *subscription) {
	for s := range b.streams {
		if oldest == nil || s.active.Before(oldest.active) {
			oldest = s
		}
	}
	return oldest
}

func (b *broadcaster) unsubscribe(s *subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.streams, s)
}

// sent notes that a stream sends events.
func (b *broadcaster) sent(s *subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.active = time.Now()
}

// eventTypes are what ?type= may name.
var eventTypes = []string{"learning", "generator", "port", "interface", "neighbor"}

// streamEvents answers GET /events with server-sent events. A client that comes
// back with Last-Event-ID goes on after that event.
func (s *Server) streamEvents(w *responseWriter, r *request) error {
	types, err := wantedTypes(r)
	if err != nil {
		return err
	}
	after, instance, resumed, err := lastEventID(r)
	if err != nil {
		return err
	}
	subscription, ok := s.events.subscribe(s.Limits.SSEClients, s.Limits.SSEIdle)
	if !ok {
		w.Header().Set("Retry-After", "10")
		return problemf(http.StatusServiceUnavailable, "there are %d event streams that sent something less than %v ago, and no more are allowed; close one, or try again later",
			s.Limits.SSEClients, s.Limits.SSEIdle)
	}
	defer s.events.unsubscribe(subscription)

	newest, err := call(r.Context(), s, func() (uint64, error) {
		_, newest := s.Engine.Events(0, 0)
		return newest, nil
	})
	if err != nil {
		return err
	}
	stream := &eventStream{Server: s, w: w, r: r, types: types, after: newest}
	if resumed {
		stream.after = after
	}
	if stream.after > newest { // of a daemon that is gone
		stream.after = 0
	}
	stream.out.WriteString(": glean\n\n")
	if resumed && instance != "" && instance != s.instance {
		stream.after = 0
		stream.send("gap", 0, api.EventGap{Restarted: true})
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		stream.run(subscription)
	}
	return nil
}

func wantedTypes(r *request) ([]string, error) {
	list, given := r.filter("type")
	if !given {
		return nil, nil
	}
	types := strings.Split(list, ",")
	for _, t := range types {
		if !slices.Contains(eventTypes, t) {
			return nil, badParameter("type", "%q is not one of %s", t, strings.Join(eventTypes, ", "))
		}
	}
	return types, nil
}

// lastEventID reads where a client wants to go on: the header that browsers
// send when they come back, or a query parameter. The id is INSTANCE-SEQ, or only
// SEQ of an event.
func lastEventID(r *request) (seq uint64, instance string, given bool, err error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		if text, given = r.filter("last_event_id"); !given {
			return 0, "", false, nil
		}
	}
	number := text
	if before, after, both := strings.Cut(text, "-"); both {
		instance, number = before, after
	}
	seq, err = strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0, "", false, badParameter("last_event_id", "%q is not the id of an event", text)
	}
	return seq, instance, true, nil
}

// eventStream is one client's stream.
type eventStream struct {
	*Server
	w     *responseWriter
	r     *request
	types []string // empty: all
	after uint64   // the last event sent or passed over
	last  uint64   // the last event sent
	out   bytes.Buffer
}

// run sends until the client goes, is too slow, has to give way to another one, or
// the daemon ends.
func (e *eventStream) run(s *subscription) {
	heartbeat := time.NewTicker(e.Limits.Heartbeat)
	defer heartbeat.Stop()
	for {
		before := e.last
		more, ok := e.collect()
		if e.last != before {
			e.events.sent(s)
		}
		if !ok || !e.flush() {
			return
		}
		if more {
			continue
		}
		select {
		case <-s.wake:
		case <-s.ended:
			// A browser comes back after the time given, with the id of its last event.
			fmt.Fprintf(&e.out, "retry: %d\n: ended for another stream; come back with Last-Event-ID\n\n", e.Limits.SSEIdle.Milliseconds())
			e.flush()
			return
		case <-heartbeat.C:
			e.out.WriteString(": heartbeat\n\n")
		case <-e.r.Context().Done():
			return
		case <-e.closed:
			return
		case <-e.Loop.Done():
			return
		}
	}
}

// collect takes the next events out of the ring; more tells that there may be
// others.
func (e *eventStream) collect() (more, ok bool) {
	events, err := call(e.r.Context(), e.Server, func() ([]engine.Event, error) {
		events, _ := e.Engine.Events(e.after, eventsPage)
		return events, nil
	})
	if err != nil {
		return false, false
	}
	for _, event := range events {
		if event.Seq != e.after+1 {
			e.send("gap", 0, api.EventGap{First: e.after + 1, Last: event.Seq - 1})
		}
		e.after = event.Seq
		if len(e.types) == 0 || slices.Contains(e.types, event.Type) {
			e.last = event.Seq
			e.send(event.Type, event.Seq, api.Event{
				Seq: event.Seq, Time: e.timestamp(event.Time), Type: event.Type, ID: event.ID, What: event.What, Detail: event.Detail,
			})
		}
	}
	return len(events) == eventsPage, true
}

func (e *eventStream) send(kind string, id uint64, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // it holds strings and numbers only
	}
	if id > 0 {
		fmt.Fprintf(&e.out, "id: %s-%d\n", e.instance, id)
	}
	fmt.Fprintf(&e.out, "event: %s\ndata: %s\n\n", kind, data)
}

// flush sends what was collected. It fails when the client has gone, or takes
// nothing for the time allowed.
func (e *eventStream) flush() bool {
	if e.out.Len() == 0 {
		return true
	}
	_, err := e.w.Write(e.out.Bytes())
	e.out.Reset()
	return err == nil && http.NewResponseController(e.w).Flush() == nil
}
