package bench

import (
	"strings"
	"time"
)

// Phases tells from a program's lines how its time was spent. Each phase ends with the last line that holds its mark
// before a later phase's mark is seen; one whose mark never comes is left out, and its time falls to the next.
type Phases struct {
	Marks []Mark

	seen []time.Duration
	at   int // no phase before this one can still end
}

// Mark is the text that ends a phase.
type Mark struct {
	Phase string
	Text  string
}

// Line takes a line of the program and when it came.
func (p *Phases) Line(at time.Duration, line string) {
	if p.seen == nil {
		p.seen = make([]time.Duration, len(p.Marks))
	}
	for i := p.at; i < len(p.Marks); i++ {
		if strings.Contains(line, p.Marks[i].Text) {
			p.seen[i], p.at = at, i
			return
		}
	}
}

// Ended is when a phase ended; false when its mark never came.
func (p *Phases) Ended(phase string) (time.Duration, bool) {
	for i, mark := range p.Marks {
		if mark.Phase == phase && p.seen != nil && p.seen[i] > 0 {
			return p.seen[i], true
		}
	}
	return 0, false
}

// Seconds is each phase's length.
func (p *Phases) Seconds() Parts {
	var parts Parts
	var before time.Duration
	for i, mark := range p.Marks {
		if p.seen != nil && p.seen[i] > 0 {
			parts = append(parts, Part{Name: mark.Phase, Value: (p.seen[i] - before).Seconds()})
			before = p.seen[i]
		}
	}
	return parts
}
