package afpacket

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"glean/stack/header"
)

// tagRoom is how many octets must be free before a received frame, so that the
// tag can be put back without moving the payload.
const tagRoom = header.VLANSize

// addresses is the length of the two MAC addresses in front of a tag.
const addresses = 12

// restoreTag returns the frame that begins tagRoom octets into b as it was on the wire.
// The kernel removes the outermost VLAN tag and passes it as control data.
func restoreTag(b []byte, aux *unix.TpacketAuxdata) []byte {
	if aux.Status&unix.TP_STATUS_VLAN_VALID == 0 {
		return b[tagRoom:]
	}
	kind := header.EtherTypeVLAN
	if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		kind = header.EtherType(aux.Vlan_tpid)
	}
	copy(b[:addresses], b[tagRoom:])
	header.Ethernet(b).SetType(kind)
	binary.BigEndian.PutUint16(b[header.EthernetSize:], aux.Vlan_tci)
	return b
}
