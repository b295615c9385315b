package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"

	"glean/internal/document"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/link"
)

// PortKind is the kind of a port's attachment.
type PortKind string

// Kinds of ports.
const (
	KindTAP    PortKind = "tap"    // a TAP device
	KindPacket PortKind = "packet" // a Linux network device through AF_PACKET
	KindWire   PortKind = "wire"   // an in-process wire
	KindBond   PortKind = "bond"   // a name for several ports, without a link
)

// PortSpec is the specification of a port.
type PortSpec struct {
	ID      string
	Kind    PortKind
	Name    string     // of the device or the wire
	Queues  int        // TAP: number of queues, 0 means 1
	Persist bool       // TAP: keep the device when glean ends
	MTU     int        // TAP: 0 does not change it
	MAC     header.MAC // TAP: of the kernel's side; zero does not change it
	Members []string   // bond: the ids of its ports
	// Fixed ports are from flags or the configuration file. The API cannot delete them.
	Fixed bool
	// Warnings are about the body of the request.
	Warnings Warnings
}

// attachment returns the port's kind and name in the form of the command line.
func (s PortSpec) attachment() string { return string(s.Kind) + ":" + s.Name }

// PortView is the present state of a port.
type PortView struct {
	Spec   PortSpec
	State  link.State
	Stats  link.Stats
	MTU    int
	MAC    header.MAC // of the device; zero for a TAP, whose MAC is that of the kernel's side, and for a wire
	Engine string     // the transmit engine in use: "plain" or "io_uring"
}

type port struct {
	spec  PortSpec
	index uint32
	link  link.Link // nil while it is being opened
	gone  bool      // the device was deleted
	batch *batchLink
	stack *stack.Stack

	leaving    int // number of deleted interfaces that are still in the stack
	peerEvents peerEvents
}

// ReservePort reserves the id of a port, so that its device can be opened off the loop.
// AttachPort or ReleasePort must follow.
func (e *Engine) ReservePort(spec PortSpec) error {
	if !ValidID(spec.ID) {
		return invalid("id", "%q is not an id: %s", document.Shorten(spec.ID), IDRule)
	}
	if err := e.freePortID(spec.ID); err != nil {
		return err
	}
	for _, p := range e.ports {
		if p.spec.Kind == spec.Kind && spec.Kind != KindWire && p.spec.Name == spec.Name {
			return invalid("config."+string(spec.Kind)+".name", "%q is in use by port %q", spec.Name, p.spec.ID)
		}
	}
	e.ports[spec.ID] = &port{spec: spec}
	return nil
}

// freePortID returns an error if no port with the id can be made.
func (e *Engine) freePortID(id string) error {
	_, taken := e.ports[id]
	_, bond := e.bonds[id]
	if taken || bond {
		return invalid("id", "port %q exists", id)
	}
	if n := len(e.ports) + len(e.bonds); n >= e.limits.Ports {
		return &Error{Kind: TooMany, Detail: fmt.Sprintf("there are %d ports, the most that are allowed; delete one, or set limits.ports higher", n)}
	}
	return nil
}

// ReleasePort frees a reserved id.
func (e *Engine) ReleasePort(id string) {
	if p := e.ports[id]; p != nil && p.link == nil {
		delete(e.ports, id)
	}
}

// AttachPort attaches an open link to a reserved port. The engine owns the link from then
// on.
func (e *Engine) AttachPort(id string, lk link.Link) {
	p := e.ports[id]
	p.link, p.index = lk, e.freePortIndex()
	e.portList[p.index] = p
	p.batch = newBatchLink(e.loop, lk)
	p.peerEvents.init(func() { e.reportMissed(p) })
	observer := portObserver{e, p}
	p.stack = stack.New(e.loop, watchedLink{p.batch, observer}, stack.Options{
		Rand:       rand.New(rand.NewPCG(e.rand.Uint64(), e.rand.Uint64())),
		Subscriber: e.learning,
		Observer:   observer,
	})
	e.emit(p.event("created", p.spec.attachment()))
}

// Reattach returns a function that attaches a port to its device again. The function
// blocks, so it must not run on the loop.
func (e *Engine) Reattach(id string) (func() error, error) {
	if spec, ok := e.bonds[id]; ok {
		return nil, noDevice(spec)
	}
	p, err := e.attachedPort(id)
	if err != nil {
		return nil, err
	}
	lk, ok := p.link.(link.Reattacher)
	if !ok {
		return nil, noDevice(p.spec)
	}
	return func() error {
		err := lk.Reattach()
		if err == nil {
			return nil
		}
		var field *link.FieldError
		if errors.As(err, &field) {
			err = field.Err
		}
		return conflict("port %q cannot be reattached: %s %q: %v", id, p.spec.Kind, p.spec.Name, err)
	}, nil
}

