// Package ledger breaks the law in every way there is.
package ledger

import (
	"maps"
	"reflect"
	"slices"
	"sync"
)

type shares map[string]uint64

func ranges(plain map[string]int, named shares, concurrent *sync.Map) (out []string) {
	for key := range plain { // want `range over a map: its order differs in every run`
		out = append(out, key)
	}
	for _, share := range named { // want `range over a map`
		_ = share
	}
	for range plain {
		out = append(out, "")
	}
	for _, key := range slices.Sorted(maps.Keys(plain)) {
		out = append(out, key)
	}
	for key := range maps.Keys(plain) { // want `maps.Keys: its order differs in every run`
		out = append(out, key)
	}
	out = append(out, slices.Collect(maps.Keys(named))...) // want `maps.Keys: its order`
	_ = slices.Collect(maps.Values(plain))                 // want `maps.Values: its order`
	maps.All(plain)(func(key string, _ int) bool {         // want `maps.All: its order`
		out = append(out, key)
		return true
	})
	concurrent.Range(func(any, any) bool { return true }) // want `\(\*sync.Map\).Range: its order`
	_ = reflect.ValueOf(plain).MapKeys()                  // want `\(reflect.Value\).MapKeys: its order`
	return out
}

func generic[M ~map[K]V, K comparable, V any](m M) (out []V) {
	for _, value := range m { // want `range over a map`
		out = append(out, value)
	}
	return out
}
