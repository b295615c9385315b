package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"glean/server/api"
)

// EventGap is the Type of an event that stands for lost events: the daemon keeps the
// newest events only.
const EventGap = "gap"

// Event is an event of a resource; or a gap in the stream, if its Type is EventGap.
type Event struct {
	api.Event
	api.EventGap
	// StreamID identifies the event and the run of the daemon, for EventFilter.AfterID.
	StreamID string `json:"-"`
}

// EventFilter selects the events of a stream. The zero value selects all events from now
// on.
type EventFilter struct {
	Types []string // empty: all
	After *uint64  // the Seq of the event after which the stream continues
	// AfterID is the StreamID of the event after which the stream continues. It replaces
	// After, and a restart of the daemon is a gap then.
	AfterID string
}

// EventStream is an open stream of events.
type EventStream struct {
	body  io.ReadCloser
	lines *bufio.Reader
}

// Events opens a stream of events. The stream ends with ctx, or by Close.
func (c *Client) Events(ctx context.Context, f EventFilter) (*EventStream, error) {
	r := get("events").with("type", strings.Join(f.Types, ","))
	r.header = http.Header{"Accept": {"text/event-stream"}}
	if f.After != nil {
		r.header.Set("Last-Event-ID", strconv.FormatUint(*f.After, 10))
	}
	if f.AfterID != "" {
		r.header.Set("Last-Event-ID", f.AfterID)
	}
	response, err := c.send(ctx, r) //nolint:bodyclose // EventStream.Close closes it
	if err != nil {
		return nil, err
	}
	return &EventStream{body: response.Body, lines: bufio.NewReader(response.Body)}, nil
}

// Next waits for the next event. It returns io.EOF when the daemon has ended the
// stream.
func (s *EventStream) Next() (Event, error) {
	var kind, data, id string
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return Event{}, err
		}
		line = strings.TrimRight(line, "\r\n")
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line != "" && field == "event":
			kind = value
		case line != "" && field == "data":
			if data != "" {
				data += "\n"
			}
			data += value
		case line != "" && field == "id":
			id = value
		case line == "" && data != "":
			e, err := readEvent(kind, data)
			e.StreamID = id
			return e, err
		}
	}
}

func readEvent(kind, data string) (Event, error) {
	var e Event
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return e, fmt.Errorf("an event can't be read: %w", err)
	}
	if kind == EventGap {
		e.Type = EventGap
	}
	return e, nil
}

// Close ends the stream.
func (s *EventStream) Close() error { return s.body.Close() }
