package scenario

import (
	"bytes"
	"fmt"
	"html"
	"strings"
)

// The drawing has columns: glean, switches and routers by their distance from
// it, and beside each switch what is on it. It is made of boxes and straight
// lines, for a first look and not for beauty.

const (
	boxWidth, boxHeight = 170, 46
	columnGap, rowGap   = 70, 14
)

// box is a device, or a group of hosts.
type box struct {
	name, title, detail, color string
	column, row                int
	to                         []string // names of boxes it has wires to
}

func (b *box) x() int { return 20 + b.column*(boxWidth+columnGap) }
func (b *box) y() int { return 50 + b.row*(boxHeight+rowGap) }

// SVG draws the topology with what was learned of it.
func (r *Report) SVG() []byte {
	boxes := r.boxes()
	placeBoxes(boxes)
	byName := make(map[string]*box)
	width, height := 0, 0
	for _, b := range boxes {
		byName[b.name] = b
		width, height = max(width, b.x()+boxWidth+20), max(height, b.y()+boxHeight+20)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&out, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"20\" y=\"28\" font-size=\"16\">%s</text>\n",
		html.EscapeString(r.Scenario+": "+r.About))
	for _, b := range boxes {
		for _, name := range b.to {
			if t := byName[name]; t != nil {
				fmt.Fprintf(&out, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#888"/>`+"\n",
					b.x()+boxWidth/2, b.y()+boxHeight/2, t.x()+boxWidth/2, t.y()+boxHeight/2)
			}
		}
	}
	for _, b := range boxes {
		fmt.Fprintf(&out, `<rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="%s" stroke="#444"/>`+"\n", b.x(), b.y(), boxWidth, boxHeight, b.color)
		fmt.Fprintf(&out, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", b.x()+8, b.y()+18, html.EscapeString(b.title))
		fmt.Fprintf(&out, `<text x="%d" y="%d">%s</text>`+"\n", b.x()+8, b.y()+36, html.EscapeString(b.detail))
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// boxes makes a box for each device and group of hosts.
func (r *Report) boxes() (boxes []*box) {
	add := func(b box) { boxes = append(boxes, &b) }
	t := r.topology
	for _, p := range t.Ports {
		b := box{name: "port:" + p.ID, title: "glean port " + p.ID, color: "#cfe8ff", detail: r.portDetail()}
		if p.On != "" {
			b.to = []string{p.On}
		}
		add(b)
	}
	for _, name := range t.Switches {
		add(box{name: name, title: name, detail: "switch", color: "#eeeeee"})
	}
	for _, k := range t.Trunks {
		for _, b := range boxes {
			if b.name == k.A {
				b.to = append(b.to, k.B)
			}
		}
	}
	for _, d := range t.Routers {
		b := box{name: "router " + d.Name, title: d.Name, detail: "router", color: "#ffe9c7"}
		for _, p := range d.Ports {
			b.to = append(b.to, p.On)
		}
		add(b)
	}
	for i := range t.Hosts {
		g := &t.Hosts[i]
		title, count := g.Name, max(1, g.Count)
		if count > 1 {
			title = fmt.Sprintf("%s-1 ... %d", g.Name, count)
		}
		add(box{name: fmt.Sprintf("hosts %d", i), title: title, to: []string{g.On}}.learned(r.learnedOf(func(owner string) bool {
			return owner == g.Name && g.Count <= 1 || g.Count > 1 && strings.HasPrefix(owner, g.Name+"-")
		})))
	}
	for _, f := range t.Farms {
		add(box{name: "farm " + f.Name, title: fmt.Sprintf("%s: %d hosts", f.Name, f.Hosts), to: []string{f.On}}.learned(
			r.learnedOf(func(owner string) bool { return owner == f.Name })))
	}
	return boxes
}

func (r *Report) portDetail() string {
	completed, total := 0, 0
	for _, q := range r.Learning {
		completed += q.Completed
		total += q.Completed + q.TimedOut
	}
	return fmt.Sprintf("%d of %d learned", completed, total)
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
	b.detail, b.color = fmt.Sprintf("%d of %d learned", completed, total), "#d5f2d5"
	switch {
	case total == 0:
		b.detail, b.color = "not asked for", "#f6f6f6"
	case completed < total:
		b.color = "#ffd9d9"
	}
	return b
}

// placeBoxes gives each box the column of its distance from glean, and a row.
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
	rows := make(map[int]int)
	for _, b := range boxes {
		b.column = max(0, b.column)
		b.row = rows[b.column]
		rows[b.column]++
	}
}
