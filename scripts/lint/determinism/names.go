package determinism

// imports that no deterministic package has, each with the reason. A name covers that package alone, not those below it.
var imports = map[string]string{
	"C":                      "C code is outside every rule",
	"crypto/rand":            "endorsers would draw different numbers",
	"github.com/google/uuid": "derive identifiers from the actor and the client's reference",
	"hash/maphash":           "its seed differs in every process",
	"math/rand":              "endorsers would draw different numbers",
	"math/rand/v2":           "endorsers would draw different numbers",
	"net":                    "a rule asks nobody",
	"net/http":               "a rule asks nobody; write status codes as numbers",
	"os":                     "endorsers run on different hosts",
	"os/exec":                "endorsers run on different hosts",
	"os/signal":              "endorsers run on different hosts",
	"os/user":                "endorsers run on different hosts",
	"plugin":                 "endorsers run on different hosts",
	"syscall":                "endorsers run on different hosts",
	"unsafe":                 "addresses and layouts differ between processes",
}

const (
	clock  = "endorsers' clocks differ: take the transaction's time from Env"
	zone   = "endorsers' time zones differ: use UTC"
	draw   = "endorsers would draw different numbers"
	varies = "its bytes vary between builds"
)

// names that no deterministic package uses, called or not, each with the reason.
var names = map[string]string{
	"time.After":     clock,
	"time.AfterFunc": clock,
	"time.NewTicker": clock,
	"time.NewTimer":  clock,
	"time.Now":       clock,
	"time.Since":     clock,
	"time.Sleep":     clock,
	"time.Tick":      clock,
	"time.Until":     clock,

	"context.WithDeadline":      clock,
	"context.WithDeadlineCause": clock,
	"context.WithTimeout":       clock,
	"context.WithTimeoutCause":  clock,

	"google.golang.org/protobuf/types/known/timestamppb.Now": clock,

	"time.LoadLocation": zone,
	"time.Local":        zone,
	"(time.Time).Local": zone,

	"crypto/ecdsa.GenerateKey":        draw,
	"crypto/ecdsa.Sign":               draw,
	"crypto/ecdsa.SignASN1":           draw,
	"crypto/ed25519.GenerateKey":      draw,
	"(crypto/ecdh.Curve).GenerateKey": draw,

	"google.golang.org/protobuf/encoding/protojson.Format":                   varies,
	"google.golang.org/protobuf/encoding/protojson.Marshal":                  varies,
	"(google.golang.org/protobuf/encoding/protojson.MarshalOptions).Format":  varies,
	"(google.golang.org/protobuf/encoding/protojson.MarshalOptions).Marshal": varies,
	"google.golang.org/protobuf/encoding/prototext.Format":                   varies,
	"google.golang.org/protobuf/encoding/prototext.Marshal":                  varies,
	"(google.golang.org/protobuf/encoding/prototext.MarshalOptions).Format":  varies,
	"(google.golang.org/protobuf/encoding/prototext.MarshalOptions).Marshal": varies,
	"google.golang.org/protobuf/proto.Marshal":                               varies + ": use proto.MarshalOptions{Deterministic: true}",
}

// unordered are the functions whose answer comes in a map's order.
var unordered = map[string]bool{
	"maps.All":    true,
	"maps.Keys":   true,
	"maps.Values": true,

	"(*reflect.MapIter).Next":  true,
	"(reflect.Value).MapKeys":  true,
	"(reflect.Value).MapRange": true,
	"(reflect.Value).Seq":      true,
	"(reflect.Value).Seq2":     true,
	"(*sync.Map).Range":        true,
}

// spawning are the functions that run their argument beside the caller, as a go statement does.
var spawning = map[string]bool{
	"(*sync.WaitGroup).Go":                      true,
	"(*golang.org/x/sync/errgroup.Group).Go":    true,
	"(*golang.org/x/sync/errgroup.Group).TryGo": true,
}

// local are the functions whose answer is in the host's time zone until it is turned to UTC.
var local = map[string]bool{
	"time.Unix":      true,
	"time.UnixMicro": true,
	"time.UnixMilli": true,
}

const marshalOptions = "google.golang.org/protobuf/proto.MarshalOptions"
