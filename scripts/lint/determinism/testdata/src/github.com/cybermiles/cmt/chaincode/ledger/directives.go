package ledger

func wrong(m map[string]int, c chan int) {
	//determinism:sorted // want `//determinism:sorted gives no reason`
	for key := range m { // want `range over a map`
		_ = key
	}
	//determinism:ignore whatever // want `there is no //determinism:ignore: it is one of sorted, joined, once`
	for key := range m { // want `range over a map`
		_ = key
	}
	//determinism:joined the wrong one // want `nothing here needs //determinism:joined: remove it`
	for key := range m { // want `range over a map`
		_ = key
	}
	//determinism:sorted too far above // want `nothing here needs //determinism:sorted: remove it`

	for key := range m { // want `range over a map`
		_ = key
	}
}
