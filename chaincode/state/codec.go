package state

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// codecVersion is the first byte of every value. It also keeps every value from being empty, which Fabric takes for absent.
const codecVersion = 1

var (
	errVersion  = errors.New("has an unknown codec version")
	errShort    = errors.New("ends too early")
	errTrailing = errors.New("has bytes behind its end")
	errForm     = errors.New("is not in canonical form")
)

// writer appends fields to a value.
type writer struct{ b []byte }

func (w *writer) octets(b []byte)        { w.b = append(w.b, b...) }
func (w *writer) number(n uint64)        { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) time(seconds int64)     { w.number(uint64(max(seconds, 0))) }
func (w *writer) address(a spec.Address) { w.octets(a.Bytes()) }
func (w *writer) amount(a spec.Amount)   { w.bytes(a.Bytes()) }

// some writes which numbers are not zero, as bits, and then those.
func (w *writer) some(numbers ...uint64) {
	var present uint64
	for i, n := range numbers {
		if n != 0 {
			present |= 1 << i
		}
	}
	w.number(present)
	for _, n := range numbers {
		if n != 0 {
			w.number(n)
		}
	}
}

// marks are flags as the bits of one number.
func marks(flags ...bool) (bits uint64) {
	for i, flag := range flags {
		if flag {
			bits |= 1 << i
		}
	}
	return bits
}

// since returns how long after a beginning a time is; 0 stands for one that is not set.
func since(beginning, time int64) uint64 { return uint64(max(time-beginning, 0)) }

// after is the inverse of since.
func after(beginning int64, span uint64) int64 {
	if span == 0 {
		return 0
	}
	return beginning + int64(span)
}

// shares writes shares of hundredths of a percent behind their number; a share of nothing ends them.
func (w *writer) shares(shares [ledger.MaxMilestones]uint32) {
	n := count(shares)
	w.number(uint64(n))
	for _, share := range shares[:n] {
		w.number(uint64(share))
	}
}

func count(shares [ledger.MaxMilestones]uint32) int {
	if n := slices.Index(shares[:], 0); n >= 0 {
		return n
	}
	return len(shares)
}

func (w *writer) flag(f bool) {
	if f {
		w.number(1)
	} else {
		w.number(0)
	}
}

func (w *writer) bytes(b []byte) {
	w.number(uint64(len(b)))
	w.octets(b)
}

// hashes writes which hashes there are, as bits, and then those.
func (w *writer) hashes(hashes ...[32]byte) {
	var present uint64
	for i, h := range hashes {
		if h != [32]byte{} {
			present |= 1 << i
		}
	}
	w.number(present)
	for _, h := range hashes {
		if h != [32]byte{} {
			w.octets(h[:])
		}
	}
}

// reader takes fields off a value. The first fault stays; what is read after it is zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) octets(n int) []byte {
	if len(r.b) < n {
		r.fail(errShort)
		return make([]byte, n)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) number(highest uint64) uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail(errShort)
		return 0
	}
	// The last byte of the shortest form is not zero.
	if n > highest || size > 1 && r.b[size-1] == 0 {
		r.fail(errForm)
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) uint32() uint32 { return uint32(r.number(1<<32 - 1)) }
func (r *reader) time() int64    { return int64(r.number(1<<62 - 1)) }

// seconds reads a span of time, bounded so that no sum with a time overflows.
func (r *reader) seconds() int64 { return int64(r.number(1<<40 - 1)) }

// some reads what writer.some wrote; the numbers have at most 32 bits.
func (r *reader) some(numbers ...*uint64) {
	present := r.number(1<<len(numbers) - 1)
	for i, n := range numbers {
		if present&(1<<i) == 0 {
			continue
		}
		if *n = r.number(1<<32 - 1); *n == 0 {
			r.fail(errForm)
		}
	}
}

// marks is the inverse of the function.
func (r *reader) marks(bits uint64, flags ...*bool) {
	if bits >= 1<<len(flags) {
		r.fail(errForm)
	}
	for i, flag := range flags {
		*flag = bits&(1<<i) != 0
	}
}

func (r *reader) shares() (shares [ledger.MaxMilestones]uint32) {
	for i := range r.number(ledger.MaxMilestones) {
		if shares[i] = r.uint32(); shares[i] == 0 {
			r.fail(errForm)
		}
	}
	return shares
}

func (r *reader) flag() bool { return r.number(1) == 1 }

// bytes reads a length of at most highest and so many bytes.
func (r *reader) bytes(highest uint64) []byte { return r.octets(int(r.number(highest))) }

func (r *reader) address() spec.Address {
	a, err := spec.AddressFromBytes(r.octets(21))
	if err != nil {
		r.fail(errForm)
	}
	return a
}

func (r *reader) amount() spec.Amount {
	a, err := spec.AmountFromBytes(r.bytes(16))
	if err != nil {
		r.fail(errForm)
	}
	return a
}

func (r *reader) id() spec.ID { return spec.ID(r.octets(20)) }

func (r *reader) hashes(hashes ...*[32]byte) {
	present := r.number(1<<len(hashes) - 1)
	for i, h := range hashes {
		if present&(1<<i) == 0 {
			continue
		}
		if *h = [32]byte(r.octets(32)); *h == [32]byte{} {
			r.fail(errForm)
		}
	}
}

func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.err = errTrailing
	}
	return r.err
}
