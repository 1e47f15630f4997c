// Package demo carries one purchase through a running network, as people would: over REST alone, each side at its own
// organisation's gateway, alice with a key of her own that no gateway sees. It knows the REST client and the network's facts;
// it must never talk to Fabric itself, for what it shows has to be what everyone can do.
package demo
