package stack

import (
	"runtime"
	"testing"

	"pgregory.net/rapid"
)

type tableKey struct {
	iface uint32
	a     ip
}

// TestTableAgainstMap compares the table with a map.
func TestTableAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table neighborTable
		table.seed = rapid.Uint64().Draw(t, "seed")
		slow := make(map[tableKey]uint32)
		key := rapid.Custom(func(t *rapid.T) tableKey {
			k := tableKey{iface: rapid.Uint32Range(1, 3).Draw(t, "iface"), a: ip{markIPv4, rapid.Uint64Range(0, 15).Draw(t, "v4")}}
			if rapid.Bool().Draw(t, "v6") {
				k.a = ip{rapid.Uint64Range(0, 2).Draw(t, "hi"), rapid.Uint64Range(0, 15).Draw(t, "lo")}
			}
			return k
		})
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				k := key.Draw(t, "key")
				if slow[k] == 0 {
					slow[k] = enter(&table, k.iface, k.a)
				}
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				if id := slow[k]; id != 0 {
					table.delete(id)
					delete(slow, k)
				}
			},
			"find": func(t *rapid.T) {
				k := key.Draw(t, "key")
				if got := table.find(k.iface, k.a); got != slow[k] {
					t.Fatalf("%v is %d, want %d", k, got, slow[k])
				}
			},
			"": func(t *rapid.T) {
				if table.used != len(slow) || table.entries.Live() != len(slow) {
					t.Fatalf("%d entries, %d records, want %d", table.used, table.entries.Live(), len(slow))
				}
				for k, id := range slow {
					n := table.at(id)
					if got := table.find(k.iface, k.a); got != id || table.address(n) != k.a || n.iface != k.iface {
						t.Fatalf("%v is %d with %v, want %d", k, got, table.address(n), id)
					}
				}
			},
		})
	})
}

// TestIPIndexAgainstMap compares the index of our addresses with a map.
func TestIPIndexAgainstMap(t *testing.T) {
	type prefix struct {
		network ip
		bits    int
	}
	rapid.Check(t, func(t *rapid.T) {
		var index ipIndex[int]
		slow := make(map[prefix]*int)
		key := rapid.Custom(func(t *rapid.T) prefix {
			return prefix{ip{rapid.SampledFrom([]uint64{0, markIPv4}).Draw(t, "hi"), rapid.Uint64Range(0, 20).Draw(t, "lo")}, rapid.SampledFrom([]int{24, 128}).Draw(t, "bits")}
		})
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				k := key.Draw(t, "key")
				slow[k] = new(int)
				index.set(k.network, k.bits, slow[k])
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				if slow[k] != nil {
					index.delete(k.network, k.bits)
					delete(slow, k)
				}
			},
			"get": func(t *rapid.T) {
				k := key.Draw(t, "key")
				if index.get(k.network, k.bits) != slow[k] {
					t.Fatalf("%v is wrong", k)
				}
			},
			"": func(t *rapid.T) {
				for k, v := range slow {
					if index.get(k.network, k.bits) != v {
						t.Fatalf("%v is wrong", k)
					}
				}
				if index.used != len(slow) {
					t.Fatalf("%d used, want %d", index.used, len(slow))
				}
			},
		})
	})
}

// TestTableMemory checks the memory budget of an entry, timer and index included.
func TestTableMemory(t *testing.T) {
	const entries = 1_000_000
	for name, c := range map[string]struct {
		address func(k uint64) ip
		limit   uint64
	}{
		"IPv4": {func(k uint64) ip { return ip{markIPv4, 10<<24 + k} }, 72},
		"IPv6": {func(k uint64) ip { return ip{0x20010db8 << 32, k} }, 96},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			var table neighborTable
			for k := range uint64(entries) {
				id := enter(&table, 1, c.address(k))
				table.timers.Set(id, 30e9, 0)
			}
			each := (heap() - before) / entries
			t.Logf("%d octets for each of %d", each, entries)
			if each > c.limit {
				t.Errorf("%d octets for each neighbor, want at most %d", each, c.limit)
			}
			if table.find(1, c.address(entries-1)) == 0 {
				t.Error("the last one does not exist")
			}
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkTable(b *testing.B) {
	var table neighborTable
	const entries = 1_000_000
	for k := range uint64(entries) {
		enter(&table, 1, ip{markIPv4, 10<<24 + k})
	}
	b.Run("find", func(b *testing.B) {
		for k := range b.N {
			if table.find(1, ip{markIPv4, 10<<24 + uint64(k)*7919%entries}) == 0 {
				b.Fatal("not there")
			}
		}
	})
	b.Run("create and delete", func(b *testing.B) {
		for k := range b.N {
			table.delete(enter(&table, 2, ip{markIPv4, uint64(k)}))
		}
	})
}

// enter creates an entry for an address that has none.
func enter(t *neighborTable, iface uint32, a ip) uint32 {
	_, free := t.search(iface, a)
	return t.create(iface, a, free, 0)
}
