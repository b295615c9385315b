package bodies

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"glean/filter"
	"glean/internal/document"
	"glean/server/engine"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// Defaults and bounds of an interface's body, inclusive.
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

// Interface reads the body of POST /interfaces. The error lists every fault with
// its path. AsOpenPerf accepts an IPv4 gateway that is a broadcast address of the
// prefix: scripts of OpenPerf give one when they need no gateway. There is no route
// through it.
func (d Dialect) Interface(raw []byte) (engine.InterfaceSpec, error) {
	return one(d, raw, interfaceSchema, readInterface)
}

// Interfaces reads the body of POST /interfaces/x/bulk-create.
func (d Dialect) Interfaces(raw []byte) ([]engine.InterfaceSpec, error) {
	return items(d, raw, bulkInterfaces, readInterface)
}

func readInterface(o document.Object, w document.Warnings) engine.InterfaceSpec {
	spec := engine.InterfaceSpec{Warnings: w, Announce: true, Neighbor: stack.DefaultNeighborConfig(), LearningWindow: learningWindowDefault}
	spec.ID = readOwnID(o)
	spec.PortID, _ = o.RequiredText("port_id")
	config, ok := o.RequiredChild("config")
	if !ok {
		return spec
	}
	spec.RxFilter = readFilter(config, "rx_filter")
	spec.TxFilter = readFilter(config, "tx_filter")
	readProtocols(config, &spec)
	if n, ok := config.Child("neighbor"); ok {
		spec.Echo.Neighbor = slices.Clone(n.JSON())
		n.Nulls = true
		readNeighbor(n, &spec)
	}
	return spec
}

// readFilter reads a filter expression; an empty one is none.
func readFilter(o document.Object, name string) *filter.Program {
	s, ok := o.Text(name)
	if !ok || s == "" {
		return nil
	}
	p, err := filter.Compile(s)
	if err != nil {
		o.Wrong(name, "%v", err)
		return nil
	}
	return p
}

// readProtocols reads config.protocols: one eth, up to two vlan, at most one ipv4
// and one ipv6.
func readProtocols(o document.Object, spec *engine.InterfaceSpec) {
	list, ok := o.RequiredList("protocols", 0, protocolsMax)
	if !ok {
		return
	}
	seen := make(map[string]int)
	for _, entry := range list.Objects() {
		kind, body, ok := readChoice(entry, "eth", "vlan", "ipv4", "ipv6")
		if !ok {
			continue
		}
		if seen[kind]++; seen[kind] > map[string]int{"eth": 1, "vlan": 2, "ipv4": 1, "ipv6": 1}[kind] {
			entry.Value.Wrong("one %s entry too many", kind)
			continue
		}
		if kind == "vlan" && seen["ipv4"]+seen["ipv6"] > 0 {
			entry.Value.Wrong("a vlan must come before ipv4 and ipv6")
		}
		spec.Echo.Order = append(spec.Echo.Order, kind)
		switch kind {
		case "eth":
			readEthernet(body, spec)
		case "vlan":
			readVLAN(body, spec)
		case "ipv4":
			readIPv4(body, spec)
		case "ipv6":
			readIPv6(body, spec)
		}
	}
	if seen["eth"] == 0 {
		o.Wrong("protocols", "an eth entry is required")
	}
}

// readChoice returns the only member out of names that an object has.
func readChoice(o document.Object, names ...string) (string, document.Object, bool) {
	var found []string
	for _, n := range names {
		if o.Has(n) {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		o.Value.Wrong("must hold exactly one of %s", document.Quoted(names))
		return "", document.Object{}, false
	}
	body, ok := o.Child(found[0])
	return found[0], body, ok
}

func readEthernet(o document.Object, spec *engine.InterfaceSpec) {
	if s, ok := o.RequiredText("mac_address"); ok {
		spec.MAC, _ = readMAC(o.Member("mac_address"), s)
	}
}

func readVLAN(o document.Object, spec *engine.InterfaceSpec) {
	o.Nulls = true
	if _, ok := o.Required("id"); !ok {
		return
	}
	tag := header.VLAN{TPID: header.EtherTypeVLAN}
	tag.ID = uint16(o.Integer("id", 1, 4094, 0))
	tag.Priority = uint8(o.Integer("priority", 0, 7, 0))
	if s, ok := o.Text("tpid"); ok {
		n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 16)
		tag.TPID = header.EtherType(n)
		if err != nil || !strings.HasPrefix(s, "0x") || tag.TPID != header.EtherTypeVLAN && tag.TPID != header.EtherTypeQinQ {
			o.Wrong("tpid", `%q is not "0x8100" or "0x88a8"`, document.Shorten(s))
		}
	}
	spec.Tags = append(spec.Tags, tag)
}

