package fabric

import (
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"math/big"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/gateway/app"
)

// DecodeBlock reads a block: its transactions in order, and of the valid ones what they wrote in the chaincode's namespace.
// An invalid transaction may hold anything, so what cannot be read of it is left out; a valid one that cannot be read is
// an error.
func DecodeBlock(block *common.Block, chaincode string) (app.Block, error) {
	header := block.GetHeader()
	hash, err := headerHash(header)
	if err != nil {
		return app.Block{}, err
	}
	decoded := app.Block{Number: header.GetNumber(), Hash: hash, PreviousHash: header.GetPreviousHash()}
	envelopes := block.GetData().GetData()
	var flags []byte
	if metadata := block.GetMetadata().GetMetadata(); len(metadata) > int(common.BlockMetadataIndex_TRANSACTIONS_FILTER) {
		flags = metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	}
	if len(flags) != len(envelopes) {
		return app.Block{}, fmt.Errorf("block %d has %d transactions and %d validation codes", decoded.Number, len(envelopes), len(flags))
	}
	for i, envelope := range envelopes {
		code := peer.TxValidationCode(flags[i])
		transaction, err := decodeEnvelope(envelope, chaincode, code == peer.TxValidationCode_VALID)
		if err != nil && code == peer.TxValidationCode_VALID {
			return app.Block{}, fmt.Errorf("block %d, transaction %d: %w", decoded.Number, i, err)
		}
		if transaction.ID == "" {
			continue
		}
		transaction.Code = code.String()
		decoded.Transactions = append(decoded.Transactions, transaction)
	}
	return decoded, nil
}

// headerHash returns the SHA-256 of the header's ASN.1 form, which is what the next block names.
func headerHash(header *common.BlockHeader) ([]byte, error) {
	encoded, err := asn1.Marshal(struct {
		Number       *big.Int
		PreviousHash []byte
		DataHash     []byte
	}{new(big.Int).SetUint64(header.GetNumber()), header.GetPreviousHash(), header.GetDataHash()})
	if err != nil {
		return nil, fmt.Errorf("encode a block's header: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return sum[:], nil
}

// decodeEnvelope reads one transaction; one that is no chaincode's has no identifier here. Writes are read only when asked
// for.
func decodeEnvelope(data []byte, chaincode string, writes bool) (app.BlockTransaction, error) {
	var envelope common.Envelope
	var payload common.Payload
	var channel common.ChannelHeader
	var signature common.SignatureHeader
	var creator msp.SerializedIdentity
	var found app.BlockTransaction
	if err := unmarshalAll(
		step{"envelope", func() []byte { return data }, &envelope},
		step{"payload", envelope.GetPayload, &payload},
		step{"channel header", func() []byte { return payload.GetHeader().GetChannelHeader() }, &channel},
	); err != nil {
		return found, err
	}
	if common.HeaderType(channel.GetType()) != common.HeaderType_ENDORSER_TRANSACTION {
		return found, nil
	}
	found.ID, found.Time = channel.GetTxId(), channel.GetTimestamp().AsTime()
	if err := unmarshalAll(
		step{"signature header", func() []byte { return payload.GetHeader().GetSignatureHeader() }, &signature},
		step{"creator", signature.GetCreator, &creator},
	); err != nil {
		return found, err
	}
	found.Creator = creator.GetMspid()
	return found, decodeActions(payload.GetData(), chaincode, writes, &found)
}

func decodeActions(data []byte, chaincode string, writes bool, found *app.BlockTransaction) error {
	var transaction peer.Transaction
	if err := proto.Unmarshal(data, &transaction); err != nil {
		return fmt.Errorf("transaction: %w", err)
	}
	for _, action := range transaction.GetActions() {
		var payload peer.ChaincodeActionPayload
		var proposal peer.ChaincodeProposalPayload
		var invocation peer.ChaincodeInvocationSpec
		var response peer.ProposalResponsePayload
		var done peer.ChaincodeAction
		if err := unmarshalAll(
			step{"action", action.GetPayload, &payload},
			step{"proposal", payload.GetChaincodeProposalPayload, &proposal},
			step{"invocation", proposal.GetInput, &invocation},
			step{"response", func() []byte { return payload.GetAction().GetProposalResponsePayload() }, &response},
			step{"chaincode action", response.GetExtension, &done},
		); err != nil {
			return err
		}
		called := invocation.GetChaincodeSpec()
		if called.GetChaincodeId().GetName() == chaincode {
			if args := called.GetInput().GetArgs(); len(args) > 0 {
				found.Function, found.Args = string(args[0]), args[1:]
			}
			found.Result = done.GetResponse().GetPayload()
		}
		if !writes {
			continue
		}
		if err := decodeWrites(done.GetResults(), chaincode, found); err != nil {
			return err
		}
	}
	return nil
}

func decodeWrites(results []byte, chaincode string, found *app.BlockTransaction) error {
	var sets rwset.TxReadWriteSet
	if err := proto.Unmarshal(results, &sets); err != nil {
		return fmt.Errorf("read-write sets: %w", err)
	}
	for _, set := range sets.GetNsRwset() {
		if set.GetNamespace() != chaincode {
			continue
		}
		var kv kvrwset.KVRWSet
		if err := proto.Unmarshal(set.GetRwset(), &kv); err != nil {
			return fmt.Errorf("read-write set of %s: %w", chaincode, err)
		}
		for _, write := range kv.GetWrites() {
			found.Writes = append(found.Writes, app.Write{Key: write.GetKey(), Value: write.GetValue(), Delete: write.GetIsDelete()})
		}
	}
	return nil
}

// step is one layer of Fabric's nested messages: where its bytes are once the layer before it is read.
type step struct {
	name   string
	bytes  func() []byte
	target proto.Message
}

func unmarshalAll(steps ...step) error {
	for _, s := range steps {
		if err := proto.Unmarshal(s.bytes(), s.target); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}
