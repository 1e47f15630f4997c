// Package config is the gateway's configuration: one struct, its defaults, and the reading of file, environment and flags
// into it. It says in one line what is wrong with a setting; it must never act on one.
package config
