package ledger

import "sync"

func races(a, b chan int) int {
	var group sync.WaitGroup
	group.Go(func() { a <- 1 }) // want `\(\*sync.WaitGroup\).Go: which is first differs in every run`
	go func() { a <- 1 }()      // want `a goroutine: which is first differs in every run`
	select {                    // want `select: which is first differs in every run`
	case x := <-a:
		return x
	case x := <-b:
		return x
	}
}
