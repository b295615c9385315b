package bodies

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"glean/server/engine"
	"glean/stack/header"
	"glean/stack/loop"
)

// faultsOf gives the kind of an error and the paths of its faults.
func faultsOf(t *testing.T, err error) (engine.Kind, []string) {
	t.Helper()
	if err == nil {
		return 0, nil
	}
	var e *engine.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is a %T, want *Error", err, err)
	}
	var paths []string
	for _, f := range e.Faults {
		paths = append(paths, f.Path)
		if f.Detail == "" {
			t.Errorf("the fault at %q says nothing", f.Path)
		}
	}
	return e.Kind, paths
}

const eth = `{"eth":{"mac_address":"02:00:00:00:00:01"}}`

// iface4 is an interface body with an ipv4 static object.
func iface4(static string) string {
	return `{"port_id":"0","config":{"protocols":[` + eth + `,{"ipv4":{"method":"static","static":` + static + `}}]}}`
}

// iface6 is an interface body with an ipv6 static object.
func iface6(linkLocal, static string) string {
	return `{"port_id":"0","config":{"protocols":[` + eth + `,{"ipv6":{` + linkLocal + `"method":"static","static":` + static + `}}]}}`
}

func protocols(list string) string {
	return `{"port_id":"0","config":{"protocols":[` + list + `]}}`
}

func neighbor(members string) string {
	return `{"port_id":"0","config":{"protocols":[` + eth + `],"neighbor":{` + members + `}}}`
}

