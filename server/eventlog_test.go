package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"pgregory.net/rapid"

	"glean/generator"
	"glean/generator/program"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/sim"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// logged is an engine in virtual time with its event log, and the far ends of its
// ports.
type logged struct {
	*engine.Engine
	t     *testing.T
	world *sim.World
	log   *eventLog
	near  []*sim.End
	far   []*sim.End
	peer  *sim.Host
	told  map[string]bool // "TYPE WHAT" of the events
}

// logFormats are the handlers of --log-format.
var logFormats = map[string]func(io.Writer) slog.Handler{
	"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
	"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
}

func newLogged(t *testing.T, handler slog.Handler) *logged {
	w := sim.NewWorld(1)
	l := &logged{t: t, world: w, told: make(map[string]bool)}
	l.log = newEventLog(handler, func(at loop.Time) time.Time { return time.Unix(0, int64(at)).UTC() }, 64)
	l.Engine = engine.New(engine.Config{
		Loop: w.Loop(), Rand: w.Rand("engine"),
		Transmit: func(r *program.Run, q link.Queue, done func(error)) generator.Transmitter {
			return program.StartOnLoop(w.Loop(), r, q, done)
		},
	})
	for _, id := range []string{"0", "1"} {
		near, far := w.Wire("w"+id, sim.WireConfig{Delay: 10 * loop.Microsecond})
		l.near, l.far = append(l.near, near), append(l.far, far)
		l.must(l.ReservePort(engine.PortSpec{ID: id, Kind: engine.KindWire, Name: "w" + id}))
		l.AttachPort(id, near)
	}
	return l
}

func (l *logged) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// run lets time pass, and has the event log read what happens, every 10 ms.
func (l *logged) run(d loop.Duration) {
	for end := l.world.Now().Add(d); l.world.Now() < end; {
		l.world.Virtual().RunFor(10 * loop.Millisecond)
		l.read()
	}
}

func (l *logged) read() {
	events, _ := l.Events(l.log.after, 1<<20)
	for _, e := range events {
		l.told[e.Type+" "+e.What] = true
	}
	l.log.write(events)
	l.log.flush(l.world.Now(), false)
}

func (l *logged) host(port int, mac byte, prefixes ...string) *sim.Host {
	l.t.Helper()
	c := stack.InterfaceConfig{MAC: header.MAC{2, 0, 0, 0, 1, mac}}
	for _, p := range prefixes {
		if prefix := netip.MustParsePrefix(p); prefix.Addr().Is4() {
			c.IPv4 = prefix
		} else {
			c.IPv6 = prefix
		}
	}
	h, err := l.world.NewHost(fmt.Sprintf("host %d", mac), l.far[port], sim.HostConfig{Interfaces: []stack.InterfaceConfig{c}})
	l.must(err)
	return h
}

func (l *logged) addInterface(body string) {
	l.t.Helper()
	spec, err := bodies.Strict.Interface([]byte(body))
	l.must(err)
	_, err = l.CreateInterface(spec)
	l.must(err)
}

func (l *logged) learn(body string) {
	l.t.Helper()
	spec, err := bodies.Learning([]byte(body))
	l.must(err)
	_, err = l.StartLearning(spec)
	l.must(err)
}

// generator makes a generator of 100 frames a second to each destination in turn.
func (l *logged) generator(id, target, learning string, destinations ...string) {
	l.t.Helper()
	var traffic []string
	for _, d := range destinations {
		traffic = append(traffic, `{"length":{"fixed":100},"packet":{"protocols":[{"ethernet":{}},{"ipv4":{"destination":"`+d+`"}},{"udp":{"destination":5000}}]}}`)
	}
	spec, err := bodies.Strict.Generator([]byte(fmt.Sprintf(`{"id":%q,"target_id":%q,"config":{"duration":{"continuous":true},
		"load":{"rate":{"value":100,"period":"seconds"},"units":"frames"},"order":"round-robin","learning":{%s},"traffic":[%s]}}`,
		id, target, learning, strings.Join(traffic, ","))))
	l.must(err)
	_, err = l.CreateGenerator(spec)
	l.must(err)
}

func (l *logged) start(id string) {
	l.t.Helper()
	_, err := l.StartGenerator(id)
	l.must(err)
}

