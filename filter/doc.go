// Package filter compiles filter expressions in the language of libpcap
// (pcap-filter(7)), over Ethernet, to BPF programs.
//
//	"vlan 7 and udp port 53"
//	        |
//	      lexer -> parser -> AST -> lowering -> code generator -> BPF -> Match(frame)
//	                               (offsets,    (short circuits,
//	                                protocols)   long jumps)
//
// The verdicts are those of libpcap: and and or bind alike and to the left,
// each vlan moves the offsets of all that is to its right, a load beyond the
// end of the frame always rejects the frame, and tcp[...] is
// about IPv4 only. The length of a frame does not include its FCS.
//
// Not in the language here: names that have to be looked up (hosts, networks,
// services), inbound, outbound, gateway, ip broadcast, protochain, mpls,
// pppoes, LLC and words for links other than Ethernet.
//
// Open program.go first (Compile). lex.go, parse*.go and ast.go read an expression
// into a tree, lower.go turns the tree into comparisons, generate.go and layout.go
// those into instructions.
package filter
