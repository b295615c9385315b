package program

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"

	"pgregory.net/rapid"

	"glean/generator/traffic"
)

// object is a JSON object.
type object = map[string]any

// drawConfig draws a configuration that is right, and small enough for the
// twin.
func drawConfig(t *rapid.T, onPort bool) []byte {
	var traffic []any
	for range rapid.IntRange(1, 3).Draw(t, "definitions") {
		traffic = append(traffic, drawDefinition(t, onPort))
	}
	c := object{
		"duration": object{"continuous": true},
		"load": object{"rate": object{"value": rapid.IntRange(1, 1_000_000_000).Draw(t, "rate"), "period": "second"},
			"units": rapid.SampledFrom([]string{"frames", "octets"}).Draw(t, "units"), "burst_size": rapid.IntRange(1, 100).Draw(t, "burst")},
		"order":             rapid.SampledFrom([]string{"round-robin", "sequential"}).Draw(t, "order"),
		"protocol_counters": []string{"ethernet", "ip", "transport", "tunnel"},
		"traffic":           traffic,
	}
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func drawDefinition(t *rapid.T, onPort bool) object {
	var kinds []string
	if onPort && rapid.IntRange(0, 9).Draw(t, "custom first") == 0 {
		kinds = append(kinds, "custom")
	} else {
		kinds = append(kinds, "ethernet")
	}
	some := func(name string, kind string, most int) {
		for range rapid.IntRange(0, most).Draw(t, name) {
			kinds = append(kinds, kind)
		}
	}
	if onPort {
		some("tags", "vlan", 2)
	}
	some("labels", "mpls", 2)
	ip := rapid.SampledFrom([]string{"ipv4", "ipv6"})
	for range rapid.SampledFrom([]int{0, 1, 1, 1, 2}).Draw(t, "ips") {
		kinds = append(kinds, ip.Draw(t, "ip"))
		if rapid.IntRange(0, 9).Draw(t, "tunnel") == 0 {
			kinds = append(kinds, "udp")
		}
	}
	kinds = append(kinds, rapid.SampledFrom([][]string{nil, {"udp"}, {"tcp"}, {"udp", "custom"}, {"custom"}}).Draw(t, "end")...)

	var protocols []any
	budget := 200 // of flows, so that the twin can write them down
	for i, kind := range kinds {
		protocols = append(protocols, drawProtocol(t, kind, i == 0, &budget))
	}
	d := object{
		"packet": object{"protocols": protocols, "modifier_tie": rapid.SampledFrom([]string{"zip", "cartesian"}).Draw(t, "tie")},
		"length": drawLength(t), "weight": rapid.IntRange(1, 4).Draw(t, "weight"),
	}
	if rapid.IntRange(0, 2).Draw(t, "signed") == 0 {
		s := object{"stream_id": rapid.IntRange(1, 70000).Draw(t, "stream"), "latency": rapid.SampledFrom([]string{"start_of_frame", "end_of_frame"}).Draw(t, "latency")}
		if f := rapid.SampledFrom([]object{nil, {"constant": 0xabcd}, {"increment": 250}, {"decrement": 3}, {"prbs": true}}).Draw(t, "fill"); f != nil {
			s["fill"] = f
		}
		d["signature"] = s
	}
	return d
}

func drawLength(t *rapid.T) object {
	octets := rapid.IntRange(64, 260)
	switch rapid.IntRange(0, 4).Draw(t, "lengths") {
	case 0:
		return object{"list": rapid.SliceOfN(octets, 1, 5).Draw(t, "list")}
	case 1:
		return object{"sequence": object{"count": rapid.IntRange(1, 6).Draw(t, "count"), "start": octets.Draw(t, "start"), "stop": octets.Draw(t, "stop")}}
	case 2:
		return object{"imix": []any{object{"length": octets.Draw(t, "a"), "weight": 3}, object{"length": octets.Draw(t, "b"), "weight": 2}}}
	case 3:
		low := octets.Draw(t, "low")
		return object{"random": object{"min": low, "max": low + rapid.IntRange(0, 40).Draw(t, "spread"), "seed": rapid.Uint64().Draw(t, "seed")}}
	}
	return object{"fixed": octets.Draw(t, "fixed")}
}

func drawProtocol(t *rapid.T, kind string, first bool, budget *int) object {
	p := protocolNamed(kind)
	body := object{}
	octets := 0
	if p == traffic.Custom {
		octets = rapid.IntRange(4, 24).Draw(t, "custom")
		if first {
			octets += 14
		}
		body = object{"data": base64.StdEncoding.EncodeToString(rapid.SliceOfN(rapid.Byte(), octets, octets).Draw(t, "data")), "layer": "payload"}
	} else {
		for i := range p.Fields() {
			if f := &p.Fields()[i]; rapid.IntRange(0, 3).Draw(t, f.Name) == 0 {
				body[f.Name] = drawField(t, f)
			}
		}
	}
	out := object{kind: body}
	var items []any
	for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "modifiers") {
		if m := drawModifier(t, p, octets, budget); m != nil {
			items = append(items, m)
		}
	}
	if len(items) > 0 {
		out["modifiers"] = object{"items": items, "tie": rapid.SampledFrom([]string{"zip", "cartesian"}).Draw(t, "protocol tie")}
	}
	return out
}

