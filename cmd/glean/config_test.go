package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glean/internal/document"
	"glean/server/api"
	"glean/server/engine"
	"glean/stack/loop"
)

// openPerfText is a file written for OpenPerf.
const openPerfText = `
core:
  log: {level: info}
  prefix: op
modules:
  api:
    port: 9001
  plugins: {path: /usr/lib/openperf}
  packetio:
    cpu-mask: 0x3
    dpdk:
      test-mode: true
      port-ids: %s
resources:
  /interfaces/dataplane-server:
    port_id: port1
    config:
      protocols:
        - eth: {mac_address: 00:10:94:ae:d6:ab}
        - ipv4: {method: static, static: {address: 198.18.15.11, prefix_length: 24}}
  /interfaces/dataplane-client:
    port_id: port0
    config:
      protocols:
        - eth: {mac_address: 00:10:94:ae:d6:aa}
        - ipv4: {method: static, static: {address: 198.18.15.10, prefix_length: 24}}
`

func openPerfFile(ids string) string { return strings.Replace(openPerfText, "%s", ids, 1) }

func TestOpenPerfFileNamesPortsAndAddress(t *testing.T) {
	for _, c := range []struct{ name, text, ids, listen, warned string }{
		{"map", openPerfFile("{port0: a, port1: b}"), "a b", "127.0.0.1:9001", ""},
		{"string", openPerfFile("port0=a, port1=b"), "a b", "127.0.0.1:9001", ""},
		{"list", openPerfFile("[port1=b, port0=a]"), "a b", "127.0.0.1:9001", ""},
		{"numbers", openPerfFile("{port0: 0, port1: 1}"), "0 1", "127.0.0.1:9001", ""},
		{"one", openPerfFile("port1=b"), "port0 b", "127.0.0.1:9001", ""},
		{"more than there are", openPerfFile("{port0: a, port2: b}"), "a port1", "127.0.0.1:9001", "port-ids: port2"},
		{"core alone", "core: {log: {level: info}}", "port0 port1", "", "core (line 1)"},
		{"our keys win", "listen: 127.0.0.1:1\nports: [{id: x, kind: wire, arg: w}]\nmodules: {api: {port: 2}, packetio: {dpdk: {port-ids: port0=a}}}", "x", "127.0.0.1:1", ""},
		{"ours", "listen: 127.0.0.1:1", "", "127.0.0.1:1", ""},
		{"strange keys do not make it OpenPerf's", "color: blue", "", "", "color (line 1)"},
		{"nothing", "# nothing\n", "", "", ""},
		{"below modules", openPerfFile("port0=a"), "a port1", "127.0.0.1:9001", "modules.packetio.dpdk.test-mode (line 12)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseConfig([]byte(c.text), true)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, p := range got.Ports {
				ids = append(ids, p.ID)
			}
			if strings.Join(ids, " ") != c.ids || got.Listen != c.listen {
				t.Errorf("ports %q, listen %q; want %q, %q", ids, got.Listen, c.ids, c.listen)
			}
			if all := fmt.Sprint(got.Unknown); !strings.Contains(all, c.warned) {
				t.Errorf("warned about %q, want %q among them", all, c.warned)
			}
		})
	}
	c, err := parseConfig([]byte(openPerfFile("port0=a")), true)
	if err != nil || len(c.Resources) != 2 || c.Resources[0].Path != "/interfaces/dataplane-server" {
		t.Errorf("resources %+v (%v), want them in the order of the file", c.Resources, err)
	}
	want := "[core (line 2) modules.plugins (line 8) modules.packetio.cpu-mask (line 10) modules.packetio.dpdk.test-mode (line 12)]"
	if got := fmt.Sprint(c.Unknown); got != want {
		t.Errorf("warned about %q, want %q", got, want)
	}
}

