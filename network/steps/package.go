package steps

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"github.com/cybermiles/cmt/network/render"
	"github.com/cybermiles/cmt/network/topology"
)

// chaincodePackage is what an organisation installs: where its chaincode service listens.
type chaincodePackage struct {
	id      string // label:sha256, as peers compute it
	content []byte
}

// packageOf makes the package of a service. The same certificates and address give the same package, so it need not be
// kept. Its label has no version: a new version of the definition needs no new installation.
func (n *Network) packageOf(service topology.Node) (*chaincodePackage, error) {
	dir := linkDir(n.Layout, service.Organisation)
	var pems [3][]byte
	for i, name := range []string{"client.key", "client.crt", "ca.crt"} {
		var err error
		if pems[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	connection, err := render.ChaincodeConnection(service, pems[0], pems[1], pems[2])
	if err != nil {
		return nil, err
	}
	label := n.Topology.Chaincode.Name
	code, err := archive(entry{"connection.json", connection})
	if err != nil {
		return nil, err
	}
	content, err := archive(entry{"metadata.json", []byte(`{"type":"ccaas","label":"` + label + `"}`)}, entry{"code.tar.gz", code})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	return &chaincodePackage{id: label + ":" + hex.EncodeToString(sum[:]), content: content}, nil
}

type entry struct {
	name    string
	content []byte
}

// archive makes a tar.gz whose bytes depend on the entries only: no times, no owners, and no compression, whose output
// may change from one release of Go to the next.
func archive(entries ...entry) ([]byte, error) {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		return nil, err
	}
	files := tar.NewWriter(zip)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: 0o600, Size: int64(len(e.content)), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if err := files.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := files.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(files.Close(), zip.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// chaincodeEnvironment tells a chaincode service who it is, where to listen, whom to trust and which genesis to endorse.
func (n *Network) chaincodeEnvironment(service topology.Node) ([]string, error) {
	installed, err := n.packageOf(service)
	if err != nil {
		return nil, err
	}
	dir := linkDir(n.Layout, service.Organisation)
	environment := []string{
		"CORE_CHAINCODE_ID_NAME=" + installed.id, "CHAINCODE_ID=" + installed.id,
		"CHAINCODE_SERVER_ADDRESS=" + service.Address(),
		"CHAINCODE_TLS_KEY=" + filepath.Join(dir, "server.key"), "CHAINCODE_TLS_CERT=" + filepath.Join(dir, "server.crt"),
		"CHAINCODE_CLIENT_CA_CERT=" + filepath.Join(dir, "ca.crt"),
	}
	if genesis := n.Topology.Chaincode.Genesis; genesis != nil {
		sum, err := genesis.SHA256()
		if err != nil {
			return nil, err
		}
		environment = append(environment, "CMT_GENESIS_SHA256="+sum)
	}
	return environment, nil
}
