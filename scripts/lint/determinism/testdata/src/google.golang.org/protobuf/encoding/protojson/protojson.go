// Package protojson stands in for protobuf's, so that the fixtures need no module.
package protojson

type MarshalOptions struct{ Multiline bool }

func (MarshalOptions) Marshal(any) ([]byte, error) { return nil, nil }

func Marshal(any) ([]byte, error) { return nil, nil }

func Unmarshal([]byte, any) error { return nil }
