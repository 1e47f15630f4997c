package ledger

import "flag"

var (
	counter int
	cache   = map[string]int{}
	config  struct{ limit int }
	pointer = &config
	table   [4]int
)

func init() {
	counter = 1
	cache["one"] = 1
}

func remembers(x []int) {
	counter++               // want `write to the package-level variable counter: it outlives the transaction`
	counter = 2             // want `variable counter`
	counter += 2            // want `variable counter`
	cache["two"] = 2        // want `variable cache`
	delete(cache, "one")    // want `variable cache`
	clear(cache)            // want `variable cache`
	config.limit = 3        // want `variable config`
	pointer.limit = 4       // want `variable pointer`
	(*pointer).limit = 4    // want `variable pointer`
	copy(table[:], x)       // want `variable table`
	flag.CommandLine = nil  // want `variable CommandLine`
	for counter = range x { // want `variable counter`
	}
	func() { counter = 3 }() // want `variable counter`
	x[0] = 1
	counter := 5
	counter++
	_ = counter
}