// advert is a neighbor advertisement to if-a about 2001:db8::bb.
func (l *logged) advert(flags uint8) {
	l.t.Helper()
	frame := icmp6(l.t, &layers.Ethernet{SrcMAC: rogueMAC, DstMAC: ownMAC, EthernetType: layers.EthernetTypeIPv6},
		"2001:db8::bb", "2001:db8::a", 255, layers.ICMPv6TypeNeighborAdvertisement, &layers.ICMPv6NeighborAdvertisement{
			Flags: flags, TargetAddress: octets("2001:db8::bb"),
			Options: layers.ICMPv6Options{{Type: layers.ICMPv6OptTargetAddress, Data: rogueMAC}},
		})
	_, err := l.far[0].Send([][]byte{frame})
	l.must(err)
}

// everything causes each event that has a line in the log.
func (l *logged) everything() {
	ours := func(id, port, mac, address, neighbor string) string {
		return fmt.Sprintf(`{"id":%q,"port_id":%q,"config":{"protocols":[{"eth":{"mac_address":%q}},
			{"ipv4":{"method":"static","static":{"address":%q,"prefix_length":16,"gateway":"198.18.0.1"}}},
			{"ipv6":{"method":"static","static":{"address":"2001:db8::a","prefix_length":64}}}],"neighbor":{%s}}}`, id, port, mac, address, neighbor)
	}
	l.addInterface(ours("if-a", "0", "02:00:00:00:00:0a", "198.18.0.10", `"probe_interval_ms":1000`))
	l.peer = l.host(0, 7, "198.18.0.7/16")

	l.learn(`{"id":"lr-found","interface_id":"if-a","addresses":["198.18.0.7"]}`)
	l.run(loop.Second)
	l.learn(`{"id":"lr-missing","interface_id":"if-a","timeout_ms":3000,"addresses":["198.18.0.7","203.0.113.9",
		"198.18.9.1","198.18.9.2","198.18.9.3","198.18.9.4","198.18.9.5"]}`)
	l.run(4 * loop.Second)
	l.learn(`{"id":"lr-cancelled","interface_id":"if-a","addresses":["198.18.9.1"]}`)
	l.run(100 * loop.Millisecond)
	l.DeleteLearning("lr-cancelled")

	l.generator("g-1", "if-a", "", "198.18.0.7")
	l.run(loop.Second)
	l.start("g-1")
	l.run(5 * loop.Second)
	l.peer.Power(false)
	l.run(10 * loop.Second)
	l.peer.Power(true)
	l.run(5 * loop.Second)
	l.must(l.peer.ChangeMAC(0, header.MAC{2, 0, 0, 0, 1, 8}, true))
	l.run(5 * loop.Second)
	l.peer.Claim(0, netip.MustParseAddr("198.18.0.10"))
	l.run(loop.Second)
	l.must(l.StopGenerator("g-1", func() {}))
	l.run(loop.Second)

	l.learn(`{"id":"lr-router","interface_id":"if-a","addresses":["2001:db8::bb"]}`)
	l.run(100 * loop.Millisecond)
	l.advert(0xe0) // router, solicited, override
	l.run(100 * loop.Millisecond)
	l.advert(0x60)
	l.run(loop.Second)

	l.addInterface(ours("if-b", "1", "02:00:00:00:00:0b", "198.18.0.11", `"max_entries":1`))
	l.host(1, 9, "198.18.0.9/16")
	l.generator("g-2", "if-b", `"timeout_ms":1000,"on_unresolved":"skip"`, "198.18.0.9", "198.18.0.99")
	l.run(2 * loop.Second)
	l.start("g-2")
	l.run(loop.Second)
	l.near[1].SetState(link.State{Reason: link.ReasonDown})
	l.run(loop.Second)
	l.near[1].SetState(link.State{Up: true})
	l.run(loop.Second)
	l.near[1].SetState(link.State{Reason: link.ReasonDeleted})
	l.run(loop.Second)
	l.near[1].SetState(link.State{Up: true})
	l.run(loop.Second)
	l.DeleteInterface("if-b", func() {})
	l.run(loop.Second)
	l.DeleteGenerator("g-2", false, func() {})
	l.must(l.DeletePort("1"))
	l.run(loop.Second)

}

