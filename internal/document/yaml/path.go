package yaml

import (
	"strconv"
	"strings"
)

// Find follows a path as "config.protocols[1].eth" from a node, as far as it
// leads. Aliases are followed.
func Find(n *Node, path string) *Node {
	n = Resolved(n)
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next := Member(n, part)
		if i, err := strconv.Atoi(part); err == nil && n.Kind == List && 0 <= i && i < len(n.Content) {
			next = n.Content[i]
		}
		if next == nil {
			return n
		}
		n = Resolved(next)
	}
	return n
}

// Member returns the value of a member of a map, nil if there is none.
func Member(n *Node, name string) *Node {
	for key, value := range Pairs(n) {
		if key.Value == name {
			return value
		}
	}
	return nil
}

// Resolved returns the node that an alias stands for, and any other node as it is.
func Resolved(n *Node) *Node {
	for n.Kind == Alias {
		n = n.Alias
	}
	return n
}
