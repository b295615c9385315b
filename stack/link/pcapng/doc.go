// Package pcapng writes what passes links into a capture file, one pcapng
// interface per link.
//
//	stack -> Send ------+--> link --> device
//	transmitter -> Send-+
//	                    |
//	                    +--> Writer --> file (tcpdump, wireshark)
//	                    |
//	handler <- frame ---+--- link <-- device
//
// A trace has the frames that a link took and those that it gave to its
// handler. Received traffic that never leaves a reader (see link.Classify) is
// not in it. Where there is no Writer there is no wrapping either, so a link
// that is not traced costs nothing.
package pcapng