// flood has a peer move 2,000 times, and connections fail.
func (l *logged) flood() {
	for n := range 2000 {
		l.must(l.peer.ChangeMAC(0, header.MAC{2, 0, 0, 0, 1, byte(n)}, true))
	}
	l.run(3 * loop.Second)
	l.log.acceptFailed(errors.New("accept tcp 127.0.0.1:9000: accept4: too many open files"))
	for range 3 {
		l.log.connectionClosed()
	}
	l.log.flush(l.world.Now(), true)
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// TestLogLines: the log has one line for each change of state. The files have
// these lines; UPDATE_GOLDEN=1 rewrites them.
func TestLogLines(t *testing.T) {
	for format, handler := range logFormats {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			l := newLogged(t, handler(&out))
			l.everything()
			got := out.String()
			out.Reset()
			l.flood()
			for line := range strings.Lines(out.String()) {
				if !strings.Contains(line, "MAC moved") {
					got += line
				}
			}
			got = uuid.ReplaceAllString(got, "UUID")
			for change := range stateChanges {
				if !l.told[change] {
					t.Errorf("%q did not happen, so its line is not tested", change)
				}
			}
			path := filepath.Join("testdata", "log."+format)
			if os.Getenv("UPDATE_GOLDEN") != "" {
				l.must(os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			l.must(err)
			if got != string(want) {
				t.Errorf("the log differs from %s:\n%s", path, got)
			}
		})
	}
}

// eventLogTo returns an event log that writes text lines without time to out.
func eventLogTo(out io.Writer) *eventLog {
	handler := slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return newEventLog(handler, func(at loop.Time) time.Time { return time.Unix(0, int64(at)) }, 64)
}

// TestLogAccountsForEveryEvent: each change of state has a line, or a line counts it as
// left out; and a port's first lines of a type are written however many others have.
func TestLogAccountsForEveryEvent(t *testing.T) {
	line := regexp.MustCompile(`msg="(MAC moved|link up|lines left out|events overwritten before they were logged)" ?(?:port=(\d))?(?: type=(\w+))?(?:.*(?:lines|events)=(\d+))?`)
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		j := eventLogTo(&out)
		want, first := make(map[string]int), make(map[string]bool)
		now, seq := loop.Time(0), uint64(0)
		overwritten := 0
		for range rapid.IntRange(1, 20).Draw(t, "pages") {
			now = now.Add(loop.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * loop.Millisecond)
			if rapid.IntRange(0, 9).Draw(t, "slow") == 0 {
				seq, overwritten = seq+7, overwritten+7
			}
			e := engine.Event{Type: "neighbor", What: "moved", ID: "if-1", PortID: rapid.SampledFrom([]string{"0", "1"}).Draw(t, "port"), Time: now}
			if rapid.Bool().Draw(t, "up") {
				e.Type, e.What = "port", "up"
			}
			var page []engine.Event
			for range rapid.IntRange(1, 250).Draw(t, "events") {
				seq++
				e.Seq = seq
				page = append(page, e)
			}
			key := e.PortID + " " + e.Type
			want[key] += len(page)
			before := out.Len()
			j.write(page)
			if !first[key] && out.Len() == before {
				t.Fatalf("the first event of %s has no line", key)
			}
			first[key] = true
			j.flush(now, false)
		}
		if more := j.flush(now, true); more {
			t.Fatal("there is more to write after the last time")
		}
		got := make(map[string]int)
		for _, m := range line.FindAllStringSubmatch(out.String(), -1) {
			n, _ := strconv.Atoi(m[4])
			switch m[1] {
			case "MAC moved":
				got[m[2]+" neighbor"]++
			case "link up":
				got[m[2]+" port"]++
			case "lines left out":
				got[m[2]+" "+m[3]] += n
			default:
				overwritten -= n
			}
		}
		if !maps.Equal(got, want) || overwritten != 0 {
			t.Fatalf("lines and what was left out are %v, want %v; %d overwritten events are not told", got, want, overwritten)
		}
	})
}

// TestLeftOutLinesAreReportedInTime: a second after the first line that was left out, also
// without further events.
func TestLeftOutLinesAreReportedInTime(t *testing.T) {
	var out bytes.Buffer
	j := eventLogTo(&out)
	for seq := range uint64(lineBurst + 5) {
		j.write([]engine.Event{{Seq: seq + 1, Type: "port", What: "up", ID: "0", PortID: "0"}})
	}
	for _, at := range []struct {
		now  loop.Time
		more bool
		want string
	}{
		{loop.Time(loop.Second) - 1, true, ""},
		{loop.Time(loop.Second), false, "level=INFO msg=\"lines left out\" port=0 type=port lines=5\n"},
		{loop.Time(2 * loop.Second), false, ""},
	} {
		out.Reset()
		if more := j.flush(at.now, false); more != at.more || out.String() != at.want {
			t.Errorf("at %d: %q, more: %v; want %q, %v", at.now, &out, more, at.want, at.more)
		}
	}
}

