package fabric

import (
	"context"
	"sync"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
)

// healInterval is how often is looked for organisations that may be tried again.
const healInterval = 250 * time.Millisecond

// Heal asks organisations and peers that were left out whether they are well again, until ctx ends. Callers thus pay for a
// mute one once, when it falls silent, and not again each time it is tried.
func (l *Ledger) Heal(ctx context.Context) error {
	ticker := time.NewTicker(healInterval)
	defer ticker.Stop()
	var probes sync.WaitGroup
	defer probes.Wait()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		for _, conn := range l.connections {
			if conn.breaker.Open() && conn.breaker.Allow() {
				probes.Go(func() { l.probePeer(conn) })
			}
		}
		for _, mspID := range l.endorsers.due() {
			probes.Go(func() { l.probe(ctx, mspID) })
		}
	}
}

// probe asks one organisation's chaincode. A refusal is an answer too.
func (l *Ledger) probe(ctx context.Context, mspID string) {
	ctx, cancel := context.WithTimeout(ctx, l.options.Timeouts.EndorseAttempt)
	defer cancel()
	_, err := l.preferred().network.GetContract(l.options.Chaincode).EvaluateWithContext(ctx, l.options.Probe,
		client.WithBytesArguments([]byte("{}")), client.WithEndorsingOrganizations(mspID))
	well := err == nil || judge(err, nil).refusal != nil
	if well {
		l.endorsers.report([]string{mspID}, nil, true)
		l.log.Info("an organisation endorses again", "organisation", mspID)
		return
	}
	l.endorsers.report([]string{mspID}, []string{mspID}, false)
	l.log.Debug("an organisation is still left out", "organisation", mspID, "error", err)
}

// probePeer asks one peer.
func (l *Ledger) probePeer(conn *connection) {
	if l.alive(conn) {
		conn.breaker.Success()
		l.log.Info("a peer answers again", "peer", conn.peer.Address)
		return
	}
	conn.breaker.Failure()
}
