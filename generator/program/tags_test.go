package program

import (
	"fmt"
	"strings"
	"testing"

	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
	"glean/stack/header"
)

const bareUDP = `{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"}},{"udp":{}}`

// firstTags returns the first frame's tags as "TPID/ID/priority" and its type.
func firstTags(t *testing.T, protocols string, b Binding) string {
	t.Helper()
	p := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(protocols, "", "")), b)
	resolveAll(p)
	repr, _, err := header.ParseEthernet(send(t, NewRun(p, RunOptions{}), 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, tag := range repr.Tags[:repr.NumTags] {
		words = append(words, fmt.Sprintf("%v/%d/%d", tag.TPID, tag.ID, tag.Priority))
	}
	return strings.Join(append(words, repr.Type.String()), " ")
}

// The frames of an interface have its tags with their TPIDs and priorities,
// unless the template sets a priority of its own.
func TestFramesHaveTheTagsOfTheInterface(t *testing.T) {
	vlan, service := header.EtherTypeVLAN, header.EtherTypeQinQ
	for _, c := range []struct {
		tags     []header.VLAN
		template string // between Ethernet and IPv4
		want     string
	}{
		{[]header.VLAN{{ID: 7}}, ``, "0x8100/7/0"},
		{[]header.VLAN{{TPID: vlan, ID: 7, Priority: 5}}, ``, "0x8100/7/5"},
		{[]header.VLAN{{TPID: service, ID: 7, Priority: 5}}, ``, "0x88a8/7/5"},
		{[]header.VLAN{{TPID: service, ID: 7, Priority: 5}}, `{"vlan":{"id":7}},`, "0x88a8/7/5"},
		{[]header.VLAN{{TPID: service, ID: 7, Priority: 5}}, `{"vlan":{"id":7,"priority":"best_effort"}},`, "0x88a8/7/0"},
		{[]header.VLAN{{TPID: service, ID: 100, Priority: 2}, {ID: 7}}, ``, "0x88a8/100/2 0x8100/7/0"},
		{[]header.VLAN{{TPID: vlan, ID: 100}, {TPID: vlan, ID: 7, Priority: 1}}, ``, "0x8100/100/0 0x8100/7/1"},
		{[]header.VLAN{{TPID: vlan, ID: 100}, {TPID: vlan, ID: 7, Priority: 1}}, `{"vlan":{"id":100}},{"vlan":{"id":7}},`, "0x8100/100/0 0x8100/7/1"},
		{[]header.VLAN{{TPID: service, ID: 100}, {TPID: service, ID: 7}}, `{"vlan":{"id":100}},{"vlan":{"id":7}},`, "0x88a8/100/0 0x88a8/7/0"},
		{[]header.VLAN{{TPID: vlan, ID: 100}, {TPID: service, ID: 7}}, ``, "0x8100/100/0 0x88a8/7/0"},
	} {
		b := onLink()
		b.Tags = c.tags
		if got := firstTags(t, strings.Replace(bareUDP, `{"ipv4"`, c.template+`{"ipv4"`, 1), b); got != c.want+" 0x0800" {
			t.Errorf("interface %+v, template %q: frames have %s, want %s", c.tags, c.template, got, c.want)
		}
	}
}

// Behind inserted tags stands the type that the Ethernet header sets.
func TestConfiguredTypeStandsBehindInsertedTags(t *testing.T) {
	b := onLink()
	b.Tags = []header.VLAN{{ID: 7}, {ID: 8}}
	if got := firstTags(t, `{"ethernet":{"ether_type":35020}}`, b); got != "0x8100/7/0 0x8100/8/0 0x88cc" {
		t.Error(got)
	}
}

// On a port the tags are the template's, the outer one of two a service tag.
func TestTagsOfAPortAreThoseOfTheTemplate(t *testing.T) {
	for template, want := range map[string]string{
		`{"vlan":{"id":7}},`:                   "0x8100/7/0 0x0800",
		`{"vlan":{"id":7}},{"vlan":{"id":8}},`: "0x88a8/7/0 0x8100/8/0 0x0800",
	} {
		if got := firstTags(t, strings.Replace(bareUDP, `{"ipv4"`, template+`{"ipv4"`, 1), Binding{}); got != want {
			t.Errorf("%s: frames have %s, want %s", template, got, want)
		}
	}
}

// A template that contradicts the interface's tags is refused.
func TestTemplateMustNotContradictTheTags(t *testing.T) {
	b := onLink()
	b.Tags = []header.VLAN{{TPID: header.EtherTypeQinQ, ID: 100}, {ID: 7}}
	for template, part := range map[string]string{
		`{"ethernet":{}},{"vlan":{"id":7}},{"vlan":{"id":100}},`: "[1].vlan.id: tags [7 100]",
		`{"ethernet":{}},{"vlan":{"id":100}},`:                   "[1].vlan.id: tags [100]",
		`{"ethernet":{}},{"vlan":{"id":100}},{"vlan":{"id":7},` + traffictest.Items("zip", traffictest.Sequence("id", "field", "7", 2)) + `},`:         "[2].modifiers.items[0]: the VLAN ID",
		`{"ethernet":{},` + traffictest.Items("zip", traffictest.Sequence("ether_type", "field", "7", 2)) + `},`:                                       "[0].modifiers.items[0]: this is the TPID",
		`{"ethernet":{}},{"vlan":{"id":100},` + traffictest.Items("zip", traffictest.Sequence("ether_type", "field", "7", 2)) + `},{"vlan":{"id":7}},`: "[1].modifiers.items[0]: this is the TPID",
		`{"ethernet":{"ether_type":33024}},`:                                        "[0].ethernet.ether_type: TPID 0x8100",
		`{"ethernet":{}},{"vlan":{"id":100,"ether_type":34984}},{"vlan":{"id":7}},`: "[1].vlan.ether_type: TPID 0x88a8",
	} {
		protocols := strings.Replace(bareUDP, `{"ethernet":{}},`, template, 1)
		c, faults := traffic.ParseConfig([]byte(traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(protocols, "", ""))))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if _, faults := Compile(c, b); len(faults) != 1 || !strings.Contains(faults.Error(), part) {
			t.Errorf("%s: %v, want %q", template, faults, part)
		}
	}
}
