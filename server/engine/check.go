package engine

import (
	"fmt"
	"maps"
	"slices"
)

// Check returns an error if an invariant of the engine or of a stack is violated. It is
// for tests; its time grows with the number of all resources.
func (e *Engine) Check() error {
	for index, p := range e.portList {
		if p == nil {
			continue
		}
		if p.index != uint32(index) || e.ports[p.spec.ID] != p {
			return fmt.Errorf("port %s is at index %d, but has index %d", p.spec.ID, index, p.index)
		}
		if err := p.stack.Check(); err != nil {
			return fmt.Errorf("port %s: %w", p.spec.ID, err)
		}
	}
	leaving := 0
	for _, p := range e.portList {
		if p != nil {
			leaving += p.leaving
		}
	}
	if len(e.handles) != len(e.interfaces)+leaving {
		return fmt.Errorf("%d interfaces have %d handles", len(e.interfaces)+leaving, len(e.handles))
	}
	for _, id := range slices.Sorted(maps.Keys(e.interfaces)) {
		if err := e.checkInterface(id, e.interfaces[id]); err != nil {
			return fmt.Errorf("interface %s: %w", id, err)
		}
	}
	return e.checkMemory()
}

// checkMemory compares the account of memory with a recount.
func (e *Engine) checkMemory() error {
	if got, want := e.generators.Sizes(), e.generators.CountSizes(); got != want {
		return fmt.Errorf("memory: %+v are accounted for, %+v counted", got, want)
	}
	if got, want := e.learning.Sizes(), e.learning.CountSizes(); got != want {
		return fmt.Errorf("memory of learning: %+v are accounted for, %+v counted", got, want)
	}
	texts := int64(0)
	for n := range e.events.slots {
		texts += e.events.slots[n].texts()
	}
	if texts != e.events.texts {
		return fmt.Errorf("memory of events: %d octets of texts are accounted for, %d counted", e.events.texts, texts)
	}
	octets := int64(0)
	for _, i := range e.interfaces {
		octets += i.spec.interfaceSize()
	}
	if octets != e.interfaceOctets {
		return fmt.Errorf("memory of interfaces: %d octets are accounted for, %d counted", e.interfaceOctets, octets)
	}
	if e.reserved < 0 {
		return fmt.Errorf("memory: %d octets are reserved", e.reserved)
	}
	return nil
}

// checkInterface compares what the engine and the stack of the port have of an interface.
func (e *Engine) checkInterface(id string, i *iface) error {
	switch {
	case i.spec.ID != id || e.handles[i.handle] != i:
		return fmt.Errorf("its id is %s, and handle %d belongs to another interface", i.spec.ID, i.handle)
	case e.ports[i.port.spec.ID] != i.port || i.spec.PortID != i.port.spec.ID:
		return fmt.Errorf("its port %s does not exist", i.port.spec.ID)
	case i.port.stack.Interface(i.handle) != i.stack:
		return fmt.Errorf("handle %d belongs to another interface of the stack", i.handle)
	}
	return nil
}
