package fabric

import (
	"context"

	"github.com/hyperledger/fabric-gateway/pkg/client"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Evaluate asks the chaincode of one peer, the own one when it answers.
func (l *Ledger) Evaluate(ctx context.Context, call *spec.Call) ([]byte, error) {
	argument, err := encode(call)
	if err != nil {
		return nil, err
	}
	return l.evaluate(ctx, l.options.Chaincode, call.Operation.FullName(), argument)
}

func (l *Ledger) evaluate(ctx context.Context, chaincode, function string, arguments ...[]byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.Timeouts.Evaluate)
	defer cancel()
	var err error
	for try := 0; ; try++ {
		conn := l.preferred()
		var result []byte
		result, err = attempt(ctx, l.options.Timeouts.EndorseAttempt, func(ctx context.Context) ([]byte, error) {
			return conn.network.GetContract(chaincode).EvaluateWithContext(ctx, function, client.WithBytesArguments(arguments...))
		})
		l.reported(conn, err)
		if err == nil {
			return result, nil
		}
		if found := judge(err, nil); found.refusal != nil {
			return nil, found.refusal
		}
		if !pause(ctx, try) {
			break
		}
	}
	l.log.Warn("no peer answered a query", "function", function, "error", err, "details", detailTexts(err))
	return nil, spec.Errorf(spec.Unavailable, "no peer answered within %s", l.options.Timeouts.Evaluate)
}
