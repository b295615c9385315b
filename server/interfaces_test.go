package server

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestInterfaces(t *testing.T) {
	a := newHarness(t)
	r := a.post("/interfaces", ifaceA).want(201)
	r.is("id", "if-a", "port_id", "0",
		"config.protocols.0.eth.mac_address", "02:00:00:00:00:0a",
		"config.protocols.1.ipv4.static.gateway", "198.18.0.11",
		"config.protocols.1.ipv4.status.state", "preferred",
		"config.protocols.2.ipv6.link_local_address", "fe80::ff:fe00:a",
		"config.protocols.2.ipv6.link_local_status.state", "preferred",
		"config.protocols.2.ipv6.status.state", "preferred",
		"config.protocols.2.ipv6.static.prefix_length", 64)
	if got := r.header.Get("Location"); got != "/interfaces/if-a" {
		t.Errorf("Location %q", got)
	}
	a.get("/interfaces/if-a").is("id", "if-a")
	a.post("/interfaces", ifaceA).want(400).faults("id")
	a.post("/interfaces", strings.Replace(ifaceA, `"port_id":"0"`, `"port_id":"nope"`, 1)).want(400)
	made := a.post("/interfaces", strings.Replace(ifaceB, `"if-b"`, `null`, 1)).want(201).text("id")
	a.get("/interfaces/" + made)
	a.post("/interfaces", strings.Replace(ifaceA, `"if-a"`, `"If"`, 1)).want(404).faults("id")
	a.delete("/interfaces/if-a").want(204)
	a.delete("/interfaces/if-a").want(204)
	a.send("GET", "/interfaces/if-a", "").want(404)
}

// TestInterfacesCanBePostedAgain: the body of a reply can be posted, and its reply is the
// same.
func TestInterfacesCanBePostedAgain(t *testing.T) {
	for name, body := range map[string]string{
		"no address":    `{"ipv6":{"method":"static","link_local_address":"fe80::1"}}`,
		"dhcp":          `{"ipv4":{"method":"dhcp","dhcp":{"hostname":"h","client":"c"}}}`,
		"dhcp, bare":    `{"ipv4":{"method":"dhcp"}}`,
		"auto":          `{"ipv4":{"method":"auto"}},{"ipv6":{"method":"auto"}}`,
		"dhcp6":         `{"ipv6":{"method":"dhcp6","dhcp6":{"stateless":true}}}`,
		"tags":          `{"vlan":{"id":100,"priority":3,"tpid":"0x88a8"}},{"vlan":{"id":7}}`,
		"link-local":    `{"ipv6":{"method":"auto","link_local_address":"fe80:1::1"}}`,
		"other order":   `{"ipv6":{"method":"auto"}},{"ipv4":{"method":"auto"}}`,
		"host prefixes": `{"ipv4":{"method":"static","static":{"address":"10.0.0.1","prefix_length":32,"gateway":"10.9.9.9"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			a := newHarness(t)
			if strings.Contains(body, "dhcp") || strings.Contains(body, "auto") {
				a = newHarness(t, openPerf)
			}
			first := a.post("/interfaces", `{"id":"i","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"2-0-0-0-0-A"}},`+body+`]}}`).want(201)
			a.delete("/interfaces/i").want(204)
			second := a.post("/interfaces", string(first.body)).want(201)
			if string(first.body) != string(second.body) {
				t.Errorf("first  %s\nsecond %s", first.body, second.body)
			}
		})
	}
	a := newHarness(t)
	a.post("/interfaces", `{"id":"i","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0a"}},
		{"ipv6":{"method":"static","link_local_address":"fe80:1::1"}}],"neighbor":{"learning_window":9}}}`).want(201).
		is("config.protocols.1.ipv6.link_local_address", "fe80:1::1", "config.neighbor.learning_window", 9)
}

