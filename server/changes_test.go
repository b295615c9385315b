package server

import (
	"strings"
	"testing"
)

// An interface that tracks in a hurry, and a peer of it with a MAC to fill in.
const (
	hasty = `{"id":"if-h","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:01:0a"}},
		{"ipv4":{"method":"static","static":{"address":"198.18.0.20","prefix_length":16}}}],
		"neighbor":{"retrans_timer_ms":20,"probe_interval_ms":100,"unicast_solicits":1,"multicast_solicits":1}}}`
	mover = `{"id":"if-m","port_id":"1","config":{"protocols":[{"eth":{"mac_address":"MAC"}},
		{"ipv4":{"method":"static","static":{"address":"198.18.0.14","prefix_length":16}}}]}}`
)

// TestResultListsChangesOfNextHops: while a generator runs, its next hop is made anew with
// another MAC, which announces it, and then it is gone.
func TestResultListsChangesOfNextHops(t *testing.T) {
	const first, second = "02:00:00:00:00:0e", "02:00:00:00:00:0f"
	a := newHarness(t)
	a.post("/interfaces", hasty).want(201)
	a.post("/interfaces", strings.Replace(mover, "MAC", first, 1)).want(201)
	a.post("/packet/generators", generatorWith("g", "if-h", continuous, "198.18.0.14"), "Prefer: wait=10").want(201)
	events := a.stream("/events")
	result := "/packet/generator-results/" + a.post("/packet/generators/g/start", "").want(201).
		is("neighbor_changes", "[]", "neighbor_changes_left_out", 0).text("id")
	a.delete("/interfaces/if-m").want(204)
	a.post("/interfaces", strings.Replace(mover, "MAC", second, 1)).want(201)
	events.until("generator", "g", "neighbor_moved")
	a.delete("/interfaces/if-m").want(204)
	events.until("generator", "g", "neighbor_lost")
	a.post("/packet/generators/g/stop", "").want(204)

	list, sum := a.get(result).want(200).at("neighbor_changes").([]any), 0.0
	for n, c := range list {
		change := c.(map[string]any)
		sum += change["frames_to_stale_mac"].(float64)
		if change["interface_id"] != "if-h" || change["next_hop_address"] != "198.18.0.14" {
			t.Errorf("change %d: %v", n, change)
		}
	}
	last := list[len(list)-1].(map[string]any)
	if last["old_mac"] != second || last["new_mac"] != nil || last["cause"] != "no_reply" {
		t.Errorf("the last change is %v", last)
	}
	a.get(result).is("flow_counters.packets_to_stale_mac", sum)
}
