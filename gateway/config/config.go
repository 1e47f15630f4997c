package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Config is all that can be set. Keys are the tags; the environment has them in capitals behind CMT_, with '_' for '.'.
type Config struct {
	// Organisation is the organisation's name, MSPID its membership service provider.
	Organisation string `mapstructure:"organisation" yaml:"organisation"`
	MSPID        string `mapstructure:"msp_id" yaml:"msp_id"`
	// Listen is the API's host:port; Data the folder of the database.
	Listen    string   `mapstructure:"listen" yaml:"listen"`
	Data      string   `mapstructure:"data" yaml:"data"`
	Channel   string   `mapstructure:"channel" yaml:"channel"`
	Chaincode string   `mapstructure:"chaincode" yaml:"chaincode"`
	Identity  Identity `mapstructure:"identity" yaml:"identity"`
	// Peers are asked in this order; the organisation's own come first.
	Peers []Peer `mapstructure:"peers" yaml:"peers"`
	// Orderers are all consenters of the channel in the order of their numbers; without them the peers tell the orderers.
	Orderers []Orderer `mapstructure:"orderers" yaml:"orderers"`
	// Endorsers are the organisations that endorse; without any, those of the peers, or whom discovery finds. Endorsements is how many
	// the endorsement policy wants.
	Endorsers    []string `mapstructure:"endorsers" yaml:"endorsers"`
	Endorsements int      `mapstructure:"endorsements" yaml:"endorsements"`
	// AnonymousReads lets reads pass without an API key.
	AnonymousReads bool     `mapstructure:"anonymous_reads" yaml:"anonymous_reads"`
	Log            Log      `mapstructure:"log" yaml:"log"`
	Timeouts       Timeouts `mapstructure:"timeouts" yaml:"timeouts"`
	Retry          Retry    `mapstructure:"retry" yaml:"retry"`
	Breaker        Breaker  `mapstructure:"breaker" yaml:"breaker"`
	Limits         Limits   `mapstructure:"limits" yaml:"limits"`
	Sweep          Sweep    `mapstructure:"sweep" yaml:"sweep"`
	Batch          Batch    `mapstructure:"batch" yaml:"batch"`
	Intents        Intents  `mapstructure:"intents" yaml:"intents"`
	Keys           Keys     `mapstructure:"keys" yaml:"keys"`
	// Neighbours are other members' gateways. An intent of an account that is at home with one of them is handed over to it.
	Neighbours []Neighbour `mapstructure:"neighbours" yaml:"neighbours"`
}

// Identity is the gateway's own, as PEM files.
type Identity struct {
	Certificate string `mapstructure:"certificate" yaml:"certificate"`
	Key         string `mapstructure:"key" yaml:"key"`
}

// Peer is a peer whose gateway service may be used.
type Peer struct {
	MSPID         string `mapstructure:"msp_id" yaml:"msp_id"`
	Address       string `mapstructure:"address" yaml:"address"`
	TLSCA         string `mapstructure:"tls_ca" yaml:"tls_ca"`
	TLSServerName string `mapstructure:"tls_server_name" yaml:"tls_server_name"`
}

// Orderer is a node of the ordering service.
type Orderer struct {
	Address       string `mapstructure:"address" yaml:"address"`
	TLSCA         string `mapstructure:"tls_ca" yaml:"tls_ca"`
	TLSServerName string `mapstructure:"tls_server_name" yaml:"tls_server_name"`
}

// Neighbour is another member's gateway.
type Neighbour struct {
	MSPID string `mapstructure:"msp_id" yaml:"msp_id"`
	URL   string `mapstructure:"url" yaml:"url"`
	// KeyFile holds one of that gateway's API keys, with the scopes relay and read. Its operator makes it by
	// cmt-gateway key create --name YOURS --scopes relay,read. The file may come later; until then intents are carried directly.
	KeyFile string `mapstructure:"key_file" yaml:"key_file"`
}

