package contract

import (
	"reflect"

	"github.com/hyperledger/fabric-contract-api-go/v2/metadata"
	"github.com/hyperledger/fabric-contract-api-go/v2/serializer"
)

// arguments hands bytes over as they are. Their schema is a list of numbers, which any bytes are; to see that, contract-api would write
// a batch as JSON and read it again, a twentieth of what the batch costs.
type arguments struct{ serializer.JSONSerializer }

var _ serializer.TransactionSerializer = (*arguments)(nil)

// FromString makes a parameter of an argument.
func (a *arguments) FromString(
	argument string, kind reflect.Type, parameter *metadata.ParameterMetadata, components *metadata.ComponentMetadata,
) (reflect.Value, error) {
	if kind == reflect.TypeFor[[]byte]() {
		return reflect.ValueOf([]byte(argument)), nil
	}
	return a.JSONSerializer.FromString(argument, kind, parameter, components)
}
