package engine

import (
	"net/netip"
	"testing"
)

// TestBroadcastGatewayIsNoRoute: scripts for OpenPerf set a broadcast address of the prefix
// as the gateway if they need no gateway.
func TestBroadcastGatewayIsNoRoute(t *testing.T) {
	spec := InterfaceSpec{IPv4: netip.MustParsePrefix("10.0.0.1/24"), Gateway4: netip.MustParseAddr("10.0.0.255")}
	if c := spec.stackConfig(1); c.Gateway4.IsValid() || c.IPv4 != spec.IPv4 {
		t.Errorf("%+v", c)
	}
}
