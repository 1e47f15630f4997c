package topology

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// ledgerIDField is the one field of the genesis argument that the network fills in itself.
const ledgerIDField = "ledger_id"

// ledgerIDRandom asks for a fresh ledger identifier; so does leaving the field out.
const ledgerIDRandom = "random"

// Bytes is the argument of the genesis call: compact JSON with sorted keys, the same bytes for the same topology.
func (g *Genesis) Bytes() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(g.Argument); err != nil {
		return nil, fmt.Errorf("chaincode.genesis.argument cannot be written as JSON: %w: use texts as keys", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// SHA256 is the lower-case hexadecimal SHA-256 of Bytes; every chaincode service endorses only that genesis.
func (g *Genesis) SHA256() (string, error) {
	argument, err := g.Bytes()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(argument)
	return hex.EncodeToString(sum[:]), nil
}

// needsLedgerID says whether the network is to choose the ledger's identifier.
func (g *Genesis) needsLedgerID() bool {
	id, given := g.Argument[ledgerIDField]
	return !given || id == ledgerIDRandom
}