func readIPv4(o document.Object, spec *engine.InterfaceSpec) {
	method, ok := readMethod(o, "static address", methods4)
	if !ok {
		return
	}
	spec.Echo.Method4 = method
	switch method {
	case "static":
		if static, ok := o.RequiredChild("static"); ok {
			spec.IPv4, spec.Gateway4 = readStatic4(static)
		}
	case "dhcp":
		if d, ok := o.Child("dhcp"); ok {
			spec.Echo.Hostname, _ = d.Text("hostname")
			spec.Echo.Client, _ = d.Text("client")
		}
	}
}

// readMethod reads how an interface gets its address. All ways but "static" need a
// client that does not exist yet. OpenPerf's scripts give them, so its dialect
// accepts them, and the interface has no address of the family but a link-local one.
func readMethod(o document.Object, instead string, words []string) (string, bool) {
	if _, ok := o.RequiredText("method"); !ok {
		return "", false
	}
	method := o.Word("method", "", words...)
	if method != "" && method != "static" && !o.Lenient() {
		o.Wrong("method", `%q is not supported; use "static" with a %s`, method, instead)
	}
	return method, method != ""
}

// readStatic4 reads an IPv4 address, its prefix length and perhaps a gateway.
func readStatic4(o document.Object) (netip.Prefix, netip.Addr) {
	prefix := readPrefix(o, false)
	if !prefix.IsValid() {
		readGateway(o, false)
		return prefix, netip.Addr{}
	}
	addr := prefix.Addr()
	switch {
	case addr.IsLoopback():
		o.Wrong("address", "%s is a loopback address", addr)
	case addr.IsMulticast():
		o.Wrong("address", "%s is a multicast address", addr)
	case addr.IsUnspecified() || addr == broadcast4:
		o.Wrong("address", "%s is not an address a host can have", addr)
	case stack.IsBroadcast(addr, prefix):
		o.Wrong("address", "%s is a broadcast address of %s", addr, prefix.Masked())
	}
	gateway := readGateway(o, false)
	switch {
	case !gateway.IsValid():
	case gateway == addr:
		o.Wrong("gateway", "%s is the interface's own address", gateway)
	case prefix.Bits() < 31 && !prefix.Contains(gateway):
		o.Wrong("gateway", "%s is outside %s", gateway, prefix.Masked())
	case stack.IsBroadcast(gateway, prefix) && !o.Lenient():
		o.Wrong("gateway", "%s is a broadcast address of %s", gateway, prefix.Masked())
	}
	return prefix, gateway
}

func readIPv6(o document.Object, spec *engine.InterfaceSpec) {
	spec.HasIPv6 = true
	if s, ok := o.Text("link_local_address"); ok {
		if a, ok := readAddressOf(o.Member("link_local_address"), s, true); ok {
			if !a.IsLinkLocalUnicast() {
				o.Wrong("link_local_address", "%s is outside fe80::/10", a)
			}
			spec.LinkLocal = a
		}
	}
	method, ok := readMethod(o, "static address, or link_local_address alone", methods6)
	if !ok {
		return
	}
	spec.Echo.Method6 = method
	switch method {
	case "static":
		if !o.Has("static") && spec.LinkLocal.IsValid() && !o.Lenient() {
			return // the link-local address is all that is wanted
		}
		if static, ok := o.RequiredChild("static"); ok {
			spec.IPv6, spec.Gateway6 = readStatic6(static, spec.LinkLocal)
		}
	case "dhcp6":
		spec.Echo.Stateless = true
		if d, ok := o.Child("dhcp6"); ok {
			if _, ok := d.Required("stateless"); ok && !d.Flag("stateless", true) {
				d.Wrong("stateless", "stateful DHCPv6 is not supported")
			}
		}
	}
}

// readStatic6 reads an IPv6 address, its prefix length and perhaps a gateway.
// linkLocal is the link-local address that was given, if one was.
func readStatic6(o document.Object, linkLocal netip.Addr) (netip.Prefix, netip.Addr) {
	prefix := readPrefix(o, true)
	if addr := prefix.Addr(); prefix.IsValid() {
		switch {
		case addr.IsLoopback():
			o.Wrong("address", "%s is the loopback address", addr)
		case addr.IsMulticast():
			o.Wrong("address", "%s is a multicast address", addr)
		case addr.IsUnspecified():
			o.Wrong("address", "%s is the unspecified address", addr)
		case addr.IsLinkLocalUnicast():
			o.Wrong("address", "%s is a link-local address; it goes into link_local_address", addr)
		}
	}
	gateway := readGateway(o, true)
	switch {
	case !gateway.IsValid() || !prefix.IsValid():
	case gateway == prefix.Addr() || gateway == linkLocal:
		o.Wrong("gateway", "%s is the interface's own address", gateway)
	case gateway.IsLinkLocalUnicast():
		if !linkLocal.IsValid() {
			o.Wrong("gateway", "%s is a link-local address; that needs a link_local_address", gateway)
		}
	case prefix.Bits() < 127 && !prefix.Contains(gateway):
		o.Wrong("gateway", "%s is outside %s", gateway, prefix.Masked())
	}
	return prefix, gateway
}

