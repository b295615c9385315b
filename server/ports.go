package server

import (
	"context"
	"errors"
	"hash/fnv"
	"net/http"

	"glean/server/api"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/stack/header"
	"glean/stack/link"
)

// nominalSpeed is the speed of every link in replies, in Mbps: TAP devices and wires
// have none of their own.
const nominalSpeed = 10_000

func (s *Server) newPort(v engine.PortView) api.Port {
	if v.Spec.Kind == engine.KindBond {
		return bondPort(v)
	}
	p := api.Port{
		ID:   v.Spec.ID,
		Kind: string(v.Spec.Kind),

		Ignored: newIgnored(v.Spec.Warnings),
		Status: &api.PortStatus{
			Link: "up", Speed: nominalSpeed, Duplex: "full", Engine: v.Engine, Queues: max(1, v.Spec.Queues),
		},
		Stats: &api.PortStats{
			Stats: api.Stats{
				RxPackets: v.Stats.RxFrames, TxPackets: v.Stats.TxFrames,
				RxBytes: v.Stats.RxBytes, TxBytes: v.Stats.TxBytes,
				RxErrors: v.Stats.RxErrors, TxErrors: v.Stats.TxErrors,
			},
			RxDropped: v.Stats.RxDropped, RxTraffic: v.Stats.RxTraffic,
		},
	}
	if !v.State.Up {
		p.Status.Link, p.Status.Reason = "down", v.State.Reason.String()
	}
	if s.OpenPerf {
		p.Kind, p.Config.DPDK = "dpdk", openPerfPort(v)
		return p
	}
	switch v.Spec.Kind {
	case engine.KindTAP:
		p.Config.TAP = &api.TAP{Name: v.Spec.Name, Queues: max(1, v.Spec.Queues), Persist: v.Spec.Persist, MTU: v.MTU}
		if v.Spec.MAC != (header.MAC{}) {
			p.Config.TAP.MACAddress = v.Spec.MAC.String()
		}
	case engine.KindPacket:
		p.Config.Packet = &api.Device{Name: v.Spec.Name}
	case engine.KindWire:
		p.Config.Wire = &api.Device{Name: v.Spec.Name}
	}
	return p
}

// bondPort returns a bond. It is the same with and without OpenPerf's forms.
func bondPort(v engine.PortView) api.Port {
	return api.Port{
		ID: v.Spec.ID, Kind: string(v.Spec.Kind),
		Config:  api.PortConfig{Bond: &api.Bond{Mode: "lag_802_3_ad", Ports: v.Spec.Members}},
		Status:  &api.PortStatus{Link: "unknown", Duplex: "unknown", Engine: "plain"},
		Stats:   &api.PortStats{},
		Ignored: newIgnored(v.Spec.Warnings),
	}
}

func openPerfPort(v engine.PortView) *api.DPDK {
	return &api.DPDK{
		Device:     v.Spec.Name,
		Driver:     "net_" + string(v.Spec.Kind),
		Interface:  v.Spec.Name,
		MACAddress: portMAC(v).String(),
		Link:       api.DPDKLink{Speed: new(int64(nominalSpeed)), Duplex: "full"},
	}
}

// portMAC returns the MAC of the port's device, or the one that the port was made with.
// A port without either has a locally administered MAC derived from its id: OpenPerf's
// clients expect a MAC of each dpdk port, and the same in each run.
func portMAC(v engine.PortView) header.MAC {
	if !v.MAC.IsZero() {
		return v.MAC
	}
	if v.Spec.MAC != (header.MAC{}) {
		return v.Spec.MAC
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(v.Spec.ID)) // a hash returns no error
	sum := h.Sum64()
	return header.MAC{0x02, byte(sum >> 32), byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
}

func (s *Server) listPorts(w *responseWriter, r *request) error {
	views, err := call(r.Context(), s, func() ([]engine.PortView, error) { return s.Engine.Ports(), nil })
	if err != nil {
		return err
	}
	kind, filtered := r.filter("kind")
	list := []api.Port{}
	for _, v := range views {
		if p := s.newPort(v); !filtered || p.Kind == kind {
			list = append(list, p)
		}
	}
	return reply(w, http.StatusOK, list)
}

func (s *Server) getPort(w *responseWriter, r *request) error {
	v, err := s.port(r.Context(), r.id())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, s.newPort(v))
}

