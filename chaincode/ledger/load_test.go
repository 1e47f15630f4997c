package ledger

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// A rule that goes on naming keys is refused: it would take what was never loaded for absent.
func TestLoadingEndsAfterThreeRounds(t *testing.T) {
	op := &spec.Operation{Contract: "test", Name: "Chain", Kind: spec.Query, Command: &spec.GetSupply{}}
	for _, row := range []struct {
		links   uint64
		refused bool
	}{{0, false}, {maxRounds - 1, false}, {maxRounds, false}, {maxRounds + 1, true}} {
		// Each fence leads to the next one.
		next := func(t *task) uint64 {
			n := uint64(1)
			for has(t, FenceKey(n)) {
				n++
			}
			return n
		}
		rules[op.FullName()] = rule{
			keys: func(t *task) (keys []Key) {
				for n := uint64(1); n <= min(next(t), row.links); n++ {
					keys = append(keys, FenceKey(n))
				}
				return keys
			},
			decide: func(*task) (proto.Message, error) { return &spec.Supply{}, nil },
		}
		_, _, err := Execute(everything{}, Transaction{MSPID: "A", IsClient: true}, &spec.Call{Operation: op, Command: &spec.GetSupply{}})
		delete(rules, op.FullName())
		if refused := spec.ErrorCode(err) == spec.Internal && err != nil; refused != row.refused {
			t.Errorf("a chain of %d rounds: %v, want refused %t", row.links, err, row.refused)
		}
	}
}

// everything is a reader that has whatever is asked for.
type everything struct{}

func (everything) Load(keys []Key) ([]Record, error) {
	records := make([]Record, len(keys))
	for i, key := range keys {
		switch key.Kind {
		case ParametersKind:
			records[i] = Parameters{}
		case MemberKind:
			records[i] = Member{}
		default:
			records[i] = Fence{}
		}
	}
	return records, nil
}

func (everything) Page(Kind, string, string, int) ([]Entry, string, error) { return nil, "", nil }
