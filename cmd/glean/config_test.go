package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"glean/client"
	"glean/server/engine"
	"glean/stack/loop"
)

// openPerfText is a file as people have it for OpenPerf.
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

func TestOpenPerfConfig(t *testing.T) {
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
			got, err := parseConfig([]byte(c.text))
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
			if all := strings.Join(got.Unknown, "; "); !strings.Contains(all, c.warned) {
				t.Errorf("warned about %q, want %q among them", all, c.warned)
			}
		})
	}
	c, err := parseConfig([]byte(openPerfFile("port0=a")))
	if err != nil || len(c.Resources) != 2 || c.Resources[0].Path != "/interfaces/dataplane-server" {
		t.Errorf("resources %+v (%v), want them in the order of the file", c.Resources, err)
	}
	want := "core (line 2); modules.plugins (line 8); modules.packetio.cpu-mask (line 10); modules.packetio.dpdk.test-mode (line 12)"
	if got := strings.Join(c.Unknown, "; "); got != want {
		t.Errorf("warned about %q, want %q", got, want)
	}
}

// TestConfigLimits: each limit is where it belongs.
func TestConfigLimits(t *testing.T) {
	c, err := parseConfig([]byte("limits: {ports: 1, interfaces: 2, generators: 3, generator_results: 4, learning_requests: 5, events: 6,\n" +
		"  retain_learning: 7, retain_learning_s: 90}\n"))
	want := engine.Limits{Ports: 1, Interfaces: 2, Generators: 3, Results: 4, Requests: 5, Events: 6,
		RetainRequests: 7, RetainFor: 90 * loop.Second}
	if err != nil || c.Limits != want {
		t.Errorf("%+v, %v; want %+v", c.Limits, err, want)
	}
	for _, text := range []string{"limits: {retain_learning_s: 0}", "limits: {retain_learning_s: -1}", "limits: {retain_learning_s: soon}"} {
		if _, err := parseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), "retain_learning_s") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWrongConfig(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"id", openPerfFile("port0=A"), `line 13: port-ids: "port0=A"`},
		{"no id", openPerfFile("port0"), `"port0"`},
		{"device", openPerfFile("eth0=a"), `"eth0=a"`},
		{"same ids", openPerfFile("port0=a, port1=a"), "two ports"},
		{"id of the other", openPerfFile("port0=port1"), "two ports"},
		{"api port", "modules: {api: {port: 65536}}", `"65536"`},
		{"api port of words", "modules: {api: {port: http}}", `"http"`},
		{"modules is a list", "modules: []", "must be a map"},
		{"dpdk is a word", "modules: {packetio: {dpdk: yes}}", "modules.packetio.dpdk must be a map"},
		{"key twice", "listen: a\nlisten: b", `line 2: "listen" is given twice, first in line 1`},
		{"resource twice", "resources:\n  /interfaces/a: {}\n  /interfaces/a: {}", "line 3"},
		{"key of a body twice", "resources:\n  /interfaces/a:\n    port_id: x\n    port_id: y", `line 4: "port_id" is given twice`},
		{"key deep in a body twice", "resources:\n  /interfaces/a:\n    config: {protocols: [{eth: {m: 1, m: 2}}]}", `"m" is given twice`},
		{"two documents", "listen: a\n---\nlisten: b", "one document"},
		{"merge", "resources:\n  /interfaces/a: &a {port_id: x}\n  /interfaces/b: {<<: *a}", "merge keys"},
		{"alias within itself", "resources:\n  /interfaces/a: &a {b: *a}", "deeper"},
		{"infinity", "resources:\n  /interfaces/a: {b: .inf}", "b"},
		{"beyond 64 bits", "resources:\n  /interfaces/a: {b: 18446744073709551616}", "beyond 64 bits"},
		{"not YAML", "a: [", "yaml"},
		{"a word", "hello", "must be a map"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseConfig([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q (%+v)", err, c.want, got)
			}
		})
	}
}

// Values keep their types and digits on the way from YAML to JSON.
func TestNodeJSON(t *testing.T) {
	const text = `{a: 18446744073709551615, b: -9223372036854775808, c: 0x10, d: 1.5, e: true, f: ~, g: "7", h: 00:10:94:00:00:01, i: [], j: {}, k: 2001:db8::1, l: 2026-01-02}`
	const want = `{"a":18446744073709551615,"b":-9223372036854775808,"c":16,"d":1.5,"e":true,"f":null,"g":"7","h":"00:10:94:00:00:01","i":[],"j":{},"k":"2001:db8::1","l":"2026-01-02"}`
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	got, err := nodeJSON(doc.Content[0])
	if err != nil || string(got) != want {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
}

// OpenPerf's file starts a daemon that has its interfaces, and the command line
// wins over its port.
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
	if got := d.learn(client.Learn{InterfaceID: "dataplane-client", Addresses: []string{"198.18.15.11"}}); got["198.18.15.11"] != "00:10:94:ae:d6:ab" {
		t.Errorf("learned %v", got)
	}
	if !strings.Contains(d.log.String(), "modules.packetio.dpdk.test-mode (line 12)") {
		t.Errorf("the unknown key is not warned about: %s", d.log)
	}
}
