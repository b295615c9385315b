package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glean/internal/wording"
	"glean/sim/scenario/file"
)

// wrongWords are values that hardly any flag takes.
var wrongWords = []string{"", " ", "x", "9200", ":", "::1", "a:b:c", "127.0.0.1:x", "127.0.0.1:70000", "300.1.1.1:80", "-1", "1.5", "1e3", "99999999999999999999", "0x", "=", "0=", "0=tap", "0=tap:", "0=tap:t,queues=x",
	"0=tap:t,mtu=-1", "0=packet:nosuchdevice0", "unix:", "unix:/nosuch/dir/sock", "/nosuch/file", "/", "/dev/null"}

// TestMistakesAreWordedForUsers gives each wrong value to each flag of each command, and
// reads damaged files. Each error states its fault once and has no word of the program.
func TestMistakesAreWordedForUsers(t *testing.T) {
	dir := t.TempDir()
	said := 0
	check := func(args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code == 0 {
			return
		}
		said++
		line := strings.TrimPrefix(strings.TrimSpace(errs.String()), "glean: ")
		faults := wording.Faults(line)
		if line == "" {
			faults = []string{"no error is printed"}
		}
		for _, fault := range faults {
			t.Errorf("glean %q: %s: %s", args, fault, line)
		}
	}
	for _, flags := range [][]string{
		{"serve", "--listen", "--allow-host", "--config", "-c", "--port", "--lab", "--log-level", "--log-format", "--insecure", "--openperf", "--drop-overruns"},
		{"demo", "--seed"}, {"sim run", "--seed", "--json"}, {"sim check", "--seeds", "--from", "-v"},
	} {
		command := strings.Fields(flags[0])
		for _, name := range flags[1:] {
			check(append(command, "--nosuch", name)...)
			check(append(command, "two", "words", name)...)
			check(append(command, name+"=", "--nosuch")...)
			for _, value := range wrongWords {
				// The second mistake ends a command that accepts the first value.
				check(append(command, name+"="+value, "--nosuch")...)
				if command[0] == "serve" {
					check(append(command, name+"="+value, "--listen=unix:/nosuch/dir/sock")...)
				}
				check(append(command, name+"="+value, "two", "words")...)
			}
		}
	}
	for _, args := range []string{"", "x", "serve x", "sim", "sim x", "sim run", "sim run nosuch", "sim run /nosuch.yaml", "sim show", "sim show nosuch", "sim help x", "sim list x",
		"explain nosuch", "version x", "serve --lab nosuch", "serve --lab /", "serve -c /", "sim check --seeds x", "demo x"} {
		check(strings.Fields(args)...)
	}
	for _, text := range damagedFiles() {
		path := filepath.Join(dir, "f.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, strict := readConfig(path, false)
		_, asOpenPerf := readConfig(path, true)
		_, asScenario := file.Open(path)
		for _, err := range []error{strict, asOpenPerf, asScenario} {
			if err == nil {
				continue
			}
			said++
			for line := range strings.Lines(err.Error()) {
				for _, fault := range wording.Faults(strings.TrimSpace(line)) {
					t.Errorf("%q: %s: %s", text, fault, line)
				}
			}
		}
	}
	if said < 500 {
		t.Errorf("only %d mistakes were refused", said)
	}
}

// damagedFiles are configuration and scenario files with faults.
func damagedFiles() (list []string) {
	for _, value := range []string{"", "~", "true", "x", "-1", "1.5", "99999999999999999999", "[]", "[~]", "{}", "{x: 1}", "[[", "{", "&a [*a]", "!!binary x", "\"\\x\"", "*a", "|", "a: b", "\t"} {
		list = append(list, value)
		for _, key := range []string{
			"listen", "ports", "resources", "limits", "modules", "core", "limits:\n  ports", "limits:\n  memory", "limits:\n  retain_results_s", "ports:\n- id", "ports:\n- {id: a, kind: wire, arg: w}\n- id: a\n  kind",
			"resources:\n  /interfaces/a", "resources:\n  /ports/a", "resources:\n  /interfaces/a:\n    port_id", "resources:\n  /nosuch/a", "modules:\n  api:\n    port", "modules:\n  packetio:\n    dpdk:\n      port-ids",
			"name", "seed", "duration", "hosts", "wires", "ports:\n  a", "switches", "interfaces", "interfaces:\n- id: a\n  port", "generators", "faults", "hosts:\n- name: a\n  address", "learn",
		} {
			list = append(list, key+": "+value+"\n")
		}
	}
	return list
}
