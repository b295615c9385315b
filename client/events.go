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

// EventGap is the Type of an event that stands for those that were lost: the
// daemon keeps a number of events only.
const EventGap = "gap"

// Event is something that happened to a resource; or, if its Type is EventGap, a gap
// in the stream.
type Event struct {
	api.Event
	api.EventGap
	// StreamID names the event and the run of the daemon, for EventFilter.AfterID.
	StreamID string `json:"-"`
}

// EventFilter says what a stream has. Its zero value is everything from now on.
type EventFilter struct {
	Types []string
	After *uint64 // go on after the event with this Seq, the last that was read
	// AfterID is the StreamID of the last event that was read. It takes the place of
	// After, and shows a restart of the daemon as a gap.
	AfterID string
}

// EventStream is an open stream of events.
type EventStream struct {
	body  io.ReadCloser
	lines *bufio.Reader
}

// Events opens a stream of events. It ends with ctx, or when it is closed.
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

// Next waits for the next event. io.EOF is the daemon's end.
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
