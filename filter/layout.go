package filter

import "golang.org/x/net/bpf"

// maxSkip is how many instructions a conditional jump can skip.
const maxSkip = 255

// size is how many instructions a line takes.
func (l *line) size() int {
	n := 1
	if l.farY {
		n++
	}
	if l.farN {
		n++
	}
	return n
}

// layOut places every line and returns the size of the code. A jump that is too long
// becomes longer itself, which may make others too long; no jump becomes short again, so
// this ends.
func (g *generator) layOut() int {
	for {
		at := 0
		for n := range g.lines {
			g.lines[n].instruction = at
			at += g.lines[n].size()
		}
		grown := false
		for n := range g.lines {
			l := &g.lines[n]
			if l.ins != nil {
				continue
			}
			if !l.farY && g.skip(l, l.yes, 1) > maxSkip {
				l.farY, grown = true, true
			}
			if !l.farN && g.skip(l, l.no, 1) > maxSkip {
				l.farN, grown = true, true
			}
		}
		if !grown {
			return at
		}
	}
}

// skip is how many instructions lie between the one at an offset of the line's
// begin and a label.
func (g *generator) skip(l *line, to label, offset int) int {
	return g.lines[g.labels[to]].instruction - l.instruction - offset
}

// assemble turns lines with known places into instructions.
func (g *generator) assemble() []bpf.Instruction {
	var code []bpf.Instruction
	for n := range g.lines {
		l := &g.lines[n]
		if l.ins != nil {
			code = append(code, l.ins)
			continue
		}
		yes, no := g.skip(l, l.yes, 1), g.skip(l, l.no, 1)
		var far []bpf.Instruction
		if l.farY {
			yes = 0
			far = append(far, bpf.Jump{Skip: uint32(g.skip(l, l.yes, 2))})
		}
		if l.farN {
			no = len(far)
			far = append(far, bpf.Jump{Skip: uint32(g.skip(l, l.no, 2+no))})
		}
		if l.byX {
			code = append(code, bpf.JumpIfX{Cond: l.test, SkipTrue: uint8(yes), SkipFalse: uint8(no)})
		} else {
			code = append(code, bpf.JumpIf{Cond: l.test, Val: l.value, SkipTrue: uint8(yes), SkipFalse: uint8(no)})
		}
		code = append(code, far...)
	}
	return code
}
