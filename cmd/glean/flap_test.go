package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"glean/internal/netlab"
	"glean/server/api"
)

// TestPeerMACChangesDuringFlap: the peer, a Linux kernel, has another MAC after a flap of
// some milliseconds. A running generator sends to the old MAC, and counts these frames,
// until the peer answers. A start waits for the answer. The RetransTimer is long, so
// that frames leave before the answer.
func TestPeerMACChangesDuringFlap(t *testing.T) {
	for _, kind := range []string{"tap", "packet"} {
		t.Run(kind, func(t *testing.T) {
			f := &failover{lan: netlab.Own(t), a: netlab.New(t), deviceA: netlab.Name()}
			port := netlab.Name()
			var flap func(mac string)
			if kind == "packet" {
				f.lan.Veth(port, f.a, f.deviceA)
				f.lan.Quiet(port)
				f.lan.IP("link set " + port + " up")
				flap = func(mac string) {
					f.a.IP("link set "+f.deviceA+" down", "link set "+f.deviceA+" address "+mac, "link set "+f.deviceA+" up")
				}
				f.daemon = serve(t, "--port", "0=packet:"+port)
			} else {
				f.daemon = serve(t, "--port", "0=tap:"+port)
				bridge, toA := netlab.Name(), netlab.Name()
				f.lan.IP("link add "+bridge+" type bridge stp_state 0 forward_delay 0 mcast_snooping 0", "link set "+port+" master "+bridge)
				t.Cleanup(func() { f.lan.IP("link del "+bridge, "link del "+toA) })
				f.lan.Quiet(bridge)
				f.lan.Quiet(port)
				f.plug(bridge, toA, f.a, f.deviceA)
				f.lan.IP("link set " + bridge + " up")
				flap = func(mac string) {
					f.lan.IP("link set " + port + " down")
					f.a.IP("link set " + f.deviceA + " address " + mac)
					f.lan.IP("link set " + port + " up")
				}
			}
			const first, second, third = "02:00:00:00:18:01", "02:00:00:00:18:02", "02:00:00:00:18:03"
			flap(first)
			f.a.IP("addr add " + movedV4 + "/24 dev " + f.deviceA)
			f.until("/ports/0", func(p object) bool { return at(p, "status", "link") == "up" })
			f.call(201, "POST", "/interfaces", object{"id": "if-1", "port_id": "0", "config": object{
				"protocols": []any{
					object{"eth": object{"mac_address": "02:00:00:00:00:64"}},
					object{"ipv4": object{"method": "static", "static": object{"address": "198.18.0.100", "prefix_length": 24}}},
				},
				"neighbor": object{"duplicate_detection": "none", "retrans_timer_ms": 5000},
			}})
			f.call(201, "POST", "/packet/generators",
				generatorTo("gen-1", object{"continuous": true}, failoverRate, failoverPort, []string{movedV4}, nil), "Prefer", "wait=30")
			id := f.call(201, "POST", "/packet/generators/gen-1/start", nil)["id"].(string)
			flap(second)
			f.when(id, func(r api.GeneratorResult) bool {
				n := len(r.NeighborChanges)
				return n > 0 && r.NeighborChanges[n-1].NewMAC != nil && *r.NeighborChanges[n-1].NewMAC == second
			})
			until := *f.result(id).FlowCounters.PacketsToUnconfirmedMAC
			f.sent(id, failoverRate/10)
			if now := *f.result(id).FlowCounters.PacketsToUnconfirmedMAC; until == 0 || now != until {
				t.Errorf("%d frames to unconfirmed MACs until the answer, %d after it", until, now-until)
			}
			f.call(204, "POST", "/packet/generators/gen-1/stop", nil)

			flap(third)
			f.until("/learning/plan?generator_id=gen-1", func(p object) bool { return at(p, "next_hops", 0, "state") == "unconfirmed" })
			id = f.call(201, "POST", "/packet/generators/gen-1/start", nil)["id"].(string)
			f.sent(id, failoverRate/10)
			if r := f.result(id); *r.FlowCounters.PacketsToUnconfirmedMAC != 0 || len(r.NeighborChanges) != 0 {
				t.Errorf("started after a flap: %+v, changes %+v", r.FlowCounters, r.NeighborChanges)
			}
		})
	}
}

// TestConfiguredGeneratorIsLearnedAtLinkUp: learning for a generator of the configuration
// file timed out while the link was down. It starts again when the link comes up.
func TestConfiguredGeneratorIsLearnedAtLinkUp(t *testing.T) {
	own, peer := netlab.Own(t), netlab.New(t)
	near, far := netlab.Name(), netlab.Name()
	own.Veth(near, peer, far)
	own.Quiet(near)
	own.IP("link set " + near + " up")
	peer.IP("addr add " + movedV4 + "/24 dev " + far) // the device is down
	path := filepath.Join(t.TempDir(), "glean.yaml")
	config := fmt.Sprintf(`
ports: [{id: "0", kind: packet, arg: %s}]
resources:
  /interfaces/if-1:
    port_id: "0"
    config:
      protocols:
        - {eth: {mac_address: "02:00:00:00:00:64"}}
        - {ipv4: {method: static, static: {address: 198.18.0.100, prefix_length: 24}}}
  /packet/generators/gen-1:
    target_id: if-1
    config:
      duration: {frames: 1}
      load: {rate: {value: 1000, period: seconds}, units: frames}
      learning: {timeout_ms: 500}
      traffic:
        - length: {fixed: 128}
          packet: {protocols: [{ethernet: {}}, {ipv4: {destination: %s}}, {udp: {}}]}
`, near, movedV4)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	d := serve(t, "-c", path)
	d.until("/packet/generators/gen-1", func(g object) bool { return g["learning"] == "timed_out" })
	peer.IP("link set " + far + " up")
	d.until("/packet/generators/gen-1", func(g object) bool { return g["learning"] == "resolved" })
	d.call(201, "POST", "/packet/generators/gen-1/start", nil)
}
