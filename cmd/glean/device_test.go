package main

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"glean/internal/netlab"
)

// TestDaemonComesUpAfterKill: a killed daemon's io_uring holds its TAP for some
// milliseconds. The next daemon gets the TAP all the same.
func TestDaemonComesUpAfterKill(t *testing.T) {
	netlab.Require(t)
	for range 3 {
		tap := netlab.Name()
		d := serve(t, "--port", "0=tap:"+tap)
		body := generatorTo("full", object{"continuous": true}, 10_000_000, 5000, []string{"198.18.0.1"}, nil)
		body["target_id"] = "0"
		d.call(201, "POST", "/packet/generators", body)
		id := d.call(201, "POST", "/packet/generators/full/start", nil)["id"].(string)
		d.until("/packet/generator-results/"+id, func(o object) bool {
			return at(o, "flow_counters", "packets_actual").(float64) > 0
		})
		d.stop(syscall.SIGKILL)
		serve(t, "--port", "0=tap:"+tap).stop(syscall.SIGTERM)
	}
}

// TestTAPOfAnotherDaemonIsRefused: a second daemon with the same TAP ends with an error,
// and POST /ports refuses the TAP, too.
func TestTAPOfAnotherDaemonIsRefused(t *testing.T) {
	netlab.Require(t)
	tap := netlab.Name()
	spec := "0=tap:" + tap + ",queues=2"
	serve(t, "--port", spec)
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "serve", "--listen", "127.0.0.1:0", "--port", spec).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the TAP is in use by another process or port") {
		t.Errorf("the second daemon ended with %v: %s", err, out)
	}
	other := serve(t)
	other.call(400, "POST", "/ports", object{"id": "tap", "kind": "tap", "config": object{"tap": object{"name": tap, "queues": 2}}})
}

// TestTAPHasConfiguredMTU: the port also shows another MTU that an administrator sets.
func TestTAPHasConfiguredMTU(t *testing.T) {
	own := netlab.Own(t)
	tap := netlab.Name()
	d := serve(t, "--port", "0=tap:"+tap+",mtu=1400")
	if l := own.Run("ip", "link", "show", tap); !strings.Contains(l, "mtu 1400 ") {
		t.Errorf("the device is %s", l)
	}
	for _, mtu := range []float64{1400, 4000, 1280} {
		own.IP(fmt.Sprintf("link set %s mtu %.0f", tap, mtu))
		d.until("/ports/0", func(p object) bool { return at(p, "config", "tap", "mtu") == mtu })
	}
}

// TestReattachMakesTheTAP: POST /ports/{id}/reattach makes a deleted TAP again.
func TestReattachMakesTheTAP(t *testing.T) {
	own := netlab.Own(t)
	tap := netlab.Name()
	d := serve(t, "--port", "0=tap:"+tap)
	d.call(409, "POST", "/ports/0/reattach", nil)
	own.IP("link del " + tap)
	d.until("/ports/0", func(p object) bool { return at(p, "status", "reason") == "deleted" })
	d.call(200, "POST", "/ports/0/reattach", nil)
	d.until("/ports/0", func(p object) bool { return at(p, "status", "link") == "up" })
	own.IP("link show " + tap)
}