// TestOtherEventsAreAtDebug: an event that is no change of state has a line at level debug
// only, and no event has one at level warn.
func TestOtherEventsAreAtDebug(t *testing.T) {
	events := []engine.Event{
		{Seq: 1, Type: "interface", What: "created", ID: "if-1", PortID: "0"},
		{Seq: 2, Type: "generator", What: "neighbor_moved", ID: "g", PortID: "0", Detail: "a MAC"},
		{Seq: 3, Type: "port", What: "up", ID: "0", PortID: "0"},
	}
	up := "level=INFO msg=\"link up\" port=0\n"
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: "level=DEBUG msg=event type=interface what=created port=0 interface=if-1\n" +
			"level=DEBUG msg=event type=generator what=neighbor_moved port=0 generator=g detail=\"a MAC\"\n" + up,
		slog.LevelInfo: up,
		slog.LevelWarn: "",
	} {
		var out bytes.Buffer
		j := eventLogTo(&out)
		j.handler = atLevel{j.handler, level}
		j.write(events)
		if out.String() != want {
			t.Errorf("%v: %s\nwant %s", level, &out, want)
		}
	}
}

// atLevel is a handler with another level.
type atLevel struct {
	slog.Handler
	level slog.Level
}

func (h atLevel) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// TestAcceptErrorsAreLogged: errors of accept are counted, with a line at once and then at
// most one each second. The error of a closed listener is not counted.
func TestAcceptErrorsAreLogged(t *testing.T) {
	var out bytes.Buffer
	j := eventLogTo(&out)
	l := watchedListener{failingListener{&net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}}, j}
	line := func(n int) string {
		return fmt.Sprintf("level=WARN msg=\"connections not accepted\" attempts=%d error=\"accept tcp: too many open files\"\n", n)
	}
	for _, step := range []struct {
		at    loop.Time
		fails int
		want  string
		more  bool
	}{{0, 1, line(1), false}, {1, 9, "", true}, {loop.Time(loop.Second), 1, line(10), false}} {
		for range step.fails {
			_, _ = l.Accept()
		}
		out.Reset()
		if more := j.flush(step.at, false); more != step.more || out.String() != step.want {
			t.Errorf("at %d: %q, more: %v; want %q, %v", step.at, &out, more, step.want, step.more)
		}
	}
	_, _ = watchedListener{failingListener{net.ErrClosed}, j}.Accept()
	out.Reset()
	if j.flush(loop.Time(60*loop.Second), true); out.Len() > 0 {
		t.Errorf("a closed listener: %s", &out)
	}
}

// failingListener is a listener that accepts nothing.
type failingListener struct{ err error }

func (l failingListener) Accept() (net.Conn, error) { return nil, l.err }
func (l failingListener) Close() error              { return nil }
func (l failingListener) Addr() net.Addr            { return &net.TCPAddr{} }

// TestClosedConnectionsAreLogged: connections that are closed at the limit have a line with
// the limit, and so has each change of state of a running daemon.
func TestClosedConnectionsAreLogged(t *testing.T) {
	a := newHarness(t, func(c *Config, _ *engine.Config) { c.Limits.Connections = 2 })
	done := a.server.LogEvents()
	for range 5 {
		conn, err := net.Dial("tcp", a.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
	a.until(func() bool { return closedIn(a.log.String()) >= 3 })
	a.loop.Stop()
	<-done
	if n := strings.Count(a.log.String(), "port created"); n != 2 {
		t.Errorf("%d ports created, want 2: %s", n, a.log)
	}
}

// closedIn adds up the connections that a log says were closed at a limit of 2.
func closedIn(log string) (closed int) {
	for _, m := range regexp.MustCompile(`level=WARN msg="connections closed at the limit" connections=(\d+) limit=2 `).FindAllStringSubmatch(log, -1) {
		n, _ := strconv.Atoi(m[1])
		closed += n
	}
	return closed
}
