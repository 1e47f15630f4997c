package topology

import "time"

// Topology is one consortium network. Read it with Parse, complete and check it with Resolve.
type Topology struct {
	Name          string         `yaml:"name"`
	Channel       string         `yaml:"channel"`
	Domain        string         `yaml:"domain"` // suffix of the names in certificates; never resolved by DNS
	Fabric        Fabric         `yaml:"fabric"`
	Programs      Programs       `yaml:"programs"`
	Ordering      Ordering       `yaml:"ordering"`
	Tuning        Tuning         `yaml:"tuning"`
	Policies      Policies       `yaml:"policies"`
	Chaincode     Chaincode      `yaml:"chaincode"`
	Organisations []Organisation `yaml:"organisations"`
}

// Fabric says where Fabric's own programs come from.
type Fabric struct {
	BinDir string `yaml:"bin_dir"` // released programs to use; empty: build the pinned ones once into the user's cache
}

// Programs are the paths of our own services; empty means beside the cmt-network executable.
type Programs struct {
	Chaincode string `yaml:"chaincode"`
	Gateway   string `yaml:"gateway"`
}

// Ordering is how blocks are cut and how long the BFT protocol waits.
type Ordering struct {
	BatchInterval     time.Duration `yaml:"batch_interval"` // SmartBFT.RequestBatchMaxInterval: BFT ignores BatchTimeout
	MaxMessageCount   uint32        `yaml:"max_message_count"`
	AbsoluteMaxBytes  uint32        `yaml:"absolute_max_bytes"`
	ForwardTimeout    time.Duration `yaml:"forward_timeout"`
	ComplainTimeout   time.Duration `yaml:"complain_timeout"`
	ViewChangeResend  time.Duration `yaml:"view_change_resend"`
	ViewChangeTimeout time.Duration `yaml:"view_change_timeout"`
	HeartbeatTimeout  time.Duration `yaml:"heartbeat_timeout"`
	HeartbeatCount    uint64        `yaml:"heartbeat_count"`
	RequestPoolSize   uint64        `yaml:"request_pool_size"`
}

// Tuning holds the settings of the processes that differ from Fabric's defaults.
type Tuning struct {
	// The memory limits are GOMEMLIMIT, for example 400MiB: more than a process needs, for one near its limit collects garbage all the
	// time, up to half of it. A process whose live data exceed it goes on. Only the chaincode services collect at theirs and not before.
	OrdererMemoryLimit   string `yaml:"orderer_memory_limit"`
	PeerMemoryLimit      string `yaml:"peer_memory_limit"`
	ChaincodeMemoryLimit string `yaml:"chaincode_memory_limit"`
	GatewayMemoryLimit   string `yaml:"gateway_memory_limit"`
	// StateCacheMiB is how much of the state a peer that is built here keeps in memory at most: it grows with what is read and written.
	// A key takes some 100 octets, and 30 more of what PeerMemoryLimit bounds.
	StateCacheMiB        int           `yaml:"state_cache_mib"`
	HistoryDatabase      bool          `yaml:"history_database"`
	GatewayConcurrency   int           `yaml:"gateway_concurrency"`
	EndorserConcurrency  int           `yaml:"endorser_concurrency"`
	AuthenticationWindow time.Duration `yaml:"authentication_window"` // how far a proposal's clock may be off
	ExecuteTimeout       time.Duration `yaml:"execute_timeout"`
	EndorsementTimeout   time.Duration `yaml:"endorsement_timeout"`
	BroadcastTimeout     time.Duration `yaml:"broadcast_timeout"`
	LogSpec              string        `yaml:"log_spec"`
	LogMaxBytes          int64         `yaml:"log_max_bytes"` // a log file is rotated beyond this
}

// Policies are Fabric signature policies; empty means OutOf(required, every organisation with a peer).
type Policies struct {
	Required    int    `yaml:"required"`
	Endorsement string `yaml:"endorsement"`
	Lifecycle   string `yaml:"lifecycle"`
}

// Chaincode names the chaincode. Its sequence is the network's own business: steps finds it.
type Chaincode struct {
	Name    string   `yaml:"name"`
	Version string   `yaml:"version"`
	Genesis *Genesis `yaml:"genesis,omitempty"`
}

// Genesis is the call that initialises a fresh ledger.
type Genesis struct {
	Function string         `yaml:"function"`
	Check    string         `yaml:"check"` // evaluated first with the argument {}; fails with the code not_initialised on a fresh ledger
	Argument map[string]any `yaml:"argument"`
}

// Organisation is a member: its keys lie in a folder of its own.
type Organisation struct {
	Name          string            `yaml:"name"`
	MSPID         string            `yaml:"msp_id"`
	OrderingMSPID string            `yaml:"ordering_msp_id,omitempty"`
	Orderers      []Orderer         `yaml:"orderers,omitempty"`
	Peers         []Peer            `yaml:"peers,omitempty"`
	Chaincode     *ChaincodeService `yaml:"chaincode,omitempty"`
	Gateway       *Gateway          `yaml:"gateway,omitempty"`
}

// Orderer is one BFT ordering node.
type Orderer struct {
	Name           string `yaml:"name"`
	Host           string `yaml:"host"`
	Port           int    `yaml:"port"`
	AdminPort      int    `yaml:"admin_port"`
	OperationsPort int    `yaml:"operations_port"`
}

// Peer is one peer; its chaincode runs as a service, so chaincode_port is only what Fabric insists on opening.
type Peer struct {
	Name           string `yaml:"name"`
	Host           string `yaml:"host"`
	Port           int    `yaml:"port"`
	ChaincodePort  int    `yaml:"chaincode_port"`
	OperationsPort int    `yaml:"operations_port"`
}

// ChaincodeService is the organisation's chaincode process, shared by its peers.
type ChaincodeService struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
}

// Gateway is the organisation's REST gateway.
type Gateway struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
}

// Defaults returns what a topology file may leave out. The BFT figures are those measured to let the next transaction
// commit 4 s after the leader was killed; Fabric's own take minutes.
func Defaults() Topology {
	return Topology{
		Domain: "cmt.internal",
		Ordering: Ordering{
			BatchInterval:     50 * time.Millisecond,
			MaxMessageCount:   500,
			AbsoluteMaxBytes:  10 << 20,
			ForwardTimeout:    time.Second,
			ComplainTimeout:   3 * time.Second,
			ViewChangeResend:  time.Second,
			ViewChangeTimeout: 5 * time.Second,
			HeartbeatTimeout:  4 * time.Second,
			HeartbeatCount:    10,
			RequestPoolSize:   100_000,
		},
		Tuning: Tuning{
			OrdererMemoryLimit:   "384MiB",
			PeerMemoryLimit:      "2GiB",
			StateCacheMiB:        1024,
			ChaincodeMemoryLimit: "96MiB",
			GatewayMemoryLimit:   "512MiB",
			GatewayConcurrency:   5_000,
			EndorserConcurrency:  5_000,
			AuthenticationWindow: time.Minute,
			ExecuteTimeout:       10 * time.Second,
			EndorsementTimeout:   5 * time.Second,
			BroadcastTimeout:     10 * time.Second,
			LogSpec:              "info:grpc=error",
			LogMaxBytes:          64 << 20,
		},
		Policies:  Policies{Required: 2},
		Chaincode: Chaincode{Name: "cmt", Version: "1.0"},
	}
}
