package file

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"glean/sim/scenario"
)

// smallFile is a scenario that is right. The tests below make it wrong.
const smallFile = `name: small
topology:
  switches: [lan]
  ports: [{id: "0", on: lan}]
  hosts:
    - {name: peer, count: 3, on: lan, ipv4: 10.0.0.0/24}
interfaces:
  - id: if-1
    port_id: "0"
    config:
      protocols:
        - eth: {mac_address: "02:01:00:00:00:01"}
        - ipv4: {method: static, static: {address: 10.0.0.100, prefix_length: 24}}
learning:
  - {interface_id: if-1, addresses: [10.0.0.1, 10.0.0.2, 10.0.0.3]}
timeline:
  - {at: 1s, power_off: peer-1}
expect: {learning: completed}
`

func TestSmallFileHasNoFault(t *testing.T) {
	s, err := Load("small.yaml", []byte(smallFile))
	if err != nil {
		t.Fatal(err)
	}
	r, err := scenario.Execute(s, scenario.Options{})
	if err != nil || !r.OK() || r.Learning[0].Completed != 3 {
		t.Fatalf("%v %+v", err, r)
	}
}

// Every mistake is found where it is: line, column, field.
func TestMistakesHaveAPlace(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"name: small", "nam: small", `small.yaml:1:1: unknown member "nam"; did you mean "name"? members are about,`},
		{"name: small\n", "", `small.yaml:1:1: "name" is required`},
		{"name: small", "name: small\nname: big", `small.yaml:2:1: name: is given more than once`},
		{"name: small", "name: [small]", `small.yaml:1:7: name: must be a string`},
		{"name: small", "seed: -1\nname: small", `small.yaml:1:7: seed: must be a whole number between 0 and 18446744073709551615, got "-1"`},
		{"switches: [lan]", "switches: lan", `small.yaml:3:13: topology.switches: must be a list`},
		{"switches: [lan]", "switches: [lan, lan:2]", `small.yaml:3:19: topology.switches[1]: must be a name of letters, digits, ".", "_" and "-", got "lan:2"`},
		{"10.0.0.0/24", "10.0.0.0/33", `small.yaml:6:45: topology.hosts[0].ipv4: must be an address and a prefix length, for example 198.18.0.0/24, got "10.0.0.0/33"`},
		{"10.0.0.0/24", `"2001:db8::/64"`, `small.yaml:6:45: topology.hosts[0].ipv4: must be IPv4, got "2001:db8::/64"`},
		{"count: 3", "count: 0", `small.yaml:6:27: topology.hosts[0].count: must be a whole number between 1 and 100000, got "0"`},
		{"count: 3", "count: 3, boot: 5", `topology.hosts[0].boot: must be a time of at most 24h, for example 250ms, 1.5s or 2m, got "5"`},
		{"count: 3", "count: 3, off: maybe", `topology.hosts[0].off: must be true or false, got "maybe"`},
		{"02:01:00:00:00:01", "02:01", `small.yaml:12:30: interfaces[0].config.protocols[0].eth.mac_address`},
		{"addresses: [10.0.0.1,", "addresses: [10.0.0,", `small.yaml:15:38: learning[0].addresses[0]`},
		{"power_off: peer-1", "power_off: peer-1, power_on: peer-1", `small.yaml:17:5: timeline[0]: must have "at" and exactly one of`},
		{"at: 1s, ", "", `small.yaml:17:5: timeline[0]: "at" is required`},
		{"learning: completed}", "learning: done}", `small.yaml:18:20: expect.learning: must be one of completed, timed_out, cancelled, got "done"`},
		{"expect: {", "expect: {received: 101%, ", `small.yaml:18:20: expect.received: must be a percentage between 0% and 100%, for example 12.5%, got "101%"`},
		{"expect: {", "expect: {timed_out: {10.0.0: no_reply}, ", `small.yaml:18:22: expect.timed_out: must be an IP address, got "10.0.0"`},
		{"  hosts:", "  faults: [{wires: x, rules: [{loss: 1%, by: 1ms}]}]\n  hosts:", `by is not a member of loss`},
		{"  hosts:", "  faults: [{wires: x, rules: [{duplicate: 1%}]}]\n  hosts:", `topology.faults[0].rules[0]: "after" is required`},
		{"  hosts:", "  faults: [{wires: x, rules: [{}]}]\n  hosts:", `rules[0]: one of burst, corrupt, delay`},
		{"expect: {learning: completed}", "expect: {learning: completed", `small.yaml:18:1: did not find expected`},
		{"    - {name: peer", "     - {name: far, on: lan}\n    - {name: peer", `small.yaml:7:5: did not find expected`},
		{"timeline:", " timeline:", `small.yaml:16:2: did not find expected`},
		{"at: 1s", "at: 1s, powr_off: peer-1", `small.yaml:17:14: timeline[0]: unknown member "powr_off"; did you mean "power_off"?`},
		{"count: 3", "cuont: 3", `small.yaml:6:20: topology.hosts[0]: unknown member "cuont"; did you mean "count"?`},
		{"learning: completed}", "lerning: completed}", `small.yaml:18:10: expect: unknown member "lerning"; did you mean "learning"?`},
		{"port_id: \"0\"", "port_id: \"0\"\n    prt: 1", `small.yaml:10:10: interfaces[0].prt: unknown member "prt"; did you mean "port_id"?`},
		{"switches: [lan]", "switches: [lan, b, lan]", `small.yaml:3:22: topology.switches[2]: switch "lan" is given more than once, first in line 3`},
		{"    - {name: peer", "    - {name: peer-2, on: lan}\n    - {name: peer", `small.yaml:7:7: topology.hosts[1]: device "peer-2" is given more than once, first in line 6`},
		{"on: lan, ipv4", "on: wan, ipv4", `small.yaml:6:34: topology.hosts[0].on: no switch "wan"; did you mean "lan"? switches are "lan"`},
		{"on: lan, ipv4", "on: \"port:7\", ipv4", `topology.hosts[0].on: no port "7"; ports are "0"`},
		{`id: "0", on: lan`, `id: "0", on: wan`, `small.yaml:4:25: topology.ports[0].on: no switch "wan"`},
		{"port_id: \"0\"", "port_id: \"7\"", `small.yaml:9:14: interfaces[0].port_id: no port "7"; ports are "0"`},
		{"interface_id: if-1", "interface_id: if-2", `small.yaml:15:20: learning[0].interface_id: no interface "if-2"; did you mean "if-1"?`},
		{"power_off: peer-1", "power_off: peer-4", `small.yaml:17:25: timeline[0].power_off: no host or router "peer-4"; did you mean "peer-1"?`},
		{"power_off: peer-1", "link_down: \"1\"", `timeline[0].link_down: no port "1"; ports are "0"`},
		{"power_off: peer-1", "start: gen", `timeline[0].start: no generator "gen"; there are none`},
		{"power_off: peer-1", "flush: if-3", `timeline[0].flush: no interface "if-3"`},
		{"power_off: peer-1", "move: {host: peer-1, to: wan}", `timeline[0].move.to: no switch "wan"`},
		{"power_off: peer-1", "failover: {virtual_router: v, to: r}", `timeline[0].failover.virtual_router: no virtual router "v"; there are none`},
		{"expect: {", "expect: {started: gen-1, ", `expect.started: no generator "gen-1"`},
		{smallFile, "", "small.yaml:1:1: the file is empty"},
		{smallFile, smallFile + "---\nname: x\n", "small.yaml:19:1: the file must have only one document"},
		{smallFile, smallFile + "---\na: b: c\n", "small.yaml:20:1: mapping values are not allowed"},
		{smallFile, "&a [*a]", "small.yaml:1:5: nested deeper than 64 levels, those of aliases included"},
		{smallFile, "interfaces: &a [*a]", "small.yaml:1:17: nested deeper than 64 levels, those of aliases included"},
	} {
		text := strings.Replace(smallFile, c.old, c.new, 1)
		if text == smallFile {
			t.Errorf("%q is not in the file", c.old)
		}
		_, err := Load("small.yaml", []byte(text))
		var f *Error
		if !errors.As(err, &f) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q instead of %q:\n got %v\nwant %s", c.new, c.old, err, c.want)
		}
	}
}