// TestStatusIsOfAnAddress: replies have a status only for an address that the interface
// has.
func TestStatusIsOfAnAddress(t *testing.T) {
	for name, c := range map[string]struct {
		entry string
		kind  string
		shown []string
	}{
		"static IPv4":        {`{"ipv4":{"method":"static","static":{"address":"10.0.0.1","prefix_length":24}}}`, "ipv4", []string{"status"}},
		"dhcp":               {`{"ipv4":{"method":"dhcp"}}`, "ipv4", nil},
		"auto of IPv4":       {`{"ipv4":{"method":"auto"}}`, "ipv4", nil},
		"static IPv6":        {`{"ipv6":{"method":"static","static":{"address":"2001:db8::1","prefix_length":64}}}`, "ipv6", []string{"link_local_status", "status"}},
		"link-local address": {`{"ipv6":{"method":"static","link_local_address":"fe80::1"}}`, "ipv6", []string{"link_local_status"}},
		"dhcp6":              {`{"ipv6":{"method":"dhcp6"}}`, "ipv6", []string{"link_local_status"}},
		"auto of IPv6":       {`{"ipv6":{"method":"auto"}}`, "ipv6", []string{"link_local_status"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newHarness(t)
			if !strings.Contains(c.entry, "static") {
				a = newHarness(t, openPerf)
			}
			r := a.post("/interfaces", `{"id":"i","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0a"}},`+c.entry+`]}}`).want(201)
			var reply struct {
				Config struct {
					Protocols []map[string]map[string]any `json:"protocols"`
				} `json:"config"`
			}
			if err := json.Unmarshal(r.body, &reply); err != nil {
				t.Fatal(err)
			}
			members := reply.Config.Protocols[1][c.kind]
			for _, member := range []string{"status", "link_local_status"} {
				status, shown := members[member].(map[string]any)
				if shown != slices.Contains(c.shown, member) || shown && status["state"] != "preferred" {
					t.Errorf("%s is %v; shown are to be %v", member, members[member], c.shown)
				}
			}
		})
	}
}

// TestPacketFiltersAreShownAsGiven: replies have the text of filters as it was posted.
func TestPacketFiltersAreShownAsGiven(t *testing.T) {
	a := newHarness(t)
	body := func(filters string) string {
		return `{"id":"i","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"2:0:0:0:0:a"}}]` + filters + `}}`
	}
	rx, tx := "tcp dst portrange 1024-65535", "not((arp && arp[6:2]==2) || (icmp6[icmp6type]==icmp6-neighboradvert))"
	a.post("/interfaces", body(`,"rx_filter":"`+rx+`","tx_filter":"`+tx+`"`)).want(201).is("config.rx_filter", rx, "config.tx_filter", tx)
	a.get("/interfaces/i").is("config.rx_filter", rx, "config.tx_filter", tx)
	a.delete("/interfaces/i").want(204)
	a.post("/interfaces", body(`,"rx_filter":"not a valid filter"`)).want(400).faults("config.rx_filter")
	a.post("/interfaces", body(`,"tx_filter":"ip or"`)).want(400).faults("config.tx_filter")
	a.post("/interfaces", body(`,"rx_filter":"","tx_filter":""`)).want(201)
}

func TestInterfacesMatchAnyFilter(t *testing.T) {
	a := newHarness(t).peers()
	for filter, want := range map[string]string{
		"":           "if-a if-b",
		"?port_id=0": "if-a",
		"?port_id=":  "",
		"?eth_mac_address=02%3A00%3A00%3A00%3A00%3A0b": "if-b",
		"?eth_mac_address=02-00-00-00-00-0B":           "if-b",
		"?eth_mac_address=nonsense":                    "",
		"?ipv4_address=198.18.0.10":                    "if-a",
		"?ipv4_address=198.18.0":                       "",
		"?ipv6_address=2001%3Adb8::b":                  "if-b",
		"?ipv6_address=2001:db8:0:0::b":                "if-b",
		"?port_id=0&ipv4_address=198.18.0.11":          "if-a if-b", // joined by or
		"?port_id=0&ipv4_address=":                     "if-a",
	} {
		if got := a.get("/interfaces" + filter).ids(); got != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
	}
}

