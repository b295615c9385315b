package filter

import "slices"

// maxDepth bounds the nesting of parentheses and operators.
const maxDepth = 100

// parser reads tokens by recursive descent. It stops at an error by panicking with an
// *Error, which parse recovers.
type parser struct {
	tokens []token
	at     int
	depth  int
	last   *qualifier // of the term before, for `port 80 or 81`; nil: it had none
}

// parse returns the tree of an expression.
func parse(text string) (tree boolean, err error) {
	list, lexErr := tokens(text)
	if lexErr != nil {
		return nil, lexErr
	}
	p := &parser{tokens: list}
	if p.peek().kind == tokenEnd {
		return everything{}, nil
	}
	defer func() {
		if r := recover(); r != nil {
			e, ours := r.(*Error)
			if !ours {
				panic(r)
			}
			tree, err = nil, e
		}
	}()
	tree = p.boolean(p.sequence())
	if p.peek().kind != tokenEnd {
		p.expected("and, or or the end")
	}
	return tree, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

// behind returns the token n behind the next.
func (p *parser) behind(n int) token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) expected(what string) {
	t := p.peek()
	panic(fail(t.column, "expected %s, found %v", what, t))
}

// wrong stops with an error about a token.
func (p *parser) wrong(t token, format string, args ...any) { panic(fail(t.column, format, args...)) }

// is reports whether a token is one of some signs and words.
func (t token) is(any ...string) bool {
	if t.kind != tokenSign && t.kind != tokenWord {
		return false
	}
	text := t.text
	if same, ok := sameSign[text]; ok {
		text = same
	}
	return slices.Contains(any, text)
}

// accept takes the next token if it is one of some signs and words, and returns it
// in its usual form.
func (p *parser) accept(any ...string) (string, bool) {
	t := p.peek()
	if !t.is(any...) {
		return "", false
	}
	p.at++
	if same, ok := sameSign[t.text]; ok {
		return same, true
	}
	return t.text, true
}

func (p *parser) expect(sign string) {
	if _, ok := p.accept(sign); !ok {
		p.expected(`"` + sign + `"`)
	}
}

// nest counts the nesting depth.
func (p *parser) nest(change int) {
	if p.depth += change; p.depth > maxDepth {
		p.wrong(p.peek(), "more than %d levels of nesting", maxDepth)
	}
}

// sequence reads terms joined by and and or, which bind alike, to the left. In
// parentheses that may turn out to be a value: it returns a boolean or an
// arith.
func (p *parser) sequence() any {
	node := p.term(false)
	for p.peek().is("and", "or") {
		left := p.boolean(node)
		word, _ := p.accept("and", "or")
		right := p.boolean(p.term(true))
		if word == "and" {
			node = both{left, right}
		} else {
			node = either{left, right}
		}
	}
	return node
}

// boolean returns node as a boolean, or stops with an error.
func (p *parser) boolean(node any) boolean {
	b, ok := node.(boolean)
	if !ok {
		p.expected("a comparison as > or == behind the value")
	}
	return b
}

// term reads one operand of and and or. joined: it stands behind one of them, so
// that it may be a mere value with the qualifiers of the term before.
func (p *parser) term(joined bool) any {
	p.nest(1)
	defer p.nest(-1)
	if _, ok := p.accept("not"); ok {
		return inverse{p.boolean(p.term(joined))}
	}
	t := p.peek()
	if joined && p.last != nil && p.isMereValue() {
		return p.value(*p.last)
	}
	p.last = nil
	switch {
	case t.is("("):
		return p.parenthesis()
	case p.beginsArithmetic():
		return p.relation(p.arithmetic(0))
	case t.kind == tokenWord:
		return p.words()
	}
	p.expected("a protocol, a qualifier as host or port, or a value to compare")
	return nil
}

// isMereValue reports whether the next token is an address or number that no operator
// follows. A range of ports is one too: an operator behind it makes it a subtraction.
func (p *parser) isMereValue() bool {
	switch p.peek().kind {
	case tokenDotted, tokenIPv6, tokenMAC:
		return true
	case tokenName:
		return p.last.kind == kindProto
	case tokenNumber:
		return !p.behind(1).is(arithmeticSigns...) ||
			p.last.kind == kindPortRange && p.behind(1).is("-") && p.behind(2).kind == tokenNumber && !p.behind(3).is(arithmeticSigns...)
	}
	return false
}

// parenthesis reads the content of parentheses: terms, or a value that goes on.
func (p *parser) parenthesis() any {
	p.expect("(")
	node := p.sequence()
	p.expect(")")
	if a, ok := node.(arith); ok {
		return p.relation(p.operators(a, 0))
	}
	return node
}

// words reads a term that begins with a word that is no value: a protocol, or qualifiers
// with their values.
func (p *parser) words() boolean {
	switch word := p.peek().text; word {
	case "less", "greater":
		p.next()
		if word == "less" {
			return relation{"<=", length{}, constant(p.number("a length"))}
		}
		return relation{">=", length{}, constant(p.number("a length"))}
	case "vlan":
		return p.vlan()
	}
	q, at := p.qualifiers()
	if p.peek().is("broadcast", "multicast") && q.kind == kindNone && !at.dirGiven {
		return p.group(q)
	}
	if q.kind == kindNone && !at.dirGiven {
		if q.proto == protoEther {
			p.expected("src, dst, host, proto, broadcast or multicast behind ether")
		}
		return protocol{q.proto}
	}
	p.check(q, at)
	p.last = &q
	return p.values(q)
}

func (p *parser) vlan() boolean {
	p.next()
	if p.peek().kind != tokenNumber {
		return vlan{}
	}
	t := p.next()
	if t.value > 0xfff {
		p.wrong(t, "a VLAN ID is at most 4095, not %s", t.text)
	}
	return vlan{t.value, true}
}

func (p *parser) group(q qualifier) boolean {
	t := p.next()
	isEther := q.proto == protoNone || q.proto == protoEther
	switch {
	case t.text == "broadcast" && isEther:
		return station{dirDst, broadcast}
	case t.text == "multicast" && (isEther || q.proto == protoIP || q.proto == protoIP6):
		return group{q.proto}
	}
	p.wrong(t, "%s is not possible with this protocol", t.text)
	return nil
}

// number reads a number or one of the names of numbers.
func (p *parser) number(what string) uint32 {
	t := p.peek()
	if t.kind == tokenNumber {
		p.next()
		return t.value
	}
	if v, ok := constantWords[t.text]; ok && t.kind == tokenWord {
		p.next()
		return v
	}
	p.expected(what)
	return 0
}