// TestEachLimitSetsItsField: each key of limits sets the field of the same meaning.
func TestEachLimitSetsItsField(t *testing.T) {
	c, err := parseConfig([]byte("limits: {ports: 1, interfaces: 2, generators: 3, generator_results: 4, learning_requests: 5, events: 6,\n"+
		"  retain_learning: 7, retain_learning_s: 90}\n"), false)
	want := engine.Limits{Ports: 1, Interfaces: 2, Generators: 3, Results: 4, Requests: 5, Events: 6,
		RetainRequests: 7, RetainFor: 90 * loop.Second}
	if err != nil || c.Limits != want {
		t.Errorf("%+v, %v; want %+v", c.Limits, err, want)
	}
	for _, text := range []string{"limits: {retain_learning_s: 0}", "limits: {retain_learning_s: -1}", "limits: {retain_learning_s: soon}"} {
		if _, err := parseConfig([]byte(text), false); err == nil || !strings.Contains(err.Error(), "retain_learning_s") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWrongConfigIsRefusedWithItsLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"id", openPerfFile("port0=A"), `line 13: modules.packetio.dpdk.port-ids: must be port0=ID`},
		{"no id", openPerfFile("port0"), `"port0"`},
		{"device", openPerfFile("eth0=a"), `"eth0=a"`},
		{"same ids", openPerfFile("port0=a, port1=a"), "is given more than once"},
		{"id of the other", openPerfFile("port0=port1"), "is given more than once"},
		{"api port", "modules: {api: {port: 65536}}", `between 1 and 65535, got "65536"`},
		{"api port of words", "modules: {api: {port: http}}", `"http"`},
		{"modules is a list", "modules: []", "must be a map"},
		{"dpdk is a word", "modules: {packetio: {dpdk: yes}}", "line 1: modules.packetio.dpdk: must be a map"},
		{"key twice", "listen: a\nlisten: b", `line 2: "listen" is given more than once, first in line 1`},
		{"resource twice", "resources:\n  /interfaces/a: {}\n  /interfaces/a: {}", "line 3"},
		{"key of a body twice", "resources:\n  /interfaces/a:\n    port_id: x\n    port_id: y", `line 4: "port_id" is given more than once`},
		{"key deep in a body twice", "resources:\n  /interfaces/a:\n    config: {protocols: [{eth: {m: 1, m: 2}}]}", `"m" is given more than once`},
		{"two documents", "listen: a\n---\nlisten: b", "only one document"},
		{"merge", "resources:\n  /interfaces/a: &a {port_id: x}\n  /interfaces/b: {<<: *a}", "merge keys"},
		{"alias within itself", "resources:\n  /interfaces/a: &a {b: *a}", "deeper"},
		{"infinity", "resources:\n  /interfaces/a: {b: .inf}", "b"},
		{"beyond 64 bits", "resources:\n  /interfaces/a: {b: 18446744073709551616}", "must fit into 64 bits, got 18446744073709551616"},
		{"not YAML", "listen: x\na: [", "line 2: did not find"},
		{"indented too far", "listen: a\nlimits:\n  ports: 1\n   events: 2\n", "line 4: "},
		{"unknown key", "listn: a", `line 1: unknown member "listn"; did you mean "listen"? members are listen, ports, resources, limits`},
		{"unknown key of a port", "ports:\n- id: a\n  kind: wire\n  arg: w\n  nam: x", `line 5: unknown member "ports[0].nam"`},
		{"unknown limit", "limits:\n  port: 1", `line 2: limits: unknown member "port"; did you mean "ports"?`},
		{"limit with a fraction", "limits:\n  ports: 1.5", `line 2: limits.ports: must be a whole number between 1 and 1073741824, got "1.5"`},
		{"bad port", "ports:\n- {id: a, kind: wire, arg: w}\n- {id: a, kind: wire, arg: w}", "line 3: ports[1]: port \"a\""},
		{"ports are words", "ports: [a=wire:w]", "line 1: ports[0]: must be a map"},
		{"OpenPerf's own", openPerfFile("port0=a"), "line 2: core: a key of OpenPerf's configuration file; start with --openperf"},
		{"a word", "hello", "must be a map"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseConfig([]byte(c.text), false)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q (%+v)", err, c.want, got)
			}
		})
	}
}

