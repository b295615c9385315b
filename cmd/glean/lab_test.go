package main

import (
	"bytes"
	"strings"
	"testing"
)

// A lab is a network of 200 hosts in real time behind a port of the daemon.
func TestLab(t *testing.T) {
	d := serve(t, "--lab", "demo")
	d.call(201, "POST", "/interfaces", object{
		"id": "if-1", "port_id": "0",
		"config": object{"protocols": []any{
			object{"eth": object{"mac_address": "02:00:00:00:ff:01"}},
			object{"ipv4": object{"method": "static", "static": object{
				"address": "198.18.0.200", "prefix_length": 24, "gateway": "198.18.0.254"}}},
		}},
	})
	request := d.call(202, "POST", "/learning", object{"interface_id": "if-1", "addresses": []string{"198.18.0.7", "198.18.1.150"}})
	request = d.until("/learning/"+request["id"].(string), func(o object) bool { return o["state"] != "resolving" })
	got := reasons(d.call(200, "GET", "/learning-results/"+request["result_id"].(string), nil))
	if got["198.18.0.7"] != "02:00:00:00:00:07" || got["198.18.1.150"] != "02:02:00:00:00:00" {
		t.Errorf("learned %v, want host 7 and the router", got)
	}
}

func TestLabOfNoFile(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"serve", "--listen", "127.0.0.1:0", "--lab", "nosuch.yaml"}, &out, &errs); code != 2 || !strings.Contains(errs.String(), "nosuch.yaml") {
		t.Errorf("exit %d, stderr %q; want 2 and the file's name", code, errs.String())
	}
}
