package server

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"

	"glean/server/engine"
	"glean/stack/header"
)

type interfaceJSON struct {
	ID     string              `json:"id"`
	PortID string              `json:"port_id"`
	Config interfaceConfigJSON `json:"config"`
	Stats  interfaceStatsJSON  `json:"stats"`
	warningsJSON
}

type interfaceConfigJSON struct {
	Protocols []protocolJSON  `json:"protocols"`
	RxFilter  string          `json:"rx_filter,omitempty"`
	TxFilter  string          `json:"tx_filter,omitempty"`
	Neighbor  json.RawMessage `json:"neighbor,omitempty"`
}

// protocolJSON holds exactly one of its members.
type protocolJSON struct {
	Eth  *ethJSON  `json:"eth,omitempty"`
	VLAN *vlanJSON `json:"vlan,omitempty"`
	IPv4 *ipv4JSON `json:"ipv4,omitempty"`
	IPv6 *ipv6JSON `json:"ipv6,omitempty"`
}

type ethJSON struct {
	MAC string `json:"mac_address"`
}

type vlanJSON struct {
	ID       uint16 `json:"id"`
	Priority uint8  `json:"priority"`
	TPID     string `json:"tpid"`
}

type ipv4JSON struct {
	Method string             `json:"method"`
	Static *staticAddressJSON `json:"static,omitempty"`
	DHCP   *dhcpJSON          `json:"dhcp,omitempty"`
	Status *addressStatusJSON `json:"status,omitempty"`
}

type ipv6JSON struct {
	Method          string             `json:"method"`
	LinkLocal       string             `json:"link_local_address"`
	LinkLocalStatus *addressStatusJSON `json:"link_local_status,omitempty"`
	Static          *staticAddressJSON `json:"static,omitempty"`
	DHCP6           *dhcp6JSON         `json:"dhcp6,omitempty"`
	Status          *addressStatusJSON `json:"status,omitempty"`
}

type staticAddressJSON struct {
	Address      string `json:"address"`
	PrefixLength int    `json:"prefix_length"`
	Gateway      string `json:"gateway,omitempty"`
}

type dhcpJSON struct {
	Hostname string         `json:"hostname,omitempty"`
	Client   string         `json:"client,omitempty"`
	Status   dhcpStatusJSON `json:"status"`
}

type dhcpStatusJSON struct {
	State string `json:"state"`
}

type dhcp6JSON struct {
	Stateless bool `json:"stateless"`
}

type addressStatusJSON struct {
	State       string `json:"state"`
	ConflictMAC string `json:"conflict_mac,omitempty"`
}

type interfaceStatsJSON struct {
	RxPackets uint64 `json:"rx_packets"`
	TxPackets uint64 `json:"tx_packets"`
	RxBytes   uint64 `json:"rx_bytes"`
	TxBytes   uint64 `json:"tx_bytes"`
	RxErrors  uint64 `json:"rx_errors"`
	TxErrors  uint64 `json:"tx_errors"`
}

func newInterfaceJSON(v engine.InterfaceView) interfaceJSON {
	spec := v.Spec
	j := interfaceJSON{
		ID:     spec.ID,
		PortID: spec.PortID,

		warningsJSON: newWarningsJSON(spec.Warnings),
		Config: interfaceConfigJSON{
			Protocols: []protocolJSON{}, Neighbor: spec.Echo.Neighbor,
			RxFilter: spec.RxFilter.String(), TxFilter: spec.TxFilter.String(),
		},
		Stats: interfaceStatsJSON{
			RxPackets: v.Stats.RxPackets, TxPackets: v.Stats.TxPackets,
			RxBytes: v.Stats.RxBytes, TxBytes: v.Stats.TxBytes,
			RxErrors: v.Stats.RxErrors, TxErrors: v.Stats.TxErrors,
		},
	}
	tags := spec.Tags
	for _, kind := range spec.Echo.Order {
		var p protocolJSON
		switch kind {
		case "eth":
			p.Eth = &ethJSON{spec.MAC.String()}
		case "vlan":
			p.VLAN = newVLANJSON(tags[0])
			tags = tags[1:]
		case "ipv4":
			p.IPv4 = newIPv4JSON(v)
		case "ipv6":
			p.IPv6 = newIPv6JSON(v)
		}
		j.Config.Protocols = append(j.Config.Protocols, p)
	}
	return j
}

