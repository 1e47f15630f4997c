// Package proc keeps processes running: it starts them, writes their output to bounded log files, starts a dead one
// again with growing pauses, stops them in order, and answers questions about them over a Unix socket.
//
// It knows programs, process identifiers and files. It must never know what the programs are for, so nothing in it
// mentions Fabric, and a program that runs but does not work is not its business.
package proc
