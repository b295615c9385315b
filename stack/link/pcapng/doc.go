// Package pcapng writes the frames of links into a capture file, one pcapng
// interface per link.
//
//	stack -> Send ------+--> link --> device
//	transmitter -> Send-+
//	                    |
//	                    +--> Writer --> file (tcpdump, wireshark)
//	                    |
//	handler <- frame ---+--- link <-- device
//
// A trace has the frames that a link took and those that it passed to its
// handler. Received traffic that never leaves a reader (see link.Classify) is
// not in it. Without a Writer a link is not wrapped, so a link that is not traced
// costs nothing.
package pcapng
