//go:build network

package ledger

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/network/topology"
)

// A contract call is an organisation's client's. Who has another certificate of the same organisation is refused.
func TestOnlyClientCertificatesCall(t *testing.T) {
	org := testnet.organisation("merchant1")
	at := testnet.peerOf("merchant1")
	crypto := filepath.Join(topology.Layout{Root: testnet.facts.DataDir}.Crypto("merchant1"), "peers", at.TLSServerName)
	before := testnet.height(t)
	for name, who := range map[string]credential{
		"an administrator": adminIdentity(org),
		"a peer":           {org.MSPID, topology.Certificate(crypto, at.TLSServerName), topology.Key(crypto)},
	} {
		m, err := testnet.member(who, at)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body := []byte(`{"reference":"x","amount":"1","to":"` + spec.OrganisationAddress("BuyersMSP").String() + `"}`)
		for function, argument := range map[string][]byte{"token:Transfer": body, "token:GetSupply": []byte("{}"), "consortium:Genesis": []byte(genesisArgument(t))} {
			_, err := m.contract.SubmitWithContext(short(t), function, client.WithBytesArguments(argument))
			if code := spec.ErrorCode(refused(err)); code != spec.NotAClient {
				t.Errorf("%s calls %s: %v", name, function, refused(err))
			}
		}
	}
	if after := testnet.height(t); after != before {
		t.Errorf("%d blocks were added", after-before)
	}
}

// Whose certificate no organisation signed does not come as far as the chaincode.
func TestForgedCertificatesDoNotReachTheChaincode(t *testing.T) {
	org := testnet.organisation("merchant1")
	m, err := testnet.member(forge(t, org.MSPID), testnet.peerOf("merchant1"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.contract.EvaluateWithContext(short(t), "token:GetSupply", client.WithArguments("{}"))
	if err == nil || len(peerSays(err)) > 0 && strings.Contains(strings.Join(peerSays(err), ""), "chaincode response") {
		t.Errorf("a forged certificate of %s: %v", org.MSPID, refused(err))
	}
}

// forge makes a client certificate of an organisation that it did not sign.
func forge(t *testing.T, mspID string) credential {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "User1", OrganizationalUnit: []string{"client"}},
		NotBefore: now().Add(-time.Hour), NotAfter: now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	who := credential{mspID, filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")}
	for file, block := range map[string]*pem.Block{who.certificate: {Type: "CERTIFICATE", Bytes: der}, who.key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return who
}
