package steps

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/cybermiles/cmt/network/topology"
)

const (
	probeTimeout  = 3 * time.Second
	maxProbeBytes = 8 << 20 // of an answer: a node's metrics are some 200 kB
)

// probes keeps one HTTP client by organisation and kind: certificates are read once, connections are kept.
type probes struct {
	mu      sync.Mutex
	clients map[string]*http.Client
}

// client speaks mutual TLS with a node's operations and administration ports.
func (p *probes) client(fact topology.OperationsFact) (*http.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if client, ok := p.clients[fact.URL]; ok {
		return client, nil
	}
	pool, err := certificatePool(fact.TLSCA)
	if err != nil {
		return nil, err
	}
	own, err := tls.LoadX509KeyPair(fact.ClientCert, fact.ClientKey)
	if err != nil {
		return nil, fmt.Errorf("administrator's TLS keys: %w", err)
	}
	client := &http.Client{
		Timeout: probeTimeout,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{
				MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: []tls.Certificate{own}, ServerName: fact.TLSServerName,
			},
		},
	}
	if p.clients == nil {
		p.clients = map[string]*http.Client{}
	}
	p.clients[fact.URL] = client
	return client, nil
}

func (p *probes) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, client := range p.clients {
		client.CloseIdleConnections()
	}
}

func certificatePool(path string) (*x509.CertPool, error) {
	document, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(document) {
		return nil, fmt.Errorf("%s holds no certificate: run down --purge and up to make it anew", path)
	}
	return pool, nil
}

// get asks a URL and returns the body of an answer 200.
func get(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return do(client, request, http.StatusOK)
}

func do(client *http.Client, request *http.Request, want int) ([]byte, error) {
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxProbeBytes))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	if answer.StatusCode != want {
		return nil, fmt.Errorf("%s answers %s: %.300s", request.URL, answer.Status, body)
	}
	return body, nil
}

// healthy asks a node whether it is ready for its clients.
func (n *Network) healthy(ctx context.Context, node topology.Node) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	switch node.Kind {
	case topology.KindOrderer, topology.KindPeer:
		fact := n.Topology.OperationsFact(n.Layout, node)
		client, err := n.members.probes.client(fact)
		if err != nil {
			return err
		}
		_, err = get(ctx, client, fact.URL+"/healthz")
		return err
	case topology.KindGateway:
		_, err := get(ctx, &http.Client{Timeout: probeTimeout}, "http://"+node.Address()+"/readyz")
		return err
	case topology.KindChaincode: // it answers its peers only, by mutual TLS: that it listens is what can be asked here
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", node.Address())
		if err != nil {
			return err
		}
		return connection.Close()
	}
	return fmt.Errorf("a node of an unknown kind %q", node.Kind)
}
