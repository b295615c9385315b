package filter

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// The values that expressions ask for and that frames have, so that they meet.
var (
	someMACs   = []string{"02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"}
	someIPv4   = []string{"10.0.0.1", "10.0.0.2", "10.1.2.3", "224.0.0.1", "255.255.255.255"}
	someIPv6   = []string{"2001:db8::1", "2001:db8::2", "fe80::1", "ff02::1", "2001:db8:1:2:3:4:5:6"}
	someNets4  = []string{"10", "10.1", "10.0.0.0/8", "10.0.0.0/30", "10.1.0.0 mask 255.255.0.0", "0.0.0.0/0", "10.1.2.3"}
	someNets6  = []string{"2001:db8::/32", "2001:db8::/127", "fe80::/10", "::/0", "2001:db8:1:2::/64"}
	somePorts  = []int{53, 80, 81, 1024, 65535}
	someIDs    = []int{1, 7, 100, 4095}
	protocols  = []string{"ip", "ip6", "arp", "rarp", "icmp", "icmp6", "udp", "tcp", "igmp", "sctp"}
	fieldsOf   = append([]string{"ether"}, protocols...)
	someNumber = []int{0, 1, 2, 4, 6, 8, 17, 58, 64, 135, 136, 255, 2048, 0x0a000001}
	names      = []string{"icmptype", "icmp6type", "tcpflags", "icmp-echo", "icmp6-neighboradvert", "tcp-syn", "tcp-ack"}
)

// writer draws expressions. Wild ones have fields far beyond the end of frames
// and divisions by zero at run time, about which libpcap's optimizer and its
// own unoptimized code may differ.
type writer struct {
	*rapid.T
	wild bool
}

func pick[V any](w writer, of []V) V { return rapid.SampledFrom(of).Draw(w.T, "pick") }

func (w writer) chance(oneIn int) bool { return rapid.IntRange(1, oneIn).Draw(w.T, "chance") == oneIn }

func (w writer) expression(depth int) string {
	if depth == 0 || w.chance(3) {
		return w.term()
	}
	l := w.expression(depth - 1)
	switch rapid.IntRange(0, 4).Draw(w.T, "shape") {
	case 0:
		return pick(w, []string{"not ", "! ", "!"}) + "(" + l + ")"
	case 1:
		return "(" + l + ")"
	case 2:
		return pick(w, []string{"not ", "!"}) + w.term()
	}
	return l + pick(w, []string{" and ", " or ", " && ", " || "}) + w.expression(depth-1)
}

func (w writer) term() string {
	dir := pick(w, []string{"", "", "src ", "dst ", "src or dst ", "src and dst ", "dst or src "})
	switch rapid.IntRange(0, 12).Draw(w.T, "term") {
	case 0, 1:
		return pick(w, protocols)
	case 2:
		if w.chance(2) {
			return "vlan"
		}
		return fmt.Sprintf("vlan %d", pick(w, someIDs))
	case 3:
		if dir == "" {
			dir = "host "
		}
		return "ether " + dir + pick(w, someMACs)
	case 4:
		return w.host(dir)
	case 5:
		if w.chance(2) {
			return pick(w, []string{"", "ip ", "arp "}) + dir + "net " + pick(w, someNets4)
		}
		return pick(w, []string{"", "ip6 "}) + dir + "net " + pick(w, someNets6)
	case 6:
		return w.port(dir)
	case 7:
		return w.proto()
	case 8:
		return pick(w, []string{"multicast", "ether multicast", "ip multicast", "ip6 multicast", "broadcast", "ether broadcast"})
	case 9:
		return fmt.Sprintf("%s %d", pick(w, []string{"less", "greater"}), rapid.IntRange(0, 120).Draw(w.T, "length"))
	}
	return w.value(2) + " " + pick(w, []string{"=", "==", "!=", "<", "<=", ">", ">="}) + " " + w.value(2)
}

func (w writer) host(dir string) string {
	kind := pick(w, []string{"", "host "})
	if dir == "" {
		kind = "host "
	}
	if w.chance(2) {
		s := pick(w, []string{"", "ip6 "}) + dir + kind + pick(w, someIPv6)
		if w.chance(3) {
			s += " or not " + pick(w, someIPv6)
		}
		return s
	}
	return pick(w, []string{"", "ip ", "arp ", "rarp "}) + dir + kind + pick(w, someIPv4)
}

func (w writer) port(dir string) string {
	begin := pick(w, []string{"", "udp ", "tcp ", "sctp "}) + dir
	switch rapid.IntRange(0, 3).Draw(w.T, "port") {
	case 0:
		return fmt.Sprintf("%sportrange %d-%d", begin, pick(w, somePorts), pick(w, somePorts))
	case 1:
		return fmt.Sprintf("%sport %d or %d", begin, pick(w, somePorts), pick(w, somePorts))
	case 2:
		return fmt.Sprintf("%sport (%d or not %d)", begin, pick(w, somePorts), pick(w, somePorts))
	}
	return fmt.Sprintf("%sport %d", begin, pick(w, somePorts))
}

func (w writer) proto() string {
	switch rapid.IntRange(0, 2).Draw(w.T, "proto") {
	case 0:
		return "ether proto " + pick(w, []string{`\ip`, `\arp`, `\ip6`, "0x88cc", "1501", "2048"})
	case 1:
		return pick(w, []string{"", "ip ", "ip6 "}) + `proto \` + pick(w, []string{"tcp", "udp"})
	}
	return fmt.Sprintf("%sproto %d", pick(w, []string{"", "ip ", "ip6 "}), pick(w, []int{1, 6, 17, 58, 132, 255}))
}

func (w writer) value(depth int) string {
	switch n := rapid.IntRange(0, 8).Draw(w.T, "value"); {
	case n <= 1 || depth == 0:
		if w.chance(3) {
			return pick(w, names)
		}
		return fmt.Sprint(pick(w, someNumber))
	case n <= 4:
		return w.field(depth)
	case n == 5:
		return pick(w, []string{"len", "length"})
	case n == 6:
		return "(" + w.value(depth-1) + ")"
	case n == 7 && w.wild:
		return "- " + w.value(depth-1)
	}
	op := pick(w, []string{"+", "-", "*", "&", "|", "<<", ">>", "/", "%", "^"})
	r := w.value(depth - 1)
	switch {
	case strings.Contains("<<>>", op):
		r = pick(w, []string{"1", "8", "31"})
	case strings.Contains("/%", op) && w.wild:
		r = "(1 - " + r + ")" // may be zero, which shows at run time only
	case strings.Contains("/%", op):
		r = pick(w, []string{"3", "16"})
	}
	return w.value(depth-1) + " " + op + " " + r
}

func (w writer) field(depth int) string {
	index := fmt.Sprint(rapid.IntRange(0, 24).Draw(w.T, "index"))
	switch {
	case w.chance(4):
		index = pick(w, names[:3])
	case w.wild && w.chance(2):
		index = w.value(depth - 1)
	case w.chance(4):
		index = "(" + w.value(depth-1) + " & 7)"
		if strings.Contains(index, "^") || strings.Contains(index, "%") {
			index = "3"
		}
	}
	return pick(w, fieldsOf) + "[" + index + pick(w, []string{"", " : 1", ":2", ":4"}) + "]"
}
