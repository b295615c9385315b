package engine

import "glean/stack"

// ReasonPairs returns the word of each reason of the stack and that of its reason of
// learning.
func ReasonPairs() [][2]string {
	var pairs [][2]string
	for r := stack.ReasonNone; r.String() != "unknown"; r++ {
		pairs = append(pairs, [2]string{r.String(), learningReason(r).String()})
	}
	return pairs
}

// Break corrupts a table of an engine with port "0" and interface "if-0".
func Break(e *Engine, what string) {
	i := e.interfaces["if-0"]
	switch what {
	case "handle":
		e.handles[i.handle+1] = i
	case "port":
		i.port.index++
	case "stack":
		i.port.stack.RemoveInterface(i.stack)
	}
}

// Slices of work in one turn of the loop.
const (
	SliceBind      = sliceBind
	SliceCreate    = sliceCreate
	SliceStart     = sliceStart
	SliceDelete    = sliceDelete
	SliceCount     = sliceCount
	SliceInterface = sliceInterface
	SliceNeighbors = sliceNeighbors
)

// LearnedRows returns the rows of Learned.
func (e *Engine) LearnedRows(generatorID string) ([]LearnedRow, error) {
	list, _, err := e.Learned(generatorID)
	if err != nil {
		return nil, err
	}
	return list(), nil
}
