// Package keys keeps keys for people who have none of their own: encrypted at rest under a master key, which lies in a file
// beside the database. It signs with them and gives each nonce once; it must never know who asks, nor let a private key out.
package keys
