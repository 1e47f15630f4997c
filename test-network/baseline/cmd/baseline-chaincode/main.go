// The command baseline-chaincode serves the plain token of package baseline. Its environment is that of every chaincode
// service which cmt-network starts.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/cybermiles/cmt/test-network/baseline"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "baseline-chaincode:", err)
		os.Exit(1)
	}
}

func run() error {
	chaincode, err := contractapi.NewChaincode(baseline.NewToken())
	if err != nil {
		return err
	}
	key, keyErr := os.ReadFile(os.Getenv("CHAINCODE_TLS_KEY"))
	certificate, certErr := os.ReadFile(os.Getenv("CHAINCODE_TLS_CERT"))
	clientCA, caErr := os.ReadFile(os.Getenv("CHAINCODE_CLIENT_CA_CERT"))
	if err := errors.Join(keyErr, certErr, caErr); err != nil {
		return fmt.Errorf("%w: `cmt-network up` sets CHAINCODE_TLS_KEY, CHAINCODE_TLS_CERT and CHAINCODE_CLIENT_CA_CERT", err)
	}
	server := &shim.ChaincodeServer{
		CCID: os.Getenv("CHAINCODE_ID"), Address: os.Getenv("CHAINCODE_SERVER_ADDRESS"), CC: chaincode,
		TLSProps: shim.TLSProperties{Key: key, Cert: certificate, ClientCACerts: clientCA},
	}
	return server.Start()
}
