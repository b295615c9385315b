package topology

import (
	"fmt"

	"glean/sim"
)

type farmDevice struct {
	name     string
	farm     *sim.Farm
	received map[sim.Flow]uint64
}

func (n *Network) addFarms() error {
	for i := range n.topology.Farms {
		spec := &n.topology.Farms[i]
		if err := n.addFarm(spec); err != nil {
			return spec.Wrap(err)
		}
	}
	return nil
}

func (n *Network) addFarm(spec *Farm) error {
	end, tags, segment, err := n.attach(spec.Name, spec.On, spec.VLAN, false, spec.Wire)
	if err != nil {
		return err
	}
	farm, err := n.world.NewFarm(spec.Name, end, sim.FarmConfig{
		Hosts: spec.Hosts, First: spec.First, Tags: tags, IPv4: spec.IPv4, IPv6: spec.IPv6,
	})
	if err != nil {
		return err
	}
	d := &farmDevice{name: spec.Name, farm: farm, received: make(map[sim.Flow]uint64)}
	farm.OnData(func(_ uint32, packet []byte) {
		if f, ok := sim.FlowOf(packet); ok {
			d.received[f]++
		}
	})
	for _, k := range spec.Dead {
		if int(k) >= spec.Hosts {
			return fmt.Errorf("farm %s: dead: no host %d; the last one is %d", spec.Name, k, spec.Hosts-1)
		}
		farm.SetDead(k, true)
	}
	n.farms = append(n.farms, d)
	n.owners.farms = append(n.owners.farms, farmRange{
		segment: segment, farm: farm, hosts: uint32(spec.Hosts), ipv4: spec.IPv4, ipv6: spec.IPv6,
	})
	return nil
}
