// Package crowd is what benches let act on a network: people who sign intents, a closed loop that keeps some of them on their
// way, and gateways in this process that carry them, wired of the gateway's own parts as in cmt-gateway. It must never reach
// around these parts to make a figure better.
package crowd
