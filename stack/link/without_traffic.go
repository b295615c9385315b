package link

// WithoutTraffic returns a link that counts received test traffic (see Classify) and
// does not pass it to the handler, as links over devices do. It is for in-process wires,
// which do not classify frames.
func WithoutTraffic(lk Link) Link { return &withoutTraffic{Link: lk} }

type withoutTraffic struct {
	Link
	traffic uint64
}

// Attach implements Link.
func (l *withoutTraffic) Attach(h Handler) { l.Link.Attach(controlHandler{h, l}) }

// Stats implements Link.
func (l *withoutTraffic) Stats() Stats {
	s := l.Link.Stats()
	s.RxTraffic += l.traffic
	return s
}

// controlHandler passes its handler the frames for the stack.
type controlHandler struct {
	Handler
	link *withoutTraffic
}

// HandleFrame implements Handler.
func (h controlHandler) HandleFrame(frame []byte) {
	if Classify(frame) == ClassTraffic {
		h.link.traffic++
		return
	}
	h.Handler.HandleFrame(frame)
}
