package server

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// TestClientsOfOpenPerf replays what OpenPerf's scripts and generated clients
// send: members that are null where nothing is set, "seconds", zipped lists of a
// thousand addresses, bulk requests in pages of 12, a gateway that is the
// broadcast address, paths with two slashes.
func TestClientsOfOpenPerf(t *testing.T) {
	a := newHarness(t, openPerf)
	ports := a.get("/ports?kind=dpdk")
	for _, module := range []string{"packetio", "packet-stack", "packet-generator"} {
		a.get("/modules/"+module).is("version.version", 1)
	}
	iface := func(id, port, mac, address, more string) string {
		return fmt.Sprintf(`{"id":"%s","port_id":"%s","config":{"protocols":[
			{"eth":{"mac_address":"%s"},"ipv4":null,"ipv6":null},
			{"eth":null,"ipv4":{"method":"static","static":{"address":"%s","prefix_length":16,"gateway":"198.18.255.255"},"dhcp":null}},
			{"ipv6":{"method":"static","static":{"address":"2001:db8::%s","prefix_length":64},"dhcp6":null}}]%s},"stats":null}`,
			id, port, mac, address, port+"1", more)
	}
	a.post("/interfaces", iface("one", ports.text("0.id"), "00.10.94.AE.D6.AA", "198.18.0.10", "")).want(201).
		is("config.protocols.0.eth.mac_address", "00:10:94:ae:d6:aa")
	a.post("/interfaces", iface("two", ports.text("1.id"), "00-10-94-ae-d6-ab", "198.18.0.11", `,"neighbor":{"respond_for":["198.18.0.0/16"]}`)).want(201)
	for _, filter := range []string{"?port_id=", "?eth_mac_address=", "?ipv4_address=", "?ipv6_address="} {
		if got := a.get("/interfaces" + filter).ids(); got != "" {
			t.Errorf("%s: %q, want nothing", filter, got)
		}
	}

	var destinations []string
	address := netip.MustParseAddr("198.18.1.0")
	for range 1000 {
		destinations = append(destinations, `"`+address.String()+`"`)
		address = address.Next()
	}
	list := strings.Join(destinations, ",")
	generator := func(id string) string {
		return `{"id":"` + id + `","target_id":"one","active":null,"learning":null,"config":{"duration":{"continuous":true},
			"flow_count":null,"load":{"burst_size":1,"rate":{"value":1000,"period":"seconds"},"units":"frames"},"order":"round-robin","protocol_counters":["ethernet"],
			"traffic":[{"length":{"fixed":128},"packet":{"modifier_tie":"zip","protocols":[
			{"ethernet":{"source":"00:10:94:ae:d6:aa","destination":"10:94:00:00:bb:bb"}},
			{"ipv4":{"source":"198.18.0.10","destination":"198.18.0.11"},"modifiers":{"tie":"zip","items":[
				{"name":"destination","permute":false,"ipv4":{"list":[` + list + `]}},
				{"name":"identification","permute":true,"field":{"sequence":{"count":10,"start":1}}}]}},
			{"udp":{"source":3357,"destination":3357}}]},"signature":{"stream_id":1,"latency":"end_of_frame"},"weight":1}]}}`
	}
	var ids []string
	for page := range 3 {
		var items []string
		for n := range 12 {
			ids = append(ids, fmt.Sprintf("gen-%d-%d", page, n))
			items = append(items, generator(ids[len(ids)-1]))
		}
		a.post("/packet/generators/x/bulk-create", `{"items":[`+strings.Join(items, ",")+`]}`).want(200).
			is("items.11.id", ids[len(ids)-1], "items.0.config.flow_count", 1000)
	}
	for _, id := range ids { // clients poll until it is not "resolving" any more
		for a.get("/packet//generators/"+id).at("learning") == "resolving" {
		}
		r := a.get("/packet/generators//"+id+"/learning").is("resolved_state", "resolved", "ipv4.0.ip_address", "198.18.1.0",
			"ipv4.999.mac_address", "00:10:94:ae:d6:ab")
		if n := len(r.at("ipv4").([]any)); n != 1000 {
			t.Fatalf("%s: %d addresses, want 1000", id, n)
		}
	}
	r := a.post("/packet/generators/"+ids[0]+"/start", "").want(201)
	result := a.get("/packet/generator-results//"+r.text("id")).is("generator_id", ids[0], "active", true)
	if n := len(result.at("flows").([]any)); n != 1000 {
		t.Errorf("%d flows, want 1000", n)
	}
	a.post("/packet/generators/x/bulk-stop", `{"ids":["`+strings.Join(ids, `","`)+`"]}`).want(204)
	for page := 0; page < len(ids); page += 12 {
		a.post("/packet/generators/x/bulk-delete", `{"ids":["`+strings.Join(ids[page:page+12], `","`)+`"]}`).want(204)
	}
	a.post("/interfaces/x/bulk-delete", `{"ids":["one","two"]}`).want(204)
	if got := a.get("/packet/generators").ids() + a.get("/interfaces").ids(); got != "" {
		t.Errorf("%q is left", got)
	}
}