// readPrefix reads address and prefix_length, which belong together.
func readPrefix(o document.Object, v6 bool) netip.Prefix {
	s, ok := o.RequiredText("address")
	_, given := o.Required("prefix_length")
	if !ok || !given {
		return netip.Prefix{}
	}
	bits, inRange := o.RequiredInteger("prefix_length", 0, map[bool]uint64{false: 32, true: 128}[v6])
	addr, ok := readAddressOf(o.Member("address"), s, v6)
	if !ok || !inRange {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(addr, int(bits))
}

func readGateway(o document.Object, v6 bool) netip.Addr {
	s, ok := o.Text("gateway")
	if !ok {
		return netip.Addr{}
	}
	a, ok := readAddressOf(o.Member("gateway"), s, v6)
	switch {
	case !ok:
		return netip.Addr{}
	case a.IsLoopback() || a.IsMulticast() || a.IsUnspecified():
		o.Wrong("gateway", "%s is not an address a gateway can have", a)
	}
	return a
}

// readNeighbor reads config.neighbor.
func readNeighbor(o document.Object, spec *engine.InterfaceSpec) {
	spec.Announce = o.Word("duplicate_detection", detections[0], detections...) == "announce"
	n := &spec.Neighbor
	n.RetransTimer = readMilliseconds(o, "retrans_timer_ms", 1, retransMost, n.RetransTimer)
	n.ReachableTime = readMilliseconds(o, "reachable_time_ms", 1, neighborTimeMost, n.ReachableTime)
	n.ProbeInterval = readMilliseconds(o, "probe_interval_ms", 0, neighborTimeMost, n.ProbeInterval)
	if p := n.ProbeInterval / loop.Millisecond; p > 0 && p < 100 {
		o.Wrong("probe_interval_ms", "must be 0 or between 100 and 3600000, not %d", p)
	}
	n.DelayFirstProbe = readMilliseconds(o, "delay_first_probe_ms", 1, neighborTimeMost, n.DelayFirstProbe)
	n.MulticastSolicits = int(o.Integer("multicast_solicits", 1, solicitsMost, uint64(n.MulticastSolicits)))
	n.UnicastSolicits = int(o.Integer("unicast_solicits", 1, solicitsMost, uint64(n.UnicastSolicits)))
	n.KeepUnreachable = o.Flag("keep_unreachable", false)
	n.MaxEntries = int(o.Integer("max_entries", 1, neighborEntriesMax, uint64(n.MaxEntries)))
	spec.LearningRatePPS = int(o.Integer("learning_rate_pps", 0, learningRateMost, 0))
	spec.LearningWindow = int(o.Integer("learning_window", 1, learningWindowMost, learningWindowDefault))
	n.ProxyDelay = readMilliseconds(o, "proxy_delay_ms", 0, proxyDelayMost, n.ProxyDelay)
	readRespondFor(o, spec)
	readStaticNeighbors(o, spec)
}

func readMilliseconds(o document.Object, name string, lo, hi uint64, otherwise loop.Duration) loop.Duration {
	return loop.Duration(o.Integer(name, lo, hi, uint64(otherwise/loop.Millisecond))) * loop.Millisecond
}

func readRespondFor(o document.Object, spec *engine.InterfaceSpec) {
	list, _ := o.List("respond_for", 0, respondForMax)
	for item, s := range list.Texts() {
		p, err := netip.ParsePrefix(s)
		switch {
		case err != nil:
			item.Wrong("%q is not a prefix as 198.19.0.0/16", document.Shorten(s))
		case p != p.Masked():
			item.Wrong("prefix %s has host bits set; did you mean %s?", p, p.Masked())
		default:
			spec.RespondFor = append(spec.RespondFor, p)
		}
	}
}

func readStaticNeighbors(o document.Object, spec *engine.InterfaceSpec) {
	list, _ := o.List("static", 0, staticMax)
	seen := make(map[netip.Addr]bool)
	for _, entry := range list.Objects() {
		ip, ok1 := entry.RequiredText("ip_address")
		mac, ok2 := entry.RequiredText("mac_address")
		if !ok1 || !ok2 {
			continue
		}
		a, ok1 := readAddress(entry.Member("ip_address"), ip)
		m, ok2 := readMAC(entry.Member("mac_address"), mac)
		switch {
		case !ok1 || !ok2:
		case a.IsMulticast() || a.IsUnspecified():
			entry.Wrong("ip_address", "%s is not a unicast address", a)
		case seen[a]:
			entry.Wrong("ip_address", "%s is given twice", a)
		default:
			seen[a] = true
			spec.Static = append(spec.Static, engine.StaticNeighbor{Address: a, MAC: m})
		}
	}
}
