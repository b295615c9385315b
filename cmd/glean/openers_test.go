package main

import (
	"fmt"
	"strings"
	"testing"

	"glean/sim"
	"glean/stack/loop"
)

// TestWirePortsLeaveNothing: closing a wire port removes its wire, and closing the last
// port of a name removes the patch switch.
func TestWirePortsLeaveNothing(t *testing.T) {
	l := loop.NewReal()
	w := &wires{loop: l, world: sim.NewWorldOn(l, 0), patches: make(map[string]*sim.Switch)}
	stays := w.plug("shared")
	for n := range 100 {
		for _, name := range []string{fmt.Sprint("own-", n), "shared"} {
			lk := w.plug(name)
			if err := lk.Close(); err != nil {
				t.Fatal(err)
			}
			if err := lk.Close(); err != nil {
				t.Fatalf("closed twice: %v", err)
			}
		}
	}
	if wires, patches, ports := len(w.world.Wires()), len(w.patches), len(w.patches["shared"].Ports()); wires != 1 || patches != 1 || ports != 1 {
		t.Errorf("%d wires, %d patch switches and %d ports of the shared one are left, want 1 of each", wires, patches, ports)
	}
	if err := stays.Close(); err != nil {
		t.Fatal(err)
	}
	if wires, patches := len(w.world.Wires()), len(w.patches); wires+patches != 0 {
		t.Errorf("%d wires and %d patch switches are left", wires, patches)
	}
}

// TestWirePortsCountTraffic: a wire port counts received frames as a device does. Test
// traffic is traffic, and a frame for the stack of a port without interfaces does not
// count as a wrong VLAN.
func TestWirePortsCountTraffic(t *testing.T) {
	d := serve(t, "--port", "0=wire:w", "--port", "1=wire:w")
	d.call(201, "POST", "/interfaces", `{"id":"i","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:01"}},
		{"ipv4":{"method":"static","static":{"address":"198.18.0.1","prefix_length":24}}}]}}`)
	d.call(201, "POST", "/packet/generators", `{"id":"g","target_id":"0","config":{"duration":{"frames":1000},
		"load":{"rate":{"value":100000,"period":"second"},"units":"frames"},
		"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{"destination":"02:00:00:00:00:02"}},{"ipv4":{}},{"udp":{}}]}}]}}`)
	d.call(201, "POST", "/packet/generators/g/start", nil)
	stats := d.until("/ports/1", func(o object) bool { return at(o, "stats", "rx_traffic").(float64) == 1000 })["stats"].(object)
	if announced := stats["rx_packets"].(float64) - 1000; announced < 1 {
		t.Errorf("%v frames for the stack; the interface announces itself", announced)
	}
	_, text := d.do("GET", "/metrics", nil)
	for _, want := range []string{
		`glean_port_rx_traffic_frames_total{port="1"} 1000`,
		`glean_stack_dropped_total{port="1",reason="vlan"} 0`,
		`glean_stack_dropped_total{port="1",reason="ether_type"} 0`,
		`glean_stack_dropped_total{port="1",reason="no_interface"} `,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
}
