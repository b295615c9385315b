package filter

import "golang.org/x/net/bpf"

// accepted is how many octets of a matching frame a capture would keep: all.
const accepted = 262144

// scratchSlots are the words of memory that a BPF machine has.
const scratchSlots = 16

// A label is a position in the code that may be unknown yet.
type label int

// line is one instruction, or a jump whose labels are known by name.
type line struct {
	ins         bpf.Instruction // nil: a jump
	test        bpf.JumpTest
	value       uint32
	byX         bool // compares with X, not with value
	yes, no     label
	farY, farN  bool // the jump goes by an unconditional one, because it's too long
	instruction int  // where the line begins in the code
}

// generator collects the lines of a program. All jumps go forward.
type generator struct {
	lines   []line
	labels  []int // line numbers
	tooDeep bool
}

// generate returns the program of a condition.
func generate(c condition) ([]bpf.Instruction, error) {
	g := &generator{}
	yes, no := g.label(), g.label()
	g.condition(c, yes, no)
	g.place(yes)
	g.add(bpf.RetConstant{Val: accepted})
	g.place(no)
	g.add(bpf.RetConstant{Val: 0})
	if g.tooDeep {
		return nil, fail(1, "an arithmetic expression needs more than %d intermediate values", scratchSlots)
	}
	if size := g.layOut(); size > maxCode {
		return nil, fail(1, "the expression needs %d instructions, at most %d are possible", size, maxCode)
	}
	return g.assemble(), nil
}

func (g *generator) label() label {
	g.labels = append(g.labels, -1)
	return label(len(g.labels) - 1)
}

func (g *generator) place(l label) { g.labels[l] = len(g.lines) }

func (g *generator) add(ins ...bpf.Instruction) {
	for _, i := range ins {
		g.lines = append(g.lines, line{ins: i})
	}
}

// condition goes to yes or to no; of its parts only those are evaluated that are
// needed to know.
func (g *generator) condition(c condition, yes, no label) {
	switch c := c.(type) {
	case always:
		g.add(bpf.LoadConstant{Dst: bpf.RegA, Val: 0})
		g.lines = append(g.lines, line{test: bpf.JumpEqual, yes: yes, no: no})
	case negated:
		g.condition(c.x, no, yes)
	case compare:
		g.compare(c, yes, no)
	case all:
		for n, part := range c {
			if n == len(c)-1 {
				g.condition(part, yes, no)
				return
			}
			next := g.label()
			g.condition(part, next, no)
			g.place(next)
		}
	case anyOf:
		for n, part := range c {
			if n == len(c)-1 {
				g.condition(part, yes, no)
				return
			}
			next := g.label()
			g.condition(part, yes, next)
			g.place(next)
		}
	}
}

// tests are the comparisons that the machine has; the others are their
// opposites.
var tests = map[string]struct {
	test     bpf.JumpTest
	opposite bool
}{
	"=": {bpf.JumpEqual, false}, "!=": {bpf.JumpEqual, true}, ">": {bpf.JumpGreaterThan, false},
	"<=": {bpf.JumpGreaterThan, true}, ">=": {bpf.JumpGreaterOrEqual, false}, "<": {bpf.JumpGreaterOrEqual, true},
}

func (g *generator) compare(c compare, yes, no label) {
	t := tests[c.op]
	if t.opposite {
		yes, no = no, yes
	}
	jump := line{test: t.test, yes: yes, no: no}
	if k, ok := c.r.(constant); ok {
		jump.value = uint32(k)
		g.value(c.l, c.link, 0)
	} else {
		jump.byX = true
		g.operands(c.l, c.r, c.link, 0)
	}
	g.lines = append(g.lines, jump)
}

// operands leaves l in A and r in X.
func (g *generator) operands(l, r arith, link uint32, slot int) {
	if slot >= scratchSlots {
		g.tooDeep = true
		return
	}
	g.value(l, link, slot)
	g.add(bpf.StoreScratch{Src: bpf.RegA, N: slot})
	g.value(r, link, slot+1)
	g.add(bpf.TAX{}, bpf.LoadScratch{Dst: bpf.RegA, N: slot})
}

var operations = map[string]bpf.ALUOp{
	"+": bpf.ALUOpAdd, "-": bpf.ALUOpSub, "*": bpf.ALUOpMul, "/": bpf.ALUOpDiv, "%": bpf.ALUOpMod,
	"&": bpf.ALUOpAnd, "|": bpf.ALUOpOr, "^": bpf.ALUOpXor, "<<": bpf.ALUOpShiftLeft, ">>": bpf.ALUOpShiftRight,
}

// value leaves a value in A. The words of memory from slot on are free.
func (g *generator) value(a arith, link uint32, slot int) {
	switch a := a.(type) {
	case constant:
		g.add(bpf.LoadConstant{Dst: bpf.RegA, Val: uint32(a)})
	case length:
		g.add(bpf.LoadExtension{Num: bpf.ExtLen})
	case negative:
		g.value(a.x, link, slot)
		g.add(bpf.TAX{}, bpf.LoadConstant{Dst: bpf.RegA, Val: 0}, bpf.ALUOpX{Op: bpf.ALUOpSub})
	case operation:
		if k, ok := a.r.(constant); ok {
			g.value(a.l, link, slot)
			g.add(bpf.ALUOpConstant{Op: operations[a.op], Val: uint32(k)})
			return
		}
		g.operands(a.l, a.r, link, slot)
		g.add(bpf.ALUOpX{Op: operations[a.op]})
	case field:
		g.field(a, link, slot)
	}
}

// nearIndex is up to where an index becomes part of the instruction.
const nearIndex = 0xffff

func (g *generator) field(f field, link uint32, slot int) {
	base, transport := link, false
	switch f.proto {
	case protoEther:
		base = 0
	case protoIP, protoIP6, protoARP, protoRARP:
	case protoICMP6:
		base += ip6Size
	default:
		transport = true // behind an IPv4 header, whose length is in the packet
	}
	index, near := f.index.(constant)
	if near = near && index <= nearIndex; near {
		base += uint32(index)
	} else {
		g.value(f.index, link, slot)
	}
	switch {
	case near && !transport:
		g.add(bpf.LoadAbsolute{Off: base, Size: f.size})
		return
	case near:
		g.add(bpf.LoadMemShift{Off: link})
	case transport:
		g.add(bpf.LoadMemShift{Off: link}, bpf.ALUOpX{Op: bpf.ALUOpAdd}, bpf.TAX{})
	default:
		g.add(bpf.TAX{})
	}
	g.add(bpf.LoadIndirect{Off: base, Size: f.size})
}
