package swarm

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The mutants measure the rules by the faults that they find. Each mutant is a deliberate
// fault in the code under test. The code itself does not change: "go build -overlay"
// builds with a changed copy of a file. "glean sim check" must find every mutant.

var (
	tryMutants  = flag.Bool("mutants", false, "build every mutant and have sim check find it")
	onlyMutant  = flag.String("mutant", "", "only mutants whose name contains this")
	mutantSeeds = flag.Int("mutant-seeds", 10_000, "in how many worlds a mutant must be found")
)

// mutant replaces the only place of old in a file.
type mutant struct{ name, file, old, new string }

// besides holds the other places of faults that need more than one, by their names.
var besides = map[string][]mutant{
	"a reply is accepted from another interface": {
		{file: "stack/arp.go", old: "message{cause: cause})", new: "message{cause: cause, answer: r.Op == header.ARPReply})"},
	},
	"the outer tag alone tells VLANs apart": {
		{file: "stack/vlan.go", old: "; own != theirs {", new: "; own != theirs && false {"},
		{file: "stack/interface.go", old: "		if v != nil && v.own(a.ip) != nil {", new: "		if v != nil && v.own(a.ip) != nil && false {"},
	},
	"the inner tag alone tells VLANs apart": {
		{file: "stack/vlan.go", old: "; own != theirs {", new: "; own != theirs && false {"},
		{file: "stack/interface.go", old: "		if v != nil && v.own(a.ip) != nil {", new: "		if v != nil && v.own(a.ip) != nil && false {"},
	},
	"neighbors that solicited us leave no room for wanted ones": {
		{file: "stack/neighbor.go", old: "		victim := s.victim(i.foreignList, i, now)", new: "		victim := uint32(0)"},
	},
	"a neighbor's key has no interface, so VLANs cross": {
		{file: "stack/neighbor_table.go", old: "^t.seed^uint64(iface)<<32, ", new: "^t.seed, "},
	},
	"a neighbor is solicited twice in a RetransTimer": {
		{file: "stack/retransmit.go", old: "	earliest := max(now, n.solicited.Add(c.RetransTimer)) //", new: "	earliest := max(now, n.solicited.Add(c.RetransTimer/2)) //"},
		{file: "stack/resolution.go", old: "	if !s.up || now < n.solicited.Add(i.config.Neighbor.RetransTimer) {\n\t\treturn false", new: "	if !s.up {\n\t\treturn false"},
	},
}

