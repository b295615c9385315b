package afpacket

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"glean/internal/netlab"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/link/tap"
)

// tagged is an ARP frame of size octets behind tags, each a TPID and a TCI.
func tagged(size int, tags ...uint16) []byte {
	f := append([]byte(nil), linktest.ARPFrame(size)[:12]...)
	for _, half := range tags {
		f = binary.BigEndian.AppendUint16(f, half)
	}
	f = binary.BigEndian.AppendUint16(f, uint16(header.EtherTypeARP))
	for len(f) < size {
		f = append(f, byte(len(f)))
	}
	return f
}

var taggings = []struct {
	name     string
	tags     []uint16
	stripped int // tags that the kernel takes off
}{
	{"none", nil, 0},
	{"802.1Q", []uint16{0x8100, 100}, 1},
	{"the last ID with priority and DEI", []uint16{0x8100, 0xfffe}, 1},
	{"priority only", []uint16{0x8100, 0x6000}, 1},
	{"nothing but the tag", []uint16{0x8100, 0}, 1},
	{"802.1ad", []uint16{0x88a8, 200}, 1},
	{"802.1ad and 802.1Q", []uint16{0x88a8, 200, 0x8100, 100}, 1},
	{"802.1Q twice", []uint16{0x8100, 0x2001, 0x8100, 0x4002}, 1},
	{"802.1Q and 802.1ad", []uint16{0x8100, 1, 0x88a8, 2}, 1},
}

// TestTagsArrive checks that tags arrive as they were sent, whatever the kernel did
// with them on its way, and the kernel does take them off.
func TestTagsArrive(t *testing.T) {
	for _, over := range []struct {
		name string
		make func(t *testing.T, p *linktest.Port) (device string, far link.Link)
	}{
		{"veth", func(t *testing.T, p *linktest.Port) (string, link.Link) {
			c := plug(t)
			far := openIn(t, p.Loop, c.peer, Config{Name: c.far})
			t.Cleanup(func() { p.Do(func() { _ = far.Close() }); linktest.AwaitDone(t, far.Done()) })
			return c.near, far
		}},
		{"TAP", func(t *testing.T, p *linktest.Port) (string, link.Link) {
			own, name := netlab.Own(t), netlab.Name()
			far, err := tap.Open(p.Loop, tap.Config{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Do(func() { _ = far.Close() }); linktest.AwaitDone(t, far.Done()) })
			own.Quiet(name)
			return name, far
		}},
	} {
		t.Run(over.name, func(t *testing.T) {
			far := linktest.NewPort(t)
			device, farLink := over.make(t, far)
			o := open(t, Config{Name: device})
			o.observe()
			raw := auxiliary(t, device)
			for i, test := range taggings {
				want := tagged(64+i, test.tags...)
				if n, err := far.SendOn(farLink, want); n != 1 {
					t.Fatalf("%s: sending: %v", test.name, err)
				}
				if got := o.awaitFrame(t, len(want)); !bytes.Equal(got, want) {
					t.Errorf("%s:\ngot  %x\nwant %x", test.name, got, want)
				}
				if n := len(want) - raw(); n != 4*test.stripped {
					t.Errorf("%s: the kernel took %d octets off, want %d: this tests nothing", test.name, n, 4*test.stripped)
				}
			}
		})
	}
}

// auxiliary returns a function that waits for the next frame that a device
// receives and says how long it is as the kernel hands it out.
func auxiliary(t *testing.T, device string) func() int {
	t.Helper()
	d, err := find(device)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := newReceiver(100, 2000)
	if err == nil {
		err = s.receiveFrom(d.index)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	buffer := make([]byte, 2000)
	return func() int {
		_ = s.file.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := s.file.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// TestTagsAreSent checks that sent frames have their tags where they belong, as the
// kernel at the other end reads them.
func TestTagsAreSent(t *testing.T) {
	c := plug(t)
	o := open(t, Config{Name: c.near})
	p := linktest.NewPort(t)
	far := openIn(t, p.Loop, c.peer, Config{Name: c.far})
	t.Cleanup(func() { p.Do(func() { _ = far.Close() }); linktest.AwaitDone(t, far.Done()) })
	p.Observe(far)
	longest := o.MTU() + header.EthernetSize + header.VLANSize
	for i, test := range taggings {
		want := tagged(64+i, test.tags...)
		if n, err := o.send(want); n != 1 {
			t.Fatalf("%s: %v", test.name, err)
		}
		got := p.AwaitFrame(t, func(f []byte) bool { return len(f) == len(want) })
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\ngot  %x\nwant %x", test.name, got, want)
		}
	}
	if n, err := o.send(tagged(longest, 0x8100, 5)); n != 1 {
		t.Errorf("a tag besides a full payload: %v", err)
	}
	if n, err := o.send(tagged(longest, 0x88a8, 5)); n != 0 || err != link.ErrSize {
		t.Errorf("the kernel now takes %d frames with an 802.1ad tag besides a full payload (%v): say so in doc.go", n, err)
	}
}

func TestRestoreTag(t *testing.T) {
	const valid, tpid = unix.TP_STATUS_VLAN_VALID, unix.TP_STATUS_VLAN_TPID_VALID
	for _, test := range []struct {
		name string
		aux  unix.TpacketAuxdata
		want []byte
	}{
		{"no tag", unix.TpacketAuxdata{Vlan_tci: 7, Vlan_tpid: 0x8100}, tagged(60)},
		{"no TPID", unix.TpacketAuxdata{Status: valid, Vlan_tci: 7, Vlan_tpid: 0x1234}, tagged(64, 0x8100, 7)},
		{"TPID", unix.TpacketAuxdata{Status: valid | tpid, Vlan_tci: 7, Vlan_tpid: 0x88a8}, tagged(64, 0x88a8, 7)},
		{"ID 0", unix.TpacketAuxdata{Status: valid | tpid, Vlan_tpid: 0x8100}, tagged(64, 0x8100, 0)},
	} {
		b := append(make([]byte, tagRoom), tagged(60)...)
		copy(test.want[len(test.want)-46:], b[len(b)-46:]) // the payload is that of the frame without tag
		if got := restoreTag(b, &test.aux); !bytes.Equal(got, test.want) {
			t.Errorf("%s:\ngot  %x\nwant %x", test.name, got, test.want)
		}
	}
}
