package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// glean runs the binary and returns its exit status and output.
func glean(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	var out, fault bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &fault
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return status, out.String(), fault.String()
}

// TestDemoPrintsTableOfLearnedAddresses: every expectation holds, and without a terminal
// the output has no terminal codes.
func TestDemoPrintsTableOfLearnedAddresses(t *testing.T) {
	status, out, fault := glean(t, "demo")
	if status != 0 || fault != "" {
		t.Fatalf("status %d: %s\n%s", status, fault, out)
	}
	for _, want := range []string{
		"198.18.0.1 - 198.18.0.100 (100)", "timed_out (no_reply)", "20000 frames sent", `generator strict did not start`, "ok",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the output:\n%s", want, out)
		}
	}
	if strings.ContainsAny(out, "\r\x1b") || strings.Contains(out, "FAILED") {
		t.Errorf("the output has terminal codes or a failure:\n%q", out)
	}
}

func TestSimCommandsExitAndPrint(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	wrong := filepath.Join(dir, "wrong.yaml")
	const text = "name: w\ntopology:\n  ports: [{id: \"0\"}]\n  hosts: [{name: a, on: \"port:0\", ipv4: 10.0.0.0/24}]\n" +
		"interfaces: [{id: i, port_id: \"0\", config: {protocols: [{eth: {mac_address: \"02:01:00:00:00:01\"}}, " +
		"{ipv4: {method: static, static: {address: 10.0.0.9, prefix_length: 24}}}]}}]\n" +
		"learning: [{interface_id: i, addresses: [10.0.0.1], timeout_ms: 100}]\nexpect: {learning: "
	for path, content := range map[string]string{bad: "name: x\ntopology: {hosts: 3}\n", wrong: text + "timed_out}\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args           string
		status         int
		stdout, stderr string
	}{
		{"sim", 2, "", "a command is required"},
		{"sim fly", 2, "", `unknown command "fly"`},
		{"sim --help", 0, "sim check", ""},
		{"sim list", 0, "gateway-failover", ""},
		{"sim show demo", 0, "name: demo", ""},
		{"sim show dmo", 2, "", `did you mean "demo"?`},
		{"sim show", 2, "", "needs one argument, got 0"},
		{"sim help", 0, "inner_vlan", ""},
		{"sim help x", 2, "", "unexpected argument"},
		{"explain", 0, "flow_counters", ""},
		{"explain udp", 0, "integer, 0 to 65535, default 3357", ""},
		{"explain upd", 2, "", `did you mean "udp"?`},
		{"explain a b", 2, "", "unexpected argument"},
		{"sim run", 2, "", "needs one argument, got 0"},
		{"sim run a b", 2, "", "needs one argument, got 2"},
		{"sim run --nosuch a", 2, "", "nosuch"},
		{"sim run " + bad, 2, "", bad + ":2:11: topology: \"ports\" is required; " + bad + ":2:19: topology.hosts: must be a list"},
		{"sim run " + dir + "/nosuch.yaml", 2, "", "nosuch.yaml"},
		{"sim run back-to-back --pcap " + dir + "/no/such.pcap", 2, "", "--pcap"},
		{"sim run back-to-back", 0, "2 flows are sent", ""},
		{"sim run " + wrong, 1, "FAILED", "an expectation failed"},
		{"sim check --seeds 0", 2, "", "--seeds must be at least 1"},
		{"sim check --seeds 20 --from 5", 0, "20 worlds, seeds 5 to 24: no violations", ""},
	} {
		status, out, fault := glean(t, strings.Fields(c.args)...)
		if status != c.status || !strings.Contains(out, c.stdout) || !strings.Contains(fault, c.stderr) {
			t.Errorf("glean %s: status %d, want %d\nstdout %s\nstderr %s", c.args, status, c.status, out, fault)
		}
		if n := strings.Count(fault, "\n"); n > 1 {
			t.Errorf("glean %s: %d lines on stderr: %s", c.args, n, fault)
		}
	}
}

// TestSimRunIsRepeatable: the same seed gives the same report, capture and drawing.
func TestSimRunIsRepeatable(t *testing.T) {
	dir := t.TempDir()
	run := func(name, seed string) (report map[string]any, capture, drawing []byte) {
		pcap, svg := filepath.Join(dir, name+".pcapng"), filepath.Join(dir, name+".svg")
		status, out, fault := glean(t, "sim", "run", "one-switch", "--json", "--seed", seed, "--pcap", pcap, "--svg", svg)
		if status != 0 {
			t.Fatalf("status %d: %s", status, fault)
		}
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatal(err)
		}
		capture, err1 := os.ReadFile(pcap)
		drawing, err2 := os.ReadFile(svg)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		return report, capture, drawing
	}
	first, capture, drawing := run("a", "7")
	again, captureAgain, drawingAgain := run("b", "7")
	if first["fingerprint"] != again["fingerprint"] || !bytes.Equal(capture, captureAgain) || !bytes.Equal(drawing, drawingAgain) {
		t.Errorf("two runs of one seed differ: %v and %v", first["fingerprint"], again["fingerprint"])
	}
	other, _, _ := run("c", "8")
	if first["fingerprint"] == other["fingerprint"] {
		t.Errorf("seeds 7 and 8 give the same run: %v", other["fingerprint"])
	}
	if !bytes.HasPrefix(capture, []byte{0x0a, 0x0d, 0x0d, 0x0a}) || !bytes.HasPrefix(drawing, []byte("<svg ")) {
		t.Errorf("the capture begins with % x, the drawing with %.20q", capture[:4], drawing)
	}
}
