// Package network tests cmt-network on real networks of its own: free ports, temporary folders, a tiny chaincode (echo)
// and a program that stands for a gateway (ready). Its tests run with -tags network; they know nothing of what our
// chaincode and gateway do, and end every process they started.
package network
