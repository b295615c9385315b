package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"glean/internal/netlab"
	"glean/server/api"
)

// lab is a daemon on a TAP whose peer is the Linux kernel:
//
//	glean if-1 198.18.0.100, 2001:db8:18::100
//	   | TAP
//	dut  198.18.0.1-3, 2001:db8:18::1-2, forwards
//	   | veth
//	far  198.19.0.2, 2001:db8:19::2
type lab struct {
	*daemon
	tap      string
	dut, far *netlab.Namespace
}

func newLab(t *testing.T) *lab {
	l := &lab{dut: netlab.New(t, "ping"), far: netlab.New(t), tap: netlab.Name()}
	l.daemon = serve(t, "--port", "0=tap:"+l.tap)
	l.dut.Move(l.tap)
	// The kernel must do no DAD when an interface comes up, and must forward packets to
	// other hosts.
	l.dut.Sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
	uplink, farlink := netlab.Name(), netlab.Name()
	l.dut.Veth(uplink, l.far, farlink)
	l.dut.IP(
		"addr add 198.18.0.1/24 dev "+l.tap, "addr add 198.18.0.2/24 dev "+l.tap, "addr add 198.18.0.3/24 dev "+l.tap,
		"addr add 2001:db8:18::1/64 nodad dev "+l.tap, "addr add 2001:db8:18::2/64 nodad dev "+l.tap,
		"addr add 198.19.0.1/24 dev "+uplink, "addr add 2001:db8:19::1/64 nodad dev "+uplink,
		"link set "+l.tap+" up", "link set "+uplink+" up")
	l.far.IP(
		"addr add 198.19.0.2/24 dev "+farlink, "addr add 2001:db8:19::2/64 nodad dev "+farlink,
		"link set "+farlink+" up", "route add default via 198.19.0.1", "-6 route add default via 2001:db8:19::1")
	l.until("/ports/0", func(p object) bool { return at(p, "status", "link") == "up" })
	return l
}

// addInterface makes if-1, with gateways.
func (l *lab) addInterface() {
	l.t.Helper()
	l.call(201, "POST", "/interfaces", object{
		"id": "if-1", "port_id": "0",
		"config": object{"protocols": []any{
			object{"eth": object{"mac_address": "02:00:00:00:00:64"}},
			object{"ipv4": object{"method": "static", "static": object{
				"address": "198.18.0.100", "prefix_length": 24, "gateway": "198.18.0.1"}}},
			object{"ipv6": object{"method": "static", "static": object{
				"address": "2001:db8:18::100", "prefix_length": 64, "gateway": "2001:db8:18::1"}}},
		}},
	})
}

// generatorTo returns a generator of UDP frames to the given destinations, with a traffic
// definition for each family.
func generatorTo(id string, duration object, rate int, port int, v4, v6 []string) object {
	var traffic []any
	define := func(family string, dst []string) {
		if len(dst) == 0 {
			return
		}
		traffic = append(traffic, object{
			"length": object{"fixed": 128},
			"packet": object{"protocols": []any{
				object{"ethernet": object{}},
				object{family: object{}, "modifiers": object{"items": []any{
					object{"name": "destination", "permute": false, family: object{"list": dst}},
				}}},
				object{"udp": object{"source": 4000, "destination": port}},
			}},
		})
	}
	define("ipv4", v4)
	define("ipv6", v6)
	return object{"id": id, "target_id": "if-1", "config": object{
		"duration": duration,
		"load":     object{"rate": object{"value": rate, "period": "seconds"}, "units": "frames", "burst_size": 1},
		"order":    "round-robin",
		"learning": object{"timeout_ms": 3000},
		"traffic":  traffic,
	}}
}

// reasons maps each address of a result to its MAC or its reason.
func reasons(result object) map[string]string {
	found := make(map[string]string)
	rows, _ := result["addresses"].([]any)
	for _, r := range rows {
		what := at(r, "mac_address")
		if what == nil {
			what = at(r, "reason")
		}
		found[fmt.Sprint(at(r, "ip_address"))] = fmt.Sprint(what)
	}
	return found
}

