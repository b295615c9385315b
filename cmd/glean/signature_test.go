package main

import (
	"testing"
	"time"

	"glean/internal/netlab"
)

// TestSignatureHasUnixTime: the signature of a frame on a device holds the Unix time at
// which the frame was sent.
func TestSignatureHasUnixTime(t *testing.T) {
	own := netlab.Own(t)
	tap := netlab.Name()
	d := serve(t, "--port", "0=tap:"+tap)
	c := newCapture(t, own, tap, failoverPort)
	before := time.Now()
	g := generatorTo("gen-1", object{"frames": 10}, 1000, failoverPort, []string{"198.18.0.1"}, nil)
	g["target_id"] = "0"
	g["config"].(object)["traffic"].([]any)[0].(object)["signature"] = object{"stream_id": 1, "latency": "start_of_frame"}
	d.call(201, "POST", "/packet/generators", g)
	d.call(201, "POST", "/packet/generators/gen-1/start", nil)
	frames := c.frames(10)
	after := time.Now()
	if len(frames) != 10 {
		t.Fatalf("%d frames", len(frames))
	}
	for _, f := range frames {
		if f.signed.Before(before.Add(-slackTime)) || f.signed.After(after.Add(slackTime)) {
			t.Errorf("signed %v, sent between %v and %v", f.signed, before, after)
		}
	}
}
