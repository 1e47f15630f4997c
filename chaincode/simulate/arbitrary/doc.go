// Package arbitrary draws commands, calls and views that keep every rule of form of the published language, for property
// tests and fuzzing. It knows the rules of the fields as package spec has them, so that a new operation is drawn without a
// line here; it must never know what a command does.
package arbitrary
