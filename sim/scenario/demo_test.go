package scenario

import "testing"

func TestDemo(t *testing.T) {
	r, err := Execute(Demo(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range r.Expectations {
		t.Log(e)
	}
	for _, v := range r.Violations {
		t.Error(v)
	}
	t.Log(r.Frames, r.Drops, r.Duration, r.Learning[0].Took, r.Learning[0].RTT, r.Learning[0].Settled)
	t.Logf("%+v", r.Generators)
	if !r.OK() {
		t.Error("not ok", r.Faults)
	}
}
