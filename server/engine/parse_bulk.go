package engine

import "glean/internal/document"

// ItemsMax is how many items one bulk request may hold.
const ItemsMax = 10_000

// parseItems reads {"items": [...]} of a bulk-create.
func parseItems[T any](d Dialect, raw []byte, s *document.Schema, build func(object) T) ([]T, error) {
	var list []T
	err := parse(d, raw, s, func(o object) {
		items, _ := o.requiredList("items", 1, ItemsMax)
		for n, item := range items {
			if entry, ok := o.parser.object(item); ok {
				entry.item = n
				list = append(list, build(entry))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// IDs reads {"ids": [...]} of a bulk-delete, bulk-start or bulk-stop. As
// in OpenPerf an empty body is an empty list, and an empty id is let through: no
// resource has it.
func (d Dialect) IDs(raw []byte) ([]string, error) {
	if spaceLen(raw) == len(raw) {
		return nil, nil
	}
	var ids []string
	err := parse(d, raw, idsSchema, func(o object) {
		items, _ := o.requiredList("ids", 0, ItemsMax)
		for _, item := range items {
			if s, ok := o.str(item); ok {
				ids = append(ids, o.id(item.path, s))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// Toggle names the generator that ends and the one that begins in its place.
type Toggle struct{ Replace, With string }

// Toggle reads {"replace": id, "with": id}.
func (d Dialect) Toggle(raw []byte) (Toggle, error) {
	var t Toggle
	err := parse(d, raw, toggleSchema, func(o object) {
		t.Replace, _ = o.requiredText("replace")
		o.id("replace", t.Replace)
		t.With, _ = o.requiredText("with")
		o.id("with", t.With)
	})
	return t, err
}
