package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/network/topology"
)

func newEnv(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "env ORGANISATION",
		Short: "Print the environment of Fabric's own peer command for an organisation's administrator",
		Long: `Print export lines for a shell: eval "$(cmt-network env merchant1)" makes Fabric's own peer command act as the
administrator of that organisation on its peer (an organisation without one uses the first peer of the network).
ORDERER, ORDERER_CA, ENDORSERS and CHANNEL complete what peer chaincode invoke wants:

  peer chaincode invoke -o $ORDERER --tls --cafile $ORDERER_CA -C $CHANNEL -n cmt $ENDORSERS --waitForEvent -c '...'

ORG_CLIENT_MSP is the client user's MSP: CORE_PEER_MSPCONFIGPATH=$ORG_CLIENT_MSP acts as that user.`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, names []string) error {
			l, err := s.layout()
			if err != nil {
				return err
			}
			t, err := resolved(l)
			if err != nil {
				return err
			}
			lines, err := environment(t, l, names[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(command.OutOrStdout(), lines)
			return err
		},
	}
}

func environment(t *topology.Topology, l topology.Layout, name string) (string, error) {
	org := t.Organisation(name)
	if org == nil {
		var names []string
		for _, one := range t.Organisations {
			names = append(names, one.Name)
		}
		return "", fmt.Errorf("no organisation %q: the network has %s", name, strings.Join(names, ", "))
	}
	facts, err := topology.ReadFacts(l.Root)
	if err != nil {
		return "", err
	}
	peer := facts.Peers[0]
	for i := len(facts.Peers) - 1; i >= 0; i-- {
		if facts.Peers[i].Organisation == name {
			peer = facts.Peers[i]
		}
	}
	orderer := facts.Orderers[0]
	var endorsers []string
	for _, one := range facts.Peers {
		endorsers = append(endorsers, "--peerAddresses", one.Address, "--tlsRootCertFiles", one.TLSCA)
	}
	var out strings.Builder
	for _, pair := range [][2]string{
		{"FABRIC_CFG_PATH", l.CLI(name)},
		{"CORE_PEER_LOCALMSPID", org.MSPID},
		{"CORE_PEER_MSPCONFIGPATH", filepath.Join(t.AdminCrypto(l, name), "msp")},
		{"CORE_PEER_ADDRESS", peer.Address},
		{"CORE_PEER_TLS_ENABLED", "true"},
		{"CORE_PEER_TLS_ROOTCERT_FILE", peer.TLSCA},
		{"ORDERER", orderer.Address},
		{"ORDERER_CA", orderer.TLSCA},
		{"CHANNEL", facts.Channel},
		{"ENDORSERS", strings.Join(endorsers, " ")},
		{"FABRIC_LOGGING_SPEC", "error"},
		{"ORG_CLIENT_MSP", filepath.Join(t.ClientCrypto(l, name), "msp")},
	} {
		fmt.Fprintf(&out, "export %s=%s\n", pair[0], quote(pair[1]))
	}
	fmt.Fprintf(&out, "export PATH=%s:\"$PATH\"\n", quote(facts.FabricBin))
	return out.String(), nil
}

// quote makes a text one word of a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
