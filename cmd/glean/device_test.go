package main

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"glean/internal/netlab"
)

// A daemon that is killed while it sends leaves its io_uring, and by that its TAP, for
// some milliseconds; the next one gets the TAP all the same.
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

// Two daemons do not share a TAP: the second one says whose it is and ends, and a
// port that POST /ports asks for is refused too.
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

// TestTAPHasTheMTUItIsGiven: also when an administrator gives it another one, which the
// port shows.
func TestTAPHasTheMTUItIsGiven(t *testing.T) {
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

// POST /ports/{id}/reattach makes a TAP again that was deleted.
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
