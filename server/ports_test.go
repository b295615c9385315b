package server

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"glean/server/engine"
)

func TestPorts(t *testing.T) {
	a := newHarness(t)
	r := a.get("/ports")
	if got := r.ids(); got != "0 1" {
		t.Errorf("ports %q, want \"0 1\"", got)
	}
	r.is("0.kind", "wire", "0.config.wire.name", "w", "0.status.link", "up", "0.status.engine", "plain", "0.stats.rx_packets", 0)
	a.get("/ports/1").is("id", "1")
	a.send("GET", "/ports/2", "").want(404)
	for filter, want := range map[string]string{"?kind=wire": "0 1", "?kind=tap": "", "?kind=": ""} {
		if got := a.get("/ports" + filter).ids(); got != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
	}
}

func TestCreateAndDeletePorts(t *testing.T) {
	a := newHarness(t)
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

// The port is deleted although closing its device fails, and an event has the error.
func TestPortIsDeletedThoughItsDeviceFailsToClose(t *testing.T) {
	a := newHarness(t)
	a.post("/ports", `{"id":"p","kind":"wire","config":{"wire":{"name":"stuck"}}}`).want(201)
	a.delete("/ports/p").want(204)
	a.send("GET", "/ports/p", "").want(404)
	var last engine.Event
	a.onLoop(func() {
		events, _ := a.server.Engine.Events(0, 1000)
		last = events[len(events)-1]
	})
	if last.ID != "p" || last.What != "deleted" || last.Detail != "the device is busy" {
		t.Errorf("the last event is %+v", last)
	}
}

// Bonds are resources only: they are validated, listed and deleted, and no interface or
// generator can use them.
func TestBonds(t *testing.T) {
	for _, c := range []struct {
		name    string
		options []option
	}{{"plain", nil}, {"openperf", []option{openPerf}}} {
		t.Run(c.name, func(t *testing.T) {
			a := newHarness(t, c.options...)
			bond := func(id, config string) *answer {
				return a.post("/ports", `{"id":"`+id+`","kind":"bond","config":`+config+`,"status":null,"stats":null}`)
			}
			members := func(list string) string { return `{"bond":{"mode":"lag_802_3_ad","ports":` + list + `}}` }
			r := bond("b", members(`["1","0"]`)).want(201).is("id", "b", "kind", "bond", "config.bond.mode", "lag_802_3_ad",
				"config.bond.ports", "[1 0]", "status.link", "unknown", "stats.tx_packets", 0)
			if got := r.header.Get("Location"); got != "/ports/b" {
				t.Errorf("Location %q", got)
			}
			bond("b", members(`["1","0"]`)).want(400).faults("id")
			bond("0", members(`["1","0"]`)).want(400).faults("id")
			a.post("/ports", `{"id":"b","kind":"wire","config":{"wire":{"name":"w2"}}}`).want(400)
			bond("B_b", members(`["1","0"]`)).want(404).faults("id")
			bond("c", members(`["0"]`)).want(400).faults("config.bond.ports")
			bond("c", members(`[]`)).want(400).faults("config.bond.ports")
			bond("c", members(`["0","0"]`)).want(400).faults("config.bond.ports[1]")
			bond("c", members(`["0","No_id"]`)).want(400).faults("config.bond.ports[1]")
			bond("c", members(`["2","3"]`)).want(400).faults("config.bond.ports[0]", "config.bond.ports[1]")
			bond("c", members(`["0","b"]`)).want(400).faults("config.bond.ports[1]") // no bonds of bonds
			bond("c", members(`["0",1]`)).want(400).faults("config.bond.ports[1]")
			bond("c", `{"bond":{"mode":"balance_rr","ports":["0","1"]}}`).want(400).faults("config.bond.mode")
			bond("c", `{"bond":{"ports":["0","1"]}}`).want(400).faults("config.bond.mode")
			bond("c", `{"bond":{"mode":"lag_802_3_ad"}}`).want(400).faults("config.bond.ports")
			bond("c", `{}`).want(400).faults("config.bond")
			bond("c", `null`).want(400).faults("config")
			bond("c", `{"dpdk":{}}`).want(400)

			if got := a.get("/ports?kind=bond").ids() + "," + a.get("/ports").ids(); got != "b,0 1 b" {
				t.Errorf("ports %q", got)
			}
			a.send("PUT", "/ports/b", string(a.get("/ports/b").body)).want(200)
			a.send("PUT", "/ports/b", `{"kind":"bond","config":`+members(`["0","1"]`)+`}`).want(400).faults("config.bond.ports")
			a.post("/interfaces", `{"port_id":"b","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:01"}}]}}`).want(400).faults("port_id")
			a.post("/packet/generators", generatorBody("g", "b", "198.18.0.11")).want(400).faults("target_id")

			a.post("/ports", `{"id":"p","kind":"wire","config":{"wire":{"name":"w2"}}}`).want(201)
			bond("c", members(`["0","p"]`)).want(201)
			a.delete("/ports/p").want(409) // c needs it
			for _, id := range []string{"b", "c", "c", "p"} {
				a.delete("/ports/" + id).want(204)
			}
			if got := a.get("/ports").ids(); got != "0 1" {
				t.Errorf("ports %q", got)
			}
			bond("b", members(`["0","1"]`)).want(201) // the id is free again
			if got := string(a.get("/metrics").body); strings.Contains(got, `port="b"`) || !strings.Contains(got, `port="0"`) {
				t.Errorf("a bond has metrics, or a port has none: %s", got)
			}
		})
	}
}

// TestPutPortNamesThePortInThePath: PUT returns 200, and the path names the port.
func TestPutPortNamesThePortInThePath(t *testing.T) {
	a := newHarness(t)
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
	a := newHarness(t, openPerf)
	r := a.get("/ports?kind=dpdk")
	if got := r.ids(); got != "0 1" {
		t.Fatalf("ports %q: OpenPerf's clients need dpdk ports", got)
	}
	r.is("0.kind", "dpdk", "0.config.dpdk.link.auto_negotiation", false, "0.config.dpdk.link.duplex", "full", "0.status.duplex", "full")
	if speed, _ := r.at("0.config.dpdk.link.speed").(float64); speed <= 0 {
		t.Errorf("link speed %v", speed)
	}
	for n := range 2 {
		text, _ := r.at(fmt.Sprintf("%d.config.dpdk.mac_address", n)).(string)
		if mac, err := net.ParseMAC(text); err != nil || mac[0]&3 != 2 {
			t.Errorf("port %d: mac_address %q is not a locally administered unicast address", n, text)
		}
	}
	if r.at("0.config.dpdk.mac_address") == r.at("1.config.dpdk.mac_address") {
		t.Error("both ports have the same mac_address")
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

func TestVersionModulesAndStack(t *testing.T) {
	a := newHarness(t)
	a.get("/version").is("version", "1.2.3", "source_commit", "abc", "build_time", "2026-01-02T03:04:05Z", "build_number", "7")
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
