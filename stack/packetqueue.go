package stack

import (
	"net/netip"

	"glean/stack/header"
)

// packetPool holds copies of packets that wait for a MAC, at most maxHeldPackets. It
// uses buffers again. Each packet is in one of two lists, oldest first: the newest
// packet of each neighbor, and the surplus, packets that a newer one of their neighbor
// follows. When the pool is full, surplus packets are dropped first, so that each
// waiting neighbor keeps a packet, as RFC 4861 section 7.2.2 requires.
type packetPool struct {
	slots []heldPacket // from firstPacket on; before them are the heads of the lists
	live  int
}

type heldPacket struct {
	next         uint32 // packet of the same neighbor; in a free slot and in slot 0: the next free slot
	solicitation uint32 // of its neighbor
	older, newer uint32 // in its list, which is a ring with its head
	data         []byte
}

// Slots of heads.
const (
	newestPackets  = 0
	surplusPackets = 1
	firstPacket    = 2
)

// maxHeldPackets bounds the memory of all held packets of a stack: 24 MB with frames of
// 1,514 octets.
const maxHeldPackets = 16384

// put copies a packet for the neighbor of a solicitation and returns its slot. before is
// the previous packet of that neighbor, 0 if it has none.
func (p *packetPool) put(packet []byte, solicitation, before uint32) uint32 {
	if len(p.slots) == 0 {
		p.slots = append(p.slots, heldPacket{}, heldPacket{older: surplusPackets, newer: surplusPackets})
	}
	id := p.slots[0].next
	if id == 0 {
		id = uint32(len(p.slots))
		p.slots = append(p.slots, heldPacket{})
	}
	slot := &p.slots[id]
	p.slots[0].next, slot.next, slot.solicitation = slot.next, 0, solicitation
	slot.data = append(slot.data[:0], packet...)
	p.live++
	if before != 0 {
		p.slots[before].next = id
		p.unlink(before)
		p.link(surplusPackets, before)
	}
	p.link(newestPackets, id)
	return id
}

// link appends a packet to a list.
func (p *packetPool) link(list, id uint32) {
	last := p.slots[list].older
	p.slots[id].older, p.slots[id].newer = last, list
	p.slots[last].newer, p.slots[list].older = id, id
}

func (p *packetPool) unlink(id uint32) {
	older, newer := p.slots[id].older, p.slots[id].newer
	p.slots[older].newer, p.slots[newer].older = newer, older
}

// oldestSurplus returns the oldest packet that a newer one of its neighbor follows, 0 if
// no neighbor has two.
func (p *packetPool) oldestSurplus() uint32 {
	if id := p.slots[surplusPackets].newer; id != surplusPackets {
		return id
	}
	return 0
}

// free frees a slot.
func (p *packetPool) free(id uint32) {
	p.unlink(id)
	p.slots[id].next = p.slots[0].next
	p.slots[0].next = id
	p.live--
}

// Output sends an IP packet from the interface; the packet is borrowed until Output
// returns. If the MAC of the next hop is not known, the neighbor is solicited and the
// packet held: at most MaxHeld for a neighbor and maxHeldPackets in all; the oldest is
// dropped (RFC 4861 section 7.2.2). The reason is why the packet was not accepted.
func (i *Interface) Output(dst netip.Addr, packet []byte) Reason {
	if !dst.IsValid() || dst.Is4In6() || i.slot == 0 {
		return NoRoute
	}
	r := i.output(ipFrom(dst), packet, byUs)
	i.stack.schedule()
	return r
}

// A requester is the side that causes a packet to be sent.
type requester bool

const (
	byUs   requester = false
	byPeer requester = true // it is an answer to a peer
)

// maxForeignIncomplete is how many INCOMPLETE foreign neighbors a stack has at a time.
// It bounds the solicitations and held packets that invented senders cause. It is half
// of foreignMax, so that peers that send their MAC find room beside senders for which no
// station answers.
const maxForeignIncomplete = foreignMax / 2

func (i *Interface) output(dst ip, packet []byte, who requester) Reason {
	hop, r := i.nextHop(dst)
	if r != ReasonNone {
		i.stack.drop(DropNoRoute)
		return r
	}
	return i.outputTo(hop, packet, who)
}

