package bodies

import (
	"slices"
	"strings"
	"testing"

	"glean/learning"
	"glean/server/engine"
	"glean/stack/loop"
)

func TestParseLearning(t *testing.T) {
	for _, c := range []struct {
		name, body string
		kind       engine.Kind
		paths      []string
	}{
		{"generators", `{"id":"lr-1","generator_ids":["gen-1"],"mode":"unresolved","timeout_ms":100}`, 0, nil},
		{"addresses", `{"interface_id":"if-1","addresses":["198.18.0.1","2001:db8::7"]}`, 0, nil},
		{"nulls", `{"id":null,"generator_ids":["gen-1"],"interface_id":null,"addresses":null,"mode":null,"timeout_ms":null}`, 0, nil},
		{"nothing", `{}`, engine.Invalid, []string{""}},
		{"both", `{"generator_ids":["a"],"interface_id":"b","addresses":["10.0.0.1"]}`, engine.Invalid, []string{""}},
		{"no addresses", `{"interface_id":"b"}`, engine.Invalid, []string{"addresses"}},
		{"empty addresses", `{"interface_id":"b","addresses":[]}`, engine.Invalid, []string{"addresses"}},
		{"no interface", `{"addresses":["10.0.0.1"]}`, engine.Invalid, []string{"interface_id"}},
		{"no generators", `{"generator_ids":[]}`, engine.Invalid, []string{"generator_ids"}},
		{"generator twice", `{"generator_ids":["a","a"]}`, engine.Invalid, []string{"generator_ids[1]"}},
		{"generator is a number", `{"generator_ids":[7]}`, engine.Invalid, []string{"generator_ids[0]"}},
		{"unresolved with addresses", `{"interface_id":"b","addresses":["10.0.0.1"],"mode":"unresolved"}`, engine.Invalid, []string{"mode"}},
		{"cached is not for users", `{"generator_ids":["a"],"mode":"cached"}`, engine.Invalid, []string{"mode"}},
		{"timeout too short", `{"generator_ids":["a"],"timeout_ms":99}`, engine.Invalid, []string{"timeout_ms"}},
		{"timeout too long", `{"generator_ids":["a"],"timeout_ms":3600001}`, engine.Invalid, []string{"timeout_ms"}},
		{"timeout with exponent", `{"generator_ids":["a"],"timeout_ms":1e3}`, 0, nil},
		{"timeout with fraction", `{"generator_ids":["a"],"timeout_ms":1000.5}`, engine.Invalid, []string{"timeout_ms"}},
		{"plan is reserved", `{"id":"plan","generator_ids":["a"]}`, engine.Invalid, []string{"id"}},
		{"bad id", `{"id":"LR","generator_ids":["a"]}`, engine.NotFound, []string{"id"}},
		{"unknown member", `{"generator_ids":["a"],"retries":3}`, engine.Invalid, []string{"retries"}},
		{"every bad address", `{"interface_id":"b","addresses":["10.0.0.1","x","224.0.0.1","0.0.0.0","255.255.255.255","ff02::1","::","fe80::1%eth0"]}`, engine.Invalid,
			[]string{"addresses[1]", "addresses[2]", "addresses[3]", "addresses[4]", "addresses[5]", "addresses[6]", "addresses[7]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Learning([]byte(c.body))
			kind, paths := faultsOf(t, err)
			if kind != c.kind || !slices.Equal(paths, c.paths) {
				t.Errorf("kind %d faults %q, want kind %d faults %q (%v)", kind, paths, c.kind, c.paths, err)
			}
		})
	}
	spec, err := Learning([]byte(`{"generator_ids":["b","a"]}`))
	if err != nil || spec.Mode != learning.ModeAll || spec.Timeout != 30*loop.Second || !slices.Equal(spec.GeneratorIDs, []string{"b", "a"}) {
		t.Errorf("defaults: %+v, %v", spec, err)
	}
}

