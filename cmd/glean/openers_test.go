package main

import (
	"fmt"
	"testing"

	"glean/sim"
	"glean/stack/loop"
)

// TestWirePortsLeaveNothing: each wire port that is closed takes its wire with
// it, and the last one of a name the patch switch too.
func TestWirePortsLeaveNothing(t *testing.T) {
	l := loop.NewReal()
	w := &wires{loop: l, world: sim.NewWorldOn(l, 0), patches: make(map[string]*sim.Switch)}
	stays := w.plug("shared")
	for n := range 100 {
		for _, name := range []string{fmt.Sprint("own-", n), "shared"} {
			lk := w.plug(name)
			if err := lk.Close(); err != nil {
				t.Fatal(err)
			}
			if err := lk.Close(); err != nil {
				t.Fatalf("closed twice: %v", err)
			}
		}
	}
	if wires, patches, ports := len(w.world.Wires()), len(w.patches), len(w.patches["shared"].Ports()); wires != 1 || patches != 1 || ports != 1 {
		t.Errorf("%d wires, %d patch switches and %d ports of the shared one are left, want 1 of each", wires, patches, ports)
	}
	if err := stays.Close(); err != nil {
		t.Fatal(err)
	}
	if wires, patches := len(w.world.Wires()), len(w.patches); wires+patches != 0 {
		t.Errorf("%d wires and %d patch switches are left", wires, patches)
	}
}
