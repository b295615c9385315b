package bodies

import (
	"glean/internal/document"
	"glean/server/engine"
)

// ItemsMax is how many items one bulk request may hold.
const ItemsMax = 10_000

// items reads {"items": [...]} of a bulk-create.
func items[T any](d Dialect, raw []byte, s *document.Schema, build func(document.Object, document.Warnings) T) ([]T, error) {
	var specs []T
	err := d.read(raw, s, func(o document.Object) {
		list, _ := o.RequiredList("items", 1, ItemsMax)
		for n, item := range list.Objects() {
			specs = append(specs, build(item, o.Warnings(n)))
		}
	})
	if err != nil {
		return nil, err
	}
	return specs, nil
}

// IDs reads {"ids": [...]} of a bulk-delete, bulk-start or bulk-stop. As
// in OpenPerf an empty body is an empty list, and an empty id is accepted: no
// resource has it.
func (d Dialect) IDs(raw []byte) ([]string, error) {
	if document.IsBlank(raw) {
		return nil, nil
	}
	var ids []string
	err := d.read(raw, idsSchema, func(o document.Object) {
		list, _ := o.RequiredList("ids", 0, ItemsMax)
		for v, id := range list.Texts() {
			ids = append(ids, checkID(v, id))
		}
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// Toggle reads {"replace": id, "with": id}.
func (d Dialect) Toggle(raw []byte) (engine.Toggle, error) {
	return one(d, raw, toggleSchema, func(o document.Object, _ document.Warnings) (t engine.Toggle) {
		t.Replace, _ = o.RequiredText("replace")
		checkID(o.Member("replace"), t.Replace)
		t.With, _ = o.RequiredText("with")
		checkID(o.Member("with"), t.With)
		return t
	})
}
