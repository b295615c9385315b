package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"glean/internal/netlab"
	"glean/server/api"
)

// newPacketLab starts a daemon on an existing device:
//
//	glean if-1 198.18.0.100, 2001:db8:18::100
//	   | AF_PACKET on a veth
//	dut  198.18.0.1-2, 2001:db8:18::1-2
func newPacketLab(t *testing.T) (l *lab, device string) {
	own := netlab.Own(t, "ping")
	l = &lab{dut: netlab.New(t), tap: netlab.Name()}
	device = netlab.Name()
	plug(t, own, device, l.dut, l.tap)
	own.Quiet(device) // the kernel of this side must send nothing
	l.dut.IP("addr add 198.18.0.1/24 dev "+l.tap, "addr add 198.18.0.2/24 dev "+l.tap,
		"addr add 2001:db8:18::1/64 nodad dev "+l.tap, "addr add 2001:db8:18::2/64 nodad dev "+l.tap)
	l.daemon = serve(t, "--port", "0=packet:"+device)
	return l, device
}

// plug makes a veth pair that is up, with one end in our own namespace. It is deleted
// when the test ends.
func plug(t *testing.T, own *netlab.Namespace, device string, peer *netlab.Namespace, peerDevice string) {
	own.Veth(device, peer, peerDevice)
	t.Cleanup(func() { _, _ = own.Try("ip", "link", "del", device) })
	own.IP("link set " + device + " up")
	peer.IP("link set " + peerDevice + " up")
}

func TestPacketPortLearnsAndTransmits(t *testing.T) {
	const frames = 20000
	l, device := newPacketLab(t)
	port := l.until("/ports/0", func(p object) bool { return at(p, "status", "link") == "up" })
	if port["kind"] != "packet" || at(port, "config", "packet", "name") != device {
		t.Errorf("the port is %v", port)
	}
	l.addInterface()
	counter := countUDP(t, l.dut, l.tap, 5004)
	g := l.call(201, "POST", "/packet/generators", generatorTo("gen-1", object{"frames": frames}, 50000, 5004,
		[]string{"198.18.0.1", "198.18.0.2"}, []string{"2001:db8:18::1", "2001:db8:18::2"}), "Prefer", "wait=20")
	if g["learning"] != "resolved" {
		t.Fatalf("learning is %v, want resolved", g["learning"])
	}
	request := l.call(200, "GET", "/learning/"+g["learning_id"].(string), nil)
	got := reasons(l.call(200, "GET", "/learning-results/"+request["result_id"].(string), nil))
	for _, address := range []string{"198.18.0.1", "198.18.0.2", "2001:db8:18::1", "2001:db8:18::2"} {
		if mac := l.dut.MAC(l.tap); got[address] != mac {
			t.Errorf("%s: %s, want %s", address, got[address], mac)
		}
	}
	result := l.call(201, "POST", "/packet/generators/gen-1/start", nil)
	result = l.until("/packet/generator-results/"+result["id"].(string), func(o object) bool { return o["active"] == false })
	if sent := at(result, "flow_counters", "packets_actual"); sent != float64(frames) {
		t.Errorf("packets_actual is %v, want %d", sent, frames)
	}
	if got := counter(); got != frames {
		t.Errorf("the kernel received %d frames to UDP port 5004, want %d", got, frames)
	}
	l.dut.Run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", "198.18.0.100")
	l.dut.Run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", "2001:db8:18::100")
}

// TestPacketPortRecoversFromDeletedDevice: the device is deleted while a generator runs,
// and a new one gets its name.
func TestPacketPortRecoversFromDeletedDevice(t *testing.T) {
	l, device := newPacketLab(t)
	l.addInterface()
	l.call(201, "POST", "/packet/generators", generatorTo("gen-1", object{"continuous": true}, 1000, 5005,
		[]string{"198.18.0.2"}, nil), "Prefer", "wait=20")
	l.call(201, "POST", "/packet/generators/gen-1/start", nil)
	l.dut.IP("link del " + l.tap) // this deletes the other end, too
	port := l.until("/ports/0", func(p object) bool { return at(p, "status", "reason") != "down" && at(p, "status", "link") == "down" })
	if why := at(port, "status", "reason"); why != "deleted" {
		t.Errorf("status.reason is %v, want deleted", why)
	}
	l.until("/packet/generators/gen-1", func(g object) bool { return g["active"] == false })
	plug(t, netlab.Own(t), device, l.dut, l.tap)
	l.until("/ports/0", func(p object) bool { return at(p, "status", "link") == "up" })
	l.dut.IP("addr add 198.18.0.2/24 dev " + l.tap)
	l.dut.Run("ping", "-n", "-c", "1", "-W", "5", "198.18.0.100")
}