// outputTo is output to a neighbor.
func (i *Interface) outputTo(hop ip, packet []byte, who requester) Reason {
	s := i.stack
	if !s.up {
		s.drop(DropLinkDown)
		return LinkDown
	}
	if mac, ok := i.groupMAC(hop); ok {
		s.sendPacket(i, mac, packet)
		return ReasonNone
	}
	if r := i.refusalReason(hop); r != ReasonNone {
		s.drop(DropNoRoute)
		return r
	}
	id, free := s.neighbors.search(i.slot, hop)
	switch {
	case id != 0:
	case who == byPeer:
		if s.foreignIncomplete < maxForeignIncomplete {
			id = s.admit(i, hop, free, s.loop.Now(), true)
		}
		if id == 0 {
			s.drop(DropForeignFull)
			return TableFull
		}
	default:
		if id = s.admit(i, hop, free, s.loop.Now(), false); id == 0 {
			s.drop(DropTableFull)
			return TableFull
		}
	}
	s.markUsed(id, who)
	if n := s.neighbors.at(id); n.state.HasMAC() {
		s.sendPacket(i, n.mac, packet)
	} else {
		s.holdPacket(n, i, packet)
	}
	return ReasonNone
}

// markUsed applies the event that a packet is sent to a neighbor.
func (s *Stack) markUsed(id uint32, who requester) {
	n := s.neighbors.at(id)
	if who == byUs {
		s.adopt(n)
	}
	s.apply(id, evSend, header.MAC{}, CauseSent)
	if n.solicitation != 0 {
		s.solicitations.At(n.solicitation).flags |= solicitUsed
	}
}

// holdPacket holds a packet for an INCOMPLETE neighbor and makes the stack solicit it.
func (s *Stack) holdPacket(n *neighbor, i *Interface, packet []byte) {
	sol := s.solicitations.At(n.solicitation)
	if int(sol.packets) == i.config.Neighbor.MaxHeld {
		s.dropOldestPacket(sol)
		s.drop(DropHeldOverflow)
	}
	if s.packets.live == maxHeldPackets {
		s.evictPacket(sol)
		s.drop(DropHeldOverflow)
	}
	if sol.packets == 0 {
		sol.tail = s.packets.put(packet, n.solicitation, 0)
		sol.head = sol.tail
	} else {
		sol.tail = s.packets.put(packet, n.solicitation, sol.tail)
	}
	sol.packets++
	if sol.flags&solicitSelf != 0 {
		return
	}
	sol.flags |= solicitSelf
	sol.selfSent = 0
	if now := s.loop.Now(); now >= n.solicited.Add(i.config.Neighbor.RetransTimer) {
		s.solicitNow(n, sol, i)
	} else {
		s.setSolicitTimer(n, sol, i, now)
	}
}

// evictPacket drops a packet so that one for sol can be held. If no neighbor has two, it
// drops the packet of the same neighbor, else the oldest of all.
func (s *Stack) evictPacket(sol *solicitation) {
	switch id := s.packets.oldestSurplus(); {
	case id != 0:
		sol = s.solicitations.At(s.packets.slots[id].solicitation)
	case sol.packets == 0:
		sol = s.solicitations.At(s.packets.slots[s.packets.slots[newestPackets].newer].solicitation)
	}
	s.dropOldestPacket(sol)
}

// dropOldestPacket frees the first held packet of a neighbor.
func (s *Stack) dropOldestPacket(sol *solicitation) {
	next := s.packets.slots[sol.head].next
	s.packets.free(sol.head)
	sol.head = next
	sol.packets--
}

// dropHeldPackets drops all held packets of a neighbor.
func (s *Stack) dropHeldPackets(sol *solicitation) {
	for sol.packets > 0 {
		s.dropOldestPacket(sol)
		s.drop(DropHeldFailed)
	}
	sol.head, sol.tail = 0, 0
}

// endHeldPackets sends or drops the packets held for a neighbor.
func (s *Stack) endHeldPackets(i *Interface, n *neighbor, do action) {
	sol := s.solicitations.At(n.solicitation)
	if do&doFlush != 0 {
		for sol.packets > 0 {
			s.sendPacket(i, n.mac, s.packets.slots[sol.head].data)
			s.dropOldestPacket(sol)
		}
		sol.head, sol.tail = 0, 0
	}
	s.dropHeldPackets(sol)
	sol.flags &^= solicitSelf
}

// sendPacket prepends an Ethernet header to an IP packet and sends it. The packet may
// lie in s.frame.
func (s *Stack) sendPacket(i *Interface, dst header.MAC, packet []byte) {
	kind := header.EtherTypeIPv4
	if len(packet) > 0 && packet[0]>>4 == 6 {
		kind = header.EtherTypeIPv6
	}
	n := i.ethernetSize()
	frame := s.frameBuffer(n + len(packet))
	copy(frame[n:], packet) // before the header, which may overwrite it
	i.emitEthernet(frame, dst, kind)
	i.send(n+len(packet), &s.counts().PacketsSent)
}
