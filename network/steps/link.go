package steps

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/cybermiles/cmt/network/topology"
)

// linkValidity is how long the certificates of a chaincode link last, as cryptogen's do.
const linkValidity = 10 * 365 * 24 * time.Hour

// linkDir holds the certificates of the mutual TLS between an organisation's peers and its chaincode service.
func linkDir(l topology.Layout, organisation string) string {
	return filepath.Join(l.Chaincode(organisation), "tls")
}

// generateLink makes a root for this one link, a server certificate for the service and a client certificate for the
// peers, and forgets the root's key: nobody else can ever speak to the service.
func generateLink(l topology.Layout, service topology.Node) error {
	to := linkDir(l, service.Organisation)
	if done, err := exists(to); done || err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(to), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	root, rootKey, err := issue(certificateTemplate("chaincode link of "+service.Organisation), nil, nil)
	if err != nil {
		return err
	}
	server := certificateTemplate("chaincode." + service.Organisation)
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	server.DNSNames, server.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	if ip := net.ParseIP(service.Host); ip == nil {
		server.DNSNames = append(server.DNSNames, service.Host)
	} else if !ip.Equal(server.IPAddresses[0]) {
		server.IPAddresses = append(server.IPAddresses, ip)
	}
	client := certificateTemplate("peers of " + service.Organisation)
	client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if err := writePEM(filepath.Join(temporary, "ca.crt"), "CERTIFICATE", root.Raw, 0o644); err != nil {
		return err
	}
	for _, end := range []struct {
		name     string
		template *x509.Certificate
	}{{"server", server}, {"client", client}} {
		certificate, key, err := issue(end.template, root, rootKey)
		if err != nil {
			return err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		if err := errors.Join(
			writePEM(filepath.Join(temporary, end.name+".crt"), "CERTIFICATE", certificate.Raw, 0o644),
			writePEM(filepath.Join(temporary, end.name+".key"), "PRIVATE KEY", der, 0o600),
		); err != nil {
			return err
		}
	}
	return os.Rename(temporary, to)
}

func certificateTemplate(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-5 * time.Minute), NotAfter: now.Add(linkValidity),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// issue signs a template; without a parent it becomes a root.
func issue(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, nil, err
	}
	if parent == nil {
		template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
		template.KeyUsage |= x509.KeyUsageCertSign
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	certificate, err := x509.ParseCertificate(der)
	return certificate, key, err
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}
