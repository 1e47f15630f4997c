package history

import "slices"

// lookup finds a transaction's records and steps: of a batch there are thousands, and each asks for others.
type lookup struct {
	// records are what was written, by the last part of their keys, subjects the same by whose histories it is in; both in the order of the
	// writes.
	records  map[string][]written
	subjects map[Subject][]written
	// steps are those that name something, in their order.
	steps map[string][]*step
}

// index fills the lookup once records and steps are known. A step that comes later names nothing.
func (w *telling) index() {
	if len(w.records) == 0 {
		return
	}
	w.lookup = lookup{make(map[string][]written, len(w.records)), make(map[Subject][]written, len(w.records)), make(map[string][]*step, len(w.steps))}
	for _, r := range w.records {
		w.lookup.records[r.key.ID] = append(w.lookup.records[r.key.ID], r)
		if subject, has := Of(r.key); has {
			w.lookup.subjects[subject] = append(w.lookup.subjects[subject], r)
		}
	}
	for _, s := range w.steps {
		for i, name := range s.names {
			if !slices.Contains(s.names[:i], name) {
				w.lookup.steps[name] = append(w.lookup.steps[name], s)
			}
		}
	}
}