func TestBulkCreateOfInterfacesIsAllOrNone(t *testing.T) {
	a := newHarness(t)
	item := func(id, port, mac string) string {
		return `{"id":"` + id + `","port_id":"` + port + `","config":{"protocols":[{"eth":{"mac_address":"` + mac + `"}}]}}`
	}
	bulk := func(items ...string) *answer {
		return a.post("/interfaces/x/bulk-create", `{"items":[`+strings.Join(items, ",")+`]}`)
	}
	bulk(item("c", "0", "02:00:00:00:00:01"), item("a", "1", "02:00:00:00:00:02"), item("b", "0", "02:00:00:00:00:03")).want(200).
		is("items.0.id", "c", "items.1.id", "a", "items.2.id", "b") // the order of the request
	// all or nothing
	bulk(item("d", "0", "02:00:00:00:00:04"), item("e", "nope", "02:00:00:00:00:05")).want(400).faults("items[1].port_id")
	bulk(item("d", "0", "02:00:00:00:00:04"), item("d", "0", "02:00:00:00:00:05")).want(400).faults("items[1].id")
	bulk(item("d", "0", "02:00:00:00:00:04"), item("E", "0", "02:00:00:00:00:05")).want(404).faults("items[1].id")
	bulk(item("d", "0", "zz"), item("e", "0", "ff:ff:ff:ff:ff:ff")).want(400).
		faults("items[0].config.protocols[0].eth.mac_address", "items[1].config.protocols[0].eth.mac_address")
	if got := a.get("/interfaces").ids(); got != "a b c" {
		t.Errorf("after failed requests: %q", got)
	}
	a.post("/interfaces/x/bulk-delete", `{"ids":["b","UPPER"]}`).want(404).faults("ids[1]")
	if got := a.get("/interfaces").ids(); got != "a b c" {
		t.Errorf("after a bad id: %q", got)
	}
	a.post("/interfaces/x/bulk-delete", `{"ids":["b","unknown"]}`).want(204) // the middle one
	if got := a.get("/interfaces").ids(); got != "a c" {
		t.Errorf("after bulk-delete: %q", got)
	}
	a.post("/interfaces/x/bulk-delete", ``).want(204)
	a.post("/interfaces/x/bulk-create", ``).want(400)
	a.post("/interfaces/x/bulk-create", `{"items":[`+strings.Repeat("{},", 10_000)+`{}]}`).want(413).faults("items")
}

// TestDeleteOfInterfaceEndsItsLearning: a delete ends learning requests of the interface.
func TestDeleteOfInterfaceEndsItsLearning(t *testing.T) {
	a := newHarness(t).peers()
	a.post("/packet/generators", generatorBody("g", "if-a", silentHost)).want(202)
	a.delete("/interfaces/if-a").want(204)
	r := a.get("/packet/generators/g").is("learning", "timed_out")
	a.get("/learning/"+r.text("learning_id")).is("state", "timed_out")
	a.post("/packet/generators/g/start", "").want(409)
	a.post("/packet/generators/g/learning/start", "")
	a.get("/packet/generators/g/learning").is("resolved_state", "timed_out")
	a.delete("/packet/generators/g").want(204)
	a.send("GET", "/packet/generators/g", "").want(404)
}

// TestDeleteOfInterfaceStopsItsGenerators: no frame is sent after the reply.
func TestDeleteOfInterfaceStopsItsGenerators(t *testing.T) {
	a := newHarness(t).peers()
	for _, remove := range []func(){
		func() { a.delete("/interfaces/if-a").want(204) },
		func() { a.post("/interfaces/x/bulk-delete", `{"ids":["unknown","if-a"]}`).want(204) },
	} {
		a.post("/packet/generators", generatorWith("g", "if-a", continuous, "198.18.0.11"), "Prefer: wait=10").want(201)
		id := a.post("/packet/generators/g/start", "").want(201).text("id")
		remove()
		a.get("/packet/generators/g").is("active", false)
		a.get("/packet/generator-results/"+id).is("active", false)
		a.delete("/packet/generators/g").want(204)
		a.post("/interfaces", ifaceA).want(201)
	}
}