func newVLANJSON(tag header.VLAN) *vlanJSON {
	tpid := "0x8100"
	if tag.TPID == header.EtherTypeQinQ {
		tpid = "0x88a8"
	}
	return &vlanJSON{ID: tag.ID, Priority: tag.Priority, TPID: tpid}
}

func newIPv4JSON(v engine.InterfaceView) *ipv4JSON {
	echo := v.Spec.Echo
	j := &ipv4JSON{Method: echo.Method4}
	switch echo.Method4 {
	case "static":
		j.Static = newStaticJSON(v.Spec.IPv4, v.Spec.Gateway4)
		j.Status = newAddressStatus(v.Conflict4)
	case "dhcp":
		j.DHCP = &dhcpJSON{Hostname: echo.Hostname, Client: echo.Client, Status: dhcpStatusJSON{"none"}}
	}
	return j
}

func newIPv6JSON(v engine.InterfaceView) *ipv6JSON {
	echo := v.Spec.Echo
	linkLocal := v.Spec.LinkLocal
	if !linkLocal.IsValid() {
		linkLocal = netip.AddrFrom16(header.LinkLocal(v.Spec.MAC))
	}
	j := &ipv6JSON{Method: echo.Method6, LinkLocal: linkLocal.String(), LinkLocalStatus: newAddressStatus(v.ConflictLinkLocal)}
	if v.Spec.IPv6.IsValid() {
		j.Static = newStaticJSON(v.Spec.IPv6, v.Spec.Gateway6)
		j.Status = newAddressStatus(v.Conflict6)
	}
	if echo.Method6 == "dhcp6" {
		j.DHCP6 = &dhcp6JSON{Stateless: echo.Stateless}
	}
	return j
}

func newStaticJSON(prefix netip.Prefix, gateway netip.Addr) *staticAddressJSON {
	j := &staticAddressJSON{Address: prefix.Addr().String(), PrefixLength: prefix.Bits()}
	if gateway.IsValid() {
		j.Gateway = gateway.String()
	}
	return j
}

func newAddressStatus(conflict header.MAC) *addressStatusJSON {
	if conflict.IsZero() {
		return &addressStatusJSON{State: "preferred"}
	}
	return &addressStatusJSON{State: "duplicate", ConflictMAC: conflict.String()}
}

func newInterfacesJSON(views []engine.InterfaceView) []interfaceJSON {
	list := make([]interfaceJSON, len(views))
	for i, v := range views {
		list[i] = newInterfaceJSON(v)
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
	return replyList(w, views, newInterfaceJSON)
}

// interfaceFilter joins the filters by or, as OpenPerf does. One that does not
// parse matches nothing.
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
	return reply(w, http.StatusOK, newInterfaceJSON(v))
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
	return reply(w, http.StatusCreated, newInterfaceJSON(v))
}

// deleteInterface answers when no frame of its generators can leave any more.
func (s *Server) deleteInterface(w *responseWriter, r *request) error {
	return s.deleteInterfaces(w, r, []string{r.id()})
}

func (s *Server) deleteInterfaces(w *responseWriter, r *request, ids []string) error {
	return s.whenDone(w, r, func(done func()) { s.Engine.DeleteInterfaces(ids, done) })
}

// itemsJSON is the answer to a bulk request.
type itemsJSON[T any] struct {
	Items []T `json:"items"`
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
	return reply(w, http.StatusOK, itemsJSON[interfaceJSON]{newInterfacesJSON(views)})
}

func (s *Server) bulkDeleteInterfaces(w *responseWriter, r *request) error {
	ids, err := body(r, w, s.dialect().IDs)
	if err != nil {
		return err
	}
	return s.deleteInterfaces(w, r, ids)
}