func drawField(t *rapid.T, f *traffic.Field) any {
	switch f.Kind {
	case traffic.KindBoolean:
		return rapid.Bool().Draw(t, "boolean")
	case traffic.KindWord:
		return rapid.SampledFrom(f.Words).Draw(t, "word")
	case traffic.KindFlags:
		return rapid.SliceOfDistinct(rapid.SampledFrom(f.Words), func(s string) string { return s }).Draw(t, "flags")
	case traffic.KindMAC:
		return fmt.Sprintf("02:00:00:00:%02x:%02x", rapid.Byte().Draw(t, "mac"), rapid.Byte().Draw(t, "mac"))
	case traffic.KindIPv4, traffic.KindIPv6:
		return drawAddress(t, f.Kind)
	}
	scale := max(f.Scale, 1)
	return rapid.Uint64Range(0, f.Max()/scale).Draw(t, "number") * scale
}

func drawAddress(t *rapid.T, kind traffic.FieldKind) string {
	if kind == traffic.KindIPv4 {
		return rapid.SampledFrom([]string{"198.18.0.9", "198.18.3.4", "10.1.2.3", "239.1.2.3", "0.0.0.0"}).Draw(t, "ipv4")
	}
	return rapid.SampledFrom([]string{"2001:db8::9", "2001:db8::ffff:0", "fe80::77", "ff02::5", "2001:db8:5::1", "::"}).Draw(t, "ipv6")
}

// customKinds are the members that hold values of custom headers, with their
// octets.
var customKinds = []struct {
	name   string
	kind   traffic.FieldKind
	octets int
}{{"field", traffic.KindInteger, 4}, {"ipv4", traffic.KindIPv4, 4}, {"ipv6", traffic.KindIPv6, 16}, {"mac", traffic.KindMAC, 6}}

func protocolNamed(name string) traffic.Protocol {
	for p := range traffic.NumProtocols {
		if p.String() == name {
			return p
		}
	}
	panic(name)
}

func drawModifier(t *rapid.T, p traffic.Protocol, octets int, budget *int) object {
	count := rapid.IntRange(1, 5).Draw(t, "values")
	if *budget/count == 0 {
		return nil
	}
	*budget /= count
	if p == traffic.Custom {
		kind := customKinds[rapid.IntRange(0, 3).Draw(t, "kind")]
		if room := octets - kind.octets; room >= 0 {
			m := drawValues(t, kind.kind, 1<<32-1, 1, count)
			return object{"name": "data", "offset": rapid.IntRange(0, room).Draw(t, "offset"), "permute": rapid.Bool().Draw(t, "permute"), kind.name: m}
		}
		return nil
	}
	f := &p.Fields()[rapid.IntRange(0, len(p.Fields())-1).Draw(t, "field")]
	kind := "field"
	switch f.Kind {
	case traffic.KindMAC:
		kind = "mac"
	case traffic.KindIPv4:
		kind = "ipv4"
	case traffic.KindIPv6:
		kind = "ipv6"
	}
	return object{"name": f.Name, "permute": rapid.Bool().Draw(t, "permute"), kind: drawValues(t, f.Kind, f.Max(), max(f.Scale, 1), count)}
}

func drawValues(t *rapid.T, kind traffic.FieldKind, limit, scale uint64, count int) object {
	if limit > 1<<32-1 {
		limit = 1<<32 - 1
	}
	value := func(i uint64) any {
		switch kind {
		case traffic.KindMAC:
			return fmt.Sprintf("02:00:00:00:01:%02x", i)
		case traffic.KindIPv4:
			return netip.AddrFrom4([4]byte{198, 18, 7, byte(i)}).String()
		case traffic.KindIPv6:
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)}).String()
		}
		return i
	}
	address := kind == traffic.KindMAC || kind == traffic.KindIPv4 || kind == traffic.KindIPv6
	if !address {
		limit = min(limit, 250*scale)
	} else {
		limit, scale = 250, 1
	}
	if rapid.Bool().Draw(t, "list") || limit/scale < 140 {
		var list []any
		for range count {
			list = append(list, value(rapid.Uint64Range(0, limit/scale).Draw(t, "item")*scale))
		}
		if address && kind != traffic.KindMAC && rapid.Bool().Draw(t, "far") {
			list[0] = drawAddress(t, kind)
		}
		return object{"list": list}
	}
	start := rapid.Uint64Range(0, 100).Draw(t, "start")
	step := rapid.Uint64Range(1, 5).Draw(t, "step")
	s := object{"count": count, "start": value(start * scale), "stop": value((start + step*uint64(count)) * scale)}
	if rapid.Bool().Draw(t, "skips") {
		s["skip"] = []any{value((start + step*rapid.Uint64Range(0, 6).Draw(t, "skip")) * scale)}
	}
	return object{"sequence": s}
}
