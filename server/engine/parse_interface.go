package engine

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"

	"glean/filter"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// InterfaceEcho is what of an interface's body has no meaning for the engine,
// but is shown again as it was given.
type InterfaceEcho struct {
	Order            []string // the kinds of the protocol entries: "eth", "vlan", "ipv4", "ipv6"
	Method4          string   // "static", "dhcp", "auto"; empty without ipv4
	Method6          string   // "static", "dhcp6", "auto"; empty without ipv6
	Hostname, Client string   // of dhcp
	Stateless        bool     // of dhcp6
	Neighbor         json.RawMessage
}

// Defaults and bounds of config.neighbor.
const (
	learningWindowDefault = 4096
	neighborEntriesMax    = 1<<24 - 2
	protocolsMax          = 64
	respondForMax         = 1024 // prefixes
	staticMax             = 1 << 16
	retransMost           = 60_000    // ms
	neighborTimeMost      = 3_600_000 // ms
	proxyDelayMost        = 1000      // ms
	solicitsMost          = 100
	learningRateMost      = 1_000_000_000 // a second
	learningWindowMost    = 1 << 20
)

var broadcast4 = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// ParseInterface reads the body of POST /interfaces. The error lists every
// fault with its path.
func ParseInterface(raw []byte) (InterfaceSpec, error) { return Strict.Interface(raw) }

// Interface is ParseInterface in a dialect. An IPv4 gateway of OpenPerf's
// clients may be a broadcast address of the prefix: scripts of OpenPerf that need
// no gateway give that one. There is no route through it.
func (d Dialect) Interface(raw []byte) (InterfaceSpec, error) {
	return parseOne(d, raw, interfaceSchema, object.interfaceSpec)
}

// Interfaces reads the body of POST /interfaces/x/bulk-create.
func (d Dialect) Interfaces(raw []byte) ([]InterfaceSpec, error) {
	return parseItems(d, raw, bulkInterfaces, object.interfaceSpec)
}

func (o object) interfaceSpec() InterfaceSpec {
	spec := InterfaceSpec{Warnings: o.warnings(), Announce: true, Neighbor: stack.DefaultNeighborConfig(), LearningWindow: learningWindowDefault}
	spec.ID = o.id(o.at("id"), o.nullText("id"))
	spec.PortID, _ = o.requiredText("port_id")
	v, ok := o.required("config")
	if !ok {
		return spec
	}
	config, ok := o.object(v)
	if !ok {
		return spec
	}
	spec.RxFilter = config.filter("rx_filter")
	spec.TxFilter = config.filter("tx_filter")
	config.protocols(&spec)
	if n, ok := config.child("neighbor"); ok {
		v, _ := config.get("neighbor")
		spec.Echo.Neighbor = v.copyRaw()
		n.nulls = true
		n.neighbor(&spec)
	}
	return spec
}

// filter reads a filter expression; an empty one is none.
func (o object) filter(name string) *filter.Program {
	s, ok := o.text(name)
	if !ok || s == "" {
		return nil
	}
	p, err := filter.Compile(s)
	if err != nil {
		o.wrong(o.at(name), "%v", err)
		return nil
	}
	return p
}

// protocols reads config.protocols: one eth, up to two vlan, at most one ipv4
// and one ipv6.
func (o object) protocols(spec *InterfaceSpec) {
	items, ok := o.requiredList("protocols", 0, protocolsMax)
	if !ok {
		return
	}
	seen := make(map[string]int)
	for _, item := range items {
		entry, ok := o.parser.object(item)
		if !ok {
			continue
		}
		kind, body, ok := entry.oneOf("eth", "vlan", "ipv4", "ipv6")
		if !ok {
			continue
		}
		if seen[kind]++; seen[kind] > map[string]int{"eth": 1, "vlan": 2, "ipv4": 1, "ipv6": 1}[kind] {
			o.wrong(item.path, "one %s entry too many", kind)
			continue
		}
		if kind == "vlan" && seen["ipv4"]+seen["ipv6"] > 0 {
			o.wrong(item.path, "a vlan must come before ipv4 and ipv6")
		}
		spec.Echo.Order = append(spec.Echo.Order, kind)
		switch kind {
		case "eth":
			body.eth(spec)
		case "vlan":
			body.vlan(spec)
		case "ipv4":
			body.ipv4(spec)
		case "ipv6":
			body.ipv6(spec)
		}
	}
	if seen["eth"] == 0 {
		o.wrong(o.at("protocols"), "an eth entry is required")
	}
}

