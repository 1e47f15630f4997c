package ledger

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

func encodes(message any) {
	_, _ = proto.Marshal(message)                                      // want `proto.Marshal: its bytes vary between builds: use proto.MarshalOptions`
	_, _ = proto.MarshalOptions{}.Marshal(message)                     // want `proto.MarshalOptions without Deterministic: true`
	_, _ = proto.MarshalOptions{AllowPartial: true}.Marshal(message)   // want `without Deterministic`
	_, _ = proto.MarshalOptions{Deterministic: false}.Marshal(message) // want `without Deterministic`
	_, _ = proto.MarshalOptions{Deterministic: true}.Marshal(message)
	_, _ = protojson.Marshal(message)                  // want `protojson.Marshal: its bytes vary`
	_, _ = protojson.MarshalOptions{}.Marshal(message) // want `protojson.MarshalOptions\).Marshal: its bytes vary`
	_, _ = prototext.Marshal(message)                  // want `prototext.Marshal: its bytes vary`
	_ = protojson.Unmarshal(nil, message)
}
