package afpacket

import (
	"testing"

	"golang.org/x/sys/unix"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/linktest"
)

// answers is a handler that counts ARP replies.
type answers int

func (n *answers) HandleFrame(f []byte) {
	_, payload, err := header.ParseEthernet(f)
	if err != nil {
		return
	}
	if r, err := header.ParseARP(payload); err == nil && r.Op == header.ARPReply {
		*n++
	}
}

func (n *answers) HandleState(link.State) {}

// TestKernelsAnswersFillTheRoom checks that as many requests as the link has room for
// are answered by the kernel at the other end while the loop is busy elsewhere, and
// none of the answers is lost.
func TestKernelsAnswersFillTheRoom(t *testing.T) {
	c := plug(t)
	c.peer.IP("address add 10.77.255.1/16 dev " + c.far)
	o := open(t, Config{Name: c.near})
	var count answers
	room := 0
	o.Do(func() {
		o.Attach(&count)
		room = o.Room()
		frames := make([][]byte, room)
		for i := range frames {
			frames[i] = linktest.ARPRequest([4]byte{10, 77, 255, 1})
		}
		if n, err := o.Send(frames); n != room {
			t.Errorf("sent %d of %d: %v", n, room, err)
		}
	})
	if room != DefaultRoom {
		t.Errorf("room %d, want %d", room, DefaultRoom)
	}
	if !o.Until(func() bool { return int(count) == room }) {
		t.Errorf("%d of %d requests were answered; counters %+v", count, room, o.Stats())
	}
}

// TestOutgoingIsNotReceived checks that neither what the link sends nor what the host
// sends is received.
func TestOutgoingIsNotReceived(t *testing.T) {
	c := plug(t)
	c.own.IP("address add 10.78.0.1/16 dev " + c.near)
	c.peer.IP("address add 10.78.0.2/16 dev " + c.far)
	k, err := newLink(nil, Config{Name: c.near, Room: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.closeSockets)
	q, err := k.OpenQueue()
	if err != nil {
		t.Fatal(err)
	}
	for name, send := range map[string]func([][]byte) (int, error){"Link": k.Send, "Queue": q.Send} {
		if _, err := send([][]byte{linktest.ARPFrame(60)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.own.Run("ping", "-n", "-c", "1", "-W", "5", "10.78.0.2")
	ours, buffer, received := c.own.MAC(c.near), make([]byte, 2000), 0
	_ = k.receiver.control(func(fd int) error {
		for {
			n, err := unix.Read(fd, buffer)
			if err != nil {
				return err // the buffer is empty
			}
			received++
			if from := header.Ethernet(buffer[:n]).Src().String(); from == ours || from == "02:00:00:00:00:02" {
				t.Errorf("a frame of %s, that is of ourselves, was received: %x", from, buffer[:n])
			}
		}
	})
	if received < 2 { // the ARP reply and the echo reply
		t.Errorf("%d frames were received: this tests nothing", received)
	}
}
