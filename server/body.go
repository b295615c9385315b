package server

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"glean/server/bodies"
)

// smallBody is the size in octets up to which a body is read and parsed whatever
// memory is left: its cost is bounded by the number of connections, and who frees
// memory or asks for little must not wait for who sends much.
const smallBody = 64 << 10

// body reads a JSON body and hands it to parse. The memory that both take is
// reserved until parse has returned.
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

// heldBody is a body as far as it has arrived. It reserves what it holds, not what
// the client announced: one that announces much and sends little holds up no other.
type heldBody struct {
	server *Server
	text   []byte
	octets int64 // reserved
	shared int64 // of them, those that count against Limits.Bodies
}

// hold changes the reservation to so many octets, of which text are for the body
// itself. All bodies together may hold no more than Limits.Bodies.
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

// reserve takes memory from the budget for an answer that is made as a whole, so
// many octets as are found on the loop; release gives them back.
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

// grow makes room for more, up to limit octets.
func (h *heldBody) grow(limit int64) error {
	size := max(512, min(2*int64(cap(h.text)), limit))
	if h.text == nil {
		size = min(smallBody, limit)
	}
	if size > smallBody {
		if err := h.hold(h.octets+size, size); err != nil { // old and new, while it is copied
			return err
		}
		h.text = append(make([]byte, 0, size), h.text...)
		return h.hold(size, size)
	}
	h.text = append(make([]byte, 0, size), h.text...)
	return nil
}

// busy tells a client that there is no memory for its body now.
func busy(w *responseWriter, err error) error {
	w.Header().Set("Connection", "close") // the rest is not wanted
	w.Header().Set("Retry-After", "1")
	return err
}

func tooLarge(limit int64) *problem {
	return problemf(http.StatusRequestEntityTooLarge, "the body is larger than %d octets", limit)
}

// read reads the whole body. It has Limits.BodyTimeout for all, and for each 64 KiB
// of it Limits.BodyStall, so that a body which does not go on is soon given up.
func (r *request) read(w *responseWriter, held *heldBody) error {
	limits := &r.server.Limits
	if r.ContentLength > limits.Body {
		return tooLarge(limits.Body)
	}
	expected := limits.Body + 1 // one octet more shows that there are too many
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
			return noBody(err, limits)
		}
	}
	if int64(len(held.text)) > limits.Body {
		w.Header().Set("Connection", "close")
		return tooLarge(limits.Body)
	}
	w.readBy(time.Time{})
	return nil
}

// noBody says why a body did not arrive.
func noBody(err error, limits *Limits) *problem {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return problemf(http.StatusBadRequest, "the body did not arrive: it has %v, and %v for each %d octets; send it faster",
			limits.BodyTimeout, limits.BodyStall, smallBody)
	}
	return problemf(http.StatusBadRequest, "the body did not arrive: %v", err)
}

// refuse answers a request with a problem. A client that is still sending its body
// then learns why it is refused: the answer goes out first, and what arrives of the
// body after it is read and dropped, at the pace that is demanded of any body.
// Without that, the client's next write fails before it has read the answer.
func (s *Server) refuse(w *responseWriter, r *http.Request, p *problem) {
	if r.ContentLength == 0 || w.cut || r.Header.Get("Expect") != "" {
		p.write(w)
		return
	}
	c := http.NewResponseController(w.ResponseWriter)
	// Otherwise net/http reads a part of the body before it sends the answer. Not
	// every writer can: httptest's recorder and HTTP/2 have no need to.
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
