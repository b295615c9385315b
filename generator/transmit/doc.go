// Package transmit runs a generator's transmit loop on a goroutine of its own,
// on a locked thread, past the event loop.
//
//	clock --> Run.Step --> queue --> device
//	  ^           | next
//	  +-- pause --+   timer while far, nanosleep while near, spin at the end
//
// The clock is read once for each batch. Pauses end early when the transmitter
// is stopped. Each transmitter has a processor of Go's scheduler for itself, so
// that the kernel shares the machine among transmitters, the loop and readers.
package transmit
