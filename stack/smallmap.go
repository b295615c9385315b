package stack

// A smallMap is a map that takes little memory while it has few entries: most stacks
// have one interface, and simulated networks have tens of thousands of stacks.
type smallMap[K comparable, V any] struct {
	list  []smallEntry[K, V]
	byKey map[K]V // instead of few, once there are more than fewest
}

type smallEntry[K comparable, V any] struct {
	key   K
	value V
}

const maxList = 4

// get returns the value of a key, zero if the map does not have it.
func (m *smallMap[K, V]) get(key K) (value V) {
	for k := range m.list {
		if m.list[k].key == key {
			return m.list[k].value
		}
	}
	if m.byKey != nil {
		return m.byKey[key]
	}
	return value
}

func (m *smallMap[K, V]) set(key K, value V) {
	if m.byKey != nil {
		m.byKey[key] = value
		return
	}
	for k := range m.list {
		if m.list[k].key == key {
			m.list[k].value = value
			return
		}
	}
	if len(m.list) < maxList {
		m.list = append(m.list, smallEntry[K, V]{key, value})
		return
	}
	m.byKey = make(map[K]V, 2*maxList)
	for _, e := range m.list {
		m.byKey[e.key] = e.value
	}
	m.byKey[key] = value
	m.list = nil
}

func (m *smallMap[K, V]) delete(key K) {
	delete(m.byKey, key)
	for k := range m.list {
		if m.list[k].key == key {
			m.list = append(m.list[:k], m.list[k+1:]...)
			return
		}
	}
}

func (m *smallMap[K, V]) len() int { return len(m.list) + len(m.byKey) }
