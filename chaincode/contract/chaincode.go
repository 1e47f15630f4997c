package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// metadataName is contract-api's own transaction that tells a chaincode's metadata.
const metadataName = contractapi.SystemContractName + ":GetMetadata"

// genesisName is the one operation whose argument an endorser compares with its configuration.
const genesisName = spec.ConsortiumContract + ":Genesis"

// Chaincode is the ledger's chaincode. It stands before contract-api and closes its gaps: contract-api takes names in
// other letter cases, ignores extra arguments, and lets a panic end the process.
type Chaincode struct {
	contracts *contractapi.ContractChaincode
	metadata  []byte
	genesis   string
	log       *slog.Logger
}

var _ shim.Chaincode = (*Chaincode)(nil)

// New returns the chaincode. genesisSHA256 is the SHA-256, in hex, of the one genesis argument that this endorser agrees
// to; without it the endorser agrees to none.
func New(genesisSHA256 string, log *slog.Logger) (*Chaincode, error) {
	contracts, err := contractapi.NewChaincode(newToken(), newMarket(), newConsortium(), newBatch())
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	contracts.TransactionSerializer = &arguments{}
	metadata, err := metadataJSON()
	if err != nil {
		return nil, fmt.Errorf("contract: metadata: %w", err)
	}
	return &Chaincode{contracts: contracts, metadata: metadata, genesis: genesisSHA256, log: log}, nil
}

// Init does nothing: the ledger begins with consortium:Genesis.
func (c *Chaincode) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

// Invoke runs one operation. Refusals are one line of JSON, an *spec.Error.
func (c *Chaincode) Invoke(stub shim.ChaincodeStubInterface) (response *peer.Response) {
	defer func() {
		if fault := recover(); fault != nil {
			c.log.Error("panic", "transaction", stub.GetTxID(), "fault", fault, "stack", string(debug.Stack()))
			response = shim.Error(spec.Errorf(spec.Internal, "transaction %s", stub.GetTxID()).Error())
		}
	}()
	if err := c.admit(stub.GetArgs()); err != nil {
		return shim.Error(err.Error())
	}
	if string(stub.GetArgs()[0]) == metadataName {
		return shim.Success(c.metadata)
	}
	return c.contracts.Invoke(stub)
}

// admit checks the call's outer form: a name of the operation table, exactly, and one argument.
func (c *Chaincode) admit(args [][]byte) error {
	if len(args) == 0 {
		return spec.Errorf(spec.WrongArgumentCount, "the function's name is missing")
	}
	name := string(args[0])
	if name == metadataName && len(args) == 1 {
		return nil
	}
	if spec.Find(name) == nil && name != spec.BatchFunction {
		return spec.Errorf(spec.UnknownOperation, "%q is not an operation; names are written as in market:PlaceOrder", clip(name))
	}
	if len(args) != 2 {
		return spec.Errorf(spec.WrongArgumentCount, "%s takes 1 argument; there are %d", name, len(args)-1)
	}
	if name == genesisName {
		if sum := sha256.Sum256(args[1]); hex.EncodeToString(sum[:]) != c.genesis {
			return spec.Errorf(spec.GenesisMismatch, "this endorser was configured with another genesis")
		}
	}
	return nil
}

// clip bounds a text from outside before it goes into an error.
func clip(text string) string {
	const longest = 80
	if len(text) > longest {
		return text[:longest] + "..."
	}
	return text
}
