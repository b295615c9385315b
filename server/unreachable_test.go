package server

import (
	"testing"

	"glean/stack/header"
)

// TestUnreachableNeighborStaysListed: with keep_unreachable, a neighbor in use that stops
// answering stays in the list as unreachable.
func TestUnreachableNeighborStaysListed(t *testing.T) {
	a := newHarness(t)
	a.post("/interfaces", `{"id":"if-u","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:01:0a"}},
		{"ipv4":{"method":"static","static":{"address":"198.18.0.20","prefix_length":16}}}],
		"neighbor":{"retrans_timer_ms":10,"delay_first_probe_ms":1,"unicast_solicits":1,"keep_unreachable":true}}}`).
		want(201).is("config.neighbor.keep_unreachable", true)
	us, silent := header.MAC{2, 0, 0, 0, 1, 0x0a}, header.MAC{2, 0, 0, 0, 0, 0x0e}
	ours, its := [4]byte{198, 18, 0, 20}, [4]byte{198, 18, 0, 14}

	question := make([]byte, header.EthernetSize+header.ARPSize)
	n := header.EmitEthernet(question, &us, &silent, nil, header.EtherTypeARP)
	arp := header.ARPRepr{Op: header.ARPRequest, SenderMAC: silent, SenderIP: its, TargetIP: ours}
	arp.EmitTo(question[n:])

	echo := header.ICMPEchoRepr{ID: 1, Seq: 1}
	ping := make([]byte, header.EthernetSize+header.IPv4Size+echo.Size())
	n = header.EmitEthernet(ping, &us, &silent, nil, header.EtherTypeIPv4)
	n += header.IPv4Repr{Src: its, Dst: ours, Protocol: header.ProtocolICMPv4, TTL: 64, PayloadLen: echo.Size()}.Emit(ping[n:])
	echo.EmitICMPv4(ping[n:])

	a.onLoop(func() { _, _ = a.ends["1"].Send([][]byte{question}) })
	for found := false; !found; {
		a.onLoop(func() { _, _ = a.ends["1"].Send([][]byte{ping}) }) // it is used as long as it asks
		found = len(a.get("/neighbors?state=unreachable&ip_address=198.18.0.14").want(200).at("").([]any)) == 1
	}
	a.get("/neighbors?ip_address=198.18.0.14").is("0.interface_id", "if-u", "0.state", "unreachable", "0.mac_address", silent.String())
}
