// Package sim is networks in memory: wires with faults on purpose, switches,
// routers, and hosts that run the same stack as glean itself.
//
//	            Send                             handler
//	stack, port ---> rules -> in flight (at, seq) -------> stack, device
//	     end a       |   \ copies, delay, flipped bits       end b
//	                 +-> dropped, with a reason
//
// A [World] has one loop and one seed. Under a loop.Virtual time jumps from
// event to event and all chance comes from streams named by what they are for,
// so a run can be had again octet by octet ([RunTwice] proves it); under a
// loop.Real the same wires carry `wire:` ports in real time.
package sim