func (s *Server) port(ctx context.Context, id string) (engine.PortView, error) {
	return call(ctx, s, func() (engine.PortView, error) { return s.Engine.Port(id) })
}

func (s *Server) createPort(w *responseWriter, r *request) error {
	spec, err := body(r, w, s.dialect().Port)
	if err != nil {
		return err
	}
	var v engine.PortView
	if spec.Kind == engine.KindBond {
		v, err = call(r.Context(), s, func() (engine.PortView, error) { return s.Engine.CreateBond(spec) })
	} else {
		v, err = s.openPort(r.Context(), spec)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/ports/"+v.Spec.ID)
	return reply(w, http.StatusCreated, s.newPort(v))
}

// openPort opens a device between two calls on the loop: the first reserves the id, the
// second attaches the link.
func (s *Server) openPort(ctx context.Context, spec engine.PortSpec) (engine.PortView, error) {
	open := s.Openers[spec.Kind]
	if open == nil {
		return engine.PortView{}, problemf(http.StatusBadRequest, "kind: this daemon can't open ports of kind %q", spec.Kind)
	}
	// If the client goes away, the rest must still be done: the id would stay reserved.
	ctx = context.WithoutCancel(ctx)
	spec, err := call(ctx, s, func() (engine.PortSpec, error) {
		if spec.ID == "" {
			spec.ID = s.Engine.NewID()
		}
		return spec, s.Engine.ReservePort(spec)
	})
	if err != nil {
		return engine.PortView{}, err
	}
	lk, err := open(spec)
	if err != nil {
		if stopped := s.Do(ctx, func() { s.Engine.ReleasePort(spec.ID) }); stopped != nil {
			return engine.PortView{}, stopped
		}
		return engine.PortView{}, cantOpen(spec, err)
	}
	v, err := call(ctx, s, func() (engine.PortView, error) {
		s.Engine.AttachPort(spec.ID, lk)
		return s.Engine.Port(spec.ID)
	})
	if err != nil {
		_ = lk.Close() // the loop has stopped, so the engine does not close it
	}
	return v, err
}

// cantOpen returns a 400: the client named a device that can't be opened.
func cantOpen(spec engine.PortSpec, err error) *problem {
	fault := api.Fault{Path: "config." + string(spec.Kind), Detail: err.Error()}
	var field *link.FieldError
	if errors.As(err, &field) {
		fault = api.Fault{Path: fault.Path + "." + field.Field, Detail: field.Err.Error()}
	}
	p := problemf(http.StatusBadRequest, "%s: %s", fault.Path, fault.Detail)
	p.Errors = []api.Fault{fault}
	return p
}

// putPort accepts only the configuration that the port has: an attached port can't be
// changed.
func (s *Server) putPort(w *responseWriter, r *request) error {
	v, err := s.port(r.Context(), r.id())
	if err != nil {
		return err
	}
	parse := func(raw []byte) (struct{}, error) { return struct{}{}, s.dialect().CheckPort(raw, v) }
	if s.OpenPerf && v.Spec.Kind != engine.KindBond {
		parse = func(raw []byte) (struct{}, error) { return struct{}{}, bodies.CheckOpenPerfPort(raw, v) }
	}
	if _, err := body(r, w, parse); err != nil {
		return err
	}
	return reply(w, http.StatusOK, s.newPort(v))
}

// reattachPort attaches a port to its device again, off the loop.
func (s *Server) reattachPort(w *responseWriter, r *request) error {
	reattach, err := call(r.Context(), s, func() (func() error, error) { return s.Engine.Reattach(r.id()) })
	if err != nil {
		return err
	}
	if err := reattach(); err != nil {
		return err
	}
	v, err := s.port(r.Context(), r.id())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, s.newPort(v))
}

func (s *Server) deletePort(w *responseWriter, r *request) error {
	err := s.do(r, func() error { return s.Engine.DeletePort(r.id()) })
	if err != nil && !isNotFound(err) {
		return err
	}
	return noContent(w)
}