var mutants = []mutant{
	{"a reply is accepted from another interface", "stack/arp.go",
		"	if !eth.Dst.IsMulticast() || i != nil && len(v.interfaces) == 1 {\n\t\treturn\n\t}\n\tfor other := range s.affected(v, sender, binding{mac: r.SenderMAC}) {",
		"	for _, other := range s.interfaces {\n\t\tif other == nil {\n\t\t\tcontinue\n\t\t}"},
	{"solicitations stop after five in IPv4, as in OpenPerf", "stack/retransmit.go",
		"	at, useful := max(earliest,",
		"	if s.neighbors.address(n).is4() && sol.attempts >= 5 {\n\t\treturn loop.Never\n\t}\n\tat, useful := max(earliest,"},
	{"solicitations stop after MAX_MULTICAST_SOLICIT in IPv6, as in an old OpenPerf", "stack/retransmit.go",
		"	at, useful := max(earliest,",
		"	if !s.neighbors.address(n).is4() && int(sol.attempts) >= c.MulticastSolicits {\n\t\treturn loop.Never\n\t}\n\tat, useful := max(earliest,"},
	{"an advertisement is matched on its source, not its target", "stack/ndp.go",
		"	target := ipFrom16(r.Target)\n\tif r.HasTargetLink", "	target := ipFrom16(ip6.Src)\n\tif r.HasTargetLink"},
	{"INCOMPLETE honours the Override flag", "stack/neighbor_fsm.go",
		"range [2]event{0, overrideBit} { // O is ignored", "range [1]event{overrideBit} {"},
	{"a MAC is stored only when all addresses are decided", "learning/transitions.go",
		"		case h.state == StateCompleted:\n", "		case h.state == StateCompleted && r.result.progress.Resolving == 0:\n"},
	{"solicitations continue after a request was cancelled", "learning/transitions.go",
		"		if !q.gone {\n\t\t\tm.resolver.Release(ref)", "		if !q.gone && !r.cancelled {\n\t\t\tm.resolver.Release(ref)"},
	{"an unsolicited answer completes an address", "stack/arp.go",
		"	case m.answer && s.outstanding(n, i):", "	case !m.create:"},
	{"a neighbor is solicited twice in a RetransTimer", "stack/retransmit.go",
		"	return max(c.RetransTimer, min(gap, maxSolicitGap))", "	return min(gap/2, maxSolicitGap)"},
	{"off-link without a gateway the destination itself is solicited", "stack/nexthop.go",
		"		return ipFrom(i.config.Gateway4), ReasonNone\n\t}\n\treturn ip{}, NoRoute",
		"		return ipFrom(i.config.Gateway4), ReasonNone\n\t}\n\treturn dst, ReasonNone"},
	{"the IPv6 gateway and prefix length are ignored", "stack/nexthop.go",
		"	case i.ipv6 != nil && dst.masked(", "	case i.ipv6 != nil && dst.masked(32) == i.ipv6.ip.masked(32), i.ipv6 != nil && dst.masked("},
	{"a STALE entry counts as known", "stack/resolution.go",
		"	case n.state != StateReachable:\n\t\treturn false\n\t}\n\treturn !fresh", "	case !n.state.HasMAC():\n\t\treturn false\n\t}\n\treturn !fresh"},
	{"after the link was down no neighbor is solicited", "stack/retransmit.go",
		"		sol.flags &^= solicitNotified\n\t\ts.solicitTimers.Set(id, max(now,", "		continue\n\t\ts.solicitTimers.Set(id, max(now,"},
	{"a timeout while the link is down has the reason no_reply", "stack/resolution.go",
		"	if !s.up {\n\t\treturn LinkDown", "	if !s.up {\n\t\treturn NoReply"},
	{"a generator starts without its MACs", "generator/manager.go",
		"	allowed := counts.Unresolved() == 0\n", "	allowed := true\n"},
	{"frames without a MAC leave", "generator/program/destination.go",
		"	case l.Policy != traffic.PolicyFallback:\n\t\treturn 0, false", "	case l.Policy != traffic.PolicyFallback:\n\t\treturn 0, true"},
	{"unanswered solicitations stay in the window", "learning/scheduler.go",
		"func (p *portScheduler) silentAfter() loop.Duration { return min(p.window.RTO(), p.retrans) }",
		"func (p *portScheduler) silentAfter() loop.Duration { return 1000 * p.retrans }"},
	{"a request that gives up a neighbor ends it for the others", "learning/transitions.go",
		"	if m.pending.dropWaiter(id, r.slot) {", "	if m.pending.dropWaiter(id, r.slot); true {"},
	{"an address of a longer request is not solicited by a shorter deadline", "learning/transitions.go",
		"	m.resolver.AddDeadline(m.pending.slots[id].ref, r.deadline)\n", ""},
	{"a peer's announcement completes an address", "stack/neighbor_fsm.go",
		"	row[evHeardOther] = transition{StateStale, doRecord}", "	row[evHeardOther] = transition{StateReachable, doRecord | doConfirm | doAnswer}"},
	{"a cached MAC counts although every address is to be confirmed anew", "learning/transitions.go",
		"id, r.mode != ModeCached, r.deadline)", "id, false, r.deadline)"},
	{"a MAC that changes is not used while the generator runs", "generator/mac_updates.go",
		"	case state.HasMAC() && g.Active() && old != mac && !g.program.Config().Learning.Track:", "	case state.HasMAC() && g.Active() && old != mac:"},
	{"the next hops of a running generator are not probed", "server/engine/track.go",
		"		case j.iface.stack.Track(hop) == stack.TableFull:", "		case false:"},
	{"a generator that stops ends tracking for the others", "server/engine/track.go",
		"j.untrack && j.iface.isTracked(j.program, adj):", "false:"},
	{"generators are not notified of a lost next hop", "server/engine/track.go",
		"		case g.Active() && p.Config().Learning.Track:\n", "		case false:\n"},
	{"frames to a lost next hop are not counted", "generator/program/stale.go",
		"		if !outdated(s.word, word) {", "		if !outdated(s.word, word) || stateOf(s.word) == AdjacencyStale {"},
	{"generators do not notice that the link was down", "server/engine/observe.go",
		"	o.unconfirm(o.port)\n", ""},
	{"frames to an unconfirmed MAC are not counted", "generator/program/stale.go",
		"				r.tally.unconfirmed++\n", ""},
	{"a start does not wait until next hops are confirmed", "generator/manager.go",
		"	confirmed := counts.Unconfirmed == 0 ||", "	confirmed := true ||"},
	{"a start does not confirm its next hops", "server/engine/confirm.go",
		"	if len(unasked) > 0 && within", "	if len(unasked) > 1000 && within"},
	{"after the link was down the old MAC is solicited first", "stack/neighbor_fsm.go",
		"		t[s][evLinkDown] = transition{StateIncomplete, doForget | doSolicit}", "		t[s][evLinkDown] = transition{StateProbe, doSolicit}"},
	{"addresses missed while the link was down are not learned again", "server/engine/observe.go",
		"		o.relearn(o.port)\n", ""},
	{"an unsolicited answer confirms a MAC after the link was down", "generator/mac_updates.go",
		"	case state == program.AdjacencyUnconfirmed && !confirmed:", "	case false:"},
	{"a neighbor's key has no interface, so VLANs cross", "stack/neighbor_table.go",
		"n.iface == iface && t.address(n) == a", "t.address(n) == a"},
	{"the outer tag alone tells VLANs apart", "stack/vlan.go",
		"		if id := uint32(tags[i].ID); id != 0 {", "		if id := uint32(tags[i].ID); id != 0 && i == 0 {"},
	{"the inner tag alone tells VLANs apart", "stack/vlan.go",
		"			key = key<<12 | id", "			key = id"},
	{"a neighbor that solicits us replaces a learned one", "stack/neighbor.go",
		"		if victim == 0 && full && !foreign {", "		if victim == 0 && full {"},
	{"neighbors that solicited us leave no room for wanted ones", "stack/neighbor.go",
		"		full := foreign || i.count-int(i.foreignCount) >= most", "		full := foreign || i.count >= most"},
	{"conflicts are not reported", "stack/announce.go",
		"	if defend || !known &&", "	if defend && known &&"},
	{"respond_for answers beyond its ranges", "stack/interface.go",
		"		c.RespondFor[k] = p.Masked()", "		c.RespondFor[k] = netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()"},
	{"respond_for does not answer", "stack/vlan.go",
		"		if i := v.index.proxy(a); i != nil &&", "		if i := v.index.proxy(a); i != nil && false &&"},
	{"the rate of a policer is ignored", "learning/scheduler.go",
		"		if at := p.window.NextAt(); at > now {", "		if at := p.window.NextAt(); at > now && p == nil {"},
	{"the rate of a policer is set above the measured one", "learning/congestion/rate.go",
		"retrans/minPerRetrans), firstStep", "retrans/minPerRetrans)/2, firstStep"},
	{"a policer is never detected", "learning/congestion/rate.go",
		"	if !r.useless && got > 0 && 2*got < expected {", "	if false {"},
	{"learning_rate_pps is ignored", "learning/congestion/pacer.go",
		"	p.NextAt = p.NextAt.Add(p.Gap)", "	p.NextAt = p.NextAt.Add(0)"},
	{"learning_window is ignored", "server/engine/resolver.go",
		"	window := max(1, min(i.spec.LearningWindow, room/2))", "	window := max(1, room/2)"},
	{"traffic has TPIDs by the place of its tags, not the interface's", "generator/program/compile.go",
		"		case next.tpid != 0:", "		case next.tpid > 0xffff-1:"},
	{"the checksum of advertisements is not verified", "stack/header/neighbor.go",
		"	case ChecksumICMPv6(ip.Src, ip.Dst, icmp) != 0:", "	case len(icmp) > 1<<16:"},
}

