package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"glean/client"
	"glean/internal/netlab"
)

// The virtual MACs of the routers below (RFC 5798 section 7.3).
const (
	virtualMAC4 = "00:00:5e:00:01:33"
	virtualMAC6 = "00:00:5e:00:02:34"
)

// keepalived runs a VRRP router for the addresses on a host until kill is called. With
// vmac the addresses have the MACs of the virtual router, else the host's.
func (f *failover) keepalived(host *netlab.Namespace, device string, priority int, vmac bool) (kill func()) {
	f.t.Helper()
	instance := func(name string, id int, addresses string) string {
		mac := ""
		if vmac {
			mac = fmt.Sprintf("use_vmac vmac%d\n", id)
		}
		return fmt.Sprintf(`vrrp_instance %s {
			state BACKUP
			interface %s
			virtual_router_id %d
			priority %d
			advert_int 0.1
			%svirtual_ipaddress { %s }
		}
		`, name, device, id, priority, mac, addresses)
	}
	dir := f.t.TempDir()
	file := filepath.Join(dir, "keepalived.conf")
	config := "global_defs { vrrp_version 3 }\n" + instance("four", 0x33, movedV4+"/24") + instance("six", 0x34, "fe80::5e:1/64\n"+movedV6+"/64")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(config, " }", "\n}")), 0o600); err != nil {
		f.t.Fatal(err)
	}
	log := new(lockedBuffer)
	c := exec.Command("keepalived", "--use-file="+file, "--dont-fork", "--log-console", "--no-syslog", "--vrrp", "--dont-respawn",
		"--pid="+filepath.Join(dir, "pid"), "--vrrp_pid="+filepath.Join(dir, "vrrp_pid"))
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its child is killed, too
	if err := host.Do(c.Start); err != nil {
		f.t.Fatal(err)
	}
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
			_ = c.Wait()
		}
	}
	f.t.Cleanup(func() {
		kill()
		if f.t.Failed() {
			f.t.Logf("keepalived: %s", log)
		}
	})
	return kill
}

// router prepares a host as keepalived's note on VMACs demands: each device answers and
// solicits for its own addresses only. Otherwise every device would announce the
// address that belongs to the virtual MAC.
func (f *failover) router(host *netlab.Namespace, device, address string) {
	f.t.Helper()
	host.Sysctl("net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2", "net.ipv4.conf."+device+".arp_filter=1")
	host.IP("addr add " + address + "/24 dev " + device)
}

// isMaster waits until a host has the addresses.
func (f *failover) isMaster(host *netlab.Namespace) {
	f.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		has := host.Run("ip", "-o", "addr")
		if strings.Contains(has, movedV4+"/") && strings.Contains(has, movedV6+"/") && !strings.Contains(has, "tentative") {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			f.t.Fatalf("it did not become master: %s", has)
		}
	}
}

// TestFramesFollowVRRPMaster: the master of two VRRP routers dies while traffic goes to
// their shared address. With a virtual MAC nothing changes for glean, because the switch
// follows the announcement. Without it the MAC changes to the other router's.
func TestFramesFollowVRRPMaster(t *testing.T) {
	for _, vmac := range []bool{false, true} {
		t.Run(map[bool]string{false: "own MACs", true: "virtual MACs"}[vmac], func(t *testing.T) {
			f := newFailover(t, "keepalived")
			f.router(f.a, f.deviceA, "198.18.0.2")
			f.router(f.b, f.deviceB, "198.18.0.3")
			kill := f.keepalived(f.a, f.deviceA, 150, vmac)
			f.isMaster(f.a)
			f.keepalived(f.b, f.deviceB, 100, vmac)
			id := f.transmit()
			f.wantReceived(id, f.a)
			kill()
			f.a.IP("link set " + f.deviceA + " down") // a machine that dies is silent
			f.isMaster(f.b)
			if !vmac {
				f.when(id, moved(f.b.MAC(f.deviceB)))
			}
			f.wantReceived(id, f.b)
			r := f.judge(id)
			for _, c := range r.NeighborChanges {
				if vmac {
					t.Errorf("change %+v, although the MAC is the same", c)
				}
			}
			if got := f.neighborMACs(); vmac && (got[movedV4] != virtualMAC4 || got[movedV6] != virtualMAC6) {
				t.Errorf("neighbors %v", got)
			}
		})
	}
}

// neighborMACs returns the MAC of each address in the neighbor cache.
func (f *failover) neighborMACs() map[string]string {
	f.t.Helper()
	list, err := f.api.Neighbors(f.t.Context(), client.NeighborFilter{})
	if err != nil {
		f.t.Fatal(err)
	}
	macs := make(map[string]string)
	for _, n := range list {
		if n.MACAddress != nil {
			macs[n.IPAddress] = *n.MACAddress
		}
	}
	return macs
}
