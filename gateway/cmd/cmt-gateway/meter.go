package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cybermiles/cmt/gateway/fabric"
	"github.com/cybermiles/cmt/gateway/store"
)

// meter counts what the use cases do.
type meter struct {
	submits *prometheus.CounterVec
	retries *prometheus.CounterVec
	// What becomes of batches of signed intents.
	batches       *prometheus.CounterVec
	batchIntents  prometheus.Histogram
	intentRetries *prometheus.CounterVec
	handed        *prometheus.CounterVec
}

// service is what the gauges ask.
type service struct {
	ledger   *fabric.Ledger
	database *store.Store
}

// gaugeTimeout bounds a gauge's question to the database.
const gaugeTimeout = time.Second

func newMeter(registry *prometheus.Registry, s service) *meter {
	m := &meter{
		submits: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cmt_ledger_submits_total", Help: "Writes by operation and outcome: committed or the code of the refusal."}, []string{"operation", "outcome"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cmt_ledger_retries_total", Help: "Writes tried again, by operation and the code of the try before; conflict is one that lost to others."}, []string{"operation", "code"}),
	}
	m.batches = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cmt_batches_total", Help: "Batches of signed intents by outcome: committed or the code of what they came to nothing by."}, []string{"outcome"})
	m.batchIntents = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "cmt_batch_intents", Help: "Intents in a batch.", Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500, 1000}})
	m.intentRetries = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cmt_intent_retries_total", Help: "Intents carried again, by the code of the try before."}, []string{"code"})
	m.handed = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cmt_intents_handed_over_total", Help: "Intents handed over to the gateway of their account's home, by outcome of the request: answered or a code."}, []string{"outcome"})
	registry.MustRegister(m.submits, m.retries, m.batches, m.batchIntents, m.intentRetries, m.handed,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "cmt_follower_height", Help: "Blocks that the read model has taken."}, func() float64 { return float64(s.database.Taken()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "cmt_endorsers_left_out", Help: "Organisations left out of endorsing because they failed."}, func() float64 { return float64(len(s.ledger.LeftOut())) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "cmt_open_credits", Help: "Open credits of the gateway's own accounts."}, s.openCredits),
	)
	return m
}

// openCredits counts the own accounts' credits; -1 says that the database did not answer.
func (s service) openCredits() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), gaugeTimeout)
	defer cancel()
	count, err := s.database.OwnCreditCount(ctx)
	if err != nil {
		return -1
	}
	return float64(count)
}

// Submitted counts a write's outcome.
func (m *meter) Submitted(operation, outcome string) {
	m.submits.WithLabelValues(operation, outcome).Inc()
}

// Retried counts a retry.
func (m *meter) Retried(operation, code string) { m.retries.WithLabelValues(operation, code).Inc() }

// Carried counts a batch.
func (m *meter) Carried(intents int, outcome string) {
	m.batches.WithLabelValues(outcome).Inc()
	m.batchIntents.Observe(float64(intents))
}

// CarriedAgain counts intents whose try came to nothing.
func (m *meter) CarriedAgain(intents int, code string) {
	m.intentRetries.WithLabelValues(code).Add(float64(intents))
}

// Handed counts intents that were handed over.
func (m *meter) Handed(intents int, outcome string) {
	m.handed.WithLabelValues(outcome).Add(float64(intents))
}
