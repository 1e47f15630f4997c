package topology

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"
)

// minOrderers is the least number of BFT orderers that survives one of them (3f+1, f=1).
const minOrderers = 4

var (
	organisationName = regexp.MustCompile(`^[a-z][a-z0-9]{0,30}$`)
	nodeShortName    = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)
	mspID            = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,62}$`)
	channelName      = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,248}$`) // Fabric's own rule
	chaincodeName    = regexp.MustCompile(`^[a-z][a-z0-9]{0,30}$`)
	chaincodeVersion = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]{0,62}$`)
	domainName       = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?$`)
	functionName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(:[A-Za-z][A-Za-z0-9_]*)?$`)
	memoryLimit      = regexp.MustCompile(`^[1-9][0-9]{0,9}(B|KiB|MiB|GiB)?$`) // the Go runtime's own form
)

// Validate returns the first thing wrong: the field, what is wrong, what to do.
func (t *Topology) Validate() error {
	checks := []func() error{
		t.validateNames, t.validateOrdering, t.validateTuning, t.validateGenesis, t.validateOrganisations,
		t.validateConsortium, t.validatePorts,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (t *Topology) validateNames() error {
	for _, text := range []struct {
		field, value string
		form         *regexp.Regexp
		rule         string
	}{
		{"name", t.Name, organisationName, "lower-case letters and digits, at most 31"},
		{"channel", t.Channel, channelName, "lower-case letters, digits, dots and dashes, at most 249"},
		{"domain", t.Domain, domainName, "a lower-case domain name of at most 62 characters"},
		{"chaincode.name", t.Chaincode.Name, chaincodeName, "lower-case letters and digits, at most 31"},
		{"chaincode.version", t.Chaincode.Version, chaincodeVersion, "letters, digits, dots, dashes, at most 63"},
	} {
		if err := match(text.field, text.value, text.form, text.rule); err != nil {
			return err
		}
	}
	return nil
}

func match(field, value string, form *regexp.Regexp, rule string) error {
	if value == "" {
		return fmt.Errorf("%s is missing: give %s", field, rule)
	}
	if !form.MatchString(value) {
		return fmt.Errorf("%s %q: use %s", field, value, rule)
	}
	return nil
}

func between[T int | int64 | uint32 | uint64 | time.Duration](field string, value, low, high T) error {
	if value < low || value > high {
		return fmt.Errorf("%s is %v: give a value from %v to %v", field, value, low, high)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *Topology) validateOrdering() error {
	o := t.Ordering
	return first(
		between("ordering.batch_interval", o.BatchInterval, time.Millisecond, 10*time.Second),
		between("ordering.max_message_count", o.MaxMessageCount, 1, 10_000),
		between("ordering.absolute_max_bytes", o.AbsoluteMaxBytes, 1<<16, 90<<20), // below the 100 MB of one gRPC message
		between("ordering.forward_timeout", o.ForwardTimeout, 10*time.Millisecond, time.Minute),
		between("ordering.complain_timeout", o.ComplainTimeout, o.ForwardTimeout+1, 2*time.Minute),
		between("ordering.view_change_resend", o.ViewChangeResend, 10*time.Millisecond, time.Minute),
		between("ordering.view_change_timeout", o.ViewChangeTimeout, o.ViewChangeResend+1, 5*time.Minute),
		between("ordering.heartbeat_timeout", o.HeartbeatTimeout, 100*time.Millisecond, 5*time.Minute),
		between("ordering.heartbeat_count", o.HeartbeatCount, 1, 1000),
		between("ordering.request_pool_size", o.RequestPoolSize, 100, 10_000_000),
	)
}

func (t *Topology) validateTuning() error {
	u := t.Tuning
	return first(
		match("tuning.orderer_memory_limit", u.OrdererMemoryLimit, memoryLimit, "a size such as 400MiB"),
		match("tuning.peer_memory_limit", u.PeerMemoryLimit, memoryLimit, "a size such as 800MiB"),
		match("tuning.chaincode_memory_limit", u.ChaincodeMemoryLimit, memoryLimit, "a size such as 96MiB"),
		match("tuning.gateway_memory_limit", u.GatewayMemoryLimit, memoryLimit, "a size such as 512MiB"),
		between("tuning.state_cache_mib", u.StateCacheMiB, 32, 1<<20),
		between("tuning.gateway_concurrency", u.GatewayConcurrency, 1, 1_000_000),
		between("tuning.endorser_concurrency", u.EndorserConcurrency, 1, 1_000_000),
		between("tuning.authentication_window", u.AuthenticationWindow, time.Second, 15*time.Minute),
		between("tuning.execute_timeout", u.ExecuteTimeout, 100*time.Millisecond, 5*time.Minute),
		between("tuning.endorsement_timeout", u.EndorsementTimeout, 100*time.Millisecond, 5*time.Minute),
		between("tuning.broadcast_timeout", u.BroadcastTimeout, 100*time.Millisecond, 5*time.Minute),
		between("tuning.log_max_bytes", u.LogMaxBytes, 1<<16, 100<<30),
	)
}

func (t *Topology) validateGenesis() error {
	genesis := t.Chaincode.Genesis
	if genesis == nil {
		return nil
	}
	const rule = "a contract and function such as consortium:Genesis"
	if err := first(
		match("chaincode.genesis.function", genesis.Function, functionName, rule),
		match("chaincode.genesis.check", genesis.Check, functionName, rule),
	); err != nil {
		return err
	}
	_, err := genesis.Bytes()
	return err
}

func (t *Topology) validateOrganisations() error {
	if len(t.Organisations) == 0 {
		return fmt.Errorf("organisations is missing: name at least one, or start from test-network/topology/local.yaml")
	}
	names, msps := map[string]string{}, map[string]string{}
	for i := range t.Organisations {
		org := &t.Organisations[i]
		at := fmt.Sprintf("organisations[%d]", i)
		if err := first(
			match(at+".name", org.Name, organisationName, "lower-case letters and digits, at most 31"),
			match(at+".msp_id", org.MSPID, mspID, "letters and digits, at most 63"),
			unique(names, at+".name", org.Name),
			unique(msps, at+".msp_id", org.MSPID),
			org.validateNodes(at),
		); err != nil {
			return err
		}
		if len(org.Orderers) > 0 {
			if err := first(
				match(at+".ordering_msp_id", org.OrderingMSPID, mspID, "letters and digits, at most 63"),
				unique(msps, at+".ordering_msp_id", org.OrderingMSPID),
			); err != nil {
				return err
			}
		}
	}
	return nil
}

func unique(seen map[string]string, field, value string) error {
	if other, taken := seen[value]; taken {
		return fmt.Errorf("%s %q is also %s: make them different", field, value, other)
	}
	seen[value] = field
	return nil
}

func (o *Organisation) validateNodes(at string) error {
	names := map[string]string{
		string(KindChaincode): "the chaincode service's name", string(KindGateway): "the gateway's name",
		"crypto": "the name of a folder of keys", "cli": "the name of a folder", "builder": "the name of a folder",
	}
	const rule = "lower-case letters and digits, at most 16"
	for j, orderer := range o.Orderers {
		field := fmt.Sprintf("%s.orderers[%d].name", at, j)
		if err := first(match(field, orderer.Name, nodeShortName, rule), unique(names, field, orderer.Name)); err != nil {
			return err
		}
	}
	for j, peer := range o.Peers {
		field := fmt.Sprintf("%s.peers[%d].name", at, j)
		if err := first(match(field, peer.Name, nodeShortName, rule), unique(names, field, peer.Name)); err != nil {
			return err
		}
	}
	switch {
	case len(o.Peers) > 0 && o.Chaincode == nil:
		return fmt.Errorf("%s.chaincode is missing: an organisation with a peer runs a chaincode service", at)
	case len(o.Peers) == 0 && o.Chaincode != nil:
		return fmt.Errorf("%s.chaincode has no peer to serve: remove it or add %s.peers", at, at)
	case len(o.Peers) == 0 && o.Gateway != nil:
		return fmt.Errorf("%s.gateway has no peer of its own: remove it or add %s.peers", at, at)
	}
	return nil
}

func (t *Topology) validateConsortium() error {
	if n := len(t.NodesOf(KindOrderer)); n < minOrderers {
		return fmt.Errorf("the organisations have too few orderers, %d: BFT needs at least %d to survive one; "+
			"add organisations[].orderers", n, minOrderers)
	}
	peers := len(t.PeerOrganisations())
	if peers == 0 {
		return fmt.Errorf("no organisation has a peer: add organisations[].peers")
	}
	if t.Policies.Endorsement == "" || t.Policies.Lifecycle == "" {
		if err := between("policies.required", t.Policies.Required, 1, peers); err != nil {
			return fmt.Errorf("%w, the number of organisations with a peer", err)
		}
	}
	return nil
}

func (t *Topology) validatePorts() error {
	taken := map[string]string{}
	for _, e := range t.endpoints() {
		host := strings.TrimSuffix(e.field, "."+lastField(e.field)) + ".host"
		if net.ParseIP(*e.host) == nil && !domainName.MatchString(*e.host) {
			return fmt.Errorf("%s %q: give an IP address or a host name", host, *e.host)
		}
		if *e.port == 0 {
			return fmt.Errorf("%s is missing: give a port from 1 to 65535, or run up --free-ports", e.field)
		}
		if *e.port < 1 || *e.port > 65535 {
			return fmt.Errorf("%s is %d: give a port from 1 to 65535", e.field, *e.port)
		}
		at := address(*e.host, *e.port)
		if other, ok := taken[at]; ok {
			return fmt.Errorf("%s is %d, as %s is: give each its own port", e.field, *e.port, other)
		}
		taken[at] = e.field
	}
	return nil
}

func lastField(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