// oneOf returns the only member out of names that an object has.
func (o object) oneOf(names ...string) (string, object, bool) {
	var found []string
	for _, n := range names {
		if _, ok := o.get(n); ok {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		o.wrong(o.path, "must hold exactly one of %s", quoted(names))
		return "", object{}, false
	}
	body, ok := o.child(found[0])
	return found[0], body, ok
}

func (o object) eth(spec *InterfaceSpec) {
	if s, ok := o.requiredText("mac_address"); ok {
		spec.MAC, _ = o.mac(o.at("mac_address"), s)
	}
}

func (o object) vlan(spec *InterfaceSpec) {
	o.nulls = true
	if _, ok := o.required("id"); !ok {
		return
	}
	tag := header.VLAN{TPID: header.EtherTypeVLAN}
	tag.ID = uint16(o.integer("id", 1, 4094, 0))
	tag.Priority = uint8(o.integer("priority", 0, 7, 0))
	if s, ok := o.text("tpid"); ok {
		n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 16)
		tag.TPID = header.EtherType(n)
		if err != nil || !strings.HasPrefix(s, "0x") || tag.TPID != header.EtherTypeVLAN && tag.TPID != header.EtherTypeQinQ {
			o.wrong(o.at("tpid"), `%q is not "0x8100" or "0x88a8"`, clip([]byte(s)))
		}
	}
	spec.Tags = append(spec.Tags, tag)
}

func (o object) ipv4(spec *InterfaceSpec) {
	method, ok := o.method("static address", methods4)
	if !ok {
		return
	}
	spec.Echo.Method4 = method
	switch method {
	case "static":
		if s, ok := o.required("static"); ok {
			if static, ok := o.object(s); ok {
				spec.IPv4, spec.Gateway4 = static.static4()
			}
		}
	case "dhcp":
		if d, ok := o.child("dhcp"); ok {
			spec.Echo.Hostname, _ = d.text("hostname")
			spec.Echo.Client, _ = d.text("client")
		}
	}
}

// method reads how an interface gets its address. All ways but "static" need a
// client that does not exist yet. OpenPerf's scripts give them, so its dialect
// accepts them, and the interface has no address of the family but a link-local one.
func (o object) method(instead string, words []string) (string, bool) {
	if _, ok := o.requiredText("method"); !ok {
		return "", false
	}
	method := o.word("method", "", words...)
	if method != "" && method != "static" && !o.dialect.ignoresUnknown() {
		o.wrong(o.at("method"), `%q is not supported; use "static" with a %s`, method, instead)
	}
	return method, method != ""
}

// static4 reads an IPv4 address, its prefix length and perhaps a gateway.
func (o object) static4() (netip.Prefix, netip.Addr) {
	prefix := o.prefix(false)
	if !prefix.IsValid() {
		o.gateway(false)
		return prefix, netip.Addr{}
	}
	addr := prefix.Addr()
	path := o.at("address")
	switch {
	case addr.IsLoopback():
		o.wrong(path, "%s is a loopback address", addr)
	case addr.IsMulticast():
		o.wrong(path, "%s is a multicast address", addr)
	case addr.IsUnspecified() || addr == broadcast4:
		o.wrong(path, "%s is not an address a host can have", addr)
	case stack.IsBroadcast(addr, prefix):
		o.wrong(path, "%s is a broadcast address of %s", addr, prefix.Masked())
	}
	gateway := o.gateway(false)
	switch {
	case !gateway.IsValid():
	case gateway == addr:
		o.wrong(o.at("gateway"), "%s is the interface's own address", gateway)
	case prefix.Bits() < 31 && !prefix.Contains(gateway):
		o.wrong(o.at("gateway"), "%s is outside %s", gateway, prefix.Masked())
	case stack.IsBroadcast(gateway, prefix) && !o.dialect.ignoresUnknown():
		o.wrong(o.at("gateway"), "%s is a broadcast address of %s", gateway, prefix.Masked())
	}
	return prefix, gateway
}