func TestLearnsFromKernel(t *testing.T) {
	l := newLab(t)
	l.addInterface()
	l.call(201, "POST", "/interfaces", object{
		"id": "if-2", "port_id": "0",
		"config": object{"protocols": []any{
			object{"eth": object{"mac_address": "02:00:00:00:00:65"}},
			object{"ipv4": object{"method": "static", "static": object{"address": "198.18.0.101", "prefix_length": 24}}},
		}},
	})
	mac := l.dut.MAC(l.tap)

	t.Run("with an address without an owner", func(t *testing.T) {
		g := l.call(202, "POST", "/packet/generators", generatorTo("gen-dead", object{"frames": 10}, 1000, 5001,
			[]string{"198.18.0.1", "198.18.0.3", "198.19.0.2", "198.18.0.77"},
			[]string{"2001:db8:18::2", "2001:db8:19::2", "2001:db8:18::77"}))
		if g["learning"] != "resolving" {
			t.Errorf("learning is %v, want resolving", g["learning"])
		}
		conflict := l.call(409, "POST", "/packet/generators/gen-dead/start", nil)
		if conflict["learning_id"] != g["learning_id"] {
			t.Errorf("409 names learning request %v, want %v", conflict["learning_id"], g["learning_id"])
		}
		request := l.until("/learning/"+g["learning_id"].(string), func(o object) bool { return o["state"] != "resolving" })
		if request["state"] != "timed_out" {
			t.Errorf("state is %v, want timed_out", request["state"])
		}
		got := reasons(l.call(200, "GET", "/learning-results/"+request["result_id"].(string), nil))
		for address, want := range map[string]string{
			"198.18.0.1": mac, "198.18.0.3": mac, "198.19.0.2": mac, "198.18.0.77": "no_reply",
			"2001:db8:18::2": mac, "2001:db8:19::2": mac, "2001:db8:18::77": "no_reply",
		} {
			if got[address] != want {
				t.Errorf("%s: %s, want %s", address, got[address], want)
			}
		}
		l.call(409, "POST", "/packet/generators/gen-dead/start", nil)
	})

	t.Run("no route", func(t *testing.T) {
		got := l.learn(api.LearningBody{InterfaceID: "if-2", Addresses: []string{"10.9.9.9", "198.18.0.2"}})
		if got["10.9.9.9"] != "no_route" || got["198.18.0.2"] != mac {
			t.Errorf("got %v, want 10.9.9.9 no_route and 198.18.0.2 %s", got, mac)
		}
	})

	t.Run("ping", func(t *testing.T) {
		l.dut.Run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", "198.18.0.100")
		l.dut.Run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", "2001:db8:18::100")
	})
}

func TestKernelReceivesEveryFrame(t *testing.T) {
	const frames = 20000
	l := newLab(t)
	l.addInterface()
	counter := countUDP(t, l.dut, l.tap, 5002)
	g := l.call(201, "POST", "/packet/generators", generatorTo("gen-1", object{"frames": frames}, 50000, 5002,
		[]string{"198.18.0.2", "198.19.0.2"}, []string{"2001:db8:18::2", "2001:db8:19::2"}),
		"Prefer", "wait=20")
	if g["learning"] != "resolved" {
		t.Fatalf("learning is %v, want resolved", g["learning"])
	}
	farBefore := noPorts(t, l.far)
	result := l.call(201, "POST", "/packet/generators/gen-1/start", nil)
	result = l.until("/packet/generator-results/"+result["id"].(string), func(o object) bool { return o["active"] == false })
	if sent := at(result, "flow_counters", "packets_actual"); sent != float64(frames) {
		t.Errorf("packets_actual is %v, want %d", sent, frames)
	}
	if got := counter(); got != frames {
		t.Errorf("the kernel received %d frames to UDP port 5002, want %d", got, frames)
	}
	// Half of the frames go through the router, a quarter of all is IPv4. The
	// kernel counts datagrams to a closed port as NoPorts.
	if got := noPorts(t, l.far) - farBefore; got != frames/4 {
		t.Errorf("the far host counted %d IPv4 datagrams, want %d", got, frames/4)
	}
}