// TestServeOpenPerfConfig: a daemon started with OpenPerf's file has its interfaces. The
// address of the command line overrides that of the file.
func TestServeOpenPerfConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "openperf.yaml")
	if err := os.WriteFile(path, []byte(openPerfFile("{port0: port0, port1: port1}")), 0o600); err != nil {
		t.Fatal(err)
	}
	d := serve(t, "--openperf", "-c", path)
	d.call(200, "GET", "/ports/port0", nil)
	if got := d.call(200, "GET", "/interfaces/dataplane-client", nil)["port_id"]; got != "port0" {
		t.Errorf("port_id %v", got)
	}
	if got := d.learn(api.LearningBody{InterfaceID: "dataplane-client", Addresses: []string{"198.18.15.11"}}); got["198.18.15.11"] != "00:10:94:ae:d6:ab" {
		t.Errorf("learned %v", got)
	}
	if !strings.Contains(d.log.String(), "modules.packetio.dpdk.test-mode (line 12)") {
		t.Errorf("the unknown key is not warned about: %s", d.log)
	}
}

// TestConfigErrorsNameTheirLineOnce: no error has its line twice.
func TestConfigErrorsNameTheirLineOnce(t *testing.T) {
	for _, text := range []string{"limits:\n  ports: 0", "limits: {x: 1}", "ports: [{id: A}]", "modules:\n  api:\n    port: x", "modules:\n  packetio: []",
		"resources:\n  /a/b: {c: {d: [.inf]}}", "a:\n  b: 1\n c: 2", "ports: 1", "listen: []"} {
		_, err := parseConfig([]byte(text), true)
		if err == nil || strings.Count(err.Error(), "line ") != 1 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestConfigIsDescribed: the reader takes exactly the members that "glean explain file"
// prints.
func TestConfigIsDescribed(t *testing.T) {
	for _, c := range []struct {
		schema *document.Schema
		text   string // with %s in the place of a key
	}{
		{configSchema, "%s:"},
		{limitsSchema, "limits: {%s: 1}"},
		{portEntrySchema, "ports: [{id: a, kind: wire, arg: w, %s: x}]"},
	} {
		for _, name := range c.schema.Names() {
			if _, err := parseConfig([]byte(strings.Replace(c.text, "%s", name, 1)), false); err != nil && strings.Contains(err.Error(), "unknown member") {
				t.Errorf("%s is described, but not read: %v", name, err)
			}
		}
		_, err := parseConfig([]byte(strings.Replace(c.text, "%s", c.schema.Names()[0]+"x", 1)), false)
		if err == nil || !strings.Contains(err.Error(), "members are "+strings.Join(c.schema.Names(), ", ")) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

// TestPortErrorsNameTheirSource: the error about a port names the line of the file or the
// flag that the port came from.
func TestPortErrorsNameTheirSource(t *testing.T) {
	c, err := parseConfig([]byte("listen: x\nports:\n- {id: a, kind: wire, arg: w}\n"), false)
	if err != nil {
		t.Fatal(err)
	}
	fromFile := serveFlags{config: "f.yaml", ports: portFlags{c.Ports[0].PortSpec}, portLines: []int{c.Ports[0].line}}
	if got := fromFile.portError(0, os.ErrNotExist).Error(); !strings.HasPrefix(got, `f.yaml: line 3: port "a" (wire:w): `) {
		t.Error(got)
	}
	fromFlag := serveFlags{config: "f.yaml", ports: portFlags{c.Ports[0].PortSpec}}
	if got := fromFlag.portError(0, os.ErrNotExist).Error(); !strings.HasPrefix(got, "--port a=wire:w: ") {
		t.Error(got)
	}
}

// TestWholeNumbersOfYAML: 10.0 and 1e1 are 10 in bodies and in limits.
func TestWholeNumbersOfYAML(t *testing.T) {
	c, err := parseConfig([]byte("limits: {ports: 10.0, events: 1e1}\nresources: {/a/b: {c: 9007199254740993.0, d: 1e1}}"), false)
	if err != nil || c.Limits.Ports != 10 || c.Limits.Events != 10 || string(c.Resources[0].Body) != `{"c":9007199254740993,"d":10}` {
		t.Errorf("%+v, %v", c, err)
	}
}