// What only shows when the network is built has a place, too.
func TestMistakesOfTheNetworkHaveAPlace(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"on: lan, ipv4: 10.0.0.0/24", "on: lan, ipv4: 10.0.0.0/31", `topology.hosts[0]: host peer-2: 10.0.0.0/31 has no address number 2`},
		{"  hosts:", "  faults: [{wires: nosuch, rules: [{loss: 1%}]}]\n  hosts:", `small.yaml:5:12: topology.faults[0]: faults: no wire matches ["nosuch"]`},
		{"  switches: [lan]", "  switches: [lan, b]\n  trunks: [{between: [lan, b]}, {between: [b, lan]}]", `small.yaml:4:33: topology.trunks[1]: trunk b:lan makes a loop`},
	} {
		s, err := Load("small.yaml", []byte(strings.Replace(smallFile, c.old, c.new, 1)))
		if err != nil {
			t.Errorf("%q: %v", c.new, err)
			continue
		}
		if _, err = scenario.Execute(s, scenario.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q instead of %q:\n got %v\nwant %s", c.new, c.old, err, c.want)
		}
	}
}

// A step that can't be done is in the report; the run goes on.
func TestFailedStepIsReported(t *testing.T) {
	text := strings.Replace(smallFile, "timeline:", `generators:
  - {id: gen, target_id: if-1, config: {duration: {frames: 1}, load: {rate: {value: 1, period: second}, units: frames}, traffic: [
      {length: {fixed: 64}, packet: {protocols: [{ethernet: {}}, {ipv4: {destination: 10.0.0.200}}]}}]}}
timeline:`, 1)
	s, err := Load("small.yaml", []byte(strings.Replace(text, "power_off: peer-1", "start: gen", 1)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := scenario.Execute(s, scenario.Options{})
	if err != nil || r.OK() || len(r.Faults) != 1 || !strings.Contains(r.Faults[0], "start gen: ") {
		t.Errorf("%v %+v", err, r.Faults)
	}
}

func TestRepeatedItemStandsForSeveral(t *testing.T) {
	text := strings.Replace(smallFile, "[lan]", `[lan, {repeat: {name: k, from: 3, to: 7, step: 2}, name: "s${k}-${k+10}"}]`, 1)
	s, err := Load("small.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.Topology.Switches), "[lan s3-13 s5-15 s7-17]"; got != want {
		t.Errorf("switches %s, want %s", got, want)
	}
}

// A small file that stands for a huge one is refused before it fills memory.
func TestAliasesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("name: x\ntopology: {ports: []}\ninterfaces:\n- a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "- a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	if _, err := Load("bomb.yaml", []byte(b.String())); err == nil || !strings.Contains(err.Error(), "must have at most") {
		t.Errorf("got %.200v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(smallFile))
	for _, name := range []string{"demo", "campus", "gateway-failover", "lossy-wan"} {
		text, _ := library.ReadFile("library/" + name + ".yaml")
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Load("fuzz.yaml", text)
		if (s == nil) == (err == nil) {
			t.Fatal("neither a scenario nor an error, or both")
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || len(e.Problems) == 0) {
			t.Fatalf("an error without a place: %v", err)
		}
	})
}