func TestParseInterfaceFaults(t *testing.T) {
	const v4 = "config.protocols[1].ipv4.static."
	const v6 = "config.protocols[1].ipv6.static."
	const n = "config.neighbor."
	for _, c := range []struct {
		name, body string
		kind       engine.Kind
		paths      []string
	}{
		{"not an object", `[]`, engine.Invalid, []string{""}},
		{"nothing", `{}`, engine.Invalid, []string{"port_id", "config"}},
		{"nulls", `{"id":null,"port_id":null,"config":null}`, engine.Invalid, []string{"port_id", "config"}},
		{"number as port_id", `{"port_id":4184,"config":{"protocols":[` + eth + `]}}`, engine.Invalid, []string{"port_id"}},
		{"config is a list", `{"port_id":"0","config":[]}`, engine.Invalid, []string{"config"}},
		{"no protocols", `{"port_id":"0","config":{}}`, engine.Invalid, []string{"config.protocols"}},
		{"protocols is an object", `{"port_id":"0","config":{"protocols":{}}}`, engine.Invalid, []string{"config.protocols"}},
		{"no eth", protocols(``), engine.Invalid, []string{"config.protocols"}},
		{"two eth", protocols(eth + "," + eth), engine.Invalid, []string{"config.protocols[1]"}},
		{"empty protocol", protocols(eth + `,{}`), engine.Invalid, []string{"config.protocols[1]"}},
		{"protocol is null", protocols(eth + `,null`), engine.Invalid, []string{"config.protocols[1]"}},
		{"two protocols in one entry", protocols(`{"eth":{"mac_address":"02:00:00:00:00:01"},"ipv4":{"method":"static"}}`), engine.Invalid, []string{"config.protocols[0]", "config.protocols"}},
		{"bad id", `{"id":"A_b","port_id":"0","config":{"protocols":[` + eth + `]}}`, engine.NotFound, []string{"id"}},
		{"bad id, port_id missing", `{"id":"A_b","config":{"protocols":[` + eth + `]}}`, engine.Invalid, []string{"port_id", "id"}},
		{"bad id, bad MAC", `{"id":"A_b","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"x"}}]}}`, engine.NotFound, []string{"id", "config.protocols[0].eth.mac_address"}},
		{"broadcast MAC", protocols(`{"eth":{"mac_address":"ff:ff:ff:ff:ff:ff"}}`), engine.Invalid, []string{"config.protocols[0].eth.mac_address"}},
		{"multicast MAC", protocols(`{"eth":{"mac_address":"01:00:00:00:00:01"}}`), engine.Invalid, []string{"config.protocols[0].eth.mac_address"}},
		{"short MAC", protocols(`{"eth":{"mac_address":"02:00:00:00:00"}}`), engine.Invalid, []string{"config.protocols[0].eth.mac_address"}},
		{"no MAC", protocols(`{"eth":{}}`), engine.Invalid, []string{"config.protocols[0].eth.mac_address"}},
		{"no method", protocols(eth + `,{"ipv4":{}}`), engine.Invalid, []string{"config.protocols[1].ipv4.method"}},
		{"unknown method", protocols(eth + `,{"ipv4":{"method":"magic"}}`), engine.Invalid, []string{"config.protocols[1].ipv4.method"}},
		{"static without its object", protocols(eth + `,{"ipv4":{"method":"static"}}`), engine.Invalid, []string{"config.protocols[1].ipv4.static"}},
		{"static of IPv6 without its object", protocols(eth + `,{"ipv6":{"method":"static"}}`), engine.Invalid, []string{"config.protocols[1].ipv6.static"}},
		{"dhcp", protocols(eth + `,{"ipv4":{"method":"dhcp","dhcp":{"hostname":"h"}}}`), engine.Invalid, []string{"config.protocols[1].ipv4.method"}},
		{"auto of IPv4", protocols(eth + `,{"ipv4":{"method":"auto"}}`), engine.Invalid, []string{"config.protocols[1].ipv4.method"}},
		{"dhcp6", protocols(eth + `,{"ipv6":{"method":"dhcp6","dhcp6":{"stateless":true}}}`), engine.Invalid, []string{"config.protocols[1].ipv6.method"}},
		{"auto of IPv6", protocols(eth + `,{"ipv6":{"method":"auto","link_local_address":"fe80::1"}}`), engine.Invalid, []string{"config.protocols[1].ipv6.method"}},

		{"not IPv4", iface4(`{"address":"2001:db8::1","prefix_length":24}`), engine.Invalid, []string{v4 + "address"}},
		{"loopback", iface4(`{"address":"127.0.0.1","prefix_length":24}`), engine.Invalid, []string{v4 + "address"}},
		{"multicast", iface4(`{"address":"224.0.0.1","prefix_length":24}`), engine.Invalid, []string{v4 + "address"}},
		{"prefix of 33", iface4(`{"address":"10.0.0.1","prefix_length":33}`), engine.Invalid, []string{v4 + "prefix_length"}},
		{"prefix of 256 does not wrap", iface4(`{"address":"10.0.0.1","prefix_length":256}`), engine.Invalid, []string{v4 + "prefix_length"}},
		{"prefix of 1e-1", iface4(`{"address":"10.0.0.1","prefix_length":1e-1}`), engine.Invalid, []string{v4 + "prefix_length"}},
		{"prefix of 24.5", iface4(`{"address":"10.0.0.1","prefix_length":24.5}`), engine.Invalid, []string{v4 + "prefix_length"}},
		{"prefix beyond 64 bits", iface4(`{"address":"10.0.0.1","prefix_length":99999999999999999999}`), engine.Invalid, []string{v4 + "prefix_length"}},
		{"prefix as text", iface4(`{"address":"10.0.0.1","prefix_length":"24"}`), engine.Invalid, []string{v4 + "prefix_length"}},
		{"no prefix", iface4(`{"address":"10.0.0.1"}`), engine.Invalid, []string{v4 + "prefix_length"}},
		{"prefix is null", iface4(`{"address":"10.0.0.1","prefix_length":null}`), engine.Invalid, []string{v4 + "prefix_length"}},
		{"broadcast address", iface4(`{"address":"10.0.0.255","prefix_length":24}`), engine.Invalid, []string{v4 + "address"}},
		{"network address", iface4(`{"address":"10.0.0.0","prefix_length":24}`), engine.Invalid, []string{v4 + "address"}},
		{"gateway is a broadcast address", iface4(`{"address":"10.0.0.1","prefix_length":24,"gateway":"10.0.0.255"}`), engine.Invalid, []string{v4 + "gateway"}},
		{"gateway is the network", iface4(`{"address":"10.0.0.1","prefix_length":30,"gateway":"10.0.0.0"}`), engine.Invalid, []string{v4 + "gateway"}},
		{"gateway is the interface", iface4(`{"address":"10.0.0.1","prefix_length":24,"gateway":"10.0.0.1"}`), engine.Invalid, []string{v4 + "gateway"}},
		{"gateway outside", iface4(`{"address":"10.0.0.1","prefix_length":24,"gateway":"10.0.1.1"}`), engine.Invalid, []string{v4 + "gateway"}},
		{"gateway multicast", iface4(`{"address":"10.0.0.1","prefix_length":24,"gateway":"224.0.0.1"}`), engine.Invalid, []string{v4 + "gateway", v4 + "gateway"}},
		{"gateway not IPv4", iface4(`{"address":"10.0.0.1","prefix_length":24,"gateway":"fe80::1"}`), engine.Invalid, []string{v4 + "gateway"}},
		{"gateway is null", iface4(`{"address":"10.0.0.1","prefix_length":24,"gateway":null}`), engine.Invalid, []string{v4 + "gateway"}},
		{"every fault at once", iface4(`{"address":"10.0.0","prefix_length":64,"gateway":"x"}`), engine.Invalid, []string{v4 + "prefix_length", v4 + "address", v4 + "gateway"}},

		{"not IPv6", iface6("", `{"address":"10.0.0.1","prefix_length":64}`), engine.Invalid, []string{v6 + "address"}},
		{"IPv6 loopback", iface6("", `{"address":"::1","prefix_length":64}`), engine.Invalid, []string{v6 + "address"}},
		{"IPv6 multicast", iface6("", `{"address":"ff02::1","prefix_length":64}`), engine.Invalid, []string{v6 + "address"}},
		{"IPv6 with zone", iface6("", `{"address":"2001:db8::1%0","prefix_length":64}`), engine.Invalid, []string{v6 + "address"}},
		{"prefix of 129", iface6("", `{"address":"2001:db8::1","prefix_length":129}`), engine.Invalid, []string{v6 + "prefix_length"}},
		{"IPv6 gateway is the interface", iface6("", `{"address":"2001:db8::1","prefix_length":64,"gateway":"2001:db8::1"}`), engine.Invalid, []string{v6 + "gateway"}},
		{"link-local gateway is the interface", iface6(`"link_local_address":"fe80::1",`, `{"address":"2001:db8::1","prefix_length":64,"gateway":"fe80::1"}`), engine.Invalid, []string{v6 + "gateway"}},
		{"IPv6 gateway outside", iface6("", `{"address":"2001:db8::1","prefix_length":64,"gateway":"2001:db9::1"}`), engine.Invalid, []string{v6 + "gateway"}},
		{"link-local gateway without link-local address", iface6("", `{"address":"2001:db8::1","prefix_length":64,"gateway":"fe80::1"}`), engine.Invalid, []string{v6 + "gateway"}},
		{"link-local address that is none", iface6(`"link_local_address":"2001:db8::2",`, `{"address":"2001:db8::1","prefix_length":64}`), engine.Invalid, []string{"config.protocols[1].ipv6.link_local_address"}},

		{"three tags", protocols(eth + `,{"vlan":{"id":1}},{"vlan":{"id":2}},{"vlan":{"id":3}}`), engine.Invalid, []string{"config.protocols[3]"}},
		{"tag without id", protocols(eth + `,{"vlan":{}}`), engine.Invalid, []string{"config.protocols[1].vlan.id"}},
		{"tag 4095", protocols(eth + `,{"vlan":{"id":4095}}`), engine.Invalid, []string{"config.protocols[1].vlan.id"}},
		{"unknown tpid", protocols(eth + `,{"vlan":{"id":1,"tpid":"0x9100"}}`), engine.Invalid, []string{"config.protocols[1].vlan.tpid"}},
		{"unknown member of vlan", protocols(eth + `,{"vlan":{"id":1,"name":"x"}}`), engine.Invalid, []string{"config.protocols[1].vlan.name"}},
		{"vlan after ipv4", protocols(eth + `,{"ipv4":{"method":"static","static":{"address":"10.0.0.1","prefix_length":24}}},{"vlan":{"id":1}}`), engine.Invalid, []string{"config.protocols[2]"}},

		{"unknown member of neighbor", neighbor(`"retrans":1`), engine.Invalid, []string{n + "retrans"}},
		{"probe is not built yet", neighbor(`"duplicate_detection":"probe"`), engine.Invalid, []string{n + "duplicate_detection"}},
		{"no solicits", neighbor(`"multicast_solicits":0`), engine.Invalid, []string{n + "multicast_solicits"}},
		{"probes too often", neighbor(`"probe_interval_ms":99`), engine.Invalid, []string{n + "probe_interval_ms"}},
		{"probes too rarely", neighbor(`"probe_interval_ms":3600001`), engine.Invalid, []string{n + "probe_interval_ms"}},
		{"probes before now", neighbor(`"probe_interval_ms":-1`), engine.Invalid, []string{n + "probe_interval_ms"}},
		{"proxies that wait too long", neighbor(`"proxy_delay_ms":1001`), engine.Invalid, []string{n + "proxy_delay_ms"}},
		{"unreachable that is no flag", neighbor(`"keep_unreachable":1`), engine.Invalid, []string{n + "keep_unreachable"}},
		{"window of nothing", neighbor(`"learning_window":0`), engine.Invalid, []string{n + "learning_window"}},
		{"respond_for that is no prefix", neighbor(`"respond_for":["10.0.0.0"]`), engine.Invalid, []string{n + "respond_for[0]"}},
		{"respond_for with host bits", neighbor(`"respond_for":["10.0.0.1/8"]`), engine.Invalid, []string{n + "respond_for[0]"}},
		{"static twice", neighbor(`"static":[{"ip_address":"10.0.0.9","mac_address":"2:0:0:0:0:9"},{"ip_address":"10.0.0.9","mac_address":"2:0:0:0:0:8"}]`), engine.Invalid, []string{n + "static[1].ip_address"}},
		{"static without MAC", neighbor(`"static":[{"ip_address":"10.0.0.9"}]`), engine.Invalid, []string{n + "static[0].mac_address"}},
		{"no filters", `{"port_id":"0","config":{"rx_filter":"not a valid filter","tx_filter":"ip[0","protocols":[` + eth + `]}}`, engine.Invalid, []string{"config.rx_filter", "config.tx_filter"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Strict.Interface([]byte(c.body))
			kind, paths := faultsOf(t, err)
			if kind != c.kind || !slices.Equal(paths, c.paths) {
				t.Errorf("%s: kind %d faults %q, want kind %d faults %q (%v)", c.body, kind, paths, c.kind, c.paths, err)
			}
		})
	}
}

