package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glean/sim/scenario/file"
)

// TestLabRunsNetworkBehindPort: a lab is a network of 200 hosts in real time behind a
// port of the daemon. The file's interfaces and generators work, and so do those that
// a client adds.
func TestLabRunsNetworkBehindPort(t *testing.T) {
	d := serve(t, "--lab", "demo")
	lab, err := file.Open("demo")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/interfaces": len(lab.Interfaces), "/packet/generators": len(lab.Generators)} {
		if got := len(d.list(path)); got != want || want == 0 {
			t.Errorf("%s: %d, want the %d of the file", path, got, want)
		}
	}
	const path = "/packet/generators/all" // two of its addresses have no owner: it skips them
	d.until(path, func(o object) bool { return o["learning"] != "resolving" })
	result := d.call(201, "POST", path+"/start", nil)
	d.until("/packet/generator-results/"+result["id"].(string), func(o object) bool {
		return o["flow_counters"].(object)["packets_actual"].(float64) > 0
	})
	d.call(201, "POST", "/interfaces", object{
		"id": "mine", "port_id": "0",
		"config": object{"protocols": []any{
			object{"eth": object{"mac_address": "02:00:00:00:ff:01"}},
			object{"ipv4": object{"method": "static", "static": object{
				"address": "198.18.0.200", "prefix_length": 24, "gateway": "198.18.0.254"}}},
		}},
	})
	request := d.call(202, "POST", "/learning", object{"interface_id": "mine", "addresses": []string{"198.18.0.7", "198.18.1.150"}})
	request = d.until("/learning/"+request["id"].(string), func(o object) bool { return o["state"] != "resolving" })
	got := reasons(d.call(200, "GET", "/learning-results/"+request["result_id"].(string), nil))
	if got["198.18.0.7"] != "02:00:00:00:00:07" || got["198.18.1.150"] != "02:02:00:00:00:00" {
		t.Errorf("learned %v, want host 7 and the router", got)
	}
}

// list returns the reply to GET of a collection.
func (d *daemon) list(path string) (list []object) {
	d.t.Helper()
	status, text := d.do("GET", path, nil)
	if err := json.Unmarshal(text, &list); status != 200 || err != nil {
		d.t.Fatalf("GET %s: %d %s (%v)", path, status, text, err)
	}
	return list
}

// TestLabErrorNamesLine: the error about a member that the daemon refuses has its line.
func TestLabErrorNamesLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lab.yaml")
	const text = `name: lab
topology:
  ports: [{id: "0"}]
generators:
  - {id: short, target_id: "0", config: {duration: {frames: 1}, load: {rate: {value: 1, period: second}, units: frames}, traffic: [
      {length: {fixed: 64}, packet: {protocols: [{ethernet: {}}]}}]}}
  - {id: long, target_id: "0", config: {duration: {frames: 1}, load: {rate: {value: 1, period: second}, units: frames}, traffic: [
      {length: {fixed: 9000}, packet: {protocols: [{ethernet: {}}]}}]}}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run([]string{"serve", "--listen", "127.0.0.1:0", "--lab", path}, &out, &errs)
	if code != 1 || !strings.Contains(errs.String(), path+":8:16: generators[1].config.traffic[0].length: ") {
		t.Errorf("exit %d, stderr %q; want 1 and the line of the length", code, errs.String())
	}
}

func TestLabOfMissingFileIsRefused(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"serve", "--listen", "127.0.0.1:0", "--lab", "nosuch.yaml"}, &out, &errs); code != 2 || !strings.Contains(errs.String(), "nosuch.yaml") {
		t.Errorf("exit %d, stderr %q; want 2 and the file's name", code, errs.String())
	}
}
