package topology

import (
	"fmt"
	"strings"
)

// EndorsementPolicy is the signature policy transactions of the chaincode must satisfy.
func (t *Topology) EndorsementPolicy() string {
	if t.Policies.Endorsement != "" {
		return t.Policies.Endorsement
	}
	return t.outOf()
}

// LifecyclePolicy is the signature policy a chaincode definition must satisfy.
func (t *Topology) LifecyclePolicy() string {
	if t.Policies.Lifecycle != "" {
		return t.Policies.Lifecycle
	}
	return t.outOf()
}

func (t *Topology) outOf() string {
	var members []string
	for _, org := range t.PeerOrganisations() {
		members = append(members, "'"+org.MSPID+".peer'")
	}
	return fmt.Sprintf("OutOf(%d, %s)", t.Policies.Required, strings.Join(members, ", "))
}
