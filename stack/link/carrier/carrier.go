// Package carrier reads how often a network device has lost or found its carrier,
// which shows a flap that was over before the device was looked at.
package carrier

import (
	"encoding/binary"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// skipStatistics is RTEXT_FILTER_SKIP_STATS: the reply is a fifth as long.
const skipStatistics = 1 << 3

// Changes returns the carrier changes of the device with an index in our network
// namespace (IFLA_CARRIER_CHANGES, Linux 3.15), modulo 2^32. It returns false if no
// device has the index.
func Changes(index int) (uint32, bool) {
	request := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	message := nl.NewIfInfomsg(unix.AF_UNSPEC)
	message.Index = int32(index)
	request.AddData(message)
	request.AddData(nl.NewRtAttr(unix.IFLA_EXT_MASK, nl.Uint32Attr(skipStatistics)))
	replies, err := request.Execute(unix.NETLINK_ROUTE, 0)
	if err != nil || len(replies) == 0 || len(replies[0]) < message.Len() {
		return 0, false
	}
	attributes, err := nl.ParseRouteAttr(replies[0][message.Len():])
	if err != nil {
		return 0, false
	}
	for _, a := range attributes {
		if a.Attr.Type == unix.IFLA_CARRIER_CHANGES && len(a.Value) >= 4 {
			return binary.NativeEndian.Uint32(a.Value), true
		}
	}
	return 0, false
}

// Flapped reports whether a later count has a change that an earlier one does not have.
func Flapped(earlier, later uint32) bool { return int32(later-earlier) > 0 }
