package contract

import (
	"encoding/json"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Version is the version of the rules.
const Version = "1"

// queries names the queries of a contract.
func queries(contract string) []string {
	var names []string
	for _, op := range spec.Operations {
		if op.Contract == contract && op.Kind == spec.Query {
			names = append(names, op.Name)
		}
	}
	return names
}

// info, contractMetadata and the rest are contract-api's metadata, filled from the operation table: its own reflection
// sees one parameter of octets and nothing of what is in it.
type info struct {
	Title   string `json:"title"`
	Version string `json:"version"`
}

type parameter struct {
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	Schema      spec.Schema `json:"schema"`
}

type transactionMetadata struct {
	Name       string      `json:"name"`
	Tag        []string    `json:"tag"`
	Parameters []parameter `json:"parameters"`
	Returns    spec.Schema `json:"returns"`
}

type contractMetadata struct {
	Name         string                `json:"name"`
	Info         info                  `json:"info"`
	Transactions []transactionMetadata `json:"transactions"`
}

// metadataJSON returns the chaincode's metadata: contracts, transactions, and the JSON Schema of each command and result.
func metadataJSON() ([]byte, error) {
	contracts := map[string]*contractMetadata{}
	for i := range spec.Operations {
		op := &spec.Operations[i]
		contract, ok := contracts[op.Contract]
		if !ok {
			contract = &contractMetadata{Name: op.Contract, Info: info{Title: op.Contract, Version: Version}}
			contracts[op.Contract] = contract
		}
		tag := "submit"
		if op.Kind == spec.Query {
			tag = "evaluate"
		}
		contract.Transactions = append(contract.Transactions, transactionMetadata{
			Name:       op.Name,
			Tag:        []string{tag},
			Parameters: []parameter{{Name: "command", Description: op.Doc, Schema: spec.CallSchema(op)}},
			Returns:    spec.MessageSchema(op.Result.ProtoReflect().Descriptor()),
		})
	}
	return json.Marshal(map[string]any{
		"info":       info{Title: "cmt", Version: Version},
		"contracts":  contracts,
		"components": map[string]any{"schemas": map[string]any{}},
	})
}
