package ledger

import (
	"net"      // want `import of net: a rule asks nobody`
	"net/http" // want `import of net/http: a rule asks nobody`
	"net/url"
	"os"      // want `import of os: endorsers run on different hosts`
	"os/exec" // want `import of os/exec: endorsers run on different hosts`
	"unsafe"  // want `import of unsafe: addresses`
)

func host() {
	_ = os.Getenv("HOME")
	_ = exec.Command("true")
	_ = unsafe.Sizeof(0)
	_, _ = net.LookupHost("")
	_ = http.StatusOK
	_ = url.PathEscape("")
}
