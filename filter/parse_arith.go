package filter

// binding is how tightly an operator of arithmetic binds. In libpcap's grammar % and ^
// have no precedence, so that their left operand is that of any other operator, and
// their right operand is everything to their right.
var binding = map[string]int{
	"|": 1, "&": 2, "<<": 3, ">>": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": greedy, "^": greedy,
}

const greedy = 6

// arithmeticSigns are the signs behind a value.
var arithmeticSigns = []string{
	"|", "&", "^", "<<", ">>", "+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=",
}

// beginsArithmetic reports whether a value to compare comes next.
func (p *parser) beginsArithmetic() bool {
	t := p.peek()
	switch {
	case t.kind == tokenNumber || t.is("-", "len", "length"):
		return true
	case t.kind != tokenWord:
		return false
	}
	_, isProto := protoWords[t.text]
	_, isConstant := constantWords[t.text]
	return isConstant || isProto && p.behind(1).is("[")
}

// relation reads a comparison behind its left side. In parentheses there may be
// none: then it is the value.
func (p *parser) relation(left arith) any {
	op, ok := p.accept("=", "!=", "<", "<=", ">", ">=")
	if !ok {
		return left
	}
	return relation{op, left, p.arithmetic(0)}
}

// arithmetic reads a value with operators that bind tighter than weakest.
func (p *parser) arithmetic(weakest int) arith {
	p.nest(1)
	defer p.nest(-1)
	return p.operators(p.operand(), weakest)
}

// operators goes on behind a value.
func (p *parser) operators(left arith, weakest int) arith {
	for {
		t := p.peek()
		strength := binding[t.text]
		if t.kind != tokenSign || strength <= weakest {
			return left
		}
		p.next()
		place := p.peek()
		if strength == greedy {
			strength = 0
		}
		right := p.arithmetic(strength)
		if n, ok := right.(constant); ok {
			switch {
			case (t.text == "/" || t.text == "%") && n == 0:
				p.wrong(place, "division by zero")
			case (t.text == "<<" || t.text == ">>") && n > 31:
				p.wrong(place, "a shift is at most by 31 bits")
			}
		}
		left = operation{t.text, left, right}
	}
}

func (p *parser) operand() arith {
	t := p.peek()
	if _, ok := p.accept("-"); ok {
		return negative{p.arithmetic(greedy - 1)}
	}
	if _, ok := p.accept("("); ok {
		a := p.arithmetic(0)
		p.expect(")")
		return a
	}
	if _, ok := p.accept("len", "length"); ok {
		return length{}
	}
	if pr, ok := protoWords[t.text]; ok && t.kind == tokenWord {
		p.next()
		return p.field(pr)
	}
	return constant(p.number(`a value: a number, length or a field as ip[0]`))
}

// field reads [index] or [index:size].
func (p *parser) field(pr proto) arith {
	p.expect("[")
	f := field{proto: pr, index: p.arithmetic(0), size: 1}
	if _, ok := p.accept(":"); ok {
		t := p.peek()
		if t.kind != tokenNumber || t.value != 1 && t.value != 2 && t.value != 4 {
			p.expected("1, 2 or 4 octets")
		}
		p.next()
		f.size = int(t.value)
	}
	p.expect("]")
	return f
}
