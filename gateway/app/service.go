package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Settings bound the service; see the gateway's configuration for the defaults.
type Settings struct {
	Organisation, MSPID string
	Retry               Retry
	// LaneLimit is how many calls that change one object may be in the house at once, LaneWait how long one waits.
	LaneLimit int
	LaneWait  time.Duration
	// WriteTimeout bounds a write from its turn to its answer, retries included. It does not end when the caller leaves.
	WriteTimeout time.Duration
	// ModelWait is how long an answer waits for the read model to take its block.
	ModelWait time.Duration
	// SweepThreshold is the number of open credits from which an own account is swept.
	SweepThreshold int
}

// Service is the gateway's use cases.
type Service struct {
	settings Settings
	ledger   Ledger
	model    Model
	journal  Journal
	meter    Meter
	log      *slog.Logger
	lanes    *Lanes
	lots     *Lots
	// inFlight keeps two requests under one idempotency key from passing each other.
	inFlight *Lanes
	labels   sync.Map
}

// NewService returns the use cases over their ports.
func NewService(settings Settings, ledger Ledger, model Model, journal Journal, meter Meter, log *slog.Logger) *Service {
	return &Service{
		settings: settings, ledger: ledger, model: model, journal: journal, meter: meter, log: log,
		lanes: NewLanes(settings.LaneLimit), inFlight: NewLanes(settings.LaneLimit), lots: NewLots(settings.MSPID, ledger, model, log),
	}
}

// Lots returns the choice of lots, which calls and intents share.
func (s *Service) Lots() *Lots { return s.lots }

// Organisation returns the gateway's own organisation, its membership service provider and its account.
func (s *Service) Organisation() (name, mspID string, address spec.Address) {
	return s.settings.Organisation, s.settings.MSPID, spec.OrganisationAddress(s.settings.MSPID)
}

// actor returns the account that a call acts for.
func (s *Service) actor(call *spec.Call) spec.Address {
	return spec.SubAccountAddress(s.settings.MSPID, call.SubAccount)
}

// Execute makes a call for a principal: a query is asked of a peer, a write is committed. The key may be nil. Errors are
// the catalogue's or *UnknownOutcome.
func (s *Service) Execute(ctx context.Context, principal Principal, call *spec.Call, key *IdempotencyKey) (Answer, error) {
	if err := principal.Permits(call); err != nil {
		return Answer{}, err
	}
	if call.Operation.Kind == spec.Query {
		result, err := s.ledger.Evaluate(ctx, call)
		return Answer{Commit: Commit{Result: result}}, err
	}
	if err := s.noteLabel(ctx, call.SubAccount); err != nil {
		return Answer{}, err
	}
	if key == nil {
		commit, err := s.write(ctx, call, announceNobody)
		s.noteUnsettled(ctx, err)
		return Answer{Commit: commit}, err
	}
	return s.once(ctx, call, *key)
}

// noteLabel remembers a sub-account when it is first used, so that its credits are swept.
func (s *Service) noteLabel(ctx context.Context, label string) error {
	if label == "" {
		return nil
	}
	if _, known := s.labels.Load(label); known {
		return nil
	}
	if err := s.model.NoteLabel(ctx, label); err != nil {
		return err
	}
	s.labels.Store(label, true)
	return nil
}

// noteUnsettled remembers a transaction of unknown outcome that no idempotency key stands for, so that who asks for it is
// told that it may still come.
func (s *Service) noteUnsettled(ctx context.Context, err error) {
	var unknown *UnknownOutcome
	if !errors.As(err, &unknown) {
		return
	}
	if noteErr := s.journal.NoteUnsettled(context.WithoutCancel(ctx), unknown.Transaction); noteErr != nil {
		s.log.Error("could not note an unsettled transaction", "transaction", unknown.Transaction, "error", noteErr)
	}
}

// announceNobody is for writes without an idempotency key: nobody will ask for them by it.
func announceNobody(context.Context, Sent) error { return nil }
