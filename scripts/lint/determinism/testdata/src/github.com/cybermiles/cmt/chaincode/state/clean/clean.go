// Package clean does all that may be done: nothing is reported here.
package clean

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

var tables = map[string]int{}

func permitted(m map[string]uint64, jobs []func()) (keys []string) {
	//determinism:sorted the keys are sorted below
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	total := uint64(0)
	for _, share := range m { //determinism:sorted a sum has no order
		total += share
	}
	//determinism:sorted no two keys compare as equal
	keys = slices.SortedFunc(maps.Keys(m), cmp.Compare[string])
	var group sync.WaitGroup
	for _, job := range jobs {
		group.Add(1)
		//determinism:joined waited for below; each answers into its own slot
		go func() {
			defer group.Done()
			job()
		}()
	}
	group.Wait()
	tables["one"] = 1 //determinism:once the same in every process
	return keys
}

func due(at time.Time, window time.Duration) bool {
	return at.Add(window).After(time.Unix(0, 0).UTC())
}
