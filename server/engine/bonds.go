package engine

import (
	"fmt"
	"slices"
)

// CreateBond makes a port of kind bond. It is a resource only: it has no link,
// and neither an interface nor a generator can be bound to it.
func (e *Engine) CreateBond(spec PortSpec) (PortView, error) {
	if spec.ID == "" {
		spec.ID = e.NewID()
	}
	if err := e.freePortID(spec.ID); err != nil {
		return PortView{}, err
	}
	var faults []Fault
	for n, id := range spec.Members {
		if _, err := e.attachedPort(id); err != nil {
			faults = append(faults, Fault{Path: fmt.Sprintf("config.bond.ports[%d]", n), Detail: err.Error()})
		}
	}
	if len(faults) > 0 {
		return PortView{}, Refuse(Invalid, faults)
	}
	e.bonds[spec.ID] = spec
	e.emit(Event{Type: "port", ID: spec.ID, PortID: spec.ID, What: "created", Detail: string(spec.Kind)})
	return PortView{Spec: spec}, nil
}

func (e *Engine) deleteBond(id string) {
	delete(e.bonds, id)
	e.emit(Event{Type: "port", ID: id, PortID: id, What: "deleted"})
}

// bondOf returns the first bond, by id, that a port belongs to; empty if there is none.
func (e *Engine) bondOf(port string) string {
	first := ""
	for id, spec := range e.bonds {
		if slices.Contains(spec.Members, port) && (first == "" || id < first) {
			first = id
		}
	}
	return first
}
