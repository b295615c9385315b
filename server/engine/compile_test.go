package engine_test

import (
	"strings"
	"testing"

	"glean/server/engine"
	"glean/stack/header"
	"glean/stack/loop"
)

// TestPreparedProgramIsUsedUnlessTargetChanged: a generator uses the program that was
// compiled before, unless the id of its target names another resource now.
func TestPreparedProgramIsUsedUnlessTargetChanged(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(b *bench)
		source    string // the MAC that frames leave with
	}{
		"nothing happened": {func(*bench) {}, "02:00:00:00:00:0a"},
		"another interface": {func(b *bench) {
			b.DeleteInterface("if-a", func() {})
			b.addInterface(strings.Replace(ifA, "02:00:00:00:00:0a", "02:00:00:00:00:0c", 1))
		}, "02:00:00:00:00:0c"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.addInterface(ifA)
			specs := []engine.GeneratorSpec{parsedGenerator(t, generatorBody("gen-1", `"198.18.0.11"`))}
			if err := bindAll(b.Engine, specs, false); err != nil {
				t.Fatal(err)
			}
			compiled := make(chan error)
			go func() { compiled <- engine.CompileGenerators(specs, false) }()
			if err := <-compiled; err != nil {
				t.Fatal(err)
			}
			test.meanwhile(b)
			if _, err := b.CreateGenerator(specs[0]); err != nil {
				t.Fatal(err)
			}
			b.addInterface(ifB)
			b.run(2 * loop.Second)
			if _, err := b.StartGenerator("gen-1"); err != nil {
				t.Fatal(err)
			}
			received := 0
			b.onTraffic(func(f []byte) {
				received++
				if got := header.MAC(f[6:12]); got.String() != test.source {
					t.Errorf("a frame from %v, want %s", got, test.source)
				}
			})
			b.run(loop.Second)
			if received != 100 {
				t.Errorf("%d frames, want 100", received)
			}
		})
	}
}

// TestCompileFaultNamesItem: a fault in a bulk request names its item.
func TestCompileFaultNamesItem(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	good := string(generatorBody("gen-1", `"198.18.0.11"`))
	tagged := strings.Replace(good, `{"ethernet":{}}`, `{"ethernet":{}},{"vlan":{"id":5}}`, 1)
	if tagged == good {
		t.Fatal("the body has changed")
	}
	specs := []engine.GeneratorSpec{parsedGenerator(t, []byte(good)), parsedGenerator(t, []byte(tagged))}
	if err := bindAll(b.Engine, specs, true); err != nil {
		t.Fatal(err)
	}
	err := engine.CompileGenerators(specs, true)
	if err == nil || kindOf(t, err) != engine.Invalid || !strings.HasPrefix(err.(*engine.Error).Faults[0].Path, "items[1].config.traffic[0]") {
		t.Errorf("%v", err)
	}
	specs[1].TargetID = "nosuch"
	if err := bindAll(b.Engine, specs, true); err == nil || err.(*engine.Error).Faults[0].Path != "items[1].target_id" {
		t.Errorf("%v", err)
	}
}

// bindAll binds all generators. The server does this in several turns of the loop.
func bindAll(e *engine.Engine, specs []engine.GeneratorSpec, bulk bool) (err error) {
	for next := 0; next < len(specs) && err == nil; {
		next, err = e.BindGenerators(specs, next, bulk)
	}
	return err
}

// TestBindingTakesTurns: ten thousand generators are bound in several turns of the loop. A
// fault in a later turn releases the memory that earlier turns have reserved.
func TestBindingTakesTurns(t *testing.T) {
	b := newBench(t)
	const perTurn = engine.SliceBind
	specs := portGenerators(t, 3*perTurn)
	specs[2*perTurn+5].TargetID = "nosuch"
	for _, want := range []int{perTurn, 2 * perTurn} {
		next, err := b.BindGenerators(specs, want-perTurn, true)
		if err != nil || next != want {
			t.Fatalf("bound up to %d (%v), want %d", next, err, want)
		}
	}
	if b.Memory().Reserved == 0 {
		t.Error("nothing is reserved for what is bound")
	}
	_, err := b.BindGenerators(specs, 2*perTurn, true)
	if err == nil || err.(*engine.Error).Faults[0].Path != "items[261].target_id" {
		t.Errorf("error %v does not name items[261].target_id", err)
	}
	if left := b.Memory().Reserved; left != 0 {
		t.Errorf("%d octets are still reserved after the fault", left)
	}
}