// mutate returns the texts of the files with the fault in them.
func (m *mutant) mutate() (map[string]string, error) {
	texts := make(map[string]string)
	for _, edit := range append([]mutant{*m}, besides[m.name]...) {
		if _, begun := texts[edit.file]; !begun {
			text, err := os.ReadFile(filepath.Join("../..", edit.file))
			if err != nil {
				return nil, err
			}
			texts[edit.file] = string(text)
		}
		if n := strings.Count(texts[edit.file], edit.old); n != 1 {
			return nil, fmt.Errorf("%s: the place of the fault occurs %d times, want once: %q", edit.file, n, edit.old)
		}
		texts[edit.file] = strings.Replace(texts[edit.file], edit.old, edit.new, 1)
	}
	return texts, nil
}

// TestMutantsHaveTheirPlace: the place of each fault is in the code exactly once.
func TestMutantsHaveTheirPlace(t *testing.T) {
	for _, m := range mutants {
		if _, err := m.mutate(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// TestMutants is run by "make mutants".
func TestMutants(t *testing.T) {
	if !*tryMutants {
		t.Skip("run it with -mutants: it builds glean once for each fault")
	}
	for _, m := range mutants {
		if !strings.Contains(m.name, *onlyMutant) {
			continue
		}
		seed, rule, err := m.find(t.TempDir())
		if err != nil {
			t.Errorf("NOT FOUND  %-70s %v", m.name, err)
			continue
		}
		fmt.Printf("found  %-72s seed %-6s %s\n", m.name, seed, rule)
	}
}

// find builds the mutant and runs sim check until a world fails.
func (m *mutant) find(dir string) (seed, rule string, err error) {
	texts, err := m.mutate()
	if err != nil {
		return "", "", err
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", "", err
	}
	overlay, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "glean")
	replace := make(map[string]string)
	for file, text := range texts {
		changed := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		replace[filepath.Join(root, file)] = changed
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", "", err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", "", err
	}
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		return "", "", err
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", binary, "glean/cmd/glean").CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("go build: %w: %s", err, out)
	}
	out, err := exec.Command(binary, "sim", "check", "--seeds", fmt.Sprint(*mutantSeeds)).CombinedOutput()
	if err == nil {
		return "", "", fmt.Errorf("%d worlds are well with it", *mutantSeeds)
	}
	_, after, found := strings.Cut(string(out), "FAILED seed=")
	if !found {
		return "", "", fmt.Errorf("sim check ended otherwise: %v: %.300s", err, out)
	}
	lines := strings.SplitN(after, "\n", 3)
	seed, _, _ = strings.Cut(after, " ")
	return seed, strings.TrimSpace(lines[1]), nil
}
