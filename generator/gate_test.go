package generator

import (
	"testing"

	"glean/generator/traffic/traffictest"
	"glean/stack/loop"
)

// TestToggleObeysTheGate: a generator that may not start may not take the
// place of another one either, and the other one goes on. (OpenPerf's toggle
// ignores learning.)
func TestToggleObeysTheGate(t *testing.T) {
	r := newRoom(t)
	running := r.create("running", traffictest.OneFlow(traffictest.PerMillisecond, `{"continuous":true}`, ""))
	waiting := r.create("waiting", traffictest.OneFlow(traffictest.PerMillisecond, `{"continuous":true}`, ""))
	r.resolve(running)
	if _, err := r.m.Start("running"); err != nil {
		t.Fatal(err)
	}
	r.loop.RunFor(10 * loop.Millisecond)
	refused := func(when string) {
		t.Helper()
		err := r.m.Toggle("running", "waiting", func(*Result, error) { t.Errorf("%s: it toggled", when) })
		if kindOf(err) != KindConflict {
			t.Errorf("%s: %v, want a conflict", when, err)
		}
		before := len(r.queue.frames)
		r.loop.RunFor(10 * loop.Millisecond)
		if !running.Active() || waiting.Active() || len(r.queue.frames)-before != 10 {
			t.Errorf("%s: active %v and %v, %d frames in 10 ms; want the old one alone", when, running.Active(), waiting.Active(), len(r.queue.frames)-before)
		}
	}
	refused("while resolving")
	r.m.LearningDone(waiting.Handle)
	refused("timed out")
	r.resolve(waiting)
	toggled := false
	if err := r.m.Toggle("running", "waiting", func(_ *Result, err error) { toggled = err == nil }); err != nil {
		t.Fatal(err)
	}
	r.loop.RunFor(10 * loop.Millisecond)
	if !toggled || running.Active() || !waiting.Active() {
		t.Error("it did not toggle when resolved")
	}
}
