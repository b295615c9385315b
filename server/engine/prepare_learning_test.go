package engine_test

import (
	"net/netip"
	"strings"
	"testing"

	"glean/learning"
	"glean/server/engine"
	"glean/stack/loop"
)

// TestPreparedRequestIsUsedUnlessChanged: the tables of a request are prepared off the loop
// before the request starts. They are made anew if an id names another resource then.
func TestPreparedRequestIsUsedUnlessChanged(t *testing.T) {
	replace := func(n *network) {
		n.DeleteInterface("if-0", func() {})
		n.addInterface("if-0", 0, strings.Replace(subnet4, "198.18.0.10", "198.18.0.2", 1), "")
	}
	for name, c := range map[string]struct {
		spec      engine.LearningSpec
		meanwhile func(n *network)
		want      map[string]string // nil: refused
	}{
		"addresses": {engine.LearningSpec{InterfaceID: "if-0"}, func(*network) {},
			map[string]string{"198.18.0.1": peerMAC, "198.18.0.2": "no_reply"}},
		"addresses of another interface": {engine.LearningSpec{InterfaceID: "if-0"}, replace,
			map[string]string{"198.18.0.1": peerMAC, "198.18.0.2": "own_address"}},
		"addresses of none": {engine.LearningSpec{InterfaceID: "if-0"},
			func(n *network) { n.DeleteInterface("if-0", func() {}) }, nil},
		"generator": {engine.LearningSpec{GeneratorIDs: []string{"g"}}, func(*network) {},
			map[string]string{"198.18.0.1": peerMAC}},
		"generator, what is not resolved": {engine.LearningSpec{GeneratorIDs: []string{"g"}, Mode: learning.ModeUnresolved},
			func(*network) {}, map[string]string{}},
		"another generator": {engine.LearningSpec{GeneratorIDs: []string{"g"}}, func(n *network) {
			n.DeleteGenerator("g", false, func() {})
			n.create(flowsTo("g", "if-0", "", "", "198.18.0.1", "198.18.0.3"))
			n.run(2 * loop.Second)
			n.DeleteLearning(n.generator("g").LearningID)
		}, map[string]string{"198.18.0.1": peerMAC, "198.18.0.3": "no_reply"}},
		"generator that is being learned": {engine.LearningSpec{GeneratorIDs: []string{"g"}},
			func(n *network) { n.learn(`{"generator_ids":["g"]}`) }, nil},
		"generator without interface": {engine.LearningSpec{GeneratorIDs: []string{"g"}}, replace, nil},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, 1)
			n.addInterface("if-0", 0, subnet4, "")
			n.host(0, 1, "198.18.0.1/24")
			n.create(flowsTo("g", "if-0", "", "", "198.18.0.1"))
			n.run(loop.Second)
			spec := c.spec
			spec.ID, spec.Timeout = "lr", 2*loop.Second
			if spec.InterfaceID != "" {
				spec.Addresses = []netip.Addr{netip.MustParseAddr("198.18.0.2"), netip.MustParseAddr("198.18.0.1")}
			}
			if err := n.BindLearning(&spec); err != nil {
				t.Fatal(err)
			}
			prepared := make(chan error)
			go func() { prepared <- engine.PrepareLearning(&spec) }()
			if err := <-prepared; err != nil {
				t.Fatal(err)
			}
			c.meanwhile(n)
			_, err := n.StartLearning(spec)
			if (err != nil) != (c.want == nil) {
				t.Fatalf("start: %v", err)
			}
			n.run(3 * loop.Second)
			if c.want != nil {
				n.wantRows("lr", c.want)
			} else if len(n.LearningRequests()) > 2 {
				t.Errorf("%d requests", len(n.LearningRequests()))
			}
			if err := n.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPrepareLearningFindsFaults: a fault that does not depend on the loop is found when the request is
// prepared.
func TestPrepareLearningFindsFaults(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, subnet4, "")
	for _, a := range []string{"198.18.0.255", "224.0.0.1"} {
		spec := engine.LearningSpec{InterfaceID: "if-0", Addresses: []netip.Addr{netip.MustParseAddr(a)}}
		if err := n.BindLearning(&spec); err != nil {
			t.Fatal(err)
		}
		if err := engine.PrepareLearning(&spec); kindOf(t, err) != engine.Invalid || err.(*engine.Error).Faults[0].Path != "addresses[0]" {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// TestCompileAlsoPreparesLearning: compiling a generator off the loop also prepares
// its learning request, which names the generator.
func TestCompileAlsoPreparesLearning(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, subnet4, "")
	n.host(0, 1, "198.18.0.1/24")
	spec := parsedGenerator(t, []byte(strings.Replace(string(flowsTo("", "if-0", "", "", "198.18.0.1", "198.18.0.3")), `"id":"",`, "", 1)))
	specs := []engine.GeneratorSpec{spec}
	if err := bindAll(n.Engine, specs, false); err != nil {
		t.Fatal(err)
	}
	compiled := make(chan error)
	go func() { compiled <- engine.CompileGenerators(specs, false) }()
	if err := <-compiled; err != nil {
		t.Fatal(err)
	}
	v, err := n.CreateGenerator(specs[0])
	if err != nil {
		t.Fatal(err)
	}
	r := mustRequestOf(n, v.LearningID)
	if ids := r.GeneratorIDs(); len(ids) != 1 || ids[0] != v.ID || v.Learning != "resolving" || r.Mode() != learning.ModeCached {
		t.Errorf("%+v, request of %v, %v", v, ids, r.Mode())
	}
	n.run(loop.Second)
	n.DeleteLearning(v.LearningID)
	if got := n.learned(v.ID); got != "timed_out" {
		t.Errorf("it is %s", got)
	}
	rows, _ := n.LearnedRows(v.ID)
	if rows[0].MAC.String() != peerMAC || !rows[1].MAC.IsZero() {
		t.Errorf("learned %+v", rows)
	}
}
