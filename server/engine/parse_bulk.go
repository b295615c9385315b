package engine

// ItemsMax is how many items one bulk request may hold.
const ItemsMax = 10_000

// parseItems reads {"items": [...]} of a bulk-create.
func parseItems[T any](raw []byte, build func(object) T) ([]T, error) {
	var list []T
	err := parse(raw, func(o object) {
		items, _ := o.requiredList("items", 1, ItemsMax)
		for _, item := range items {
			if entry, ok := o.parser.object(item); ok {
				list = append(list, build(entry))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// ParseIDs reads {"ids": [...]} of a bulk-delete, bulk-start or bulk-stop. As
// in OpenPerf an empty body is an empty list, and an empty id is let through: no
// resource has it.
func ParseIDs(raw []byte) ([]string, error) {
	if spaceLen(raw) == len(raw) {
		return nil, nil
	}
	var ids []string
	err := parse(raw, func(o object) {
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

// ParseToggle reads {"replace": id, "with": id}.
func ParseToggle(raw []byte) (Toggle, error) {
	var t Toggle
	err := parse(raw, func(o object) {
		t.Replace, _ = o.requiredText("replace")
		o.id("replace", t.Replace)
		t.With, _ = o.requiredText("with")
		o.id("with", t.With)
	})
	return t, err
}