// Log says how much is logged (debug, info, warn, error) and how (json, text).
type Log struct {
	Level  string `mapstructure:"level" yaml:"level"`
	Format string `mapstructure:"format" yaml:"format"`
}

// Timeouts bound each step.
type Timeouts struct {
	// EndorseAttempt is what a mute organisation costs; Endorse bounds all attempts.
	EndorseAttempt time.Duration `mapstructure:"endorse_attempt" yaml:"endorse_attempt"`
	Endorse        time.Duration `mapstructure:"endorse" yaml:"endorse"`
	// Order is how long the orderer that leads may take until the commit, before all are told; Submit bounds telling all.
	Order        time.Duration `mapstructure:"order" yaml:"order"`
	Submit       time.Duration `mapstructure:"submit" yaml:"submit"`
	CommitStatus time.Duration `mapstructure:"commit_status" yaml:"commit_status"`
	Evaluate     time.Duration `mapstructure:"evaluate" yaml:"evaluate"`
	Outcome      time.Duration `mapstructure:"outcome" yaml:"outcome"`
	// Write bounds a write from its turn to its answer, Lane how long it waits for its turn, and Model how long its answer
	// waits for the read model.
	Write time.Duration `mapstructure:"write" yaml:"write"`
	Lane  time.Duration `mapstructure:"lane" yaml:"lane"`
	Model time.Duration `mapstructure:"model" yaml:"model"`
	// Neighbour is how long a neighbour's gateway may take over intents that are handed over to it; it means to answer within 2 s.
	Neighbour time.Duration `mapstructure:"neighbour" yaml:"neighbour"`
	// Shutdown is how long requests under way may take once the gateway is told to stop.
	Shutdown time.Duration `mapstructure:"shutdown" yaml:"shutdown"`
}

// Retry bounds how often a write that lost to others is tried.
type Retry struct {
	Attempts int           `mapstructure:"attempts" yaml:"attempts"`
	Base     time.Duration `mapstructure:"base" yaml:"base"`
	Longest  time.Duration `mapstructure:"longest" yaml:"longest"`
}

// Breaker says how long a failing organisation is left out.
type Breaker struct {
	First   time.Duration `mapstructure:"first" yaml:"first"`
	Longest time.Duration `mapstructure:"longest" yaml:"longest"`
}

// Limits bound what callers may ask.
type Limits struct {
	// Lane is how many calls that change one object may be in the house at once.
	Lane int `mapstructure:"lane" yaml:"lane"`
	// RequestsPerSecond bounds each API key; 0 is no bound.
	RequestsPerSecond float64 `mapstructure:"requests_per_second" yaml:"requests_per_second"`
}

// Sweep folds the credits of the own accounts, and of people at home here, before they pile up. A threshold of 0 turns it off.
type Sweep struct {
	Threshold int           `mapstructure:"threshold" yaml:"threshold"`
	Interval  time.Duration `mapstructure:"interval" yaml:"interval"`
}

// Batch bounds how signed intents are carried.
type Batch struct {
	// MaxIntents and MaxBytes bound one batch; the chaincode takes spec.MaxBatchIntents and spec.MaxBatchBytes.
	MaxIntents int `mapstructure:"max_intents" yaml:"max_intents"`
	MaxBytes   int `mapstructure:"max_bytes" yaml:"max_bytes"`
	// InFlight is how many batches are on their way at a time.
	InFlight int `mapstructure:"in_flight" yaml:"in_flight"`
	// QueueIntents is how many intents may wait, LaneIntents how many of one account.
	QueueIntents int `mapstructure:"queue_intents" yaml:"queue_intents"`
	LaneIntents  int `mapstructure:"lane_intents" yaml:"lane_intents"`
	// Attempts is how often an intent that lost to others is carried again.
	Attempts int `mapstructure:"attempts" yaml:"attempts"`
}

// Intents says how long it is told what became of a signed intent, once it could not happen any more.
type Intents struct {
	Keep time.Duration `mapstructure:"keep" yaml:"keep"`
}

