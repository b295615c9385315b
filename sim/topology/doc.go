// Package topology describes networks by values, builds them in a sim.World, and
// records which MAC has which address.
//
//	Topology --Build--> Network: switches, routers, hosts, farms, faults on wires
//	                       |
//	                       +--> Owners:   which MAC has had which address, and when
//	                       +--> Received: what hosts and farms have received
//	                       +--> Drawing:  the network as SVG
//
// Read topology.go first: it holds the values that describe a network. network.go
// builds switches and wires and adds faults; routers.go, hosts.go, farms.go and
// linklocal_host.go build devices and act on them while a world runs. owners.go is
// the truth that everything glean learns is compared with.
package topology