// TestPacketPortLearnsWithinVLAN: interfaces with no, one and two VLAN tags learn the
// interface with the same tags and no other, although the kernel strips the tags.
func TestPacketPortLearnsWithinVLAN(t *testing.T) {
	own := netlab.Own(t)
	a, b := netlab.Name(), netlab.Name()
	plug(t, own, a, own, b)
	own.Quiet(a)
	own.Quiet(b)
	d := serve(t, "--port", "0=packet:"+a)
	d.call(201, "POST", "/ports", object{"id": "1", "kind": "packet", "config": object{"packet": object{"name": b}}})
	tags := map[string][]any{
		"one":  {object{"vlan": object{"id": 100}}},
		"two":  {object{"vlan": object{"id": 200, "tpid": "0x88a8"}}, object{"vlan": object{"id": 100}}},
		"none": nil,
	}
	host := 0
	add := func(port, name string, suffix int) {
		host++
		protocols := append([]any{object{"eth": object{"mac_address": fmt.Sprintf("02:00:00:00:00:%02d", host)}}}, tags[name]...)
		d.call(201, "POST", "/interfaces", object{"id": "if-" + port + "-" + name, "port_id": port, "config": object{"protocols": append(protocols,
			object{"ipv4": object{"method": "static", "static": object{"address": fmt.Sprintf("10.1.0.%d", suffix), "prefix_length": 24}}},
			object{"ipv6": object{"method": "static", "static": object{"address": fmt.Sprintf("2001:db8::%d", suffix), "prefix_length": 64}}},
		)}})
	}
	for i, name := range []string{"one", "two", "none"} {
		add("0", name, 1)
		add("1", name, 11+i) // each VLAN has another address, which the others cannot learn
	}
	for i, name := range []string{"one", "two", "none"} {
		got := d.learn(api.LearningBody{InterfaceID: "if-0-" + name, TimeoutMS: 1000, Addresses: []string{
			"10.1.0.11", "10.1.0.12", "10.1.0.13", "2001:db8::11", "2001:db8::12", "2001:db8::13"}})
		for j := range 3 {
			want := "no_reply"
			if j == i {
				want = fmt.Sprintf("02:00:00:00:00:%02d", 2*i+2)
			}
			for _, address := range []string{fmt.Sprintf("10.1.0.%d", 11+j), fmt.Sprintf("2001:db8::%d", 11+j)} {
				if got[address] != want {
					t.Errorf("interface with tags %q: %s: %s, want %s", name, address, got[address], want)
				}
			}
		}
	}
}

func TestWrongPacketPortsExitWith2(t *testing.T) {
	netlab.Require(t)
	for _, c := range []struct{ port, want string }{
		{"0=packet:" + netlab.Name(), "no such device"},
		{"0=packet:lo", "loopback"},
		{"0=packet:averyveryverylongname", "averyveryverylongname"},
		{"0=packet:eth0,queues=2", `"queues=2"`},
	} {
		var out, errs bytes.Buffer
		if code := run([]string{"serve", "--listen", "127.0.0.1:0", "--port", c.port}, &out, &errs); code != 2 || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%s: exit code %d, %q; want 2 and %q", c.port, code, errs.String(), c.want)
		}
	}
}

// TestPacketPortOfOpenPerfHasTheDevicesMAC: clients of OpenPerf read the MAC of the
// device from the port.
func TestPacketPortOfOpenPerfHasTheDevicesMAC(t *testing.T) {
	own, peer := netlab.Own(t), netlab.New(t)
	device := netlab.Name()
	plug(t, own, device, peer, netlab.Name())
	d := serve(t, "--openperf", "--port", "0=packet:"+device)
	port := d.call(200, "GET", "/ports/0", nil)
	if got, want := at(port, "config", "dpdk", "mac_address"), own.MAC(device); got != want {
		t.Errorf("mac_address %v, the device has %s", got, want)
	}
}
