package topology

import (
	"bytes"
	"fmt"
	"html"
	"net/netip"
	"slices"
	"strings"
)

// The drawing has one column for each distance from glean's ports. It consists of
// boxes and straight lines: enough for an overview.

const (
	boxWidth          = 230
	columnGap, rowGap = 70, 14
	titleHeight       = 26
	lineHeight        = 16
)

// Drawing is the boxes of a network. It does not refer to the network, so that the
// network's memory can be freed.
type Drawing struct{ boxes []*box }

// Labels are the texts of a drawing that the network does not determine.
type Labels struct {
	Title string
	// Ports holds the lines of glean's ports, by port ID.
	Ports map[string][]string
	// Learned holds how many of the addresses of a host or farm were requested and
	// learned, by its name.
	Learned map[string]Learned
}

// Learned counts addresses.
type Learned struct{ Completed, Total int }

// box is a device, or a group of hosts. Its lines are below its title.
type box struct {
	name, title, color string
	lines              []string
	members            []string // names of the hosts or farms that it stands for
	column, y          int
	to                 []string // names of boxes it has wires to
}

func (b *box) x() int      { return 20 + b.column*(boxWidth+columnGap) }
func (b *box) height() int { return titleHeight + lineHeight*len(b.lines) + 4 }
func (b *box) middle() int { return b.y + b.height()/2 }

// Drawing returns a drawing of the network.
func (n *Network) Drawing() *Drawing {
	d := &Drawing{}
	t := n.topology
	for _, p := range t.Ports {
		b := box{name: "port:" + p.ID, title: "glean port " + p.ID, color: "#cfe8ff"}
		if p.On != "" {
			b.to = []string{p.On}
		}
		d.add(b)
	}
	for _, name := range t.Switches {
		d.add(box{name: name, title: name, lines: []string{"switch"}, color: "#eeeeee"})
	}
	for _, k := range t.Trunks {
		for _, b := range d.boxes {
			if b.name == k.A {
				b.to = append(b.to, k.B)
			}
		}
	}
	for i := range t.Routers {
		d.add(t.Routers[i].box())
	}
	for i := range t.Virtual {
		d.add(t.Virtual[i].box())
	}
	for i := range t.Hosts {
		d.add(n.hostsBox(i))
	}
	for _, o := range t.LinkLocalHosts {
		d.add(box{name: "link-local host " + o.Name, title: o.Name, to: []string{o.On}, lines: []string{o.IPv6.String()}, members: []string{o.Name}})
	}
	for i := range t.Farms {
		d.add(t.Farms[i].box())
	}
	return d
}

func (d *Drawing) add(b box) { d.boxes = append(d.boxes, &b) }

func (r *Router) box() box {
	b := box{name: "router " + r.Name, title: r.Name, lines: []string{"router"}, color: "#ffe9c7"}
	for _, p := range r.Ports {
		b.to = append(b.to, p.On)
		b.lines = append(b.lines, PrefixLines(p.IPv4, p.IPv6)...)
	}
	return b
}

// box has lines to the routers that share the address.
func (v *Virtual) box() box {
	b := box{name: "virtual router " + v.Name, title: v.Name, color: "#fff6d8",
		lines: []string{"virtual router of " + strings.Join(v.Routers, ", ")}}
	b.lines = append(b.lines, PrefixLines(v.IPv4, v.IPv6)...)
	for _, name := range v.Routers {
		b.to = append(b.to, "router "+name)
	}
	return b
}

// hostsBox returns the box of host group i, with a line of addresses for each family.
func (n *Network) hostsBox(i int) box {
	g := &n.topology.Hosts[i]
	names := g.Names()
	b := box{name: fmt.Sprintf("hosts %d", i), title: g.Name, to: []string{g.On}, members: names}
	if len(names) > 1 {
		b.title = fmt.Sprintf("%s-1 ... %d", g.Name, len(names))
	}
	first, last := n.hostByName[names[0]].config, n.hostByName[names[len(names)-1]].config
	b.lines = nonEmpty(prefixRange(first.IPv4, last.IPv4), prefixRange(first.IPv6, last.IPv6))
	return b
}

