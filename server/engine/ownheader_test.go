package engine_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"glean/server/bodies"
	"glean/stack/header"
	"glean/stack/loop"
)

// drawTags draws the tags of an interface: entries of its protocols, and entries of a
// template that repeats the tags or leaves them out.
func drawTags(t *rapid.T) (tags []header.VLAN, entries, template string) {
	repeat := rapid.Bool().Draw(t, "repeat")
	for k := range rapid.IntRange(0, header.MaxTags).Draw(t, "tags") {
		tag := header.VLAN{
			TPID:     rapid.SampledFrom([]header.EtherType{header.EtherTypeVLAN, header.EtherTypeQinQ}).Draw(t, "tpid"),
			ID:       rapid.Uint16Range(1, 4094).Draw(t, "id"),
			Priority: rapid.Uint8Range(0, 7).Draw(t, "priority"),
		}
		tags = append(tags, tag)
		entries += fmt.Sprintf(`,{"vlan":{"id":%d,"priority":%d,"tpid":"%v"}}`, tag.ID, tag.Priority, tag.TPID)
		if repeat {
			template += fmt.Sprintf(`{"vlan":{"id":%d,"ether_type":%d}},`, tag.ID, rapid.SampledFrom([]int{0, 0x1234}).Draw(t, fmt.Sprint("type", k)))
		}
	}
	return tags, entries, template
}

// TestTrafficHasTheHeaderOfARPAndND: traffic has the source MAC, VLAN IDs, priorities,
// TPIDs and source addresses of the interface's ARP and ND messages.
func TestTrafficHasTheHeaderOfARPAndND(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := newNetwork(t, 1)
		tags, entries, template := drawTags(rt)
		mac := header.MACFromUint64(0x02<<40 | rapid.Uint64Range(0, 1<<40-1).Draw(rt, "mac"))
		body := fmt.Sprintf(`{"id":"if-0","port_id":"0","config":{"protocols":[{"eth":{"mac_address":%q}}%s%s%s]}}`,
			mac, entries, v4("198.18.0.10", 24, ""), v6("2001:db8::10", 64, ""))
		spec, err := bodies.Strict.Interface([]byte(body))
		if err == nil {
			_, err = n.CreateInterface(spec)
		}
		if err != nil {
			rt.Fatalf("%v\n%s", err, body)
		}
		n.taggedFarm(0, tags, 1, "198.18.0.1", "2001:db8::1")
		generator := flowsTo("g", "if-0", "", "", "198.18.0.1", "2001:db8::1")
		n.create([]byte(strings.ReplaceAll(string(generator), `{"ethernet":{}},`, `{"ethernet":{}},`+template)))
		n.run(loop.Second)
		n.start("g")
		n.run(10 * loop.Millisecond)
		judgeHeaders(rt, n.taken(), mac, tags)
	})
}

// judgeHeaders requires that all frames have one Ethernet header, with the given tags, and
// one source address of each family.
func judgeHeaders(t *rapid.T, frames []sentFrame, mac header.MAC, tags []header.VLAN) {
	own := make([]byte, header.EthernetSize+header.VLANSize*header.MaxTags+2)
	own = own[:header.EmitEthernet(own, &header.MAC{}, &mac, tags, 0)]
	own = own[6 : len(own)-2] // without the destination and the type after the tags, which differ
	seen := make(map[string]int)
	for _, f := range frames {
		if got := f.frame[6 : 6+len(own)]; !bytes.Equal(got, own) {
			t.Fatalf("the interface is % x, a frame is from % x\n% x", own, got, f.frame)
		}
		eth, payload, err := header.ParseEthernet(f.frame)
		if err != nil {
			t.Fatal(err)
		}
		if int(eth.NumTags) != len(tags) {
			t.Fatalf("%d tags, not %d: % x", eth.NumTags, len(tags), f.frame)
		}
		source := sourceOf(eth.Type, payload)
		if source != "198.18.0.10" && source != "2001:db8::10" && !strings.HasPrefix(source, "fe80::") && source != "::" {
			t.Fatalf("a frame is from %s: % x", source, f.frame)
		}
		seen[fmt.Sprint(eth.Type, " ", source)]++
	}
	for _, kind := range []string{"0x0806 198.18.0.10", "0x0800 198.18.0.10", "0x86dd 2001:db8::10"} {
		if seen[kind] == 0 {
			t.Fatalf("no frame %s: %v", kind, seen)
		}
	}
}

// sourceOf returns the source address of a packet or an ARP message.
func sourceOf(kind header.EtherType, payload []byte) string {
	switch kind {
	case header.EtherTypeARP:
		a, _ := header.ParseARP(payload)
		return netip.AddrFrom4(a.SenderIP).String()
	case header.EtherTypeIPv4:
		return netip.AddrFrom4(header.IPv4(payload).Src()).String()
	}
	return netip.AddrFrom16(header.IPv6(payload).Src()).String()
}
