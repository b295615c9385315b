package program

import (
	"fmt"
	"slices"

	"glean/generator/traffic"
	"glean/stack/header"
)

// The frames of an interface have its tags, whether the template has them too
// or not: VLAN IDs and TPIDs always, priority and drop eligibility where the
// template does not set them. A MAC was learned with these tags and is
// reachable with them only.

// templateTags returns the tags of the template: those that follow the Ethernet header.
func templateTags(t *traffic.Definition) []traffic.Header {
	n := 1
	for n < len(t.Headers) && t.Headers[n].Protocol == traffic.VLAN {
		n++
	}
	return t.Headers[1:n]
}

// ownTags returns the tags of the interface that the frames get, and adds a
// fault for each that the template contradicts.
func (k *compiler) ownTags(t *traffic.Definition) []header.VLAN {
	if !k.b.Interface || t.Headers[0].Protocol != traffic.Ethernet {
		return nil
	}
	own, configured := k.b.Tags, templateTags(t)
	if len(configured) > 0 && !slices.EqualFunc(configured, own, func(h traffic.Header, tag header.VLAN) bool {
		return header.Dot1Q(h.Octets).ID() == tag.ID
	}) {
		ids := make([]uint16, len(configured))
		for i := range configured {
			ids[i] = header.Dot1Q(configured[i].Octets).ID()
		}
		k.faults.Add(t.Path+".packet.protocols[1].vlan.id", "tags %v are not those of the interface, %v", ids, tagIDs(own))
		return nil
	}
	for i := range configured {
		for _, m := range configured[i].ModifiersOf("id") {
			k.faults.Add(m.Path, "the VLAN ID of an interface's tag cannot be modified; the interface has %v", tagIDs(own))
		}
	}
	for i := range own {
		if h := &t.Headers[min(i, len(configured))]; i == 0 || len(configured) > 0 {
			k.keepTPID(h, &own[i])
		}
	}
	return own
}

// keepTPID adds a fault if the header in front of a tag sets another TPID than
// the tag has. Other types give way to the TPID, as to any header that follows.
func (k *compiler) keepTPID(h *traffic.Header, tag *header.VLAN) {
	for _, m := range h.ModifiersOf("ether_type") {
		k.faults.Add(m.Path, "this is the TPID of the interface's tag %d, which cannot be modified; give the template the interface's vlan headers and modify ether_type of the last one", tag.ID)
	}
	given, own := header.EtherType(h.Protocol.Field(traffic.RoleNext).Get(h.Octets).Lo), tag.Type()
	if given.IsTag() && given != own {
		k.faults.Add(h.Path+"."+h.Protocol.String()+".ether_type", "TPID %v is not that of the interface's tag %d, %v; leave ether_type out", given, tag.ID, own)
	}
}

func tagIDs(tags []header.VLAN) []uint16 {
	ids := make([]uint16, len(tags))
	for i, t := range tags {
		ids[i] = t.ID
	}
	return ids
}

// complete gives a tag of the template what it leaves to the interface.
func (h *frameHeader) complete(tag *header.VLAN) {
	h.tpid = tag.Type()
	v := header.Dot1Q(h.octets)
	if !h.spec.Sets("priority") {
		v.SetPriority(tag.Priority)
	}
	if !h.spec.Sets("drop_eligible") {
		v.SetDropEligible(tag.DropEligible)
	}
}

// insertedTags says in a fault how many tags of the interface are among the headers.
func (d *definition) insertedTags() string {
	n := 0
	for i := range d.headers {
		if d.headers[i].spec == nil {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d VLAN tags of the interface", n)
}

// newTag returns a tag that is inserted behind an Ethernet header. next is the
// header's type, which is what follows the last tag unless a header decides.
func newTag(tag *header.VLAN, next traffic.Uint128) frameHeader {
	v := header.Dot1Q(make([]byte, header.VLANSize))
	v.SetID(tag.ID)
	v.SetPriority(tag.Priority)
	v.SetDropEligible(tag.DropEligible)
	v.SetType(header.EtherType(next.Lo))
	return frameHeader{kind: traffic.VLAN, octets: v, protocolID: -1, tpid: tag.Type()}
}
