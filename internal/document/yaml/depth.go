package yaml

// tooDeep returns an alias or value that nests deeper than limit, nil if there is
// none. An alias is as deep as the value that it names. An alias inside that value has no end.
func tooDeep(n *Node, limit int) *Node {
	d := depths{of: make(map[*Node]int), limit: limit}
	d.depth(n)
	return d.deep
}

// depths remembers the depth of each node: aliases may name one very often.
type depths struct {
	of    map[*Node]int // 0 while it is looked for
	limit int
	deep  *Node
}

func (d *depths) depth(n *Node) int {
	if known, seen := d.of[n]; seen && known > 0 {
		return known
	} else if seen { // n is within itself
		return d.limit
	}
	d.of[n] = 0
	deepest := 0
	if n.Alias != nil {
		deepest = d.depth(n.Alias)
	}
	for _, child := range n.Content {
		deepest = max(deepest, d.depth(child))
	}
	if deepest >= d.limit && d.deep == nil {
		d.deep = n
	}
	d.of[n] = deepest + 1
	return deepest + 1
}
