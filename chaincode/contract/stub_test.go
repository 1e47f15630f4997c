package contract_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// stub is the part of Fabric that one transaction sees: a state, its own writes apart, and who asks when. Whatever else
// of the interface is called ends the test with a nil dereference: the chaincode must not need it.
type stub struct {
	shim.ChaincodeStubInterface
	state   map[string][]byte
	writes  map[string][]byte
	deletes []string
	batches int
	args    [][]byte
	txID    [32]byte
	seconds int64
	creator []byte
	// failRead makes the peer answer reads as the pinned version does when one fails: with nothing.
	failRead bool
}

func (s *stub) GetArgs() [][]byte { return s.args }

func (s *stub) GetFunctionAndParameters() (string, []string) {
	var texts []string
	for _, arg := range s.args {
		texts = append(texts, string(arg))
	}
	return texts[0], texts[1:]
}

func (s *stub) GetTxID() string             { return hex.EncodeToString(s.txID[:]) }
func (s *stub) GetCreator() ([]byte, error) { return s.creator, nil }
func (s *stub) StartWriteBatch()            { s.batches++ }
func (s *stub) FinishWriteBatch() error     { return nil }

func (s *stub) GetTxTimestamp() (*timestamppb.Timestamp, error) {
	return &timestamppb.Timestamp{Seconds: s.seconds}, nil
}

func (s *stub) GetMultipleStates(keys ...string) ([][]byte, error) {
	if s.failRead {
		return nil, nil
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = s.state[key]
	}
	return values, nil
}

func (s *stub) PutState(key string, value []byte) error {
	s.writes[key] = value
	return nil
}

func (s *stub) DelState(key string) error {
	s.deletes = append(s.deletes, key)
	return nil
}

func (s *stub) GetStateByRange(start, end string) (shim.StateQueryIteratorInterface, error) {
	var keys []string
	for key := range s.state {
		if key >= start && key < end {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return &iterator{state: s.state, keys: keys}, nil
}

type iterator struct {
	state map[string][]byte
	keys  []string
}

func (i *iterator) HasNext() bool { return len(i.keys) > 0 }
func (i *iterator) Close() error  { return nil }

func (i *iterator) Next() (*queryresult.KV, error) {
	key := i.keys[0]
	i.keys = i.keys[1:]
	return &queryresult.KV{Key: key, Value: i.state[key]}, nil
}

// identity returns a serialized identity with an organisational unit.
func identity(t *testing.T, mspID, unit string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "test", OrganizationalUnit: []string{unit}},
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	serialized, err := proto.Marshal(&msp.SerializedIdentity{
		Mspid:   mspID,
		IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return serialized
}
