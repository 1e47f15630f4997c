// Package prototext stands in for protobuf's, so that the fixtures need no module.
package prototext

type MarshalOptions struct{ Multiline bool }

func (MarshalOptions) Marshal(any) ([]byte, error) { return nil, nil }

func Marshal(any) ([]byte, error) { return nil, nil }

func Unmarshal([]byte, any) error { return nil }
