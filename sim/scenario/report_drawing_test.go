package scenario_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"glean/sim/scenario"
	"glean/sim/scenario/file"
)

// twoPorts is a network with two ports of glean of which one learns, and a
// virtual router.
const twoPorts = `name: two
topology:
  switches: [lan, wan]
  ports: [{id: "0", on: lan}, {id: "1", on: wan}]
  routers:
    - {name: r1, ports: [{on: lan, ipv4: 10.0.0.252/24}, {on: wan, ipv4: 10.0.1.252/24}]}
    - {name: r2, ports: [{on: lan, ipv4: 10.0.0.253/24, ipv6: "2001:db8::253/64"}]}
  virtual_routers: [{name: gateway, on: lan, routers: [r1, r2], id: 1, ipv4: 10.0.0.254/24}]
  hosts:
    - {name: peer, count: 3, on: lan, ipv4: 10.0.0.0/24, ipv6: "2001:db8::/64", address: 1}
    - {name: quiet, on: lan, ipv4: 10.0.0.0/24, address: 9}
  odd_hosts: [{name: odd, on: lan, number: 77, ipv6: "2001:db8::77"}]
  farms: [{name: farm, on: wan, hosts: 5, ipv4: 10.0.1.10}]
interfaces:
  - {id: a, port_id: "0", config: {protocols: [{eth: {mac_address: "02:01:00:00:00:01"}},
      {ipv4: {method: static, static: {address: 10.0.0.100, prefix_length: 24}}}]}}
  - {id: b, port_id: "1", config: {protocols: [{eth: {mac_address: "02:01:00:00:00:02"}},
      {ipv4: {method: static, static: {address: 10.0.1.100, prefix_length: 24}}}]}}
learning:
  - {interface_id: a, addresses: [10.0.0.1, 10.0.0.2, 10.0.0.77], timeout_ms: 1000}
`

// drawnBoxes are the texts of a drawing by the title of the box that they are in.
func drawnBoxes(t *testing.T, svg []byte) map[string]string {
	t.Helper()
	boxes, title, bold, inText := make(map[string]string), "", false, false
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return boxes
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText, bold = token.Name.Local == "text", false
			for _, a := range token.Attr {
				bold = bold || a.Name.Local == "font-weight"
			}
		case xml.CharData:
			switch text := string(token); {
			case !inText || strings.TrimSpace(text) == "":
			case bold:
				title = text
				boxes[title] = ""
			default:
				boxes[title] += text + "; "
			}
		}
	}
}

// TestDrawingHasAddressesAndWhatEachPortLearned: also virtual routers, and what was
// learned only where it was.
func TestDrawingHasAddressesAndWhatEachPortLearned(t *testing.T) {
	s, err := file.Load("two.yaml", []byte(twoPorts))
	if err != nil {
		t.Fatal(err)
	}
	r, err := scenario.Execute(s, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := drawnBoxes(t, r.SVG())
	for title, want := range map[string]string{
		"glean port 0":  "10.0.0.100/24; 2 of 3 learned; ",
		"glean port 1":  "10.0.1.100/24; ",
		"lan":           "switch; ",
		"r1":            "router; 10.0.0.252/24; 10.0.1.252/24; ",
		"r2":            "router; 10.0.0.253/24; 2001:db8::253/64; ",
		"gateway":       "virtual router of r1, r2; 10.0.0.254/24; ",
		"peer-1 ... 3":  "10.0.0.1 - 10.0.0.3; 2001:db8::1 - 2001:db8::3; 2 of 2 learned; ",
		"quiet":         "10.0.0.9/24; not requested; ",
		"odd":           "2001:db8::77; not requested; ",
		"farm: 5 hosts": "from 10.0.1.10; not requested; ",
	} {
		if got[title] != want {
			t.Errorf("%s: %q, want %q", title, got[title], want)
		}
	}
}

// TestDrawingHasNoOverlaps: boxes of a column are below each other.
func TestDrawingHasNoOverlaps(t *testing.T) {
	for _, name := range []string{"demo", "campus-qinq", "leaf-spine", "gateway-failover"} {
		s, err := file.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := scenario.Execute(s, scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		bottom := make(map[int]int) // of the boxes until now, by their x
		for _, b := range drawnRects(t, r.SVG()) {
			if b.y < bottom[b.x] {
				t.Errorf("%s: a box at x %d begins at y %d, above the end of the one before, %d", name, b.x, b.y, bottom[b.x])
			}
			bottom[b.x] = b.y + b.height
		}
		if len(bottom) < 2 {
			t.Errorf("%s: boxes in %d columns", name, len(bottom))
		}
	}
}

type rect struct{ x, y, height int }

// drawnRects returns the boxes of a drawing in their order.
func drawnRects(t *testing.T, svg []byte) (list []rect) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "rect" {
			continue
		}
		attributes := make(map[string]int)
		for _, a := range start.Attr {
			attributes[a.Name.Local], _ = strconv.Atoi(a.Value)
		}
		if attributes["x"] > 0 { // the background has no x
			list = append(list, rect{attributes["x"], attributes["y"], attributes["height"]})
		}
	}
}