// The bounds of intents.keep: shorter, and who asks late learns nothing; the longest is as good as for ever.
const (
	leastKeep = time.Hour
	mostKeep  = 100 * 365 * 24 * time.Hour
)

// Keys says where the master key lies under which the gateway keeps people's keys; master.key in the data folder when
// empty. Keep a copy of it elsewhere, apart from the database's.
type Keys struct {
	MasterKeyFile string `mapstructure:"master_key_file" yaml:"master_key_file"`
}

// Default returns the configuration before anybody set anything.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:8080", Channel: "cmt", Chaincode: "cmt", Endorsements: 2,
		Peers: []Peer{}, Orderers: []Orderer{}, Endorsers: []string{}, Neighbours: []Neighbour{},
		Log: Log{Level: "info", Format: "json"},
		Timeouts: Timeouts{
			EndorseAttempt: 2 * time.Second, Endorse: 5 * time.Second, Order: 2 * time.Second, Submit: 5 * time.Second, CommitStatus: 15 * time.Second,
			Evaluate: 5 * time.Second, Outcome: 500 * time.Millisecond,
			Write: 45 * time.Second, Lane: 20 * time.Second, Model: 2 * time.Second, Neighbour: 5 * time.Second, Shutdown: 20 * time.Second,
		},
		Retry:   Retry{Attempts: 8, Base: 50 * time.Millisecond, Longest: 2 * time.Second},
		Breaker: Breaker{First: time.Second, Longest: time.Minute},
		Limits:  Limits{Lane: 256, RequestsPerSecond: 500},
		Sweep:   Sweep{Threshold: 64, Interval: 2 * time.Second},
		Intents: Intents{Keep: 30 * 24 * time.Hour},
		Batch:   Batch{MaxIntents: spec.MaxBatchIntents, MaxBytes: 1536 << 10, InFlight: 2, QueueIntents: 20_000, LaneIntents: 5_000, Attempts: 8},
	}
}

// YAML returns the configuration as a file that Load reads. Nothing in it is secret: keys are named by their files.
func (c Config) YAML() (string, error) {
	text, err := yaml.Marshal(c)
	return string(text), err
}

// Validate returns the first thing that is wrong, in one line that names the key and says what to do.
func (c Config) Validate() error {
	for _, required := range []struct{ key, value string }{
		{"organisation", c.Organisation}, {"msp_id", c.MSPID}, {"data", c.Data}, {"channel", c.Channel}, {"chaincode", c.Chaincode},
	} {
		if required.value == "" {
			return fmt.Errorf("%s is required", required.key)
		}
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen must be host:port, such as 127.0.0.1:8080; it is %q", c.Listen)
	}
	if len(c.Peers) == 0 {
		return errors.New("peers must name at least the organisation's own peer")
	}
	for i, peer := range c.Peers {
		if err := peer.validate(fmt.Sprintf("peers[%d]", i)); err != nil {
			return err
		}
	}
	for i, orderer := range c.Orderers {
		if err := node(fmt.Sprintf("orderers[%d]", i), orderer.Address, orderer.TLSCA); err != nil {
			return err
		}
	}
	for i, neighbour := range c.Neighbours {
		if err := neighbour.validate(fmt.Sprintf("neighbours[%d]", i), c.MSPID); err != nil {
			return err
		}
	}
	for key, file := range map[string]string{"identity.certificate": c.Identity.Certificate, "identity.key": c.Identity.Key} {
		if err := readable(key, file); err != nil {
			return err
		}
	}
	return errors.Join(c.validateLog(), c.validateNumbers())
}

func (p Peer) validate(key string) error {
	if p.MSPID == "" {
		return fmt.Errorf("%s.msp_id is required", key)
	}
	return node(key, p.Address, p.TLSCA)
}

// node checks how a node is reached.
func node(key, address, tlsCA string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("%s.address must be host:port; it is %q", key, address)
	}
	return readable(key+".tls_ca", tlsCA)
}

