package transmit

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"glean/generator/program"
	"glean/generator/traffic"
	"glean/internal/netlab"
	"glean/stack/header"
	"glean/stack/link/linktest"
	"glean/stack/link/tap"
)

// told is a writer that closes a channel when it has seen a text.
type told struct {
	want string
	seen strings.Builder
	done chan struct{}
}

func (w *told) Write(b []byte) (int, error) {
	before := strings.Contains(w.seen.String(), w.want)
	w.seen.Write(b)
	if !before && strings.Contains(w.seen.String(), w.want) {
		close(w.done)
	}
	return len(b), nil
}

// sentAndRead are definitions that use every protocol and every kind of
// modifier, with what tshark must read of each frame: the fields of
// tsharkFields that are there, and 1 for a checksum that is right.
var sentAndRead = []struct {
	protocols string
	frames    []string
}{
	{`{"ethernet":{"destination":"02:00:00:00:00:0a"},"modifiers":{"items":[{"name":"source","permute":false,"mac":{"sequence":{"count":2,"start":"02:00:00:00:00:01"}}}]}},
	  {"vlan":{"priority":"voice"},"modifiers":{"items":[{"name":"id","permute":false,"field":{"list":[100,4094]}}]}},
	  {"ipv4":{"source":"10.0.0.1","dscp":46},"modifiers":{"tie":"zip","items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":2,"start":"10.0.0.250","stop":"10.0.1.6"}}},
	  {"name":"time_to_live","permute":false,"field":{"list":[3,4]}}]}},
	  {"udp":{"destination":5000},"modifiers":{"items":[{"name":"source","permute":false,"field":{"sequence":{"count":2,"start":7,"skip":[8]}}}]}}`,
		[]string{"02:00:00:00:00:01|100|5|10.0.0.250|46|3|1|7|5000|1", "02:00:00:00:00:02|4094|5|10.0.1.0|46|4|1|9|5000|1"}},
	{`{"ethernet":{"destination":"02:00:00:00:00:0a","source":"02:00:00:00:00:03"}},{"mpls":{"label":16}},{"mpls":{},"modifiers":{"items":[{"name":"label","permute":false,"field":{"list":[17,1048575]}}]}},
	  {"ipv6":{"source":"2001:db8::1"},"modifiers":{"tie":"zip","items":[{"name":"destination","permute":false,"ipv6":{"sequence":{"count":2,"start":"2001:db8::ffff:ffff:ffff:ffff"}}},
	  {"name":"flow_label","permute":false,"field":{"list":[1,1048575]}}]}},
	  {"tcp":{"flags":["syn"],"sequence":9},"modifiers":{"items":[{"name":"window","permute":false,"field":{"list":[1,65535]}}]}}`,
		[]string{"02:00:00:00:00:03|16,17|2001:db8::ffff:ffff:ffff:ffff|0x1|3357|0x2|1|1", "02:00:00:00:00:03|16,1048575|2001:db8:0:1::|0xfffff|3357|0x2|65535|1"}},
	{`{"ethernet":{"destination":"02:00:00:00:00:0a","source":"02:00:00:00:00:04"}},{"ipv4":{"source":"10.0.0.1","destination":"10.0.0.2"}},{"udp":{}},
	  {"custom":{"data":"/////wAA","layer":"payload"},"modifiers":{"items":[{"name":"data","permute":false,"offset":1,"field":{"list":[1,4294967295]}}]}}`,
		[]string{"02:00:00:00:00:04|10.0.0.2|0|64|1|3357|3357|1", "02:00:00:00:00:04|10.0.0.2|0|64|1|3357|3357|1"}},
}

var tsharkFields = []string{"eth.src", "vlan.id", "vlan.priority", "mpls.label", "ip.dst", "ip.dsfield.dscp", "ip.ttl", "ip.checksum.status",
	"ipv6.dst", "ipv6.flow", "tcp.dstport", "tcp.flags", "tcp.window_size_value", "tcp.checksum.status",
	"udp.srcport", "udp.dstport", "udp.checksum.status"}

// TestReadByTshark sends every protocol and every kind of modifier over a TAP
// and has tshark read them field by field.
func TestReadByTshark(t *testing.T) {
	netlab.Require(t, "tcpdump", "tshark")
	var definitions, want []string
	for _, s := range sentAndRead {
		definitions = append(definitions, fmt.Sprintf(`{"weight":2,"length":{"list":[128,201]},"packet":{"protocols":[%s]}}`, s.protocols))
		want = append(want, s.frames...)
	}
	c, faults := traffic.ParseConfig([]byte(fmt.Sprintf(`{"duration":{"frames":%d},"load":{"rate":{"value":10000,"period":"second"},"units":"frames"},
		"order":"round-robin","traffic":[%s]}`, len(want), strings.Join(definitions, ","))))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, faults := program.Compile(c, program.Binding{MTU: 1500})
	if len(faults) > 0 {
		t.Fatal(faults)
	}

	k := newPort(t, tap.Config{MAC: header.MAC{2, 0, 0, 0, 0, 0x0a}})
	k.Do(func() { k.Attach(linktest.Discard{}) })
	file := filepath.Join(t.TempDir(), "sent.pcap")
	listening := &told{want: "listening on", done: make(chan struct{})}
	captured := &told{want: "packets captured", done: make(chan struct{})}
	k.ns.Start(both{listening, captured}, "tcpdump", "-Z", "root", "-i", k.Name(), "-c", fmt.Sprint(len(want)), "-w", file)
	<-listening.done

	if reason := <-k.start(p).done; reason != nil {
		t.Fatal(reason)
	}
	<-captured.done

	args := []string{"-r", file, "-T", "fields", "-E", "separator=|", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"}
	for _, f := range tsharkFields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, w := range want {
		if i >= len(lines) {
			t.Fatalf("%d of %d frames", len(lines), len(want))
		}
		var there []string
		for _, field := range strings.Split(lines[i], "|") {
			if hex, ok := strings.CutPrefix(field, "0x"); ok { // how many zeros there are depends on tshark's version
				field = "0x" + strings.TrimLeft(hex, "0")
			}
			if field != "" {
				there = append(there, field)
			}
		}
		if got := strings.Join(there, "|"); got != w {
			t.Errorf("frame %d:\n got %s\nwant %s", i, got, w)
		}
	}
}

// both writes to two writers.
type both [2]*told

func (b both) Write(p []byte) (int, error) {
	b[0].Write(p)
	return b[1].Write(p)
}
