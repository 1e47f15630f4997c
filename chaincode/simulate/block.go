package simulate

import "slices"

// Code is a validation code, by Fabric's names.
type Code string

// The validation codes.
const (
	Valid               Code = "VALID"
	MVCCReadConflict    Code = "MVCC_READ_CONFLICT"
	PhantomReadConflict Code = "PHANTOM_READ_CONFLICT"
	DuplicateTxID       Code = "DUPLICATE_TXID"
)

// Block is what the orderer cut, with each transaction's validation code.
type Block struct {
	// Number counts from 1.
	Number       uint64
	Transactions []Transaction
}

// Transaction is an envelope in a block.
type Transaction struct {
	*Envelope
	Code Code
}

// Count returns how many of the block's transactions have the code.
func (b *Block) Count(code Code) int {
	count := 0
	for _, tx := range b.Transactions {
		if tx.Code == code {
			count++
		}
	}
	return count
}

// commit validates a batch, transaction after transaction, and applies what is valid.
func (w *World) commit(batch []*Envelope) *Block {
	block := &Block{Number: w.Height() + 1}
	for n, envelope := range batch {
		code := w.validate(envelope)
		if code == Valid {
			version := Version{Block: block.Number, Tx: uint64(n) + 1}
			for _, write := range envelope.Set.Writes {
				w.store.put(write.Key, version, write.Value)
			}
		}
		block.Transactions = append(block.Transactions, Transaction{envelope, code})
		if _, seen := w.status[envelope.Proposal.ID]; !seen {
			w.status[envelope.Proposal.ID] = Status{code, block.Number}
		}
	}
	w.blocks = append(w.blocks, block)
	return block
}

// validate compares what was read with what is there now, the block's earlier transactions included. Nothing here looks at
// the age of an endorsement: Fabric does not either.
func (w *World) validate(envelope *Envelope) Code {
	if _, seen := w.status[envelope.Proposal.ID]; seen {
		return DuplicateTxID
	}
	for _, read := range envelope.Set.Reads {
		if _, version := w.store.get(read.Key, latest); version != read.Version {
			return MVCCReadConflict
		}
	}
	for _, r := range envelope.Set.Ranges {
		if _, now := w.store.scan(r.Start, r.End, latest, len(r.Seen)+1); !slices.Equal(now, r.Seen) {
			return PhantomReadConflict
		}
	}
	return Valid
}
