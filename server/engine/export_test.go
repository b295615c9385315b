package engine

import "glean/stack"

// ReasonPairs gives the words of each of the stack's reasons and of what it is
// mapped to.
func ReasonPairs() [][2]string {
	var pairs [][2]string
	for r := stack.ReasonNone; r.String() != "unknown"; r++ {
		pairs = append(pairs, [2]string{r.String(), learningReason(r).String()})
	}
	return pairs
}
