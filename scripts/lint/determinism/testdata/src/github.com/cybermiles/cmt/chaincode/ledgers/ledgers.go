// Package ledgers has a name that begins like one under the law, and is not under it.
package ledgers

import "os"

var Name, _ = os.Hostname()
