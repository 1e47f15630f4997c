package simulate

// orderer holds what was submitted and is in no block yet.
type orderer struct {
	queue    []*Envelope
	withheld []withheld
}

// withheld is an envelope that somebody keeps back.
type withheld struct {
	envelope *Envelope
	until    int64
}

// Submit hands an envelope to the orderer, or by chance to somebody who keeps it back.
func (w *World) Submit(envelope *Envelope) {
	faults := w.config.Faults
	if w.chance(faults.Withhold) && faults.WithholdSeconds > 0 {
		until := w.now + 1 + w.rand.Int64N(faults.WithholdSeconds)
		w.orderer.withheld = append(w.orderer.withheld, withheld{envelope, until})
		return
	}
	w.orderer.queue = append(w.orderer.queue, envelope)
}

// Pending is how many envelopes are in no block yet, those kept back included.
func (w *World) Pending() int { return len(w.orderer.queue) + len(w.orderer.withheld) }

// Cut makes a block of what waits, validates and commits it; the peers follow, some later. Without anything to order there is
// no block.
func (w *World) Cut() *Block {
	w.handOver()
	batch := w.takeBatch()
	if len(batch) == 0 {
		return nil
	}
	block := w.commit(batch)
	for _, peer := range w.peers {
		peer.follow()
	}
	return block
}

// CutAll makes blocks until nothing waits but what is kept back. Delay must not be certain.
func (w *World) CutAll() []*Block {
	var blocks []*Block
	for {
		w.handOver()
		if len(w.orderer.queue) == 0 {
			return blocks
		}
		if block := w.Cut(); block != nil {
			blocks = append(blocks, block)
		}
	}
}

// handOver queues what was kept back until now.
func (w *World) handOver() {
	var rest []withheld
	for _, kept := range w.orderer.withheld {
		if kept.until <= w.now {
			w.orderer.queue = append(w.orderer.queue, kept.envelope)
		} else {
			rest = append(rest, kept)
		}
	}
	w.orderer.withheld = rest
}

// takeBatch takes the next block's envelopes off the queue, with the faults that ordering has.
func (w *World) takeBatch() []*Envelope {
	faults := w.config.Faults
	size := w.config.BlockSize
	if faults.SmallBlocks {
		size = 1 + w.rand.IntN(size)
	}
	var batch, rest []*Envelope
	for _, envelope := range w.orderer.queue {
		if len(batch) == size || w.chance(faults.Delay) {
			rest = append(rest, envelope)
			continue
		}
		batch = append(batch, envelope)
		if w.chance(faults.Duplicate) {
			rest = append(rest, envelope)
		}
	}
	w.orderer.queue = rest
	if faults.Reorder {
		w.rand.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	}
	return batch
}
