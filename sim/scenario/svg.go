package scenario

import (
	"bytes"
	"fmt"
	"html"
	"net/netip"
	"slices"
	"strings"
)

// The drawing has columns: glean, switches and routers by their distance from
// it, and beside each switch what is on it. It is made of boxes and straight
// lines, for a first look and not for beauty.

const (
	boxWidth          = 230
	columnGap, rowGap = 70, 14
	titleHeight       = 26
	lineHeight        = 16
)

// box is a device, or a group of hosts. Its lines are below its title.
type box struct {
	name, title, color string
	lines              []string
	column, y          int
	to                 []string // names of boxes it has wires to
}

func (b *box) x() int      { return 20 + b.column*(boxWidth+columnGap) }
func (b *box) height() int { return titleHeight + lineHeight*len(b.lines) + 4 }
func (b *box) middle() int { return b.y + b.height()/2 }

// SVG draws the topology with what was learned of it.
func (r *Report) SVG() []byte {
	boxes := r.boxes()
	placeBoxes(boxes)
	byName := make(map[string]*box)
	width, height := 0, 0
	for _, b := range boxes {
		byName[b.name] = b
		width, height = max(width, b.x()+boxWidth+20), max(height, b.y+b.height()+20)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&out, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"20\" y=\"28\" font-size=\"16\">%s</text>\n",
		html.EscapeString(r.Scenario+": "+r.About))
	for _, b := range boxes {
		for _, name := range b.to {
			if t := byName[name]; t != nil {
				fmt.Fprintf(&out, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#888"/>`+"\n",
					b.x()+boxWidth/2, b.middle(), t.x()+boxWidth/2, t.middle())
			}
		}
	}
	for _, b := range boxes {
		fmt.Fprintf(&out, `<rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="%s" stroke="#444"/>`+"\n", b.x(), b.y, boxWidth, b.height(), b.color)
		fmt.Fprintf(&out, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", b.x()+8, b.y+18, html.EscapeString(b.title))
		for i, line := range b.lines {
			fmt.Fprintf(&out, `<text x="%d" y="%d">%s</text>`+"\n", b.x()+8, b.y+titleHeight+10+i*lineHeight, html.EscapeString(line))
		}
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// drawn are the addresses of what a report draws.
type drawn struct {
	interfaces []*endpoint // of glean, in the order in which they were made
	hosts      [][]string  // of each group, a line for each family
}

// drawing looks up the addresses when a run ends.
func (r *Run) drawing() drawn {
	d := drawn{hosts: make([][]string, len(r.scenario.Topology.Hosts))}
	for _, e := range r.endpoints {
		d.interfaces = append(d.interfaces, e)
	}
	slices.SortFunc(d.interfaces, func(a, b *endpoint) int { return int(a.index) - int(b.index) })
	for i := range d.hosts {
		names := r.scenario.Topology.Hosts[i].names()
		first, last := r.network.byName[names[0]], r.network.byName[names[len(names)-1]]
		d.hosts[i] = addressLines(addressSpan(first.config.IPv4, last.config.IPv4), addressSpan(first.config.IPv6, last.config.IPv6))
	}
	return d
}

// addressSpan is the text of an address, or of a range of them; empty if there is none.
func addressSpan(first, last netip.Prefix) string {
	switch {
	case !first.IsValid():
		return ""
	case first == last:
		return first.String()
	}
	return first.Addr().String() + " - " + last.Addr().String()
}

// addressLines leaves out what is empty.
func addressLines(lines ...string) []string {
	return slices.DeleteFunc(lines, func(s string) bool { return s == "" })
}

// boxes makes a box for each device and group of hosts.
func (r *Report) boxes() (boxes []*box) {
	add := func(b box) { boxes = append(boxes, &b) }
	t := r.topology
	for _, p := range t.Ports {
		b := box{name: "port:" + p.ID, title: "glean port " + p.ID, color: "#cfe8ff", lines: r.portLines(p.ID)}
		if p.On != "" {
			b.to = []string{p.On}
		}
		add(b)
	}
	for _, name := range t.Switches {
		add(box{name: name, title: name, lines: []string{"switch"}, color: "#eeeeee"})
	}
	for _, k := range t.Trunks {
		for _, b := range boxes {
			if b.name == k.A {
				b.to = append(b.to, k.B)
			}
		}
	}
	for i := range t.Routers {
		add(r.routerBox(&t.Routers[i]))
	}
	for i := range t.Virtual {
		add(r.virtualBox(&t.Virtual[i]))
	}
	for i := range t.Hosts {
		g := &t.Hosts[i]
		title, count := g.Name, max(1, g.Count)
		if count > 1 {
			title = fmt.Sprintf("%s-1 ... %d", g.Name, count)
		}
		add(box{name: fmt.Sprintf("hosts %d", i), title: title, to: []string{g.On}, lines: r.drawn.hosts[i]}.learned(r.learnedOf(func(owner string) bool {
			return owner == g.Name && g.Count <= 1 || g.Count > 1 && strings.HasPrefix(owner, g.Name+"-")
		})))
	}
	for _, o := range t.Odd {
		add(box{name: "odd " + o.Name, title: o.Name, to: []string{o.On}, lines: []string{o.IPv6.String()}}.learned(
			r.learnedOf(func(owner string) bool { return owner == o.Name })))
	}
	for _, f := range t.Farms {
		b := box{name: "farm " + f.Name, title: fmt.Sprintf("%s: %d hosts", f.Name, f.Hosts), to: []string{f.On}}
		for _, first := range []netip.Addr{f.IPv4, f.IPv6} {
			if first.IsValid() {
				b.lines = append(b.lines, "from "+first.String())
			}
		}
		add(b.learned(r.learnedOf(func(owner string) bool { return owner == f.Name })))
	}
	return boxes
}

func (r *Report) routerBox(d *Router) box {
	b := box{name: "router " + d.Name, title: d.Name, lines: []string{"router"}, color: "#ffe9c7"}
	for _, p := range d.Ports {
		b.to = append(b.to, p.On)
		b.lines = append(b.lines, addressLines(addressSpan(p.IPv4, p.IPv4), addressSpan(p.IPv6, p.IPv6))...)
	}
	return b
}

// virtualBox has lines to the routers that share the address.
func (r *Report) virtualBox(v *Virtual) box {
	b := box{name: "virtual router " + v.Name, title: v.Name, color: "#fff6d8",
		lines: []string{"virtual router of " + strings.Join(v.Routers, ", ")}}
	b.lines = append(b.lines, addressLines(addressSpan(v.IPv4, v.IPv4), addressSpan(v.IPv6, v.IPv6))...)
	for _, name := range v.Routers {
		b.to = append(b.to, "router "+name)
	}
	return b
}

// portLines are the addresses of a port's interfaces, and what they have learned.
func (r *Report) portLines(id string) (lines []string) {
	for _, e := range r.drawn.interfaces {
		if e.port == id {
			lines = append(lines, addressLines(addressSpan(e.ipv4, e.ipv4), addressSpan(e.ipv6, e.ipv6))...)
		}
	}
	completed, total := 0, 0
	for _, q := range r.Learning {
		for i := range q.Addresses {
			if !r.isOn(q.Addresses[i].Interface, id) {
				continue
			}
			if total++; q.Addresses[i].State == "completed" {
				completed++
			}
		}
	}
	if total > 0 {
		lines = append(lines, fmt.Sprintf("%d of %d learned", completed, total))
	}
	return lines
}

// isOn reports whether an interface of glean is on a port.
func (r *Report) isOn(iface, port string) bool {
	return slices.ContainsFunc(r.drawn.interfaces, func(e *endpoint) bool { return e.id == iface && e.port == port })
}

// learnedOf counts the addresses of some hosts that were asked for, and those
// that were learned.
func (r *Report) learnedOf(is func(owner string) bool) (completed, total int) {
	for _, q := range r.Learning {
		for i := range q.Addresses {
			if a := &q.Addresses[i]; a.Owner != "" && is(a.Owner) {
				total++
				if a.State == "completed" {
					completed++
				}
			}
		}
	}
	return completed, total
}

func (b box) learned(completed, total int) box {
	text := fmt.Sprintf("%d of %d learned", completed, total)
	b.color = "#d5f2d5"
	switch {
	case total == 0:
		text, b.color = "not asked for", "#f6f6f6"
	case completed < total:
		b.color = "#ffd9d9"
	}
	b.lines = append(slices.Clone(b.lines), text)
	return b
}

// placeBoxes gives each box the column of its distance from glean, and a place in it.
func placeBoxes(boxes []*box) {
	neighbors := make(map[string][]*box)
	byName := make(map[string]*box)
	for _, b := range boxes {
		byName[b.name] = b
	}
	for _, b := range boxes {
		b.column = -1
		for _, name := range b.to {
			if t := byName[name]; t != nil {
				neighbors[b.name] = append(neighbors[b.name], t)
				neighbors[t.name] = append(neighbors[t.name], b)
			}
		}
	}
	var queue []*box
	for _, b := range boxes {
		if strings.HasPrefix(b.name, "port:") {
			b.column = 0
			queue = append(queue, b)
		}
	}
	for len(queue) > 0 {
		b := queue[0]
		queue = queue[1:]
		for _, t := range neighbors[b.name] {
			if t.column < 0 {
				t.column = b.column + 1
				queue = append(queue, t)
			}
		}
	}
	free := make(map[int]int) // the next free place of each column
	for _, b := range boxes {
		b.column = max(0, b.column)
		b.y = max(free[b.column], 50)
		free[b.column] = b.y + b.height() + rowGap
	}
}
