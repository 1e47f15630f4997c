package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/config"
)

// file writes what the network renders, and more lines, and returns where.
func file(t *testing.T, more string) string {
	t.Helper()
	folder := t.TempDir()
	pem := filepath.Join(folder, "x.pem")
	if err := os.WriteFile(pem, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(`organisation: merchant1
msp_id: MerchantOneMSP
listen: "127.0.0.1:8081"
data: "FOLDER/data"
channel: cmt
chaincode: cmt
identity:
  certificate: "PEM"
  key: "PEM"
peers:
  - msp_id: MerchantOneMSP
    address: "127.0.0.1:7061"
    tls_ca: "PEM"
    tls_server_name: "peer0"
log:
  level: info
  format: json
`, "PEM", pem)
	path := filepath.Join(folder, "gateway.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "FOLDER", folder)+more), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadOrder(t *testing.T) {
	path := file(t, "timeouts: {endorse: 9s}\n")
	c, _, err := config.Load(path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if c.Organisation != "merchant1" || len(c.Peers) != 1 || c.Peers[0].TLSServerName != "peer0" || c.Timeouts.Endorse != 9*time.Second || c.Timeouts.Submit != 5*time.Second {
		t.Errorf("file over defaults: %+v", c)
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.Flags(flags)
	if err := flags.Parse([]string{"--listen", "127.0.0.1:3"}); err != nil {
		t.Fatal(err)
	}
	environment := []string{"CMT_LISTEN=127.0.0.1:2", "CMT_LOG_LEVEL=debug", "CMT_TIMEOUTS_SUBMIT=7s", "CMT_ENDORSERS=A,B", "CMT_ANONYMOUS_READS=true", "CMT_RETRY_ATTEMPTS=3", "PATH=/bin", "CMT_API_KEY=x"}
	c, warnings, err := config.Load(path, environment, flags)
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	if c.Listen != "127.0.0.1:3" || c.Log.Level != "debug" || c.Timeouts.Submit != 7*time.Second || len(c.Endorsers) != 2 || !c.AnonymousReads || c.Retry.Attempts != 3 {
		t.Errorf("environment and flags over the file: %+v", c)
	}
}

func TestPrintedConfigIsRead(t *testing.T) {
	c, _, err := config.Load(file(t, ""), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "printed.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	again, _, err := config.Load(path, nil, nil)
	if err != nil || !reflect.DeepEqual(c, again) {
		t.Errorf("%v\n%+v\n%+v", err, c, again)
	}
}

func TestUnknownEnvironmentWarns(t *testing.T) {
	_, warnings, err := config.Load(file(t, ""), []string{"CMT_LISTENN=x", "CMT_PEERS=x"}, nil)
	if err != nil || len(warnings) != 2 || !strings.Contains(warnings[0], "CMT_LISTENN") {
		t.Errorf("%v %v", warnings, err)
	}
}

// What is wrong is said in one line that names the key.
func TestStrict(t *testing.T) {
	for _, test := range []struct{ name, more, says string }{
		{"an unknown key", "listn: x\n", "listn"},
		{"an unknown key within", "timeouts: {endorsee: 1s}\n", "endorsee"},
		{"an unknown key in a list", "endorsers: [{x: 1}]\n", ""},
		{"a key twice", "channel: other\n", "channel"},
		{"a wrong type", "endorsements: many\n", "many"},
		{"no duration", "timeouts: {endorse: soon}\n", "soon"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := config.Load(file(t, test.more), nil, nil)
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, _, err := config.Load("/does/not/exist.yaml", nil, nil); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestValidate(t *testing.T) {
	good, _, err := config.Load(file(t, ""), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, spoil := range map[string]func(c *config.Config){
		"organisation":     func(c *config.Config) { c.Organisation = "" },
		"msp_id":           func(c *config.Config) { c.MSPID = "" },
		"data":             func(c *config.Config) { c.Data = "" },
		"listen":           func(c *config.Config) { c.Listen = "8080" },
		"peers":            func(c *config.Config) { c.Peers = nil },
		"peers[0].address": func(c *config.Config) { c.Peers = []config.Peer{{MSPID: "A", Address: "x", TLSCA: c.Peers[0].TLSCA}} },
		"neighbours[0].msp_id": func(c *config.Config) {
			c.Neighbours = []config.Neighbour{{MSPID: c.MSPID, URL: "http://x:1", KeyFile: "k"}}
		},
		"neighbours[0].url":      func(c *config.Config) { c.Neighbours = []config.Neighbour{{MSPID: "A", URL: "x:1", KeyFile: "k"}} },
		"neighbours[0].key_file": func(c *config.Config) { c.Neighbours = []config.Neighbour{{MSPID: "A", URL: "http://x:1"}} },
		"timeouts.neighbour":     func(c *config.Config) { c.Timeouts.Neighbour = 0 },
		"peers[0].tls_ca":        func(c *config.Config) { c.Peers = []config.Peer{{MSPID: "A", Address: "x:1", TLSCA: "/none"}} },
		"orderers[0].address":    func(c *config.Config) { c.Orderers = []config.Orderer{{Address: "x", TLSCA: c.Peers[0].TLSCA}} },
		"orderers[0].tls_ca":     func(c *config.Config) { c.Orderers = []config.Orderer{{Address: "x:1", TLSCA: "/none"}} },
		"identity.key":           func(c *config.Config) { c.Identity.Key = "/none" },
		"log.level":              func(c *config.Config) { c.Log.Level = "loud" },
		"log.format":             func(c *config.Config) { c.Log.Format = "xml" },
		"timeouts.endorse":       func(c *config.Config) { c.Timeouts.Endorse = 0 },
		"retry.attempts":         func(c *config.Config) { c.Retry.Attempts = 0 },
		"batch.in_flight":        func(c *config.Config) { c.Batch.InFlight = 0 },
		"batch.max_bytes":        func(c *config.Config) { c.Batch.MaxBytes = spec.MaxBatchBytes + 1 },
		"endorsements":           func(c *config.Config) { c.Endorsements = 0 },
	} {
		c := good
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", key, err)
		}
	}
}
