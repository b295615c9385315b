package fuzz

import (
	"slices"
	"testing"

	"glean/stack/header"
)

// FuzzNeighbor tries whole IPv6 packets, because most rules of Neighbor Discovery concern
// fields of both headers.
func FuzzNeighbor(f *testing.F) {
	const (
		to     = " fe80000000000000000000000000000b "
		toNode = " ff0200000000000000000001ff00000b "
		toAll  = " ff020000000000000000000000000001 "
		from   = " fe80000000000000000000000000000a "
		none   = " 00000000000000000000000000000000 "
		source = " 0101 020000000001 "
		target = " 0201 020000000002 "
	)
	seed(f,
		"60000000 0020 3aff"+from+toNode+"8700 0000 00000000"+to+source,
		"60000000 0018 3aff"+from+to+"8700 0000 00000000"+to,
		"60000000 0020 3aff"+none+toNode+"8700 0000 00000000"+to+"0e01 112233445566",
		"60000000 0020 3aff"+none+to+"8700 0000 00000000"+to+source,
		"60000000 0020 3aff"+to+from+"8800 0000 60000000"+to+target,
		"60000000 0020 3aff"+to+toAll+"8800 0000 20000000"+to+target,
		"60000000 0020 3aff"+to+toAll+"8800 0000 e0000000"+to+target,
		"60000000 0028 3aff"+to+from+"8800 0000 60000000"+to+"0202 02000000000200000000000000ff",
		"60000000 0020 3afe"+to+from+"8801 0000 60000000"+to+"0200 020000000002",
	)
	f.Fuzz(func(t *testing.T, packet []byte) {
		ip, icmp, err := header.ParseIPv6(packet)
		if err != nil || ip.NextHeader != header.ProtocolICMPv6 {
			return
		}
		checkNeighbor(t, ip, icmp)
		if len(icmp) >= header.ICMPSize {
			checkNeighbor(t, ip, sealICMPv6(ip, icmp))
		}
	})
}

func checkNeighbor(t *testing.T, ip header.IPv6Repr, icmp []byte) {
	ns, err := header.ParseNeighborSolicitation(ip, icmp)
	if err != nil {
		checkError(t, err)
	} else {
		checkAccepted(t, ip, icmp, ns.Target)
		if ip.Src == [16]byte{} && (ns.HasSourceLink || !header.IsSolicitedNode(ip.Dst)) {
			t.Fatalf("accepted from ::: %+v %x", ip, icmp)
		}
		b := dirty(ns.Size())
		n := ns.Emit(b, ip.Src, ip.Dst)
		if got, err := header.ParseNeighborSolicitation(ip, b); err != nil || got != ns || n != ns.Size() {
			t.Fatalf("%+v, %v from %x; want %+v", got, err, icmp, ns)
		}
	}
	na, err := header.ParseNeighborAdvertisement(ip, icmp)
	if err != nil {
		checkError(t, err)
		return
	}
	checkAccepted(t, ip, icmp, na.Target)
	if na.Solicited && ip.Dst[0] == 0xff {
		t.Fatalf("accepted as solicited: %+v %x", ip, icmp)
	}
	b := dirty(na.Size())
	n := na.Emit(b, ip.Src, ip.Dst)
	if got, err := header.ParseNeighborAdvertisement(ip, b); err != nil || got != na || n != na.Size() {
		t.Fatalf("%+v, %v from %x; want %+v", got, err, icmp, na)
	}
}

// checkAccepted checks an accepted message against the rules that RFC 4861 sections 7.1.1
// and 7.1.2 have in common.
func checkAccepted(t *testing.T, ip header.IPv6Repr, icmp []byte, target [16]byte) {
	t.Helper()
	zeroLength := false
	for at := 24; at < len(icmp) && !zeroLength; at += 8 * int(icmp[at+1]) {
		zeroLength = icmp[at+1] == 0
	}
	if ip.HopLimit != 255 || len(icmp) < 24 || icmp[1] != 0 || target[0] == 0xff || zeroLength ||
		!slices.Equal(target[:], icmp[8:24]) || header.ChecksumICMPv6(ip.Src, ip.Dst, icmp) != 0 {
		t.Fatalf("accepted against the rules: %+v %x", ip, icmp)
	}
}
