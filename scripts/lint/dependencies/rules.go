package dependencies

const (
	hyperledger = "github.com/hyperledger"
	contractAPI = "github.com/hyperledger/fabric-contract-api-go"
	shim        = "github.com/hyperledger/fabric-chaincode-go"
	http        = "net/http"
	sql         = "database/sql"
	sqlite      = "modernc.org/sqlite"
	pgx         = "github.com/jackc/pgx"
	process     = "os/exec"
)

// pure is all that a rule as a value must know nothing of, however far away.
var pure = []string{hyperledger, http, sql, process}

// language is what the chaincode and the gateway both speak, and the rules that both apply.
var language = []string{"chaincode/spec", "chaincode/intent", "chaincode/ledger", "chaincode/door", "chaincode/state"}

// port is what a package behind one of app's ports may import.
var port = append([]string{"gateway/app", "gateway/internal"}, language...)

// Rules are the directions of docs/architecture.md: spec <- ledger <- state <- contract, spec <- intent;
// in the gateway spec <- app <- {fabric, batch, store, keys, httpapi}; the network imports neither side.
var Rules = []Rule{
	{Tree: "chaincode", Why: "the chaincode imports neither gateway nor network"},
	{
		Tree: "chaincode/spec", Why: "the language imports no other package of ours, and is pure",
		NeverReaches: pure,
	},
	{
		Tree: "chaincode/ledger", Why: "the rules know their language only, and are pure",
		May: []string{"chaincode/spec"}, NeverReaches: pure,
	},
	{
		Tree: "chaincode/intent", Why: "intents know the language only, and are pure",
		May: []string{"chaincode/spec"}, NeverReaches: pure,
	},
	{
		Tree: "chaincode/door", Why: "both doors lead to the rules, and are pure",
		May: []string{"chaincode/spec", "chaincode/intent", "chaincode/ledger"}, NeverReaches: pure,
	},
	{
		Tree: "chaincode/state", Why: "state knows the language and the rules, and a stub by a small interface of its own",
		May:          []string{"chaincode/spec", "chaincode/ledger"},
		NeverReaches: []string{contractAPI, shim, http, sql, process},
	},
	{
		Tree: "chaincode/contract", Why: "contract is wired by chaincode/cmd and used by nobody else",
		May: language, NeverImports: []string{http, sql, sqlite, pgx, process},
	},
	{
		Tree: "chaincode/simulate", Why: "the simulator runs the rules without Fabric",
		May: language, NeverReaches: []string{contractAPI, shim, http, sql, process},
	},

	{
		Tree: "gateway", Why: "the gateway uses the chaincode's language and rules, never contract, and no network",
		May: language, NeverImports: []string{contractAPI, shim},
	},
	{
		Tree: "gateway/app", Why: "use cases know no HTTP, no Fabric, no SQL, and no adapter",
		May: append([]string{"gateway/internal"}, language...), NeverImports: []string{http, hyperledger, sql, sqlite, pgx},
	},
	{Tree: "gateway/fabric", Why: "an adapter knows app, not its neighbours", May: append([]string{"gateway/breaker"}, port...), NeverImports: []string{sql, sqlite, pgx}},
	{Tree: "gateway/batch", Why: "an adapter knows app, not its neighbours", May: port},
	{Tree: "gateway/breaker", Why: "it knows time only", May: []string{}},
	{
		Tree: "gateway/neighbours", Why: "an adapter knows app and the API's client, not its neighbours in the house",
		May: append([]string{"gateway/client", "gateway/breaker"}, port...),
	},
	{Tree: "gateway/store", Why: "an adapter knows app, not its neighbours", May: port},
	{Tree: "gateway/wallet", Why: "a person's key needs the language only", May: language, NeverReaches: []string{hyperledger, http, sql, process}},
	{Tree: "gateway/keys", Why: "an adapter knows app, not its neighbours; what it keeps are a person's keys", May: append([]string{"gateway/wallet"}, port...)},
	{
		Tree: "gateway/httpapi", Why: "routes know app and the pages, neither Fabric nor SQL",
		May: append([]string{"gateway/console"}, port...), NeverImports: []string{hyperledger, sql, sqlite, pgx},
	},
	{
		Tree: "gateway/console", Why: "pages know app and the routes, neither Fabric nor SQL",
		May: append([]string{"gateway/httpapi"}, port...), NeverImports: []string{hyperledger, sql, sqlite, pgx},
	},

	{
		Tree: "network", Why: "the network runs both sides and imports neither",
		NeverImports: []string{contractAPI, shim},
	},
	{Tree: "network/topology", Why: "topology is data and pure", May: []string{"network/internal"}, NeverReaches: pure},
	{
		Tree: "network/render", Why: "rendering turns topology into text and does nothing else",
		May: []string{"network/topology", "network/internal"}, NeverImports: []string{process, http},
	},
	{
		Tree: "network/proc", Why: "supervision knows nothing of Fabric nor of topologies",
		May: []string{"network/internal"}, NeverImports: []string{hyperledger},
	},
}
