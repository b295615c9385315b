package engine_test

import (
	"fmt"
	"testing"

	"glean/learning"
	"glean/server/bodies"
	"glean/stack/loop"
)

// TestFilteredAddressesAreNotLearned: an address whose packets a filter of the interface
// drops cannot be learned; other addresses can.
func TestFilteredAddressesAreNotLearned(t *testing.T) {
	for _, c := range []struct {
		filters string
		want    learning.State
	}{
		{``, learning.StateCompleted},
		{`"rx_filter":"not arp",`, learning.StateTimedOut},
		{`"rx_filter":"arp[6:2] == 2 and src host 198.18.0.1",`, learning.StateCompleted},
		{`"tx_filter":"not (arp[6:2] == 2)",`, learning.StateCompleted},
		{`"tx_filter":"ip or ip6",`, learning.StateTimedOut},
	} {
		n := newNetwork(t, 1)
		n.farm(0, 1, "198.18.0.1", "")
		spec, err := bodies.Strict.Interface([]byte(fmt.Sprintf(
			`{"id":"if","port_id":"0","config":{%s"protocols":[{"eth":{"mac_address":"02:00:00:00:00:a0"}}%s]}}`,
			c.filters, v4("198.18.0.200", 24, ""))))
		if err == nil {
			_, err = n.CreateInterface(spec)
		}
		if err != nil {
			t.Fatal(err)
		}
		r := n.learn(`{"interface_id":"if","addresses":["198.18.0.1"]}`)
		n.run(60 * loop.Second)
		if r.State() != c.want {
			t.Errorf("%s: the request is %v, want %v", c.filters, r.State(), c.want)
		}
	}
}
