package first

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/bench"
)

const (
	failoverGoal = 6 * time.Second
	// failoverRounds is how often it is measured, each way; the figure is the slowest, since the goal is a promise.
	failoverRounds = 3
	// settledTime is longer than the orderers' heartbeat timeout, after which they would change their leader.
	settledTime = 5 * time.Second
	// failoverLimit is how long the next write is waited for before the network counts as broken.
	failoverLimit = time.Minute
	// inOrderLimit is how long everything may take to be as it should be after a kill.
	inOrderLimit = time.Minute
)

func failover(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	network, err := lab.Network(ctx)
	if err != nil {
		return result, err
	}
	payers, to, err := payersOf(ctx, network)
	if err != nil {
		return result, err
	}
	kill := killing{lab, network, payers, to}
	var again, down bench.Latencies
	for range failoverRounds {
		one, err := kill.leader(ctx, false)
		if err != nil {
			return result, err
		}
		again = append(again, one)
	}
	for range failoverRounds {
		one, err := kill.leader(ctx, true)
		if err != nil {
			return result, err
		}
		down = append(down, one)
	}
	result.AddAtMost("seconds", again.Slowest().Seconds(), failoverGoal.Seconds())
	result.Add("round_seconds", again.Seconds())
	result.AddAtMost("stays_down_seconds", down.Slowest().Seconds(), failoverGoal.Seconds())
	result.Add("stays_down_round_seconds", down.Seconds())
	return result, nil
}

// killing is what it takes to kill a leader and to see what that does to payments.
type killing struct {
	lab     *bench.Lab
	network *bench.Network
	payers  []*bench.Payer
	to      spec.Address
}

// agreed is who leads once nothing changes any more: the orderers name the same one for settledTime, block after block.
func (k killing) agreed(ctx context.Context) (leader topology.OrdererFact, err error) {
	var since time.Time
	err = bench.Await(ctx, inOrderLimit, "one leader, for some time", func(ctx context.Context) error {
		if _, err := k.payers[0].Pay(ctx, k.to, writeAmount); err != nil { // a block: they know no later than by it
			return err
		}
		now, err := k.network.Leader(ctx)
		if err != nil || now.Name != leader.Name {
			leader, since = now, time.Now()
		}
		if err == nil && time.Since(since) < settledTime {
			err = fmt.Errorf("%s leads since %.1f s only", leader.Name, time.Since(since).Seconds())
		}
		return err
	})
	return leader, err
}

// leader kills the orderer that leads and says how long it took until a payment that began after it was committed. The
// payment goes through a gateway of another organisation than the leader's. The supervisor starts the orderer again,
// within a second, unless it is to stay down, as one whose host has died. Afterwards everything is in order again.
func (k killing) leader(ctx context.Context, staysDown bool) (took time.Duration, err error) {
	leader, err := k.agreed(ctx)
	if err != nil {
		return 0, err
	}
	payer := k.payers[0]
	if payer.Organisation == leader.Organisation {
		payer = k.payers[len(k.payers)-1]
	}
	if _, err := payer.Pay(ctx, k.to, writeAmount); err != nil { // it works before
		return 0, err
	}
	process, err := k.process(ctx, leader.Name)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := process.Signal(syscall.SIGKILL); err != nil {
		return 0, err
	}
	if staysDown {
		if err := k.network.Stop(ctx, leader.Name); err != nil {
			return 0, err
		}
	}
	attempts := 0
	err = bench.Await(ctx, failoverLimit, "a payment after the leader was killed", func(ctx context.Context) error {
		attempts++
		_, err := payer.Pay(ctx, k.to, writeAmount)
		return err
	})
	took = time.Since(began)
	if err != nil {
		return took, err
	}
	k.lab.Say("  %s was killed, stays down %v: the payment committed after %.1f s, at attempt %d", leader.Name, staysDown, took.Seconds(), attempts)
	if staysDown {
		if _, err := k.network.Up(ctx); err != nil {
			return took, err
		}
	}
	_, err = k.network.AwaitOK(ctx, inOrderLimit)
	return took, err
}

func (k killing) process(ctx context.Context, name string) (proc.Identity, error) {
	processes, err := k.network.Processes(ctx)
	if err != nil {
		return proc.Identity{}, err
	}
	for _, process := range processes {
		if process.Name == name {
			return process.Identity, nil
		}
	}
	return proc.Identity{}, fmt.Errorf("status does not show %s", name)
}