func noDevice(spec PortSpec) *Error {
	return &Error{Kind: Invalid, Detail: fmt.Sprintf("port %q is a %s; only tap and packet ports have a device to reattach to", spec.ID, spec.Kind)}
}

// freePortIndex returns the first index that no port has, so that the indexes of deleted
// ports are used again. The resolver never releases a subscription of a deleted port, so
// no reference to the index is left.
func (e *Engine) freePortIndex() uint32 {
	at := slices.Index(e.portList, nil)
	if at < 0 {
		at = len(e.portList)
		e.portList = append(e.portList, nil)
	}
	return uint32(at)
}

// event returns an event of the port, with its attachment.
func (p *port) event(what, detail string, more ...Field) Event {
	return Event{
		Type: "port", ID: p.spec.ID, PortID: p.spec.ID, What: what, Detail: detail,
		Fields: append([]Field{{"attachment", p.spec.attachment()}}, more...),
	}
}

// watchedLink passes state changes to the stack and then to the engine.
type watchedLink struct {
	link.Link
	observer portObserver
}

// Attach implements link.Link.
func (w watchedLink) Attach(h link.Handler) { w.Link.Attach(watchedHandler{h, w.observer}) }

type watchedHandler struct {
	link.Handler
	observer portObserver
}

// HandleState implements link.Handler. The stack handles the change first, so that it is
// in the new state when the engine emits events.
func (w watchedHandler) HandleState(s link.State) {
	w.Handler.HandleState(s)
	w.observer.linkChanged(s)
}

// DeletePort closes a port and removes it.
func (e *Engine) DeletePort(id string) error {
	if _, bond := e.bonds[id]; bond {
		e.deleteBond(id)
		return nil
	}
	p := e.ports[id]
	switch {
	case p == nil || p.link == nil:
		return notFound("port", id)
	case p.spec.Fixed:
		return invalid("id", "port %q cannot be deleted: it is from a flag or the configuration file", id)
	}
	if n := e.interfacesOn(p); n > 0 {
		return conflict("port %q has %d interfaces", id, n)
	}
	for g := range e.generators.All() {
		if targetOf(g) == (target{port: p}) {
			return conflict("port %q has generator %q", id, g.ID)
		}
	}
	if bond := e.bondOf(id); bond != "" {
		return conflict("port %q belongs to bond %q", id, bond)
	}
	delete(e.ports, id)
	e.portList[p.index] = nil
	e.loop.Disarm(&p.peerEvents.timer)
	e.reportMissed(p)
	detail := ""
	if err := p.link.Close(); err != nil { // the port is deleted all the same
		detail = err.Error()
	}
	e.emit(p.event("deleted", detail))
	return nil
}

// closeLinks closes every link. The engine must not be used afterwards.
func (e *Engine) closeLinks() {
	for _, p := range e.portList {
		if p != nil {
			_ = p.link.Close() // the daemon ends; no client is left
		}
	}
}

// Ports lists the ports by id.
func (e *Engine) Ports() []PortView {
	views := make([]PortView, 0, len(e.ports)+len(e.bonds))
	for _, spec := range e.bonds {
		views = append(views, PortView{Spec: spec})
	}
	for _, p := range e.ports {
		if p.link != nil {
			views = append(views, p.view())
		}
	}
	sort.Slice(views, func(i, j int) bool { return views[i].Spec.ID < views[j].Spec.ID })
	return views
}

// Port returns one port.
func (e *Engine) Port(id string) (PortView, error) {
	if spec, ok := e.bonds[id]; ok {
		return PortView{Spec: spec}, nil
	}
	p, err := e.attachedPort(id)
	if err != nil {
		return PortView{}, err
	}
	return p.view(), nil
}

func (e *Engine) attachedPort(id string) (*port, error) {
	if p := e.ports[id]; p != nil && p.link != nil {
		return p, nil
	}
	if _, bond := e.bonds[id]; bond {
		return nil, &Error{Kind: NotFound, Detail: fmt.Sprintf("port %q is a bond; no interface or generator can be bound to it", id)}
	}
	return nil, notFound("port", id)
}

func (p *port) view() PortView {
	return PortView{Spec: p.spec, State: p.link.State(), Stats: p.link.Stats(), MTU: p.link.MTU(), MAC: deviceMAC(p.link), Engine: engineOf(p.link)}
}

// deviceMAC returns the MAC of a link's device, zero for a TAP: the MAC of a TAP is that of
// the kernel's side.
func deviceMAC(lk link.Link) (m header.MAC) {
	if l, ok := lk.(interface{ MAC() header.MAC }); ok {
		m = l.MAC()
	}
	return m
}

// engineOf returns the name of the transmit engine of the link's queues. It is "plain" for
// a link that has no method for it.
func engineOf(lk link.Link) string {
	if l, ok := lk.(interface{ Engine() string }); ok {
		return l.Engine()
	}
	return "plain"
}
