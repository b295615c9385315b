// Package node finds places in YAML files by the paths that faults have.
package node

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Find follows a path as "config.protocols[1].eth" from a node, as far as it
// leads. Aliases are followed.
func Find(n *yaml.Node, path string) *yaml.Node {
	n = resolved(n)
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next := Member(n, part)
		if i, err := strconv.Atoi(part); err == nil && n.Kind == yaml.SequenceNode && 0 <= i && i < len(n.Content) {
			next = n.Content[i]
		}
		if next == nil {
			return n
		}
		n = resolved(next)
	}
	return n
}

// Member returns the value of a member of a map, nil if there is none.
func Member(n *yaml.Node, name string) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
