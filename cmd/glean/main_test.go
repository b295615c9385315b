package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"glean/internal/netlab"
	"glean/server/api"
)

// TestVersionFromLinkerOrBuildInfo: the Makefile's flags and a plain "go build" both
// identify the commit and its time. A time that is unknown or not of RFC 3339 is left
// out.
func TestVersionFromLinkerOrBuildInfo(t *testing.T) {
	built := &debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abcdef"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
	}}
	for _, c := range []struct {
		name         string
		info         *debug.BuildInfo
		commit, time string
		want         string
	}{
		{"build info", built, "", "", "(commit abcdef of 2026-01-02T03:04:05Z, "},
		{"linker", &debug.BuildInfo{}, "fed", "2026-02-03T06:05:06+02:00", "(commit fed of 2026-02-03T04:05:06Z, "},
		{"linker before build info", built, "fed", "2026-02-03T04:05:06Z", "(commit fed of 2026-02-03T04:05:06Z, "},
		{"neither", &debug.BuildInfo{}, "", "", "(commit unknown, "},
		{"no time", &debug.BuildInfo{}, "fed", "yesterday", "(commit fed, "},
	} {
		if line := versionLine(versionOf(c.info, c.commit, c.time)); !strings.Contains(line, c.want) {
			t.Errorf("%s: %q, want %q in it", c.name, line, c.want)
		}
	}
}

// TestWrongCommandLinesExitWith2: a mistake on the command line is one line on stderr,
// which names the mistake.
func TestWrongCommandLinesExitWith2(t *testing.T) {
	dir := t.TempDir()
	files := 0
	file := func(text string) string {
		files++
		path := filepath.Join(dir, fmt.Sprintf("c%d.yaml", files))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"fly"}, `unknown command "fly"`},
		{[]string{"serve", "--nosuch"}, "nosuch"},
		{[]string{"serve", "--ports", "0=wire:w"}, "did you mean --port?"},
		{[]string{"serve", "--listen", "9200"}, "did you mean 127.0.0.1:9200?"},
		{[]string{"serve", "--port", "0=tap:t,queue=2"}, `did you mean "queues"?`},
		{[]string{"serve", "--port", "0=packet:nosuchdevice0"}, `devices are "lo"`},
		{[]string{"serve", "extra"}, `"extra"`},
		{[]string{"version", "extra"}, `"extra"`},
		{[]string{"serve", "--port", "0"}, "ID=KIND:ARG"},
		{[]string{"serve", "--port", "A=wire:w"}, `"A"`},
		{[]string{"serve", "--port", "0=wire:"}, "a name is required"},
		{[]string{"serve", "--port", "0=carrier:pigeon"}, `"carrier"`},
		{[]string{"serve", "--port", "0=wire:w,fast"}, `"fast"`},
		{[]string{"serve", "--port", "0=tap:t,queues=0"}, "queues=0"},
		{[]string{"serve", "--port", "0=tap:t,mtu=67"}, "mtu=67: must be between 68 and 65521"},
		{[]string{"serve", "--port", "0=tap:t,mtu"}, "mtu=: must be"},
		{[]string{"serve", "--port", "0=tap:t,mtus=1500"}, `did you mean "mtu"?`},
		{[]string{"serve", "--port", "0=tap:t,queues=1e9"}, "queues=1e9"},
		{[]string{"serve", "--port", "0=tap:t,persist=yes"}, "persist"},
		{[]string{"serve", "--port", "0=tap:averyveryverylongname"}, "averyveryverylongname"},
		{[]string{"serve", "--port", "0=wire:w", "--port", "0=wire:v"}, "more than once"},
		{[]string{"serve", "--log-level", "loud"}, "loud"},
		{[]string{"serve", "--log-format", "xml"}, "xml"},
		{[]string{"serve", "--listen", busy.Addr().String()}, busy.Addr().String()},
		{[]string{"serve", "--listen", "nowhere"}, "nowhere"},
		{[]string{"serve", "-c", filepath.Join(dir, "nosuch.yaml")}, "nosuch.yaml"},
		{[]string{"serve", "-c", file("- a\n- b\n")}, "must be a map"},
		{[]string{"serve", "-c", file("ports: [{id: '0', kind: wire}]\n")}, "line 1"},
		{[]string{"serve", "-c", file("limits: {ports: 0}\n")}, "ports"},
		{[]string{"serve", "-c", file("limits:\n  generatorz: 5\n")}, `did you mean "generators"?`},
		{[]string{"serve", "-c", file("resources: {/interfaces/a: &x {k: *x}}\n")}, "nested deeper"},
		{[]string{"serve", "-c", file(aliasBomb())}, "those of aliases included"},
	} {
		var out, errs bytes.Buffer
		code := run(c.args, &out, &errs)
		if code != 2 || !strings.Contains(errs.String(), c.want) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("glean %s: exit %d, stderr %q; want exit 2 and one line with %q",
				strings.Join(c.args, " "), code, errs.String(), c.want)
		}
	}
}

