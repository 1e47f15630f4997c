package bench

import (
	"slices"
	"testing"
	"time"
)

func TestPercentileIsOneThatWasMeasured(t *testing.T) {
	hundred := make(Latencies, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i) // 1 to 100, backwards
	}
	for _, row := range []struct {
		name    string
		of      Latencies
		percent int
		want    time.Duration
	}{
		{"none", nil, 50, 0},
		{"one", Latencies{7}, 99, 7},
		{"the middle of three", Latencies{9, 1, 5}, 50, 5},
		{"the lower middle of four", Latencies{4, 3, 2, 1}, 50, 2},
		{"hundred, p50", hundred, 50, 50},
		{"hundred, p95", hundred, 95, 95},
		{"hundred, p99", hundred, 99, 99},
		{"hundred, p100", hundred, 100, 100},
		{"hundred, p0", hundred, 0, 1},
		{"150: the rank is rounded up", append(slices.Repeat(Latencies{1}, 148), 2, 3), 99, 2},
	} {
		if got := row.of.Percentile(row.percent); got != row.want {
			t.Errorf("%s: p%d is %d, want %d", row.name, row.percent, got, row.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("Percentile sorted the caller's own slice")
	}
	if got := hundred.Slowest(); got != 100 {
		t.Errorf("the slowest is %d, want 100", got)
	}
}

func TestSecondsKeepTheOrder(t *testing.T) {
	got := Latencies{2500 * time.Millisecond, 1234567 * time.Microsecond}.Seconds()
	if want := []float64{2.5, 1.235}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
