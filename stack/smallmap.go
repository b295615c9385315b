package stack

// A fewMap is a map that takes little room while it has few entries: most
// stacks have one interface, and simulated networks have tens of thousands of
// stacks.
type fewMap[K comparable, V any] struct {
	few  []fewEntry[K, V]
	many map[K]V // instead of few, once there are more than fewest
}

type fewEntry[K comparable, V any] struct {
	key   K
	value V
}

const fewest = 4

// get gives the zero value if the key is not there.
func (m *fewMap[K, V]) get(key K) (value V) {
	for k := range m.few {
		if m.few[k].key == key {
			return m.few[k].value
		}
	}
	if m.many != nil {
		return m.many[key]
	}
	return value
}

func (m *fewMap[K, V]) set(key K, value V) {
	if m.many != nil {
		m.many[key] = value
		return
	}
	for k := range m.few {
		if m.few[k].key == key {
			m.few[k].value = value
			return
		}
	}
	if len(m.few) < fewest {
		m.few = append(m.few, fewEntry[K, V]{key, value})
		return
	}
	m.many = make(map[K]V, 2*fewest)
	for _, e := range m.few {
		m.many[e.key] = e.value
	}
	m.many[key] = value
	m.few = nil
}

func (m *fewMap[K, V]) delete(key K) {
	delete(m.many, key)
	for k := range m.few {
		if m.few[k].key == key {
			m.few = append(m.few[:k], m.few[k+1:]...)
			return
		}
	}
}

func (m *fewMap[K, V]) len() int { return len(m.few) + len(m.many) }
