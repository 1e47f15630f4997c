package fabric

import (
	"context"
	"fmt"
	"strconv"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"
)

// querySystemChaincode is Fabric's own chaincode that tells of blocks.
const querySystemChaincode = "qscc"

// Height returns how many blocks the peer has.
func (l *Ledger) Height(ctx context.Context) (uint64, error) {
	answer, err := l.evaluate(ctx, querySystemChaincode, "GetChainInfo", []byte(l.options.Channel))
	if err != nil {
		return 0, err
	}
	var info common.BlockchainInfo
	if err := proto.Unmarshal(answer, &info); err != nil {
		return 0, fmt.Errorf("read the channel's height: %w", err)
	}
	return info.GetHeight(), nil
}

// HashOf returns the header hash of a block that the peer has.
func (l *Ledger) HashOf(ctx context.Context, number uint64) ([]byte, error) {
	answer, err := l.evaluate(ctx, querySystemChaincode, "GetBlockByNumber", []byte(l.options.Channel), []byte(strconv.FormatUint(number, 10)))
	if err != nil {
		return nil, err
	}
	var block common.Block
	if err := proto.Unmarshal(answer, &block); err != nil {
		return nil, fmt.Errorf("read block %d: %w", number, err)
	}
	return headerHash(block.GetHeader())
}
