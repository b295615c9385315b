package server

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"glean/server/bodies"
)

// smallBody is the largest size, in octets, of a body that is read and parsed however
// little memory is left. The number of connections bounds its cost, and a client that
// frees memory must not wait for clients that send much.
const smallBody = 64 << 10

// body reads a JSON body and parses it. It reserves the memory for both until parse has
// returned.
func body[T any](r *request, w *responseWriter, parse func([]byte) (T, error)) (T, error) {
	var none T
	if err := r.checkContentType(); err != nil {
		return none, err
	}
	held := heldBody{server: r.server}
	defer held.release()
	if err := r.read(w, &held); err != nil {
		return none, err
	}
	if len(held.text) > smallBody {
		if err := held.hold(held.octets+bodies.Estimate(held.text), held.shared); err != nil {
			return none, busy(w, err)
		}
	}
	return parse(held.text)
}

// heldBody is the part of a body that has arrived. It reserves memory for that part, not
// for the announced length: a client that announces much and sends little must not
// take memory from others.
type heldBody struct {
	server *Server
	text   []byte
	octets int64 // reserved
	shared int64 // of these, the octets that count against Limits.Bodies
}

// hold changes the reservation to octets, of which text are for the body itself. All
// bodies together hold at most Limits.Bodies.
func (h *heldBody) hold(octets, text int64) error {
	s, more, moreText := h.server, octets-h.octets, text-h.shared
	err := s.doAnyway(func() error {
		if s.bodies+moreText > s.Limits.Bodies {
			return s.Engine.Shortage(moreText)
		}
		if err := s.Engine.Reserve(more); err != nil {
			return err
		}
		s.bodies += moreText
		return nil
	})
	if err == nil {
		h.octets, h.shared = octets, text
	}
	return err
}

func (h *heldBody) release() {
	if s, octets, shared := h.server, h.octets, h.shared; octets > 0 {
		h.octets, h.shared, h.text = 0, 0, nil
		s.Loop.Post(func() {
			s.bodies -= shared
			s.Engine.Release(octets)
		})
	}
}

// reserve takes memory from the budget for a reply that is made as a whole. It calls
// octets on the loop. release gives the memory back.
func (s *Server) reserve(octets func() (int64, error)) (release func(), err error) {
	n := int64(0)
	err = s.doAnyway(func() error {
		need, err := octets()
		if err == nil {
			err = s.Engine.Reserve(need)
		}
		if err == nil {
			n = need
		}
		return err
	})
	return func() { s.Loop.Post(func() { s.Engine.Release(n) }) }, err
}

// grow enlarges the buffer, up to limit octets.
func (h *heldBody) grow(limit int64) error {
	size := max(512, min(2*int64(cap(h.text)), limit))
	if h.text == nil {
		size = min(smallBody, limit)
	}
	if size > smallBody {
		if err := h.hold(h.octets+size, size); err != nil { // old and new buffer, while it copies
			return err
		}
		h.text = append(make([]byte, 0, size), h.text...)
		return h.hold(size, size)
	}
	h.text = append(make([]byte, 0, size), h.text...)
	return nil
}

// busy sets the headers of a reply that refuses a body for want of memory.
func busy(w *responseWriter, err error) error {
	w.Header().Set("Connection", "close") // the rest of the body is not read
	w.Header().Set("Retry-After", "1")
	return err
}

func tooLarge(limit int64) *problem {
	return problemf(http.StatusRequestEntityTooLarge, "the body is larger than %d octets", limit)
}

// read reads the whole body within Limits.BodyTimeout, and each 64 KiB of it within
// Limits.BodyStall: it soon gives up a body that stalls.
func (r *request) read(w *responseWriter, held *heldBody) error {
	limits := &r.server.Limits
	if r.ContentLength > limits.Body {
		return tooLarge(limits.Body)
	}
	expected := limits.Body + 1 // one octet more shows that the body is too large
	if r.ContentLength >= 0 {
		expected = max(1, r.ContentLength)
	}
	last := time.Now().Add(limits.BodyTimeout)
	renewed := -1
	for {
		if len(held.text) == cap(held.text) {
			if int64(len(held.text)) == expected {
				break
			}
			if err := held.grow(expected); err != nil {
				return busy(w, err)
			}
		}
		if at := len(held.text) / smallBody; at != renewed {
			renewed = at
			w.readBy(earlier(last, time.Now().Add(limits.BodyStall)))
		}
		n, err := r.Body.Read(held.text[len(held.text):cap(held.text)])
		held.text = held.text[:len(held.text)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			w.cut = true
			w.Header().Set("Connection", "close")
			return bodyMissing(err, limits)
		}
	}
	if int64(len(held.text)) > limits.Body {
		w.Header().Set("Connection", "close")
		return tooLarge(limits.Body)
	}
	w.readBy(time.Time{})
	return nil
}

// bodyMissing returns the problem of a body that has not arrived.
func bodyMissing(err error, limits *Limits) *problem {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return problemf(http.StatusBadRequest, "the body did not arrive in time: all of it must arrive within %v, and each %d octets within %v; send it faster",
			limits.BodyTimeout, smallBody, limits.BodyStall)
	}
	return problemf(http.StatusBadRequest, "the body did not arrive: %v", err)
}

// refuse replies with a problem. A client may still be sending its body: refuse sends
// the reply first, then reads and drops the rest of the body within the usual
// deadlines. Otherwise the client's next write would fail before it has read the
// reply.
func (s *Server) refuse(w *responseWriter, r *http.Request, p *problem) {
	if r.ContentLength == 0 || w.cut || r.Header.Get("Expect") != "" {
		p.write(w)
		return
	}
	c := http.NewResponseController(w.ResponseWriter)
	// Without this, net/http reads a part of the body before it sends the reply.
	// httptest's recorder and HTTP/2 return an error; they do not need it.
	_ = c.EnableFullDuplex()
	p.write(w)
	_ = c.Flush()
	last := time.Now().Add(s.Limits.BodyTimeout)
	for {
		w.readBy(earlier(last, time.Now().Add(s.Limits.BodyStall)))
		if _, err := io.CopyN(io.Discard, r.Body, smallBody); err != nil {
			return
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
