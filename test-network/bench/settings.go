package bench

import "time"

// Settings are what a caller may ask of every bench; a scenario takes those that concern it.
type Settings struct {
	// Length is how long a window of measuring lasts; 0: what the scenario finds right.
	Length time.Duration
	// Accounts bounds how many accounts act where a scenario needs many; 0: as many as it wants.
	Accounts int
	// Units is how many units a sale has, Buyers how many come for them; 0: as many as it wants.
	Units, Buyers int
	// Keep leaves networks and folders where they are.
	Keep bool
}
