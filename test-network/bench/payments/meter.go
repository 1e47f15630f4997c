package payments

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/bench"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

// meter measures the processes of a network, this one, and the blocks on a peer's disk.
type meter struct {
	began  time.Time
	watch  *bench.Watch
	self   time.Duration
	blocks string
	bytes  int64
}

// measured is what a meter found.
type measured struct {
	length time.Duration
	cpu    map[string]time.Duration
	bytes  int64
}

// kinds are the kinds of processes in the order in which figures show them; bench is the gateway's part that runs in this
// process, client what its people's signatures cost.
var kinds = []string{"peer", "orderer", "chaincode", "gateway", "bench", "client"}

func begin(ctx context.Context, network *bench.Network, facts *topology.Facts) (*meter, error) {
	processes, err := network.Processes(ctx)
	if err != nil {
		return nil, err
	}
	m := &meter{blocks: filepath.Join(facts.DataDir, "orgs", facts.Peers[0].Organisation, "peer0", "ledger", "ledgersData", "chains", "chains", facts.Channel)}
	if m.bytes, err = sizeOf(m.blocks); err != nil {
		return nil, err
	}
	if m.watch, err = bench.Begin(processes); err != nil {
		return nil, err
	}
	m.began, m.self = time.Now(), crowd.Usage(syscall.RUSAGE_SELF)
	return m, nil
}

func (m *meter) end() (measured, error) {
	found := measured{length: time.Since(m.began)}
	self := crowd.Usage(syscall.RUSAGE_SELF) - m.self
	load, err := m.watch.End()
	if err != nil {
		return found, err
	}
	found.cpu = load.CPUByKind()
	found.cpu["bench"] = self
	size, err := sizeOf(m.blocks)
	found.bytes = size - m.bytes
	return found, err
}

// add adds the figures of one operation.
func (m *measured) add(result *bench.Result, operations int) {
	each := float64(max(operations, 1))
	result.Add("bytes_per_operation", float64(m.bytes)/each)
	parts := bench.Parts{}
	var sum float64
	for _, kind := range kinds {
		if cpu, measured := m.cpu[kind]; measured {
			micros := float64(cpu.Microseconds()) / each
			parts = append(parts, bench.Part{Name: kind, Value: micros})
			sum += micros
		}
	}
	result.Add("cpu_us_per_operation", append(parts, bench.Part{Name: "all", Value: sum}))
}

func addLatencies(result *bench.Result, took bench.Latencies) {
	for _, percent := range []struct {
		name  string
		value int
	}{{"p50_ms", 50}, {"p95_ms", 95}, {"p99_ms", 99}} {
		result.Add(percent.name, bench.Milliseconds(took.Percentile(percent.value)))
	}
}

// sizeOf adds up the files of a folder.
func sizeOf(folder string) (sum int64, err error) {
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return 0, err
		}
		sum += info.Size()
	}
	return sum, err
}
