package engine

import "glean/stack"

// StackCounters are the counters of the ports' stacks.
func (e *Engine) StackCounters() []stack.Counters {
	var list []stack.Counters
	for _, p := range e.portList {
		if p != nil {
			list = append(list, p.stack.Counters())
		}
	}
	return list
}
