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

	"glean/internal/document"
	"glean/server/api"
	"glean/server/engine"
)

// eventsPage is the largest number of events that one turn of the loop copies.
const eventsPage = 256

// broadcaster notifies the event streams. The events themselves stay in the engine's
// ring, and each stream reads them at its own pace: a slow stream costs no memory and
// delays no other.
type broadcaster struct {
	mu      sync.Mutex
	streams map[*subscription]struct{}
}

// subscription is the broadcaster's side of a stream.
type subscription struct {
	wake   chan struct{} // there are events
	ended  chan struct{} // closed when the stream must end for a new one
	active time.Time     // of its last event, or of its begin; under the broadcaster's lock
}

func newBroadcaster() *broadcaster {
	return &broadcaster{streams: make(map[*subscription]struct{})}
}

// publish notifies all streams. It runs on the loop and never blocks.
func (b *broadcaster) publish(engine.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.streams {
		select {
		case s.wake <- struct{}{}:
		default: // it is notified already
		}
	}
}

// subscribe adds a stream. If there are limit streams already, it ends the stream that
// has sent no event for the longest time. If that time is less than idle, it fails.
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

// sent records that a stream has sent an event.
func (b *broadcaster) sent(s *subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.active = time.Now()
}

// eventTypes are the values of ?type=.
var eventTypes = []string{"learning", "generator", "port", "interface", "neighbor"}

// streamEvents answers GET /events with server-sent events. With Last-Event-ID the
// stream continues after that event.
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
		return problemf(http.StatusServiceUnavailable, "all %d event streams have sent an event in the last %v, and more are not allowed; close one, or try again later",
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
	if stream.after > newest { // of an earlier run of the daemon
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
			return nil, badParameter("type", "%q is not one of %s", t, document.Quoted(eventTypes))
		}
	}
	return types, nil
}

// lastEventID returns the event after which a client continues: the header that
// browsers send when they reconnect, or a query parameter. The id of an event is
// INSTANCE-SEQ; SEQ alone is accepted, too.
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
	after uint64   // the last event sent or left out
	last  uint64   // the last event sent
	out   bytes.Buffer
}

// run sends events until the client has gone or is too slow, the stream is ended for a
// new one, or the daemon stops.
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
			// A browser reconnects after this time, with the id of its last event.
			fmt.Fprintf(&e.out, "retry: %d\n: ended for another stream; reconnect with Last-Event-ID\n\n", e.Limits.SSEIdle.Milliseconds())
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

// collect reads the next events from the ring. It reports whether there may be more,
// and whether the stream goes on.
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

// flush sends the collected events. It reports false when the client has gone, or has
// taken nothing within Limits.SendTimeout.
func (e *eventStream) flush() bool {
	if e.out.Len() == 0 {
		return true
	}
	_, err := e.w.Write(e.out.Bytes())
	e.out.Reset()
	return err == nil && http.NewResponseController(e.w).Flush() == nil
}