// aliasBomb returns a small file that grows huge when its aliases are replaced.
func aliasBomb() string {
	text := "resources:\n  /interfaces/a0: &a0 {k: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}\n"
	for i := 1; i < 12; i++ {
		text += fmt.Sprintf("  /interfaces/a%d: &a%d {k: [%s*a%d]}\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	return text
}

func TestHelpListsCommands(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"help"}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Errorf("exit %d, stderr %q", code, errs.String())
	}
	for _, c := range commands() {
		if !strings.Contains(out.String(), c.name) {
			t.Errorf("help does not list %q", c.name)
		}
	}
	if code := run(nil, &out, &errs); code != 2 {
		t.Errorf("no command: exit %d, want 2", code)
	}
}

const configText = `
listen: 127.0.0.1:0
# a comment
ports:
  - {id: a, kind: wire, arg: w}
  - {id: b, kind: wire, arg: w}
resources:
  /interfaces/if-b:
    port_id: b
    config: {protocols: [{eth: {mac_address: "02:00:00:00:00:0b"}},
      {ipv4: {method: static, static: {address: 198.18.0.11, prefix_length: 24}}}]}
  /interfaces/if-a:
    port_id: a
    config: {protocols: [{eth: {mac_address: "02:00:00:00:00:0a"}},
      {ipv4: {method: static, static: {address: 198.18.0.10, prefix_length: 24}}}]}
`

func TestServeMakesResourcesOfTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "glean.yaml")
	if err := os.WriteFile(path, []byte(configText), 0o600); err != nil {
		t.Fatal(err)
	}
	d := serve(t, "-c", path)
	got := d.learn(api.LearningBody{InterfaceID: "if-a", Addresses: []string{"198.18.0.11"}})
	if got["198.18.0.11"] != "02:00:00:00:00:0b" {
		t.Errorf("learned %v", got)
	}
}

// TestRefusedResourceEndsTheDaemon: the error names the resource and its line.
func TestRefusedResourceEndsTheDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "glean.yaml")
	text := strings.Replace(configText, "port_id: b", "port_id: nosuch", 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run([]string{"serve", "-c", path}, &out, &errs)
	if code != 1 || !strings.Contains(errs.String(), `line 9: resource "/interfaces/if-b"`) || !strings.Contains(errs.String(), "nosuch") {
		t.Errorf("exit %d, stderr %q; want exit 1 naming the resource, its line and the port", code, errs.String())
	}
}

// TestStopsOnSIGTERM: the daemon ends while a generator transmits and a client has an
// idle connection.
func TestStopsOnSIGTERM(t *testing.T) {
	d := serve(t)
	d.call(201, "POST", "/packet/generators", object{"id": "gen-1", "target_id": "0", "config": object{
		"duration": object{"continuous": true},
		"load":     object{"rate": object{"value": 100000, "period": "seconds"}, "units": "frames"},
		"traffic": []any{object{"length": object{"fixed": 64}, "packet": object{"protocols": []any{
			object{"ethernet": object{"destination": "02:00:00:00:00:01"}}}}}},
	}})
	d.call(201, "POST", "/packet/generators/gen-1/start", nil)
	idle, err := net.Dial("tcp", strings.TrimPrefix(d.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	began := time.Now()
	d.stop(syscall.SIGTERM)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d, want 0: %s", code, d.log)
	}
}

// TestTAPIsFreeAfterKill: a second daemon cannot open the TAP; after SIGKILL of the
// first it can.
func TestTAPIsFreeAfterKill(t *testing.T) {
	netlab.Require(t)
	name := netlab.Name()
	d := serve(t, "--port", "0=tap:"+name)
	var out, errs bytes.Buffer
	if code := run([]string{"serve", "--listen", "127.0.0.1:0", "--port", "0=tap:" + name}, &out, &errs); code != 2 || !strings.Contains(errs.String(), "in use") {
		t.Errorf("a second daemon on the same TAP: exit %d, %q; want 2 and \"in use\"", code, errs.String())
	}
	d.stop(syscall.SIGKILL)
	serve(t, "--port", "0=tap:"+name).call(200, "GET", "/ports/0", nil)
}
