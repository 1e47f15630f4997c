package bench

import (
	"bytes"
	"encoding/json"
	"math"
)

// Result is what one scenario measured: its name and its figures in order, one flat JSON object.
type Result struct {
	Name    string
	Figures []Figure
	// Err is why the scenario broke, in place of figures; its text is the object's "error".
	Err error
}

// Figure is one measured value. Its name ends with its unit.
type Figure struct {
	Name  string
	Value any   // float64, int, []float64 or Parts
	Goal  *Goal // nil: nothing is aimed at
}

// Goal is what a figure is to reach.
type Goal struct {
	Value   float64
	AtLeast bool // else at most
}

// Reached says whether a value is as good as the goal.
func (g Goal) Reached(value float64) bool {
	if g.AtLeast {
		return value >= g.Value
	}
	return value <= g.Value
}

// Parts is a figure by its parts, in order: one JSON object.
type Parts []Part

// Part is one of them.
type Part struct {
	Name  string
	Value float64
}

// Add adds a figure without a goal.
func (r *Result) Add(name string, value any) {
	r.Figures = append(r.Figures, Figure{Name: name, Value: value})
}

// AddAtMost adds a figure that is to be at most its goal; the document has the goal as goal_NAME.
func (r *Result) AddAtMost(name string, value, goal float64) {
	r.Figures = append(r.Figures, Figure{Name: name, Value: value, Goal: &Goal{Value: goal}})
}

// AddAtLeast adds a figure that is to be at least its goal; the document has the goal as goal_NAME.
func (r *Result) AddAtLeast(name string, value, goal float64) {
	r.Figures = append(r.Figures, Figure{Name: name, Value: value, Goal: &Goal{Value: goal, AtLeast: true}})
}

// MarshalJSON writes one flat object, the name first.
func (r Result) MarshalJSON() ([]byte, error) {
	o := object{}
	o.add("name", r.Name)
	if r.Err != nil {
		o.add("error", r.Err.Error())
	}
	for _, figure := range r.Figures {
		o.add(figure.Name, rounded(figure.Value))
		if figure.Goal != nil {
			o.add("goal_"+figure.Name, figure.Goal.Value)
		}
	}
	return o.close()
}

// MarshalJSON writes an object in the order of the parts.
func (p Parts) MarshalJSON() ([]byte, error) {
	o := object{}
	for _, part := range p {
		o.add(part.Name, round(part.Value))
	}
	return o.close()
}

// object is a JSON object whose members keep their order, which encoding/json does not do for maps.
type object struct {
	out bytes.Buffer
	err error
}

func (o *object) add(name string, value any) {
	key, err1 := json.Marshal(name)
	member, err2 := json.Marshal(value)
	for _, err := range []error{err1, err2} {
		if err != nil && o.err == nil {
			o.err = err
		}
	}
	if o.out.Len() > 0 {
		o.out.WriteByte(',')
	}
	o.out.Write(key)
	o.out.WriteByte(':')
	o.out.Write(member)
}

func (o *object) close() ([]byte, error) {
	return append(append([]byte{'{'}, o.out.Bytes()...), '}'), o.err
}

// round keeps three decimals: more would claim a precision that nothing here has.
func round(value float64) float64 { return math.Round(value*1000) / 1000 }

func rounded(value any) any {
	if number, ok := value.(float64); ok {
		return round(number)
	}
	return value
}