func TestDeletedTAPEndsGenerator(t *testing.T) {
	l := newLab(t)
	l.addInterface()
	l.call(201, "POST", "/packet/generators", generatorTo("gen-1", object{"continuous": true}, 1000, 5003,
		[]string{"198.18.0.2"}, nil), "Prefer", "wait=20")
	started := l.call(201, "POST", "/packet/generators/gen-1/start", nil)
	l.until("/packet/generator-results/"+started["id"].(string), func(o object) bool {
		return at(o, "flow_counters", "packets_actual").(float64) > 10
	})
	l.dut.IP("link del " + l.tap)
	port := l.until("/ports/0", func(p object) bool { return at(p, "status", "link") == "down" })
	if why := at(port, "status", "reason"); why != "deleted" {
		t.Errorf("status.reason is %v, want deleted", why)
	}
	l.until("/packet/generators/gen-1", func(g object) bool { return g["active"] == false })
	if code, _ := l.do("GET", "/version", nil); code != http.StatusOK {
		t.Errorf("GET /version: %d, want 200", code)
	}
	// Learning runs until its deadline and returns the reason.
	if got := l.learn(api.LearningBody{InterfaceID: "if-1", Addresses: []string{"198.18.0.9"}, TimeoutMS: 200}); got["198.18.0.9"] != "link_down" {
		t.Errorf("got %v, want link_down", got)
	}
}

// countUDP returns a function that returns how many frames to a UDP port the kernel has
// received on a device. The statistics of the socket count every frame that its filter
// accepts, also while its buffer is full.
func countUDP(t *testing.T, n *netlab.Namespace, device string, port uint32) func() int {
	t.Helper()
	const ethTypeAll = 0x0300 // ETH_P_ALL in network order
	fd := -1
	err := n.Do(func() error {
		var err error
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err := attachFilter(fd, udpTo(port)); err != nil {
			return err
		}
		index, err := ifindex(device)
		if err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: ethTypeAll, Ifindex: index})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return func() int {
		stats, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err != nil {
			t.Fatal(err)
		}
		return int(stats.Packets)
	}
}

// udpTo returns a program that accepts IPv4 and IPv6 frames to a UDP port.
func udpTo(port uint32) []bpf.Instruction {
	const accept, reject = 11, 12 // indexes below
	return []bpf.Instruction{
		0:  bpf.LoadAbsolute{Off: 12, Size: 2},
		1:  bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipTrue: 7 - 2},
		2:  bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x0800, SkipTrue: reject - 3},
		3:  bpf.LoadAbsolute{Off: 14 + 9, Size: 1},
		4:  bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 17, SkipTrue: reject - 5},
		5:  bpf.LoadAbsolute{Off: 14 + 20 + 2, Size: 2},
		6:  bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipTrue: accept - 7, SkipFalse: reject - 7},
		7:  bpf.LoadAbsolute{Off: 14 + 6, Size: 1},
		8:  bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 17, SkipTrue: reject - 9},
		9:  bpf.LoadAbsolute{Off: 14 + 40 + 2, Size: 2},
		10: bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipTrue: accept - 11, SkipFalse: reject - 11},

		accept: bpf.RetConstant{Val: 256},
		reject: bpf.RetConstant{Val: 0},
	}
}

func attachFilter(fd int, program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

// noPorts reads Udp NoPorts of /proc/net/snmp in a namespace.
func noPorts(t *testing.T, n *netlab.Namespace) int {
	t.Helper()
	var names []string
	for _, line := range strings.Split(n.Run("cat", "/proc/net/snmp"), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "Udp:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for i, name := range names {
			if name == "NoPorts" {
				var v int
				fmt.Sscan(f[i], &v)
				return v
			}
		}
	}
	t.Fatal("/proc/net/snmp has no Udp NoPorts")
	return 0
}

func ifindex(device string) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(device)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request); err != nil {
		return 0, err
	}
	return int(request.Uint32()), nil
}
