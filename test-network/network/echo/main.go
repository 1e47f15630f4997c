// The command echo is the smallest chaincode service that a network can be tested with: it keeps texts, and takes one
// genesis. Its environment is that of every chaincode service which cmt-network starts.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

func run() error {
	key, keyErr := os.ReadFile(os.Getenv("CHAINCODE_TLS_KEY"))
	certificate, certErr := os.ReadFile(os.Getenv("CHAINCODE_TLS_CERT"))
	clientCA, caErr := os.ReadFile(os.Getenv("CHAINCODE_CLIENT_CA_CERT"))
	if err := errors.Join(keyErr, certErr, caErr); err != nil {
		return err
	}
	server := &shim.ChaincodeServer{
		CCID:     os.Getenv("CHAINCODE_ID"),
		Address:  os.Getenv("CHAINCODE_SERVER_ADDRESS"),
		CC:       echo{},
		TLSProps: shim.TLSProperties{Key: key, Cert: certificate, ClientCACerts: clientCA},
	}
	return server.Start()
}

const genesisKey = "genesis"

type echo struct{}

func (echo) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

func (echo) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	function, arguments := stub.GetFunctionAndParameters()
	genesis, err := stub.GetState(genesisKey)
	if err != nil {
		return shim.Error(err.Error())
	}
	switch {
	case function == "consortium:Genesis" && len(arguments) == 1:
		sum := sha256.Sum256([]byte(arguments[0]))
		if genesis != nil || hex.EncodeToString(sum[:]) != os.Getenv("CMT_GENESIS_SHA256") {
			return shim.Error(`{"code":"genesis_refused"}`)
		}
		return answer(nil, stub.PutState(genesisKey, []byte(arguments[0])))
	case genesis == nil:
		return shim.Error(`{"code":"not_initialised"}`)
	case function == "consortium:GetParameters":
		return answer(genesis, nil)
	case function == "put" && len(arguments) == 2:
		return answer(nil, stub.PutState("text/"+arguments[0], []byte(arguments[1])))
	case function == "get" && len(arguments) == 1:
		return answer(stub.GetState("text/" + arguments[0]))
	}
	return shim.Error(`{"code":"unknown_function"}`)
}

func answer(payload []byte, err error) *peer.Response {
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(payload)
}
