// Package seed knows how a run of tests is seeded, and how long it may take: CMT_TEST_SEED=N repeats a failure, CMT_TEST_NIGHTLY=1
// asks for more. It must never know what is tested.
package seed

import (
	"flag"
	"os"
	"runtime/debug"
	"strconv"

	_ "pgregory.net/rapid" // registers the flags that Rapid sets
)

// nightlyTimes is how much more a nightly run does.
const nightlyTimes = 20

// First returns the first seed of a run: CMT_TEST_SEED, or 1. Runs of several seeds count up from it, so that the seed that a
// failure names comes first when it is given.
func First() uint64 {
	text := os.Getenv("CMT_TEST_SEED")
	if text == "" {
		return 1
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic("CMT_TEST_SEED must be a whole number, not " + strconv.Quote(text))
	}
	return n
}

// Nightly reports whether this run may take its time.
func Nightly() bool { return os.Getenv("CMT_TEST_NIGHTLY") == "1" }

// Times returns how often to do what is done so often in a usual run.
func Times(usual int) int {
	if Nightly() {
		return nightlyTimes * usual
	}
	return usual
}

// Checks runs checks of package rapid, so many of so many steps on average.
func Checks(count, steps int, run func()) {
	checks, before := flag.Lookup("rapid.checks").Value.String(), flag.Lookup("rapid.steps").Value.String()
	set("rapid.checks", strconv.Itoa(count))
	set("rapid.steps", strconv.Itoa(steps))
	defer func() {
		set("rapid.checks", checks)
		set("rapid.steps", before)
	}()
	run()
}

func set(name, value string) {
	if err := flag.Set(name, value); err != nil {
		panic(err)
	}
}

// gcPercent is how much garbage may lie about: histories keep little of what they make, and to collect it took nearly half of the time.
const gcPercent = 800

// Rapid hands both to package rapid, whose flags on the command line still come first, and lets more garbage lie about. To be called
// from TestMain.
func Rapid() {
	debug.SetGCPercent(gcPercent)
	if os.Getenv("CMT_TEST_SEED") != "" {
		set("rapid.seed", strconv.FormatUint(First(), 10))
	}
	set("rapid.checks", strconv.Itoa(Times(100)))
	set("rapid.steps", "60")
	// A failure prints its seed; a file in the tree would only be left behind.
	set("rapid.nofailfile", "true")
}
