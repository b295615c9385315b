package engine

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sort"

	"glean/filter"
	"glean/generator"
	"glean/stack"
	"glean/stack/header"
)

// InterfaceEcho holds members of an interface's body that have no effect. Replies show
// them unchanged.
type InterfaceEcho struct {
	Order            []string // the kinds of the protocol entries: "eth", "vlan", "ipv4", "ipv6"
	Method4          string   // "static", "dhcp", "auto"; empty without ipv4
	Method6          string   // "static", "dhcp6", "auto"; empty without ipv6
	Hostname, Client string   // of dhcp
	Stateless        bool     // of dhcp6
	Neighbor         json.RawMessage
}

// InterfaceSpec is the specification of an interface. Absent addresses are invalid netip
// values.
type InterfaceSpec struct {
	Warnings Warnings // about the body

	ID     string
	PortID string
	MAC    header.MAC
	Tags   []header.VLAN

	IPv4     netip.Prefix // address and prefix length
	Gateway4 netip.Addr

	HasIPv6   bool
	LinkLocal netip.Addr // made from the MAC if absent
	IPv6      netip.Prefix
	Gateway6  netip.Addr

	Announce bool
	Neighbor stack.NeighborConfig
	// LearningWindow bounds the solicitations in flight, LearningRatePPS those sent in a
	// second; 0 is no limit.
	LearningWindow, LearningRatePPS int
	RespondFor                      []netip.Prefix
	Static                          []StaticNeighbor

	// RxFilter selects the received frames that reach the interface, TxFilter the frames
	// of its stack that leave; nil selects all. They do not apply to generators.
	RxFilter, TxFilter *filter.Program

	Echo InterfaceEcho
}

// StaticNeighbor is a neighbor that is never solicited.
type StaticNeighbor struct {
	Address netip.Addr
	MAC     header.MAC
}

// InterfaceView is the present state of an interface.
type InterfaceView struct {
	Spec  InterfaceSpec
	Stats stack.InterfaceStats
	// The MACs of hosts that claim addresses of the interface; zero without a conflict.
	Conflict4, Conflict6, ConflictLinkLocal header.MAC
}

// errInterfaceDeleted is the reason why a generator cannot start after the deletion.
var errInterfaceDeleted = errors.New("its interface is deleted (interface_deleted)")

type iface struct {
	spec   InterfaceSpec
	handle uint32
	port   *port
	stack  *stack.Interface
	engine *Engine

	bound    []*generator.Generator // by handle
	tracking []*generator.Generator // running and tracking, in the order of their starts
	deleted  bool

	// By handle of a generator, never iterated: whether learning failed because the link
	// was down, and the request that repeats it.
	missed     map[uint32]bool
	relearning map[uint32]string
}

// CreateInterface makes an interface.
func (e *Engine) CreateInterface(spec InterfaceSpec) (InterfaceView, error) {
	i, err := e.createInterface(spec)
	if err != nil {
		return InterfaceView{}, err
	}
	return i.view(), nil
}

// CreateInterfaces makes all of the interfaces or none; many take several turns of the
// loop. They appear one after the other in the given order. If one cannot be made,
// CreateInterfaces deletes the others before it calls done with the error.
func (e *Engine) CreateInterfaces(specs []InterfaceSpec, done func([]InterfaceView, error)) {
	made := make([]*iface, 0, len(specs))
	var failure error
	e.inSlices(len(specs), sliceInterface, func(n int) bool {
		i, err := e.createInterface(specs[n])
		if err != nil {
			failure = ofItem(err, n, true)
			return false
		}
		made = append(made, i)
		return true
	}, func() {
		if failure != nil {
			e.deleteInterfaces(made, func() { done(nil, failure) })
			return
		}
		views := make([]InterfaceView, len(made))
		for n, i := range made {
			views[n] = i.view()
		}
		done(views, nil)
	})
}

// prefixed prepends a path to the paths of an error's faults.
func prefixed(err error, prefix string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	moved := *e
	moved.Faults = make([]Fault, len(e.Faults))
	for n, f := range e.Faults {
		moved.Faults[n] = Fault{Path: prefix + f.Path, Detail: f.Detail}
	}
	return &moved
}

func (e *Engine) createInterface(spec InterfaceSpec) (*iface, error) {
	if spec.ID == "" {
		spec.ID = e.NewID()
	}
	if _, known := e.interfaces[spec.ID]; known {
		return nil, invalid("id", "interface %q exists", spec.ID)
	}
	p, err := e.attachedPort(spec.PortID)
	if err != nil {
		return nil, invalid("port_id", "%v", err)
	}
	if len(e.interfaces) >= e.limits.Interfaces {
		return nil, &Error{Kind: TooMany, Detail: fmt.Sprintf("there are %d interfaces, the most that are allowed; delete some, or set limits.interfaces higher", len(e.interfaces))}
	}
	if err := e.fits(spec.interfaceSize() + int64(len(spec.Static))*stack.NeighborSize); err != nil {
		return nil, err
	}
	e.nextHandle++
	i := &iface{spec: spec, handle: e.nextHandle, port: p, engine: e}
	// It is stored before AddInterface, which announces the interface: observers of
	// the announcement must find it.
	e.handles[i.handle] = i
	if i.stack, err = p.stack.AddInterface(spec.stackConfig(i.handle)); err != nil {
		delete(e.handles, i.handle)
		return nil, e.configFault(err)
	}
	e.interfaces[spec.ID] = i
	e.interfaceOctets += spec.interfaceSize()
	e.emit(i.event("created", ""))
	return i, nil
}

