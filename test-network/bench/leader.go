package bench

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cybermiles/cmt/network/topology"
)

const (
	metricsTimeout  = 3 * time.Second
	maxMetricsBytes = 8 << 20 // a node's metrics are some 200 kB
)

// Leader is the orderer that leads, by the word of all orderers; an error while they differ. An orderer's word is as old as
// the last block it wrote: only then does it set the metric. One that has just started names the one it began with.
func (n *Network) Leader(ctx context.Context) (topology.OrdererFact, error) {
	facts, err := n.Facts()
	if err != nil {
		return topology.OrdererFact{}, err
	}
	named := map[int]bool{}
	var words []string
	for _, orderer := range facts.Orderers {
		metrics, err := readMetrics(ctx, orderer.Operations)
		var id int
		if err == nil {
			id, err = leaderID(metrics, facts.Channel)
		}
		if err != nil {
			return topology.OrdererFact{}, fmt.Errorf("%s: %w", orderer.Name, err)
		}
		named[id] = true
		words = append(words, fmt.Sprintf("%s names %d", orderer.Name, id))
	}
	for _, orderer := range facts.Orderers {
		if len(named) == 1 && named[orderer.ConsenterID] {
			return orderer, nil
		}
	}
	return topology.OrdererFact{}, fmt.Errorf("the orderers name no leader together: %s", strings.Join(words, ", "))
}

var leaderMetric = regexp.MustCompile(`(?m)^consensus_BFT_leader_id\{channel="([^"]*)"\} (\d+)$`)

// leaderID reads who leads a channel from an orderer's metrics.
func leaderID(metrics, channel string) (int, error) {
	for _, match := range leaderMetric.FindAllStringSubmatch(metrics, -1) {
		if match[1] == channel {
			return strconv.Atoi(match[2])
		}
	}
	return 0, fmt.Errorf("its metrics have no consensus_BFT_leader_id of the channel %s", channel)
}

func readMetrics(ctx context.Context, fact topology.OperationsFact) (string, error) {
	ca, err := os.ReadFile(fact.TLSCA)
	if err != nil {
		return "", err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return "", fmt.Errorf("%s holds no certificate", fact.TLSCA)
	}
	own, err := tls.LoadX509KeyPair(fact.ClientCert, fact.ClientKey)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: pool, ServerName: fact.TLSServerName, Certificates: []tls.Certificate{own},
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fact.URL+"/metrics", nil)
	if err != nil {
		return "", err
	}
	answer, err := (&http.Client{Transport: transport, Timeout: metricsTimeout}).Do(request)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxMetricsBytes))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", request.URL, answer.Status)
	}
	return string(body), nil
}