func (f *Farm) box() box {
	b := box{name: "farm " + f.Name, title: fmt.Sprintf("%s: %d hosts", f.Name, f.Hosts), to: []string{f.On}, members: []string{f.Name}}
	for _, first := range []netip.Addr{f.IPv4, f.IPv6} {
		if first.IsValid() {
			b.lines = append(b.lines, "from "+first.String())
		}
	}
	return b
}

// PrefixLines returns the texts of prefixes that are set.
func PrefixLines(prefixes ...netip.Prefix) (lines []string) {
	for _, p := range prefixes {
		if p.IsValid() {
			lines = append(lines, p.String())
		}
	}
	return lines
}

// prefixRange returns the text of an address or of a range, or "" if there is none.
func prefixRange(first, last netip.Prefix) string {
	switch {
	case !first.IsValid():
		return ""
	case first == last:
		return first.String()
	}
	return first.Addr().String() + " - " + last.Addr().String()
}

func nonEmpty(lines ...string) []string {
	return slices.DeleteFunc(lines, func(s string) bool { return s == "" })
}

// SVG returns the drawing as SVG.
func (d *Drawing) SVG(labels Labels) []byte {
	boxes := make([]*box, len(d.boxes))
	byName := make(map[string]*box)
	for i, b := range d.boxes {
		boxes[i] = b.labeled(labels)
		byName[b.name] = boxes[i]
	}
	placeBoxes(boxes, byName)
	width, height := 0, 0
	for _, b := range boxes {
		width, height = max(width, b.x()+boxWidth+20), max(height, b.y+b.height()+20)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&out, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"20\" y=\"28\" font-size=\"16\">%s</text>\n",
		html.EscapeString(labels.Title))
	for _, b := range boxes {
		for _, name := range b.to {
			if t := byName[name]; t != nil {
				fmt.Fprintf(&out, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#888"/>`+"\n",
					b.x()+boxWidth/2, b.middle(), t.x()+boxWidth/2, t.middle())
			}
		}
	}
	for _, b := range boxes {
		b.write(&out)
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// labeled returns a copy of the box with its part of the labels.
func (b *box) labeled(labels Labels) *box {
	out := *b
	if id, isPort := strings.CutPrefix(b.name, "port:"); isPort {
		out.lines = labels.Ports[id]
	}
	if len(b.members) == 0 {
		return &out
	}
	var sum Learned
	for _, name := range b.members {
		l := labels.Learned[name]
		sum.Completed += l.Completed
		sum.Total += l.Total
	}
	text := fmt.Sprintf("%d of %d learned", sum.Completed, sum.Total)
	out.color = "#d5f2d5"
	switch {
	case sum.Total == 0:
		text, out.color = "not requested", "#f6f6f6"
	case sum.Completed < sum.Total:
		out.color = "#ffd9d9"
	}
	out.lines = append(slices.Clone(b.lines), text)
	return &out
}

func (b *box) write(out *bytes.Buffer) {
	fmt.Fprintf(out, `<rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="%s" stroke="#444"/>`+"\n", b.x(), b.y, boxWidth, b.height(), b.color)
	fmt.Fprintf(out, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", b.x()+8, b.y+18, html.EscapeString(b.title))
	for i, line := range b.lines {
		fmt.Fprintf(out, `<text x="%d" y="%d">%s</text>`+"\n", b.x()+8, b.y+titleHeight+10+i*lineHeight, html.EscapeString(line))
	}
}

// placeBoxes gives each box the column of its distance from glean's ports and a
// row in it.
func placeBoxes(boxes []*box, byName map[string]*box) {
	measureDistances(boxes, byName)
	free := make(map[int]int) // the next free y of each column
	for _, b := range boxes {
		b.column = max(0, b.column)
		b.y = max(free[b.column], 50)
		free[b.column] = b.y + b.height() + rowGap
	}
}

// measureDistances sets the column of each box to its distance from glean's ports,
// or to -1 if no port reaches it.
func measureDistances(boxes []*box, byName map[string]*box) {
	neighbors := make(map[string][]*box)
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
}