func TestParsePort(t *testing.T) {
	for _, c := range []struct {
		name, body string
		kind       engine.Kind
		paths      []string
	}{
		{"tap", `{"id":"2","kind":"tap","config":{"tap":{"name":"tap2","queues":4,"persist":true,"mtu":9000,"mac_address":"02:00:00:00:00:01"}}}`, 0, nil},
		{"wire", `{"kind":"wire","config":{"wire":{"name":"w"}}}`, 0, nil},
		{"packet", `{"kind":"packet","config":{"packet":{"name":"eth0"}},"status":{"link":"up"}}`, 0, nil},
		{"no kind, bad id", `{"id":"A_b","config":{}}`, engine.Invalid, []string{"kind", "id"}},
		{"bad id", `{"id":"A_b","kind":"tap","config":{"tap":{"name":"t"}}}`, engine.NotFound, []string{"id"}},
		{"unknown kind", `{"kind":"dpdk","config":{"dpdk":{}}}`, engine.Invalid, []string{"kind"}},
		{"no config", `{"kind":"tap"}`, engine.Invalid, []string{"config"}},
		{"config of another kind", `{"kind":"tap","config":{"wire":{"name":"w"}}}`, engine.Invalid, []string{"config.tap", "config.wire"}},
		{"config of two kinds", `{"kind":"wire","config":{"wire":{"name":"w"},"tap":{"name":"t"}}}`, engine.Invalid, []string{"config.tap"}},
		{"no name", `{"kind":"tap","config":{"tap":{}}}`, engine.Invalid, []string{"config.tap.name"}},
		{"long name", `{"kind":"tap","config":{"tap":{"name":"abcdefghijklmnop"}}}`, engine.Invalid, []string{"config.tap.name"}},
		{"slash in a name", `{"kind":"tap","config":{"tap":{"name":"a/b"}}}`, engine.Invalid, []string{"config.tap.name"}},
		{"template in a name", `{"kind":"tap","config":{"tap":{"name":"tap%d"}}}`, engine.Invalid, []string{"config.tap.name"}},
		{"no queues", `{"kind":"tap","config":{"tap":{"name":"t","queues":0}}}`, engine.Invalid, []string{"config.tap.queues"}},
		{"unknown member", `{"kind":"wire","config":{"wire":{"name":"w","queues":1}}}`, engine.Invalid, []string{"config.wire.queues"}},
		{"multicast MAC", `{"kind":"tap","config":{"tap":{"name":"t","mac_address":"01:00:00:00:00:00"}}}`, engine.Invalid, []string{"config.tap.mac_address"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Strict.Port([]byte(c.body))
			kind, paths := faultsOf(t, err)
			if kind != c.kind || !slices.Equal(paths, c.paths) {
				t.Errorf("kind %d faults %q, want kind %d faults %q (%v)", kind, paths, c.kind, c.paths, err)
			}
		})
	}
}

func TestParseIDs(t *testing.T) {
	for _, c := range []struct {
		name, body string
		ids        []string
		kind       engine.Kind
	}{
		{"some", `{"ids":["a","b"]}`, []string{"a", "b"}, 0},
		{"empty body", ``, nil, 0},
		{"blank body", " \n", nil, 0},
		{"empty list", `{"ids":[]}`, nil, 0},
		{"empty id is let through", `{"ids":["a",""]}`, []string{"a", ""}, 0},
		{"bad id", `{"ids":["a","B"]}`, nil, engine.NotFound},
		{"no ids", `{}`, nil, engine.Invalid},
		{"number", `{"ids":[1]}`, nil, engine.Invalid},
		{"not JSON", `ids`, nil, engine.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			ids, err := Strict.IDs([]byte(c.body))
			if kind, _ := faultsOf(t, err); kind != c.kind || !slices.Equal(ids, c.ids) {
				t.Errorf("%q and kind %d, want %q and kind %d", ids, kind, c.ids, c.kind)
			}
		})
	}
}

func TestParseToggle(t *testing.T) {
	for _, c := range []struct {
		name, body string
		kind       engine.Kind
	}{
		{"good", `{"replace":"a","with":"b"}`, 0},
		{"bad id", `{"replace":"A","with":"b"}`, engine.NotFound},
		{"nothing", `{}`, engine.Invalid},
		{"empty body", ``, engine.Invalid},
		{"null", `{"replace":null,"with":"b"}`, engine.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Strict.Toggle([]byte(c.body))
			if kind, _ := faultsOf(t, err); kind != c.kind {
				t.Errorf("kind %d, want %d (%v)", kind, c.kind, err)
			}
		})
	}
}

func TestParseGeneratorEnvelope(t *testing.T) {
	for _, c := range []struct {
		name, body string
		kind       engine.Kind
		paths      []string
	}{
		{"no config", `{"id":null,"active":null,"learning":null,"target_id":"if-1"}`, engine.Invalid, []string{"config"}},
		{"no target", `{"config":null}`, engine.Invalid, []string{"target_id", "config"}},
		{"config is a list", `{"target_id":"x","config":[]}`, engine.Invalid, []string{"config"}},
		{"duplicate deep inside", `{"target_id":"x","config":{"load":{"units":"frames","units":"octets"}}}`, engine.Invalid, []string{"config.load.units"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Strict.Generator([]byte(c.body))
			kind, paths := faultsOf(t, err)
			if kind != c.kind || !slices.Equal(paths, c.paths) {
				t.Errorf("kind %d faults %q, want kind %d faults %q (%v)", kind, paths, c.kind, c.paths, err)
			}
		})
	}
}

// TestListsAreCountedFirst: a list that is too long costs no memory.
func TestListsAreCountedFirst(t *testing.T) {
	body := []byte(`{"ids":[` + strings.Repeat("1,", 1_000_000) + `1]}`)
	var err error
	if n := testing.AllocsPerRun(1, func() { _, err = Strict.IDs(body) }); n > 100 {
		t.Errorf("%v allocations", n)
	}
	if kind, _ := faultsOf(t, err); kind != engine.TooLarge {
		t.Errorf("kind %d, want %d (%v)", kind, engine.TooLarge, err)
	}
}
