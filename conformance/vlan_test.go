package conformance

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"

	"glean/internal/netlab"
)

// These tests use VLANs on a TAP without VLAN devices of the kernel: arping and gopacket
// make the frames, tcpdump and a packet socket read them.

// TestOnlyRequestsWithTheTagAreAnswered: glean answers a tagged request with the same tag,
// whatever its priority. It ignores requests without a tag or with another one.
func TestOnlyRequestsWithTheTagAreAnswered(t *testing.T) {
	p := newPeer(t, `,{"vlan":{"id":100,"priority":3}}`, quietTimes, "arping", "tcpdump")
	seen := p.capture("ether src " + gleanMAC)
	for _, priority := range []string{"0", "5"} {
		// arping does not recognise an answer that the kernel has untagged.
		_, _ = p.kernel.Try("arping", "-q", "-i", p.device, "-c", "1", "-w", "1", "-V", "100", "-Q", priority, "-S", kernelV4, gleanV4)
	}
	_, _ = p.kernel.Try("arping", "-q", "-i", p.device, "-c", "1", "-w", "1", "-V", "101", "-S", kernelV4, gleanV4)
	_, _ = p.kernel.Try("arping", "-q", "-i", p.device, "-c", "1", "-w", "1", "-S", kernelV4, gleanV4)
	_, _ = p.kernel.Try("arping", "-q", "-i", p.device, "-c", "1", "-w", "1", "-V", "100", "-S", "198.18.0.9", gleanV4)
	text := seen(3, "Reply "+gleanV4)
	if replies := strings.Count(text, "Reply"); replies != 3 {
		t.Errorf("%d replies, want 3:\n%s", replies, text)
	}
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "Reply") && !(strings.Contains(line, "vlan 100, p 3") && strings.Contains(line, "is-at "+gleanMAC)) {
			t.Errorf("without the interface's tag: %s", line)
		}
	}
}

// TestOnlyRepliesWithTheTagsAreLearned: requests carry the interface's tags. glean ignores
// replies without them or with other tags; the priority does not matter.
func TestOnlyRepliesWithTheTagsAreLearned(t *testing.T) {
	for name, c := range map[string]struct {
		entries string
		wrong   [][]uint16
		right   []uint16
	}{
		"one tag":  {`,{"vlan":{"id":100}}`, [][]uint16{{}, {101}, {100, 7}}, []uint16{100}},
		"two tags": {`,{"vlan":{"id":200,"tpid":"0x88a8"}},{"vlan":{"id":100}}`, [][]uint16{{}, {200}, {100}, {100, 200}}, []uint16{200, 100}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t, c.entries, quietTimes)
			p.kernel.Quiet(p.device)
			host := newSocket(t, p.kernel, p.device)
			found := make(chan map[string]string, 1)
			go func() { found <- p.learn(20*time.Second, "198.18.0.2") }()
			tags, arp := host.request(t, "198.18.0.2")
			if fmt.Sprint(tags) != fmt.Sprint(c.right) {
				t.Errorf("the request has tags %v, want %v", tags, c.right)
			}
			for k, wrong := range c.wrong {
				host.answer(t, arp, wrong, net.HardwareAddr{2, 0, 0, 0, 9, byte(k)})
			}
			host.answer(t, arp, c.right, net.HardwareAddr{2, 0, 0, 0, 1, 1})
			if got := <-found; got["198.18.0.2"] != "02:00:00:00:01:01" {
				t.Errorf("learned %v", got)
			}
		})
	}
}

// socket is a packet socket on a device. It also reads the tags that the kernel removes
// from received frames.
type socket struct{ fd int }

func newSocket(t *testing.T, n *netlab.Namespace, device string) *socket {
	t.Helper()
	s := &socket{fd: -1}
	err := n.Do(func() error {
		d, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // in network order
		if s.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
			return err
		}
		if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(patience.Seconds())}); err != nil {
			return err
		}
		return unix.Bind(s.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: d.Index})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(s.fd) })
	return s
}

// request reads until an ARP request for target comes.
func (s *socket) request(t *testing.T, target string) (tags []uint16, arp *layers.ARP) {
	t.Helper()
	buffer, control := make([]byte, 2048), make([]byte, 256)
	for {
		n, c, _, _, err := unix.Recvmsg(s.fd, buffer, control, 0)
		if err != nil {
			t.Fatalf("no request for %s: %v", target, err)
		}
		packet := gopacket.NewPacket(buffer[:n], layers.LayerTypeEthernet, gopacket.Default)
		arp, _ := packet.Layer(layers.LayerTypeARP).(*layers.ARP)
		if arp == nil || arp.Operation != layers.ARPRequest || net.IP(arp.DstProtAddress).String() != target || net.IP(arp.SourceProtAddress).String() == target {
			continue
		}
		tags = outerTag(t, control[:c])
		for _, l := range packet.Layers() {
			if tag, ok := l.(*layers.Dot1Q); ok {
				tags = append(tags, tag.VLANIdentifier)
			}
		}
		return tags, arp
	}
}

// outerTag reads struct tpacket_auxdata.
func outerTag(t *testing.T, control []byte) []uint16 {
	t.Helper()
	const statusVLANValid, statusAt, tciAt = 0x10, 0, 16
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && m.Data[statusAt]&statusVLANValid != 0 {
			return []uint16{(uint16(m.Data[tciAt]) | uint16(m.Data[tciAt+1])<<8) & 0xfff} // little-endian machines
		}
	}
	return nil
}

// answer sends an ARP reply to a request, with the given tags.
func (s *socket) answer(t *testing.T, request *layers.ARP, tags []uint16, mac net.HardwareAddr) {
	t.Helper()
	next := func(k int) layers.EthernetType {
		switch {
		case k == len(tags):
			return layers.EthernetTypeARP
		case k == 0 && len(tags) == 2 && tags[0] == 200:
			return layers.EthernetTypeQinQ
		}
		return layers.EthernetTypeDot1Q
	}
	all := []gopacket.SerializableLayer{&layers.Ethernet{SrcMAC: mac, DstMAC: request.SourceHwAddress, EthernetType: next(0)}}
	for k, id := range tags {
		all = append(all, &layers.Dot1Q{Priority: 6, VLANIdentifier: id, Type: next(k + 1)})
	}
	all = append(all, &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
		Operation: layers.ARPReply, SourceHwAddress: mac, SourceProtAddress: request.DstProtAddress,
		DstHwAddress: request.SourceHwAddress, DstProtAddress: request.SourceProtAddress,
	})
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{}, all...); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(s.fd, b.Bytes()); err != nil {
		t.Fatal(err)
	}
}
