package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"glean/internal/netlab"
)

// logs waits until one line of the log has all texts, and returns the line.
func (d *daemon) logs(texts ...string) string {
	d.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		for line := range strings.Lines(d.log.String()) {
			if hasAll(line, texts) {
				return line
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			d.t.Fatalf("no line of the log has %q:\n%s", texts, d.log)
		}
	}
}

func hasAll(line string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(line, text) {
			return false
		}
	}
	return true
}

// TestLogHasChangesOfState: the default level logs a deleted TAP, the generator that ended
// by it, with its counters, and a generator that ran until the daemon stopped. Level
// debug also logs requests.
func TestLogHasChangesOfState(t *testing.T) {
	own := netlab.Own(t)
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			tap := netlab.Name()
			d := serve(t, "--log-format", format, "--port", "0=tap:"+tap, "--port", "1=wire:w")
			for id, port := range map[string]string{"on-tap": "0", "on-wire": "1"} {
				body := generatorTo(id, object{"continuous": true}, 100, 5000, []string{"198.18.0.1"}, nil)
				body["target_id"] = port
				d.call(201, "POST", "/packet/generators", body)
				d.call(201, "POST", "/packet/generators/"+id+"/start", nil)
			}
			own.IP("link del " + tap)
			failed := []string{`msg="generator failed" port=0 generator=on-tap`, ` packets_actual=`, ` error="link: device deleted"`}
			down := []string{`msg="link down" port=0 attachment=tap:` + tap + ` reason=deleted`}
			if format == "json" {
				failed = []string{`"msg":"generator failed","port":"0","generator":"on-tap"`, `,"packets_actual":`, `"error":"link: device deleted"`}
				down = []string{`"msg":"link down","port":"0","attachment":"tap:` + tap + `","reason":"deleted"`}
			}
			line := d.logs(failed...)
			if format == "json" && !json.Valid([]byte(line)) {
				t.Errorf("%q is not JSON", line)
			}
			d.logs(down...)
			d.stop(syscall.SIGTERM)
			d.logs("generator ended", "on-wire", "packets_actual")
			if strings.Contains(d.log.String(), "/packet/generators") {
				t.Errorf("requests are logged at info: %s", d.log)
			}
		})
	}
	d := serve(t, "--log-level", "debug")
	d.call(200, "GET", "/ports", nil)
	d.logs("level=DEBUG msg=request method=GET path=/ports status=200")
}
