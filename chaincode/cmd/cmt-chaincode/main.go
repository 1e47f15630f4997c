// Command cmt-chaincode serves the ledger's chaincode to its organisation's peer (chaincode as a service, mutual TLS).
//
// It is configured by the environment: CHAINCODE_ID (the package identifier), CHAINCODE_SERVER_ADDRESS (host:port to listen
// on), CHAINCODE_TLS_KEY, CHAINCODE_TLS_CERT and CHAINCODE_CLIENT_CA_CERT (PEM files; the last is what signed the peer's client
// certificate), and CMT_GENESIS_SHA256 (the hex SHA-256 of the genesis that this organisation agrees to).
package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"github.com/cybermiles/cmt/chaincode/contract"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := serve(log); err != nil {
		fmt.Fprintln(os.Stderr, "cmt-chaincode:", err)
		os.Exit(1)
	}
}

func serve(log *slog.Logger) error {
	chaincode, err := contract.New(os.Getenv("CMT_GENESIS_SHA256"), log)
	if err != nil {
		return err
	}
	server := shim.ChaincodeServer{CC: chaincode}
	for _, setting := range []struct {
		name  string
		value *string
	}{{"CHAINCODE_ID", &server.CCID}, {"CHAINCODE_SERVER_ADDRESS", &server.Address}} {
		if *setting.value = os.Getenv(setting.name); *setting.value == "" {
			return fmt.Errorf("set %s; `cmt-network up` does", setting.name)
		}
	}
	for _, file := range []struct {
		name  string
		value *[]byte
	}{
		{"CHAINCODE_TLS_KEY", &server.TLSProps.Key},
		{"CHAINCODE_TLS_CERT", &server.TLSProps.Cert},
		{"CHAINCODE_CLIENT_CA_CERT", &server.TLSProps.ClientCACerts},
	} {
		if *file.value, err = os.ReadFile(os.Getenv(file.name)); err != nil {
			return fmt.Errorf("%s must name a PEM file: %w", file.name, err)
		}
	}
	log.Info("serving", "package", server.CCID, "address", server.Address)
	return server.Start()
}