func (o object) ipv6(spec *InterfaceSpec) {
	spec.HasIPv6 = true
	if s, ok := o.text("link_local_address"); ok {
		if a, ok := o.family(o.at("link_local_address"), s, true); ok {
			if !a.IsLinkLocalUnicast() {
				o.wrong(o.at("link_local_address"), "%s is outside fe80::/10", a)
			}
			spec.LinkLocal = a
		}
	}
	method, ok := o.method("static address, or link_local_address alone", methods6)
	if !ok {
		return
	}
	spec.Echo.Method6 = method
	switch method {
	case "static":
		if _, given := o.get("static"); !given && spec.LinkLocal.IsValid() && !o.dialect.ignoresUnknown() {
			return // the link-local address is all that is wanted
		}
		if s, ok := o.required("static"); ok {
			if static, ok := o.object(s); ok {
				spec.IPv6, spec.Gateway6 = static.static6(spec.LinkLocal)
			}
		}
	case "dhcp6":
		spec.Echo.Stateless = true
		if d, ok := o.child("dhcp6"); ok {
			if _, ok := d.required("stateless"); ok && !d.flag("stateless", true) {
				o.wrong(d.at("stateless"), "stateful DHCPv6 is not supported")
			}
		}
	}
}

// static6 reads an IPv6 address, its prefix length and perhaps a gateway.
// linkLocal is the link-local address that was given, if one was.
func (o object) static6(linkLocal netip.Addr) (netip.Prefix, netip.Addr) {
	prefix := o.prefix(true)
	if addr := prefix.Addr(); prefix.IsValid() {
		path := o.at("address")
		switch {
		case addr.IsLoopback():
			o.wrong(path, "%s is the loopback address", addr)
		case addr.IsMulticast():
			o.wrong(path, "%s is a multicast address", addr)
		case addr.IsUnspecified():
			o.wrong(path, "%s is the unspecified address", addr)
		case addr.IsLinkLocalUnicast():
			o.wrong(path, "%s is a link-local address; it goes into link_local_address", addr)
		}
	}
	gateway := o.gateway(true)
	switch {
	case !gateway.IsValid() || !prefix.IsValid():
	case gateway == prefix.Addr() || gateway == linkLocal:
		o.wrong(o.at("gateway"), "%s is the interface's own address", gateway)
	case gateway.IsLinkLocalUnicast():
		if !linkLocal.IsValid() {
			o.wrong(o.at("gateway"), "%s is a link-local address; that needs a link_local_address", gateway)
		}
	case prefix.Bits() < 127 && !prefix.Contains(gateway):
		o.wrong(o.at("gateway"), "%s is outside %s", gateway, prefix.Masked())
	}
	return prefix, gateway
}

