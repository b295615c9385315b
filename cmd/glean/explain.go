package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"glean/internal/document"
	"glean/server"
	"glean/server/bodies"
)

// topic is what "glean explain NAME" prints.
type topic struct {
	name, where string
	schema      *document.Schema
}

// topicPaths says where in the bodies of the API each topic is described.
var topicPaths = []struct{ name, body, path string }{
	{"port", "Port", ""},
	{"interface", "Interface", ""},
	{"neighbor", "Interface", "config.neighbor"},
	{"generator", "Generator", "config"},
	{"duration", "Generator", "config.duration"},
	{"load", "Generator", "config.load"},
	{"learning", "Generator", "config.learning"},
	{"traffic", "Generator", "config.traffic[]"},
	{"length", "Generator", "config.traffic[].length"},
	{"signature", "Generator", "config.traffic[].signature"},
	{"ethernet", "Generator", "config.traffic[].packet.protocols[].ethernet"},
	{"vlan", "Generator", "config.traffic[].packet.protocols[].vlan"},
	{"mpls", "Generator", "config.traffic[].packet.protocols[].mpls"},
	{"ipv4", "Generator", "config.traffic[].packet.protocols[].ipv4"},
	{"ipv6", "Generator", "config.traffic[].packet.protocols[].ipv6"},
	{"tcp", "Generator", "config.traffic[].packet.protocols[].tcp"},
	{"udp", "Generator", "config.traffic[].packet.protocols[].udp"},
	{"custom", "Generator", "config.traffic[].packet.protocols[].custom"},
	{"modifiers", "Generator", "config.traffic[].packet.protocols[].modifiers"},
	{"learning-request", "LearningBody", ""},
}

// bodyNames maps each body to the request that has it.
var bodyNames = map[string]string{
	"Port": "POST /ports", "Interface": "POST /interfaces", "Generator": "POST /packet/generators", "LearningBody": "POST /learning",
}

// topics returns all topics in the order in which "glean explain" prints them.
func topics() []topic {
	schemas := bodies.Schemas()
	var list []topic
	for _, p := range topicPaths {
		where := bodyNames[p.body]
		if p.path != "" {
			where += ": " + p.path
		}
		list = append(list, topic{p.name, where, schemas[p.body].At(p.path)})
	}
	return append(list,
		topic{"flow_counters", "GET /packet/generator-results and /packet/tx-flows", server.FlowCounters()},
		topic{"file", "serve --config FILE", configSchema},
	)
}

// runExplain prints the description of an object: its members with type, range and
// default. The readers of bodies and files check against the same description.
func runExplain(c command, args []string) error {
	if len(args) == 1 && !strings.HasPrefix(args[0], "-") {
		return explain(stdout, args[0])
	}
	if err := c.parse(c.newFlags(), args); err != nil {
		return err
	}
	out := stdout
	fmt.Fprint(out, "usage: glean explain TOPIC\n\n")
	for _, t := range topics() {
		fmt.Fprintf(out, "  %-16s  %s\n", t.name, t.schema.About)
	}
	_, err := fmt.Fprint(out, "\n\"glean sim help\" explains scenario files.\n")
	return err
}

func explain(w io.Writer, name string) error {
	all := topics()
	at := slices.IndexFunc(all, func(t topic) bool { return t.name == name })
	if at < 0 {
		var names []string
		for _, t := range all {
			names = append(names, t.name)
		}
		near := document.Nearest(name, names)
		if near != "" {
			near = fmt.Sprintf(" did you mean %q?", near)
		}
		return usageErrorf("explain: unknown topic %q;%s \"glean explain\" lists them", name, near)
	}
	t := all[at]
	fmt.Fprintf(w, "%s: %s\n(%s)\n\n", t.name, t.schema.About, t.where)
	return t.schema.Print(w, func(s *document.Schema) string {
		for _, other := range all {
			if other.schema == s && s != t.schema {
				return "glean explain " + other.name
			}
		}
		return ""
	})
}
