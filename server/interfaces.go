package server

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"

	"glean/server/api"
	"glean/server/engine"
	"glean/stack/header"
)

// echoedInterface is an interface whose neighbor configuration is sent as it was
// posted.
type echoedInterface = api.InterfaceOf[json.RawMessage]

func newInterface(v engine.InterfaceView) echoedInterface {
	spec := v.Spec
	i := echoedInterface{
		ID:     spec.ID,
		PortID: spec.PortID,

		Ignored: newIgnored(spec.Warnings),
		Config: api.InterfaceConfig[json.RawMessage]{
			Protocols: []api.InterfaceProtocol{}, Neighbor: spec.Echo.Neighbor,
			RxFilter: spec.RxFilter.String(), TxFilter: spec.TxFilter.String(),
		},
		Stats: &api.Stats{
			RxPackets: v.Stats.RxPackets, TxPackets: v.Stats.TxPackets,
			RxBytes: v.Stats.RxBytes, TxBytes: v.Stats.TxBytes,
			RxErrors: v.Stats.RxErrors, TxErrors: v.Stats.TxErrors,
		},
	}
	tags := spec.Tags
	for _, kind := range spec.Echo.Order {
		var p api.InterfaceProtocol
		switch kind {
		case "eth":
			p.Eth = &api.Eth{MACAddress: spec.MAC.String()}
		case "vlan":
			p.VLAN = newVLAN(tags[0])
			tags = tags[1:]
		case "ipv4":
			p.IPv4 = newIPv4(v)
		case "ipv6":
			p.IPv6 = newIPv6(v)
		}
		i.Config.Protocols = append(i.Config.Protocols, p)
	}
	return i
}

func newVLAN(tag header.VLAN) *api.VLAN {
	tpid := "0x8100"
	if tag.TPID == header.EtherTypeQinQ {
		tpid = "0x88a8"
	}
	return &api.VLAN{ID: tag.ID, Priority: tag.Priority, TPID: tpid}
}

func newIPv4(v engine.InterfaceView) *api.IPv4 {
	echo := v.Spec.Echo
	j := &api.IPv4{Method: echo.Method4}
	switch echo.Method4 {
	case "static":
		j.Static = newStatic(v.Spec.IPv4, v.Spec.Gateway4)
		j.Status = newAddressStatus(v.Conflict4)
	case "dhcp":
		j.DHCP = &api.DHCP{Hostname: echo.Hostname, Client: echo.Client, Status: &api.DHCPStatus{State: "none"}}
	}
	return j
}

func newIPv6(v engine.InterfaceView) *api.IPv6 {
	echo := v.Spec.Echo
	linkLocal := v.Spec.LinkLocal
	if !linkLocal.IsValid() {
		linkLocal = netip.AddrFrom16(header.LinkLocal(v.Spec.MAC))
	}
	j := &api.IPv6{Method: echo.Method6, LinkLocalAddress: linkLocal.String(), LinkLocalStatus: newAddressStatus(v.ConflictLinkLocal)}
	if v.Spec.IPv6.IsValid() {
		j.Static = newStatic(v.Spec.IPv6, v.Spec.Gateway6)
		j.Status = newAddressStatus(v.Conflict6)
	}
	if echo.Method6 == "dhcp6" {
		j.DHCP6 = &api.DHCP6{Stateless: echo.Stateless}
	}
	return j
}

func newStatic(prefix netip.Prefix, gateway netip.Addr) *api.Static {
	j := &api.Static{Address: prefix.Addr().String(), PrefixLength: prefix.Bits()}
	if gateway.IsValid() {
		j.Gateway = gateway.String()
	}
	return j
}

func newAddressStatus(conflict header.MAC) *api.AddressStatus {
	if conflict.IsZero() {
		return &api.AddressStatus{State: "preferred"}
	}
	return &api.AddressStatus{State: "duplicate", ConflictMAC: conflict.String()}
}

func newInterfaces(views []engine.InterfaceView) []echoedInterface {
	list := make([]echoedInterface, len(views))
	for i, v := range views {
		list[i] = newInterface(v)
	}
	return list
}

func (s *Server) listInterfaces(w *responseWriter, r *request) error {
	wanted := interfaceFilter(r)
	views, err := call(r.Context(), s, func() ([]engine.InterfaceView, error) { return s.Engine.Interfaces(), nil })
	if err != nil {
		return err
	}
	views = slices.DeleteFunc(views, func(v engine.InterfaceView) bool { return !wanted(v.Spec) })
	return replyList(w, views, newInterface)
}

// interfaceFilter returns a function that reports whether any of the filters matches, as
// OpenPerf does. A filter that does not parse matches no interface.
func interfaceFilter(r *request) func(engine.InterfaceSpec) bool {
	var any []func(engine.InterfaceSpec) bool
	add := func(name string, f func(value string, s engine.InterfaceSpec) bool) {
		if value, given := r.filter(name); given {
			any = append(any, func(s engine.InterfaceSpec) bool { return f(value, s) })
		}
	}
	add("port_id", func(id string, s engine.InterfaceSpec) bool { return s.PortID == id })
	add("eth_mac_address", func(text string, s engine.InterfaceSpec) bool {
		mac, err := header.ParseMAC(text)
		return err == nil && s.MAC == mac
	})
	add("ipv4_address", func(text string, s engine.InterfaceSpec) bool {
		a, err := netip.ParseAddr(text)
		return err == nil && a == s.IPv4.Addr()
	})
	add("ipv6_address", func(text string, s engine.InterfaceSpec) bool {
		a, err := netip.ParseAddr(text)
		return err == nil && s.HasIPv6 && (a == s.IPv6.Addr() || a == s.LinkLocal)
	})
	return func(s engine.InterfaceSpec) bool {
		for _, f := range any {
			if f(s) {
				return true
			}
		}
		return len(any) == 0
	}
}

func (s *Server) getInterface(w *responseWriter, r *request) error {
	v, err := call(r.Context(), s, func() (engine.InterfaceView, error) { return s.Engine.Interface(r.id()) })
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, newInterface(v))
}

func (s *Server) createInterface(w *responseWriter, r *request) error {
	spec, err := body(r, w, s.dialect().Interface)
	if err != nil {
		return err
	}
	v, err := call(r.Context(), s, func() (engine.InterfaceView, error) { return s.Engine.CreateInterface(spec) })
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/interfaces/"+v.Spec.ID)
	return reply(w, http.StatusCreated, newInterface(v))
}

// deleteInterface replies when its generators have stopped sending.
func (s *Server) deleteInterface(w *responseWriter, r *request) error {
	return s.deleteInterfaces(w, r, []string{r.id()})
}

func (s *Server) deleteInterfaces(w *responseWriter, r *request, ids []string) error {
	return s.whenDone(w, r, func(done func()) { s.Engine.DeleteInterfaces(ids, done) })
}

func (s *Server) bulkCreateInterfaces(w *responseWriter, r *request) error {
	specs, err := body(r, w, s.dialect().Interfaces)
	if err != nil {
		return err
	}
	ended := newOutcome[[]engine.InterfaceView]()
	if err := s.Do(r.Context(), func() { s.Engine.CreateInterfaces(specs, ended.set) }); err != nil {
		return err
	}
	views, err := ended.await(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, api.Items[echoedInterface]{Items: newInterfaces(views)})
}

func (s *Server) bulkDeleteInterfaces(w *responseWriter, r *request) error {
	ids, err := body(r, w, s.dialect().IDs)
	if err != nil {
		return err
	}
	return s.deleteInterfaces(w, r, ids)
}
