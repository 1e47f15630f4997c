package demo

import (
	"encoding/json"
	"os"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Document is what a client needs to go on from where the demo ended: the content of its --json file.
type Document struct {
	Channel   string            `json:"channel"`
	Chaincode string            `json:"chaincode"`
	Gateways  []GatewayDocument `json:"gateways"`
	Peers     []PeerDocument    `json:"peers"`
	Orderers  []OrdererDocument `json:"orderers"`
	Accounts  []AccountDocument `json:"accounts"`
	// Listing and Order are the identifiers of the purchase, Supply all CMT there is.
	Listing string `json:"listing"`
	Order   string `json:"order"`
	Supply  string `json:"supply"`
}

// GatewayDocument is one gateway and a key to it with every scope.
type GatewayDocument struct {
	Organisation string `json:"organisation"`
	URL          string `json:"url"`
	APIKey       string `json:"api_key"`
}

// PeerDocument is one peer; the folders hold its organisation's identities.
type PeerDocument struct {
	Organisation  string `json:"organisation"`
	MSPID         string `json:"msp_id"`
	Address       string `json:"address"`
	TLSCA         string `json:"tls_ca"`
	TLSServerName string `json:"tls_server_name"`
	AdminMSP      string `json:"admin_msp"`
	ClientMSP     string `json:"client_msp"`
}

// OrdererDocument is one orderer.
type OrdererDocument struct {
	Address       string `json:"address"`
	TLSCA         string `json:"tls_ca"`
	TLSServerName string `json:"tls_server_name"`
}

// AccountDocument is one account of the demo.
type AccountDocument struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// Document returns what the demo leaves behind; call it after Run.
func (d *Demo) Document() Document {
	order := d.scenes[0].orders[0]
	doc := Document{
		Channel:   d.Facts.Channel,
		Chaincode: d.Facts.Chaincode,
		Listing:   spec.ID(order.GetListing()).Text(spec.ListingType),
		Order:     spec.ID(order.GetOrder()).Text(spec.OrderType),
		Supply:    d.after.supply.String(),
	}
	for _, gateway := range d.Facts.Gateways {
		doc.Gateways = append(doc.Gateways, GatewayDocument{gateway.Organisation, gateway.URL, d.keys[gateway.Organisation]})
	}
	for _, peer := range d.Facts.Peers {
		out := PeerDocument{
			Organisation: peer.Organisation, MSPID: peer.MSPID, Address: peer.Address,
			TLSCA: peer.TLSCA, TLSServerName: peer.TLSServerName,
		}
		for _, organisation := range d.Facts.Organisations {
			if organisation.Name == peer.Organisation {
				out.AdminMSP, out.ClientMSP = organisation.AdminMSP, organisation.ClientMSP
			}
		}
		doc.Peers = append(doc.Peers, out)
	}
	for _, orderer := range d.Facts.Orderers {
		doc.Orderers = append(doc.Orderers, OrdererDocument{orderer.Address, orderer.TLSCA, orderer.TLSServerName})
	}
	for _, p := range d.people() {
		doc.Accounts = append(doc.Accounts, AccountDocument{p.name, p.address.String()})
	}
	return doc
}

// WriteDocument writes the document; it holds API keys, so that only its owner may read it.
func WriteDocument(path string, doc Document) error {
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o600)
}
