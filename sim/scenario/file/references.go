package file

import (
	"fmt"
	"strconv"
	"strings"

	"glean/internal/document"
)

// thing is a kind of thing that has a name in a file.
type thing uint8

const (
	aSwitch thing = iota
	aDevice       // with its own wire: hosts, odd hosts, farms
	aHost         // with a full stack
	aRouter
	aVirtual
	aPort
	anInterface
	aGenerator
	aRequest
	numThings
)

var thingWords = [numThings]struct{ one, many string }{
	{"switch", "switches"}, {"device", "devices"}, {"host", "hosts"}, {"router", "routers"}, {"virtual router", "virtual routers"},
	{"port", "ports"}, {"interface", "interfaces"}, {"generator", "generators"}, {"learning request", "learning requests"},
}

// names holds the names that a file defines and refers to. References are looked up
// after the whole file is read, because a name may be used before it is defined.
type names struct {
	lines      [numThings]map[string]int
	order      [numThings][]string
	references []reference
}

type reference struct {
	at   value
	name string
	of   []thing
}

// define adds the name of a thing. It returns false if the name is already defined.
func (v value) define(kind thing, name string) bool {
	n := &v.r.names
	if n.lines[kind] == nil {
		n.lines[kind] = make(map[string]int)
	}
	if line, twice := n.lines[kind][name]; twice {
		v.wrong("%s %q is given more than once, first in line %d", thingWords[kind].one, name, line)
		return false
	}
	n.lines[kind][name] = v.node.Line
	n.order[kind] = append(n.order[kind], name)
	return true
}

// refer records that v names one of some kinds of things.
func (v value) refer(name string, of ...thing) {
	v.r.references = append(v.r.references, reference{v, name, of})
}

// naming makes a reader that defines the name that it reads.
func naming(kind thing, read func(value) string) func(value) string {
	return func(v value) string {
		name := read(v)
		v.define(kind, name)
		return name
	}
}

// referring makes a reader that records a reference to the name that it reads.
func referring(read func(value) string, of ...thing) func(value) string {
	return func(v value) string {
		name := read(v)
		v.refer(name, of...)
		return name
	}
}

// referringAll is referring for one or several names.
func referringAll(of thing) func(value) []string {
	return func(v value) []string {
		words := v.texts()
		for _, w := range words {
			v.refer(w, of)
		}
		return words
	}
}

var (
	hostName      = referring(value.name, aHost)
	switchRef     = referring(value.name, aSwitch)
	routerRef     = referring(value.name, aRouter)
	switchRefs    = referringAll(aSwitch)
	generatorRefs = referringAll(aGenerator)
	interfaceRefs = referringAll(anInterface)
)

// attachment reads where a device is attached: a switch, or "port:ID".
func (v value) attachment() string {
	on := v.text()
	if id, direct := strings.CutPrefix(on, "port:"); direct {
		v.refer(id, aPort)
	} else {
		v.refer(on, aSwitch)
	}
	return on
}

// resolve adds a fault for each reference to an undefined name.
func (r *reader) resolve() {
	for _, ref := range r.references {
		if known := r.known(ref); known != nil {
			ref.at.wrong("%s", missing(ref, known))
		}
	}
}

// known returns nil if a referenced name is defined, else the names that are.
func (r *reader) known(ref reference) []string {
	all := []string{}
	for _, kind := range ref.of {
		if _, there := r.lines[kind][ref.name]; there {
			return nil
		}
		all = append(all, r.order[kind]...)
	}
	return all
}

// missing returns the text about a reference to an undefined name.
func missing(ref reference, known []string) string {
	var one, many []string
	for _, kind := range ref.of {
		one, many = append(one, thingWords[kind].one), append(many, thingWords[kind].many)
	}
	text := fmt.Sprintf("no %s %q;", strings.Join(one, " or "), ref.name)
	if near := document.Nearest(ref.name, known); near != "" {
		text += fmt.Sprintf(" did you mean %q?", near)
	}
	if len(known) == 0 {
		return text + " there are none"
	}
	const most = 16
	var list []string
	for _, name := range known[:min(most, len(known))] {
		list = append(list, strconv.Quote(name))
	}
	if len(known) > most {
		list = append(list, fmt.Sprintf("%d more", len(known)-most))
	}
	return fmt.Sprintf("%s %s are %s", text, strings.Join(many, " and "), strings.Join(list, ", "))
}
