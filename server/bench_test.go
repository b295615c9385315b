package server

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"glean/internal/netlab"
	"glean/server/engine"
	"glean/stack/link/tap"
)

// plain sends without looking at the document, and wants a status.
func (a *harness) plain(method, path, body string, status int) []byte {
	a.t.Helper()
	r, err := http.NewRequest(method, a.http.URL+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := a.http.Client().Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		a.t.Fatalf("%s %s: %d %.500s (%v)", method, path, response.StatusCode, got, err)
	}
	return got
}

// BenchmarkBulk makes 10,000 interfaces and as many generators, 100 in a
// request, and waits until all of them are learned.
func BenchmarkBulk(b *testing.B) {
	const count, page = 10_000, 100
	for b.Loop() {
		a := newHarness(b)
		a.plain("POST", "/interfaces", strings.Replace(ifaceB, `"198.18.128.0/17"`, `"198.19.0.0/16"`, 1), 201)
		addr, peer := netip.MustParseAddr("198.18.128.0"), netip.MustParseAddr("198.18.1.1")
		for n := 0; n < count; n += page {
			var interfaces, generators []string
			for i := n; i < n+page; i++ {
				interfaces = append(interfaces, fmt.Sprintf(`{"id":"if-%d","port_id":"0","config":{"protocols":[
					{"eth":{"mac_address":"02:00:01:00:%02x:%02x"}},
					{"ipv4":{"method":"static","static":{"address":"%s","prefix_length":16}}}]}}`, i, i>>8, i&255, addr))
				generators = append(generators, generatorBody(fmt.Sprint("gen-", i), fmt.Sprint("if-", i), peer.String()))
				addr = addr.Next()
			}
			a.plain("POST", "/interfaces/x/bulk-create", `{"items":[`+strings.Join(interfaces, ",")+`]}`, 200)
			a.plain("POST", "/packet/generators/x/bulk-create", `{"items":[`+strings.Join(generators, ",")+`]}`, 200)
		}
		for {
			if len(a.plain("GET", "/learning?state=resolving", "", 200)) < 4 {
				break
			}
		}
		list := string(a.plain("GET", "/packet/generators", "", 200))
		if got := strings.Count(list, `"learning":"resolved"`); got != count {
			b.Fatalf("%d generators are resolved, want %d", got, count)
		}
	}
}

// BenchmarkLargeResult reads a learning result of 65,536 addresses and reports
// how much the heap grew meanwhile.
func BenchmarkLargeResult(b *testing.B) {
	a := newHarness(b)
	wide := strings.NewReplacer(`"prefix_length":16`, `"prefix_length":8`, `"198.18.128.0/17"`, `"198.64.0.0/16"`)
	a.plain("POST", "/interfaces", wide.Replace(ifaceA), 201)
	a.plain("POST", "/interfaces", wide.Replace(ifaceB), 201)
	a.plain("POST", "/learning", `{"id":"lr","interface_id":"if-a","addresses":[`+addressList("198.64.0.0", 65_536)+`]}`, 202)
	for strings.Contains(string(a.plain("GET", "/learning/lr", "", 200)), `"state":"resolving"`) {
	}
	result := string(a.plain("GET", "/learning/lr", "", 200))
	_, id, _ := strings.Cut(result, `"result_id":"`)
	id, _, _ = strings.Cut(id, `"`)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, uint64(0)
	for b.Loop() {
		response, err := a.http.Client().Get(a.http.URL + "/learning-results/" + id + "?limit=65536")
		if err != nil {
			b.Fatal(err)
		}
		total, buffer := 0, make([]byte, 256<<10)
		for err == nil {
			var n int
			n, err = io.ReadFull(response.Body, buffer)
			total += n
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		response.Body.Close()
		if total < 65_536*100 {
			b.Fatalf("%d octets only", total)
		}
		b.SetBytes(int64(total))
	}
	b.ReportMetric(float64(most-min(most, before))/1e6, "MB-extra-heap")
}

// BenchmarkGet is one request over a connection that is kept.
func BenchmarkGet(b *testing.B) {
	a := newHarness(b)
	a.plain("POST", "/interfaces", ifaceA, 201)
	for b.Loop() {
		a.plain("GET", "/interfaces/if-a", "", 200)
	}
}

// BenchmarkGetUnderLoad is GET of a generator while it transmits as fast as it
// can on a TAP and 65,536 addresses are learned that no host has: by a client that asks
// again at once, and by one that asks a hundred times a second. It also reports the rest
// of the transmitter's rate. The transmitter, the loop, the server and the client run in
// four threads: on fewer processors the first client takes time from the others.
func BenchmarkGetUnderLoad(b *testing.B) {
	for name, pause := range map[string]time.Duration{"at-once": 0, "100-per-second": 10 * time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			a := newHarness(b)
			wide := strings.NewReplacer(`"prefix_length":16`, `"prefix_length":8`)
			a.plain("POST", "/interfaces", wide.Replace(ifaceA), 201)
			a.plain("POST", "/interfaces", wide.Replace(ifaceB), 201)
			a.tap(b, "tap")
			fast := strings.Replace(generatorWith("g", "tap", continuous, "198.18.0.11"), `"value":10000`, `"value":10000000`, 1)
			a.plain("POST", "/packet/generators", fast, 201)
			a.plain("POST", "/packet/generators/g/start", "", 201)
			alone := a.transmitRate(func() { <-time.After(2 * time.Second) })
			a.plain("POST", "/learning", `{"interface_id":"if-a","timeout_ms":600000,"addresses":[`+addressList("198.64.0.0", 65_536)+`]}`, 202)
			var took []time.Duration
			loaded := a.transmitRate(func() {
				for b.Loop() {
					began := time.Now()
					a.plain("GET", "/packet/generators/g", "", 200)
					took = append(took, time.Since(began))
					<-time.After(pause - time.Since(began))
				}
			})
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(loaded/alone, "x-rate-alone")
		})
	}
}

// tap adds a port on a TAP in a namespace of its own.
func (a *harness) tap(b *testing.B, id string) {
	ns, name := netlab.New(b), netlab.Name()
	k, err := tap.Open(a.loop, tap.Config{Name: name})
	if err != nil {
		b.Fatal(err)
	}
	ns.Move(name)
	ns.Quiet(name)
	ns.IP("link set " + name + " up")
	a.onLoop(func() {
		err = a.server.Engine.ReservePort(engine.PortSpec{ID: id, Kind: engine.KindTAP, Name: name, Fixed: true})
		a.server.Engine.AttachPort(id, k)
	})
	if err != nil {
		b.Fatal(err)
	}
	for !strings.Contains(string(a.plain("GET", "/ports/"+id, "", 200)), `"link":"up"`) {
	}
}

// transmitRate returns the frames a second that the one generator sends meanwhile.
func (a *harness) transmitRate(meanwhile func()) float64 {
	sent := func() (n uint64) {
		a.onLoop(func() { n = a.server.Engine.Results()[0].Run().Counters().PacketsActual })
		return n
	}
	before, began := sent(), time.Now()
	meanwhile()
	return float64(sent()-before) / time.Since(began).Seconds()
}
