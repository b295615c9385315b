package stack

import (
	"encoding/binary"

	"glean/stack/header"
	"glean/stack/loop"
)

// A node joins the solicited-node group of each of its addresses (RFC 4861 section
// 7.2.1) and reports it by Multicast Listener Discovery, for switches that forward
// a group only to its listeners. All-nodes is joined without a report (RFC 3810
// section 6).

const (
	mldQuery    = 130
	mldReportV1 = 131
	mldReportV2 = 143

	recordIsExclude = 2 // MODE_IS_EXCLUDE: the answer to a query
	recordToInclude = 3 // CHANGE_TO_INCLUDE_MODE of no source: leave
	recordToExclude = 4 // CHANGE_TO_EXCLUDE_MODE of no source: join

	mldRobustness = 2               // unsolicited reports (RFC 3810 section 9.1)
	mldInterval   = 1 * loop.Second // between them (section 9.11)

	mldRecordSize  = 20
	mldQueryV1Size = 24
	mldHopLimit    = 1
)

// mldRouters is ff02::16, where version 2 reports go.
var mldRouters = [16]byte{0: 0xff, 1: 0x02, 15: 0x16}

// A listener is the reports that an interface still has to send about its groups.
type listener struct {
	reports int       // still to be sent
	at      loop.Time // when the next is due
	record  uint8     // record type; 0: version 1, which only reports that we listen
}

// groups returns the solicited-node groups of the interface's addresses, at most two, in
// the caller's array.
func (i *Interface) groups(room *[2][16]byte) [][16]byte {
	found := room[:0]
	for _, a := range i.addresses {
		if a.ip.is4() {
			continue
		}
		if g := header.SolicitedNode(a.ip.as16()); len(found) == 0 || found[0] != g {
			found = append(found, g)
		}
	}
	return found
}

// joinGroups starts to report the interface's groups and reports whether it has any. It
// does not depend on announcements: without reports, a switch that snoops does not
// forward solicitations to us.
func (i *Interface) joinGroups() bool {
	if i.linkLocal == nil || i.config.Quiet {
		return false
	}
	i.listener = listener{mldRobustness, i.stack.loop.Now(), recordToExclude}
	return true
}

// leaveGroups sends a report that the interface, which is about to be removed, leaves
// its groups, except those that another interface of the VLAN is in too.
func (i *Interface) leaveGroups() {
	var room [2][16]byte
	if i.linkLocal == nil || !i.stack.up || i.config.Quiet {
		return
	}
	leaving := room[:0]
	for _, g := range i.groups(&room) {
		own := 0
		for _, a := range i.addresses {
			if !a.ip.is4() && header.SolicitedNode(a.ip.as16()) == g {
				own++
			}
		}
		if i.vlan.inGroup(ipFrom16(g).group()) == own {
			leaving = append(leaving, g)
		}
	}
	if len(leaving) > 0 {
		i.sendReport(recordToInclude, leaving)
	}
}

// reportGroups sends a report that is due and returns the time of the next.
func (i *Interface) reportGroups(now loop.Time) loop.Time {
	l := &i.listener
	if l.reports > 0 && l.at <= now {
		var room [2][16]byte
		groups := i.groups(&room)
		if l.record == 0 {
			for _, g := range groups {
				i.sendReportV1(g)
			}
		} else {
			i.sendReport(l.record, groups)
		}
		l.reports--
		l.at = now.Add(mldInterval)
	}
	if l.reports == 0 {
		return loop.Never
	}
	return l.at
}

// handleQuery makes the interfaces of a VLAN answer a query, each after a random part of
// the time that the query allows (RFC 3810 section 6.2).
func (s *Stack) handleQuery(v *vlan, ip6 *header.IPv6Repr, b []byte) {
	switch {
	case len(b) < mldQueryV1Size:
		s.malformed(header.ErrICMPShort)
		return
	case header.ChecksumICMPv6(ip6.Src, ip6.Dst, b) != 0:
		s.malformed(header.ErrICMPChecksum)
		return
	case ip6.HopLimit != mldHopLimit || !ipFrom16(ip6.Src).isLinkLocal():
		s.drop(DropICMP)
		return
	}
	wanted, record := [16]byte(b[8:24]), uint8(recordIsExclude)
	if len(b) == mldQueryV1Size {
		record = 0
	}
	longest := maxResponse(binary.BigEndian.Uint16(b[4:6]))
	for _, i := range v.interfaces {
		var room [2][16]byte
		listens := false
		for _, group := range i.groups(&room) {
			listens = listens || wanted == [16]byte{} || wanted == group
		}
		if listens && !i.config.Quiet && i.listener.reports == 0 && i.passesRxFilter() {
			at := s.loop.Now().Add(loop.Duration(s.rand.Int64N(int64(longest) + 1)))
			i.listener = listener{1, at, record}
			if at < i.announcer.At() {
				s.loop.Arm(&i.announcer, at)
			}
		}
	}
}

// maxResponse decodes a Maximum Response Code (RFC 3810 section 5.1.3).
func maxResponse(code uint16) loop.Duration {
	if code < 0x8000 {
		return loop.Duration(code) * loop.Millisecond
	}
	mantissa, exponent := uint64(code&0xfff|0x1000), code>>12&7
	return loop.Duration(mantissa<<(exponent+3)) * loop.Millisecond
}

// sendReport sends a version 2 report with a record for each group.
func (i *Interface) sendReport(record uint8, groups [][16]byte) {
	size := 8 + mldRecordSize*len(groups)
	frame, at := i.mldFrame(mldRouters, size)
	m := frame[at : at+size]
	m[0] = mldReportV2
	m[7] = uint8(len(groups))
	for k, g := range groups {
		r := m[8+mldRecordSize*k:]
		r[0] = record
		copy(r[4:20], g[:])
	}
	i.sendMLD(at, m, mldRouters)
}

// sendReportV1 sends a version 1 report (RFC 2710 section 3) to its group.
func (i *Interface) sendReportV1(g [16]byte) {
	frame, at := i.mldFrame(g, mldQueryV1Size)
	m := frame[at : at+mldQueryV1Size]
	m[0] = mldReportV1
	copy(m[8:], g[:])
	i.sendMLD(at, m, g)
}

// mldFrame writes all headers of a message of size octets, with the router alert that
// MLD requires. It returns the frame and the offset of the message, which is zeroed.
func (i *Interface) mldFrame(dst [16]byte, size int) (frame []byte, at int) {
	alert := [8]byte{uint8(header.ProtocolICMPv6), 0, 5, 2, 0, 0, 1, 0} // RFC 2711, padded
	frame = i.stack.frameBuffer(i.ethernetSize() + header.IPv6Size + len(alert) + size)
	n := i.emitEthernet(frame, groupMAC16(dst), header.EtherTypeIPv6)
	n += header.IPv6Repr{
		Src: i.linkLocal.ip.as16(), Dst: dst, NextHeader: header.ProtocolHopByHop,
		HopLimit: mldHopLimit, PayloadLen: len(alert) + size,
	}.Emit(frame[n:])
	n += copy(frame[n:], alert[:])
	clear(frame[n : n+size])
	return frame, n
}

func (i *Interface) sendMLD(at int, m []byte, dst [16]byte) {
	header.ICMPv6(m).SetChecksum(header.ChecksumICMPv6(i.linkLocal.ip.as16(), dst, m))
	i.send(at+len(m), &i.stack.counts().Reports)
}
