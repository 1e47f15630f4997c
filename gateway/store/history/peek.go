package history

import "google.golang.org/protobuf/encoding/protowire"

// Peeked is what is worth knowing of a signed intent's bytes before they are decoded: most are payments between strangers, of which
// nothing is kept.
type Peeked struct {
	ValidUntil int64
	Operation  uint32
	Command    []byte
}

// Fields of spec.Intent and spec.Transfer.
const (
	intentValidUntil  protowire.Number = 2
	intentOperation   protowire.Number = 3
	intentCommand     protowire.Number = 4
	transferReference protowire.Number = 1
	transferTo        protowire.Number = 2
	transferAmount    protowire.Number = 3
)

// Peek reads an intent's bytes without making a message of them. What has another form gives what was read until then.
func Peek(intent []byte) Peeked {
	var p Peeked
	fields(intent, func(field protowire.Number, number uint64, octets []byte) {
		switch field {
		case intentValidUntil:
			p.ValidUntil = int64(number)
		case intentOperation:
			p.Operation = uint32(number)
		case intentCommand:
			p.Command = octets
		}
	})
	return p
}

// payment is a transfer without a record of its own.
type payment struct{ to, amount []byte }

// peekPayment reads a transfer's bytes; false when it has a reference, and so a record.
func peekPayment(command []byte) (p payment, bare bool) {
	bare = true
	fields(command, func(field protowire.Number, _ uint64, octets []byte) {
		switch field {
		case transferReference:
			bare = false
		case transferTo:
			p.to = octets
		case transferAmount:
			p.amount = octets
		}
	})
	return p, bare
}

// fields calls take for each field of a message that holds numbers and octets, until one of another form.
func fields(message []byte, take func(field protowire.Number, number uint64, octets []byte)) {
	for len(message) > 0 {
		field, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return
		}
		message = message[size:]
		var number uint64
		var octets []byte
		switch kind {
		case protowire.VarintType:
			number, size = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			octets, size = protowire.ConsumeBytes(message)
		default:
			return
		}
		if size < 0 {
			return
		}
		message = message[size:]
		take(field, number, octets)
	}
}
