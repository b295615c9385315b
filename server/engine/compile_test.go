package engine_test

import (
	"strings"
	"testing"

	"glean/server/engine"
	"glean/stack/header"
	"glean/stack/loop"
)

// TestCompiledApart: a program that was compiled before the generator is made is
// the one that is used, unless the target is another one by then.
func TestCompiledApart(t *testing.T) {
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
			if err := b.BindGenerators(specs, false); err != nil {
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
			b.b.SetSink(func(f []byte) {
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

// TestCompileFaults: a fault is told with its item in a bulk request.
func TestCompileFaults(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	good := string(generatorBody("gen-1", `"198.18.0.11"`))
	tagged := strings.Replace(good, `{"ethernet":{}}`, `{"ethernet":{}},{"vlan":{"id":5}}`, 1)
	if tagged == good {
		t.Fatal("the body has changed")
	}
	specs := []engine.GeneratorSpec{parsedGenerator(t, []byte(good)), parsedGenerator(t, []byte(tagged))}
	if err := b.BindGenerators(specs, true); err != nil {
		t.Fatal(err)
	}
	err := engine.CompileGenerators(specs, true)
	if err == nil || kindOf(t, err) != engine.Invalid || !strings.HasPrefix(err.(*engine.Error).Faults[0].Path, "items[1].config.traffic[0]") {
		t.Errorf("%v", err)
	}
	specs[1].TargetID = "nobody"
	if err := b.BindGenerators(specs, true); err == nil || err.(*engine.Error).Faults[0].Path != "items[1].target_id" {
		t.Errorf("%v", err)
	}
}
