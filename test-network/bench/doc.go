// Package bench is the harness of scripts/bench: benches made of scenarios, run in a workplace of their own, whose figures
// become a table and a JSON document. It knows processes, networks and clones from outside, as a user has them; it must
// never assert by time: a bench shows, and fails only when something broke.
package bench