// event returns an event of the interface.
func (i *iface) event(what, detail string, fields ...Field) Event {
	return Event{Type: "interface", ID: i.spec.ID, PortID: i.port.spec.ID, What: what, Detail: detail, Fields: fields}
}

// usableGateway4 returns the gateway, invalid if it is a broadcast address, which OpenPerf
// accepts.
func (s InterfaceSpec) usableGateway4() netip.Addr {
	if stack.IsBroadcast(s.Gateway4, s.IPv4) {
		return netip.Addr{}
	}
	return s.Gateway4
}

func (s InterfaceSpec) stackConfig(handle uint32) stack.InterfaceConfig {
	c := stack.InterfaceConfig{
		Handle:     handle,
		MAC:        s.MAC,
		Tags:       s.Tags,
		IPv4:       s.IPv4,
		Gateway4:   s.usableGateway4(),
		IPv6:       s.IPv6,
		Gateway6:   s.Gateway6,
		Announce:   s.Announce,
		RespondFor: s.RespondFor,
		Neighbor:   s.Neighbor,
	}
	if s.HasIPv6 {
		if c.LinkLocal = s.LinkLocal; !c.LinkLocal.IsValid() {
			c.LinkLocal = netip.AddrFrom16(header.LinkLocal(s.MAC))
		}
	}
	if s.RxFilter != nil {
		c.RxFilter = s.RxFilter.Match
	}
	if s.TxFilter != nil {
		c.TxFilter = s.TxFilter.Match
	}
	for _, n := range s.Static {
		c.Static = append(c.Static, stack.StaticNeighbor{Addr: n.Address, MAC: n.MAC})
	}
	return c
}

// DeleteInterface removes an interface. Generators bound to it stop and cannot start
// again. done runs on the loop after their last frame. An unknown id is not an error.
func (e *Engine) DeleteInterface(id string, done func()) {
	if i := e.interfaces[id]; i != nil {
		e.deleteInterface(i, done)
		return
	}
	done()
}

// DeleteInterfaces removes several interfaces; many take several turns of the loop.
func (e *Engine) DeleteInterfaces(ids []string, done func()) {
	list := make([]*iface, 0, len(ids))
	for _, id := range ids {
		if i := e.interfaces[id]; i != nil {
			list = append(list, i)
		}
	}
	e.deleteInterfaces(list, done)
}

func (e *Engine) deleteInterfaces(list []*iface, done func()) {
	waiting := 1
	one := func() {
		if waiting--; waiting == 0 {
			done()
		}
	}
	at := 0
	e.inTurns(func() bool {
		for work := 0; at < len(list) && work < sliceDelete; at++ {
			i := list[at]
			if i.deleted {
				continue
			}
			// The stack looks for its neighbors in the whole cache.
			if work++; i.stack.NeighborCount() > 0 {
				work += i.port.stack.NeighborCount() / (sliceNeighbors / sliceDelete)
			}
			waiting++
			e.deleteInterface(i, one)
		}
		return at < len(list)
	}, one)
}

// deleteInterface removes an interface from the engine, and then from its stack. If it has
// many neighbors, it removes a slice of them in each turn of the loop before.
func (e *Engine) deleteInterface(i *iface, done func()) {
	delete(e.interfaces, i.spec.ID)
	e.interfaceOctets -= i.spec.interfaceSize()
	waiting := 2
	one := func() {
		if waiting--; waiting == 0 {
			done()
		}
	}
	// This comes before the end of learning, which would make a generator resolved that
	// had all its MACs before.
	e.generators.TargetDeleted(i.boundByID(), errInterfaceDeleted, one)
	e.learning.InterfaceDeleted(i.handle)
	i.deleted = true
	i.port.leaving++
	at := uint32(0)
	e.inTurns(func() bool {
		if i.stack.NeighborCount() <= sliceNeighbors {
			return false
		}
		at = i.stack.ForgetSome(at, sliceNeighbors)
		return at > 0
	}, func() {
		i.port.leaving--
		i.port.stack.RemoveInterface(i.stack)
		delete(e.handles, i.handle)
		e.emit(i.event("deleted", ""))
		one()
	})
}

// boundByID returns the generators that are bound to the interface, sorted by id.
func (i *iface) boundByID() []*generator.Generator {
	list := slices.Clone(i.bound)
	slices.SortFunc(list, func(a, b *generator.Generator) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Interfaces lists the interfaces by id.
func (e *Engine) Interfaces() []InterfaceView {
	views := make([]InterfaceView, 0, len(e.interfaces))
	for _, i := range e.interfaces {
		views = append(views, i.view())
	}
	sort.Slice(views, func(a, b int) bool { return views[a].Spec.ID < views[b].Spec.ID })
	return views
}

// Interface returns one interface.
func (e *Engine) Interface(id string) (InterfaceView, error) {
	i := e.interfaces[id]
	if i == nil {
		return InterfaceView{}, notFound("interface", id)
	}
	return i.view(), nil
}

func (e *Engine) interfacesOn(p *port) int {
	n := p.leaving
	for _, i := range e.interfaces {
		if i.port == p {
			n++
		}
	}
	return n
}

func (i *iface) view() InterfaceView {
	v := InterfaceView{Spec: i.spec, Stats: i.stack.Stats()}
	for _, a := range i.stack.Status() {
		switch {
		case a.Addr.Is4():
			v.Conflict4 = a.ConflictMAC
		case a.Addr == i.spec.IPv6.Addr():
			v.Conflict6 = a.ConflictMAC
		default:
			v.ConflictLinkLocal = a.ConflictMAC
		}
	}
	return v
}