// prefix reads address and prefix_length, which belong together.
func (o object) prefix(v6 bool) netip.Prefix {
	s, ok := o.requiredText("address")
	_, given := o.required("prefix_length")
	if !ok || !given {
		return netip.Prefix{}
	}
	bits := o.integer("prefix_length", 0, map[bool]int64{false: 32, true: 128}[v6], -1)
	addr, ok := o.family(o.at("address"), s, v6)
	if !ok || bits < 0 {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(addr, int(bits))
}

func (o object) gateway(v6 bool) netip.Addr {
	s, ok := o.text("gateway")
	if !ok {
		return netip.Addr{}
	}
	a, ok := o.family(o.at("gateway"), s, v6)
	switch {
	case !ok:
		return netip.Addr{}
	case a.IsLoopback() || a.IsMulticast() || a.IsUnspecified():
		o.wrong(o.at("gateway"), "%s is not an address a gateway can have", a)
	}
	return a
}

// neighbor reads config.neighbor.
func (o object) neighbor(spec *InterfaceSpec) {
	spec.Announce = o.word("duplicate_detection", detections[0], detections...) == "announce"
	n := &spec.Neighbor
	n.RetransTimer = o.milliseconds("retrans_timer_ms", 1, retransMost, n.RetransTimer)
	n.ReachableTime = o.milliseconds("reachable_time_ms", 1, neighborTimeMost, n.ReachableTime)
	n.ProbeInterval = o.milliseconds("probe_interval_ms", 0, neighborTimeMost, n.ProbeInterval)
	if p := n.ProbeInterval / loop.Millisecond; p > 0 && p < 100 {
		o.wrong(o.at("probe_interval_ms"), "must be 0 or between 100 and 3600000, not %d", p)
	}
	n.DelayFirstProbe = o.milliseconds("delay_first_probe_ms", 1, neighborTimeMost, n.DelayFirstProbe)
	n.MulticastSolicits = int(o.integer("multicast_solicits", 1, solicitsMost, int64(n.MulticastSolicits)))
	n.UnicastSolicits = int(o.integer("unicast_solicits", 1, solicitsMost, int64(n.UnicastSolicits)))
	n.KeepUnreachable = o.flag("keep_unreachable", false)
	n.MaxEntries = int(o.integer("max_entries", 1, neighborEntriesMax, int64(n.MaxEntries)))
	spec.LearningRatePPS = int(o.integer("learning_rate_pps", 0, learningRateMost, 0))
	spec.LearningWindow = int(o.integer("learning_window", 1, learningWindowMost, learningWindowDefault))
	n.ProxyDelay = o.milliseconds("proxy_delay_ms", 0, proxyDelayMost, n.ProxyDelay)
	o.respondFor(spec)
	o.static(spec)
}

func (o object) milliseconds(name string, lo, hi int64, otherwise loop.Duration) loop.Duration {
	return loop.Duration(o.integer(name, lo, hi, int64(otherwise/loop.Millisecond))) * loop.Millisecond
}

func (o object) respondFor(spec *InterfaceSpec) {
	items, _ := o.list("respond_for", 0, respondForMax)
	for _, item := range items {
		s, ok := o.str(item)
		if !ok {
			continue
		}
		p, err := netip.ParsePrefix(s)
		switch {
		case err != nil:
			o.wrong(item.path, "%q is not a prefix as 198.19.0.0/16", clip([]byte(s)))
		case p != p.Masked():
			o.wrong(item.path, "%s has bits set behind its length; %s is meant?", p, p.Masked())
		default:
			spec.RespondFor = append(spec.RespondFor, p)
		}
	}
}

func (o object) static(spec *InterfaceSpec) {
	items, _ := o.list("static", 0, staticMax)
	seen := make(map[netip.Addr]bool)
	for _, item := range items {
		entry, ok := o.parser.object(item)
		if !ok {
			continue
		}
		ip, ok1 := entry.requiredText("ip_address")
		mac, ok2 := entry.requiredText("mac_address")
		if !ok1 || !ok2 {
			continue
		}
		a, ok1 := o.addr(entry.at("ip_address"), ip)
		m, ok2 := o.mac(entry.at("mac_address"), mac)
		switch {
		case !ok1 || !ok2:
		case a.IsMulticast() || a.IsUnspecified():
			o.wrong(entry.at("ip_address"), "%s is not a unicast address", a)
		case seen[a]:
			o.wrong(entry.at("ip_address"), "%s is given twice", a)
		default:
			seen[a] = true
			spec.Static = append(spec.Static, StaticNeighbor{Address: a, MAC: m})
		}
	}
}