func (n Neighbour) validate(key, own string) error {
	at, err := url.Parse(n.URL)
	switch {
	case n.MSPID == "" || n.MSPID == own:
		return fmt.Errorf("%s.msp_id must be another member's; it is %q", key, n.MSPID)
	case err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "":
		return fmt.Errorf("%s.url must be http://host:port or https://host; it is %q", key, n.URL)
	case n.KeyFile == "":
		return fmt.Errorf("%s.key_file is required: the file of an API key of that gateway", key)
	}
	return nil
}

func readable(key, file string) error {
	if file == "" {
		return fmt.Errorf("%s is required: a PEM file", key)
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

func (c Config) validateLog() error {
	if levels := []string{"debug", "info", "warn", "error"}; !slices.Contains(levels, c.Log.Level) {
		return fmt.Errorf("log.level must be one of %s; it is %q", strings.Join(levels, ", "), c.Log.Level)
	}
	if formats := []string{"json", "text"}; !slices.Contains(formats, c.Log.Format) {
		return fmt.Errorf("log.format must be one of %s; it is %q", strings.Join(formats, ", "), c.Log.Format)
	}
	return nil
}

func (c Config) validateNumbers() error {
	t := c.Timeouts
	for _, bound := range []struct {
		key   string
		value time.Duration
	}{
		{"timeouts.endorse_attempt", t.EndorseAttempt}, {"timeouts.endorse", t.Endorse}, {"timeouts.order", t.Order}, {"timeouts.submit", t.Submit},
		{"timeouts.commit_status", t.CommitStatus}, {"timeouts.evaluate", t.Evaluate}, {"timeouts.outcome", t.Outcome},
		{"timeouts.write", t.Write}, {"timeouts.lane", t.Lane}, {"timeouts.model", t.Model}, {"timeouts.neighbour", t.Neighbour}, {"timeouts.shutdown", t.Shutdown},
		{"retry.base", c.Retry.Base}, {"retry.longest", c.Retry.Longest}, {"breaker.first", c.Breaker.First}, {"breaker.longest", c.Breaker.Longest},
		{"sweep.interval", c.Sweep.Interval},
	} {
		if bound.value <= 0 || bound.value > time.Hour {
			return fmt.Errorf("%s must be a duration up to 1h, such as 5s; it is %s", bound.key, bound.value)
		}
	}
	for _, bound := range []struct {
		key              string
		value, low, high int
	}{
		{"endorsements", c.Endorsements, 1, 64}, {"retry.attempts", c.Retry.Attempts, 1, 100}, {"limits.lane", c.Limits.Lane, 1, 1 << 20},
		{"sweep.threshold", c.Sweep.Threshold, 0, 1 << 20},
		{"batch.max_intents", c.Batch.MaxIntents, 1, spec.MaxBatchIntents}, {"batch.max_bytes", c.Batch.MaxBytes, 1 << 14, spec.MaxBatchBytes}, {"batch.in_flight", c.Batch.InFlight, 1, 64},
		{"batch.queue_intents", c.Batch.QueueIntents, 1, 1 << 20}, {"batch.lane_intents", c.Batch.LaneIntents, 1, 1 << 20}, {"batch.attempts", c.Batch.Attempts, 1, 100},
	} {
		if bound.value < bound.low || bound.value > bound.high {
			return fmt.Errorf("%s must be from %d to %d; it is %d", bound.key, bound.low, bound.high, bound.value)
		}
	}
	if c.Intents.Keep < leastKeep || c.Intents.Keep > mostKeep {
		return fmt.Errorf("intents.keep must be a duration from %s to %s, such as 720h; it is %s", leastKeep, mostKeep, c.Intents.Keep)
	}
	if c.Limits.RequestsPerSecond < 0 {
		return errors.New("limits.requests_per_second must not be negative; 0 is no bound")
	}
	return nil
}
