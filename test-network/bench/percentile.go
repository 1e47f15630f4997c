package bench

import (
	"slices"
	"time"
)

// Latencies are how long each of many operations took.
type Latencies []time.Duration

// Percentile is the smallest latency that at least percent of all do not exceed (nearest rank: always one that was
// measured); 0 when there are none.
func (l Latencies) Percentile(percent int) time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	rank := (percent*len(sorted) + 99) / 100
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Median is the 50th percentile.
func (l Latencies) Median() time.Duration { return l.Percentile(50) }

// Slowest is the longest of them.
func (l Latencies) Slowest() time.Duration { return l.Percentile(100) }

// Seconds is each latency in seconds, in the order they were measured.
func (l Latencies) Seconds() []float64 {
	seconds := make([]float64, len(l))
	for i, one := range l {
		seconds[i] = round(one.Seconds())
	}
	return seconds
}

// Milliseconds is a duration in milliseconds.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
