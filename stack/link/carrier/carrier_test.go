package carrier

import (
	"math"
	"net"
	"testing"

	"glean/internal/netlab"
)

// TestChangesCountsTheCarrier checks that each loss and return of the carrier counts
// once; there is no count of a device that does not exist.
func TestChangesCountsTheCarrier(t *testing.T) {
	own := netlab.Own(t)
	near, far := netlab.Name(), netlab.Name()
	own.Veth(near, own, far)
	own.IP("link set "+near+" up", "link set "+far+" up")
	device, err := net.InterfaceByName(near)
	if err != nil {
		t.Fatal(err)
	}
	before, ok := Changes(device.Index)
	if !ok {
		t.Fatal("no count")
	}
	own.IP("link set "+far+" down", "link set "+far+" up")
	after, ok := Changes(device.Index)
	if !ok || after-before != 2 || !Flapped(before, after) || Flapped(after, before) || Flapped(after, after) {
		t.Errorf("%d changes before and %d after a flap", before, after)
	}
	if _, ok := Changes(math.MaxInt32); ok {
		t.Error("a device that does not exist has a count")
	}
}