func TestParseInterfaceWhole(t *testing.T) {
	spec, err := Strict.Interface([]byte(`{
		"id": "if-1", "port_id": "0", "stats": {"rx_packets": 1, "text": [1, {"x": "}"}]},
		"config": {"protocols": [
			{"eth": {"mac_address": "2-0-0-A-0-1"}},
			{"vlan": {"id": 100, "priority": 5, "tpid": "0x88a8"}}, {"vlan": {"id": 7}},
			{"ipv4": {"method": "static", "static": {"address": "10.0.0.1", "prefix_length": 24, "gateway": "10.0.0.254"}}, "ipv6": null},
			{"ipv6": {"method": "static", "link_local_address": "fe80:1::1",
			          "static": {"address": "2001:db8::1", "prefix_length": 64, "gateway": "fe80::9"}}}],
		 "neighbor": {"duplicate_detection": "none", "retrans_timer_ms": 200, "multicast_solicits": 5, "max_entries": 7,
		  "learning_rate_pps": 100, "learning_window": 9, "respond_for": ["198.19.0.0/16", "2001:db8:5::/64"], "reachable_time_ms": null, "probe_interval_ms": 100, "keep_unreachable": true, "proxy_delay_ms": 1000,
		  "static": [{"ip_address": "10.0.0.9", "mac_address": "02:00:00:00:00:09"}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"id", spec.ID, "if-1"},
		{"port", spec.PortID, "0"},
		{"MAC", spec.MAC.String(), "02:00:00:0a:00:01"},
		{"tags", fmt.Sprint(spec.Tags), fmt.Sprint([]header.VLAN{{TPID: header.EtherTypeQinQ, ID: 100, Priority: 5}, {TPID: header.EtherTypeVLAN, ID: 7}})},
		{"IPv4", spec.IPv4, netip.MustParsePrefix("10.0.0.1/24")},
		{"gateway", spec.Gateway4, netip.MustParseAddr("10.0.0.254")},
		{"has IPv6", spec.HasIPv6, true},
		{"link-local", spec.LinkLocal, netip.MustParseAddr("fe80:1::1")},
		{"IPv6", spec.IPv6, netip.MustParsePrefix("2001:db8::1/64")},
		{"gateway 6", spec.Gateway6, netip.MustParseAddr("fe80::9")},
		{"announce", spec.Announce, false},
		{"retrans timer", spec.Neighbor.RetransTimer, 200 * loop.Millisecond},
		{"reachable time, null is the default", spec.Neighbor.ReachableTime, 30 * loop.Second},
		{"probe interval", spec.Neighbor.ProbeInterval, 100 * loop.Millisecond},
		{"proxy delay", spec.Neighbor.ProxyDelay, loop.Second},
		{"keep unreachable", spec.Neighbor.KeepUnreachable, true},
		{"solicits", spec.Neighbor.MulticastSolicits, 5},
		{"entries", spec.Neighbor.MaxEntries, 7},
		{"rate", spec.LearningRatePPS, 100},
		{"window", spec.LearningWindow, 9},
		{"respond for", fmt.Sprint(spec.RespondFor), "[198.19.0.0/16 2001:db8:5::/64]"},
		{"static", len(spec.Static), 1},
		{"order", strings.Join(spec.Echo.Order, " "), "eth vlan vlan ipv4 ipv6"},
		{"methods", spec.Echo.Method4 + " " + spec.Echo.Method6, "static static"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestParseInterfaceAccepts(t *testing.T) {
	for name, body := range map[string]string{
		"gateway outside a /32":     iface4(`{"address":"10.0.0.1","prefix_length":32,"gateway":"10.9.9.9"}`),
		"255 that is no broadcast":  iface4(`{"address":"10.0.0.255","prefix_length":23,"gateway":"10.0.1.0"}`),
		"gateway in a /31":          iface4(`{"address":"10.0.0.0","prefix_length":31,"gateway":"10.0.0.1"}`),
		"gateway outside a /128":    iface6("", `{"address":"2001:db8::1","prefix_length":128,"gateway":"2001:db9::1"}`),
		"link-local gateway":        iface6(`"link_local_address":"fe80::1",`, `{"address":"2001:db8::1","prefix_length":64,"gateway":"fe80::2"}`),
		"probe interval of 0":       neighbor(`"probe_interval_ms":0`),
		"probe interval of an hour": neighbor(`"probe_interval_ms":3600000`),
		"prefix of 0":               iface4(`{"address":"10.0.0.1","prefix_length":0,"gateway":"11.0.0.1"}`),
		"link-local address alone":  protocols(eth + `,{"ipv6":{"method":"static","link_local_address":"fe80::1"}}`),
		"order of protocols":        protocols(`{"ipv6":{"method":"static","link_local_address":"fe80::1"}},` + eth),
		"empty id is none":          `{"id":"","port_id":"0","config":{"protocols":[` + eth + `]}}`,
		"a prefix of 2.4e1":         iface4(`{"address":"10.0.0.1","prefix_length":2.4e1}`),
	} {
		if _, err := Strict.Interface([]byte(body)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOpenPerfAcceptsMethodsWithoutAddress: its scripts give methods that glean has
// no client for. Its static needs an address.
func TestOpenPerfAcceptsMethodsWithoutAddress(t *testing.T) {
	for name, list := range map[string]string{
		"dhcp":                `{"ipv4":{"method":"dhcp","dhcp":{"hostname":"h","status":{"state":"bound"}}}}`,
		"dhcp without object": `{"ipv4":{"method":"dhcp"}}`,
		"auto":                `{"ipv4":{"method":"auto"}},{"ipv6":{"method":"auto"}}`,
		"stateless dhcp6":     `{"ipv6":{"method":"dhcp6","dhcp6":{"stateless":true}}}`,
	} {
		if spec, err := AsOpenPerf.Interface([]byte(protocols(eth + "," + list))); err != nil || spec.IPv4.IsValid() || spec.IPv6.IsValid() {
			t.Errorf("%s: %v, %v, %v", name, spec.IPv4, spec.IPv6, err)
		}
	}
	for path, entry := range map[string]string{
		"config.protocols[1].ipv6.dhcp6.stateless": `{"ipv6":{"method":"dhcp6","dhcp6":{"stateless":false}}}`,
		"config.protocols[1].ipv6.static":          `{"ipv6":{"method":"static","link_local_address":"fe80::1"}}`,
	} {
		if _, err := AsOpenPerf.Interface([]byte(protocols(eth + "," + entry))); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want a fault of %s", entry, err, path)
		}
	}
}

func TestParseInterfacesPaths(t *testing.T) {
	good := protocols(eth)
	for _, c := range []struct {
		name, body string
		kind       engine.Kind
		paths      []string
	}{
		{"two", `{"items":[` + good + `,` + good + `]}`, 0, nil},
		{"none", `{"items":[]}`, engine.Invalid, []string{"items"}},
		{"no items", `{}`, engine.Invalid, []string{"items"}},
		{"not a list", `{"items":{}}`, engine.Invalid, []string{"items"}},
		{"not an object", `{"items":[1]}`, engine.Invalid, []string{"items[0]"}},
		{"second is bad", `{"items":[` + good + `,` + protocols(`{"eth":{"mac_address":"x"}}`) + `]}`, engine.Invalid, []string{"items[1].config.protocols[0].eth.mac_address"}},
		{"second has a bad id", `{"items":[` + good + `,{"id":"A","port_id":"0","config":{"protocols":[` + eth + `]}}]}`, engine.NotFound, []string{"items[1].id"}},
		{"too many", `{"items":[` + strings.Repeat("{},", ItemsMax) + `{}]}`, engine.TooLarge, []string{"items"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			specs, err := Strict.Interfaces([]byte(c.body))
			kind, paths := faultsOf(t, err)
			if kind != c.kind || !slices.Equal(paths, c.paths) {
				t.Errorf("kind %d faults %q, want kind %d faults %q", kind, paths, c.kind, c.paths)
			}
			if err != nil && specs != nil {
				t.Errorf("%d specs besides the error", len(specs))
			}
		})
	}
}

// TestParseOpenPerfInterface: OpenPerf's learning_scaling.py gives a gateway that
// is the broadcast address, which it does not use.
func TestParseOpenPerfInterface(t *testing.T) {
	body := iface4(`{"address":"10.0.0.1","prefix_length":24,"gateway":"10.0.0.255"}`)
	spec, err := AsOpenPerf.Interface([]byte(body))
	if err != nil || spec.Gateway4 != netip.MustParseAddr("10.0.0.255") {
		t.Errorf("%+v, %v", spec, err)
	}
	specs, err := AsOpenPerf.Interfaces([]byte(`{"items":[` + body + `]}`))
	if err != nil || len(specs) != 1 {
		t.Errorf("%+v, %v", specs, err)
	}
	if _, err := AsOpenPerf.Interface([]byte(iface4(`{"address":"10.0.0.255","prefix_length":24}`))); err == nil {
		t.Error("an address that is the broadcast address is accepted")
	}
}
