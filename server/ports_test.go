package server

import "testing"

func TestPorts(t *testing.T) {
	a := newAPI(t)
	r := a.get("/ports")
	if got := r.ids(); got != "0 1" {
		t.Errorf("ports %q, want \"0 1\"", got)
	}
	r.is("0.kind", "wire", "0.config.wire.name", "w", "0.status.link", "up", "0.status.engine", "plain", "0.stats.rx_packets", 0)
	a.get("/ports/1").is("id", "1")
	a.send("GET", "/ports/2", "").want(404)
	for filter, want := range map[string]string{"?kind=wire": "0 1", "?kind=tap": "", "?kind=": "", "?unknown=1": "0 1"} {
		if got := a.get("/ports" + filter).ids(); got != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
	}
}

func TestCreateAndDeletePorts(t *testing.T) {
	a := newAPI(t)
	r := a.post("/ports", `{"id":"p2","kind":"wire","config":{"wire":{"name":"w2"}}}`).want(201).is("id", "p2", "status.link", "up")
	if got := r.header.Get("Location"); got != "/ports/p2" {
		t.Errorf("Location %q", got)
	}
	made := a.post("/ports", `{"id":null,"kind":"wire","config":{"wire":{"name":"w3"}}}`).want(201).text("id")
	a.post("/ports", `{"id":"p2","kind":"wire","config":{"wire":{"name":"w2"}}}`).want(400).faults("id")
	a.post("/ports", `{"id":"p3","kind":"tap","config":{"tap":{"name":"t"}}}`).want(400) // no opener here
	a.post("/ports", `{"id":"A_b","kind":"wire","config":{"wire":{"name":"w"}}}`).want(404).faults("id")
	a.post("/ports", `{"id":"A_b","config":{"wire":{"name":"w"}}}`).want(400)
	a.post("/ports", `{"id":"p4","kind":"wire","config":{"wire":{"name":"broken"}}}`).want(400).faults("config.wire")
	a.send("GET", "/ports/p4", "").want(404) // nothing is half-made
	a.post("/ports", `{"id":"p4","kind":"wire","config":{"wire":{"name":"w4"}}}`).want(201)

	a.post("/interfaces", `{"id":"i","port_id":"p2","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:01"}}]}}`).want(201)
	a.delete("/ports/p2").want(409)
	a.delete("/interfaces/i").want(204)
	a.delete("/ports/p2").want(204)
	a.delete("/ports/p2").want(204)
	a.delete("/ports/" + made).want(204)
	a.delete("/ports/0").want(400) // came with the process
	if got := a.get("/ports").ids(); got != "0 1 p4" {
		t.Errorf("ports %q", got)
	}
}

// TestPutPort is pitfall 33: PUT answers 200, and the path says which port is
// meant.
func TestPutPort(t *testing.T) {
	a := newAPI(t)
	a.send("PUT", "/ports/0", `{"id":"0","kind":"wire","config":{"wire":{"name":"w"}}}`).want(200).is("id", "0")
	a.send("PUT", "/ports/0", `{"kind":"wire","config":{"wire":{"name":"w"}}}`).want(200)
	a.send("PUT", "/ports/0", string(a.get("/ports/0").body)).want(200) // what was got can be put
	a.send("PUT", "/ports/0", `{"id":"1","kind":"wire","config":{"wire":{"name":"w"}}}`).want(400).faults("id")
	a.send("PUT", "/ports/0", `{"kind":"wire","config":{"wire":{"name":"other"}}}`).want(400).faults("config.wire.name")
	a.send("PUT", "/ports/0", `{"kind":"tap","config":{"tap":{"name":"w"}}}`).want(400)
	a.send("PUT", "/ports/0", `{}`).want(400)
	a.send("PUT", "/ports/9", `{"kind":"wire","config":{"wire":{"name":"w"}}}`).want(404)
}

func TestPortsOfOpenPerf(t *testing.T) {
	a := newAPI(t, openPerf)
	r := a.get("/ports?kind=dpdk")
	if got := r.ids(); got != "0 1" {
		t.Fatalf("ports %q: OpenPerf's clients need dpdk ports", got)
	}
	r.is("0.kind", "dpdk", "0.config.dpdk.link.auto_negotiation", false, "0.config.dpdk.link.duplex", "full", "0.status.duplex", "full")
	if speed, _ := r.at("0.config.dpdk.link.speed").(float64); speed <= 0 {
		t.Errorf("link speed %v", speed)
	}
	put := func(link string) *answer {
		return a.send("PUT", "/ports/0", `{"id":"0","kind":"dpdk","config":{"dpdk":{"link":`+link+`}},"status":null,"stats":null}`)
	}
	put(`{"auto_negotiation":true}`).want(200)
	put(`{"auto_negotiation":false,"speed":100,"duplex":"half"}`).want(200)
	put(`{"auto_negotiation":false,"speed":10000,"duplex":"full"}`).want(200)
	const link = "config.dpdk.link."
	put(`{"auto_negotiation":false,"speed":10000,"duplex":"half"}`).want(400).faults(link + "duplex")
	put(`{"auto_negotiation":false,"speed":11,"duplex":"full"}`).want(400).faults(link + "speed")
	put(`{"auto_negotiation":false,"speed":100}`).want(400).faults(link + "duplex")
	put(`{}`).want(400).faults(link + "auto_negotiation")
	a.send("PUT", "/ports/0", `{"kind":"host","config":{}}`).want(400)
	a.send("PUT", "/ports/0", string(a.get("/ports/0").body)).want(200)
	a.post("/ports", `{"id":"b","kind":"dpdk","config":{"dpdk":{"link":{"auto_negotiation":true}}}}`).want(400)
}

func TestInfo(t *testing.T) {
	a := newAPI(t)
	a.get("/version").is("version", "1.2.3", "source_commit", "abc", "build_time", "now", "build_number", "7")
	if got := a.get("/modules").ids(); got != "packet-generator packet-stack packetio" {
		t.Errorf("modules %q", got)
	}
	a.get("/modules/packetio").is("linkage", "static", "version.version", 1, "path", nil)
	a.peers()
	if got := a.get("/stacks").ids(); got != "stack0" {
		t.Errorf("stacks %q", got)
	}
	a.send("GET", "/stacks/stack1", "").want(404)
	a.learned("g", "198.18.0.11")
	if n, _ := a.get("/stacks/stack0").at("stats.arp.tx_packets").(float64); n < 2 {
		t.Errorf("%v ARP packets sent, want a request and a reply", n)
	}
	if r := a.get("/openapi.yaml"); len(r.body) != len(openAPIDocument) {
		t.Errorf("the document has %d octets, want %d", len(r.body), len(openAPIDocument))
	}
}
