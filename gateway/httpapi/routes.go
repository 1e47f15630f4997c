package httpapi

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// parameter is a query parameter of a route of the gateway's own.
type parameter struct {
	name, doc string
	schema    spec.Schema
}

// ownRoute is a route that is no operation of the ledger: it is answered by the gateway.
type ownRoute struct {
	method, path string
	name, doc    string
	// scope is what it needs; to read when empty.
	scope spec.Scope
	// status is that of success; 200 when 0.
	status int
	// body describes the request's body, idempotent whether it takes an idempotency key.
	body       *requestForm
	idempotent bool
	// item is the view that a list has items of; nil when the route is no list.
	item proto.Message
	// oldestFirst: the list begins with the oldest item.
	oldestFirst bool
	parameters  []parameter
	errors      []spec.Code
	schema      func() spec.Schema
	serve       func(s *server, principal app.Principal, w http.ResponseWriter, r *http.Request) error
}

// The identifier of a transaction, as Fabric makes it.
var transactionSchema = spec.Schema{"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "The transaction's identifier."}

// requestForm is the body of a route of the gateway's own.
type requestForm struct {
	name    string
	schema  func() spec.Schema
	example func() object
}

// needs returns the scope that the route needs.
func (r ownRoute) needs() spec.Scope { return cmp.Or(r.scope, spec.ScopeRead) }

// ownRoutes are the routes beside the operation table's.
var ownRoutes = slices.Concat(readRoutes, tradeRoutes, historyRoutes, intentRoutes, keyRoutes)

// readRoutes are lists and lookups.
var readRoutes = []ownRoute{
	{
		method: "GET", path: "/v1/listings", name: "ListListings", doc: "Listings, the newest first, page by page.", item: &spec.ListingView{},
		parameters: []parameter{
			addressParameter("seller", "Only this seller's."),
			{"category", "Only of this category.", spec.Schema{"type": "string"}},
			stateParameter(spec.ListingState(0).Descriptor()), cursorParameter, limitParameter,
		},
		serve: (*server).listListings,
	},
	{
		method: "GET", path: "/v1/orders", name: "ListOrders", doc: "Orders, the newest first, page by page.", item: &spec.OrderView{},
		parameters: []parameter{
			addressParameter("buyer", "Only this buyer's."), addressParameter("seller", "Only this seller's."),
			stateParameter(spec.OrderState(0).Descriptor()), cursorParameter, limitParameter,
		},
		serve: (*server).listOrders,
	},
	{
		method: "GET", path: "/v1/transfers", name: "ListTransfers", doc: "Transfers, the newest first, page by page.", item: &spec.TransferView{},
		parameters: []parameter{addressParameter("account", "Only those from or to this account."), cursorParameter, limitParameter},
		serve:      (*server).listTransfers,
	},
	{
		method: "GET", path: "/v1/transactions/{transaction}", name: "GetTransaction", doc: "What became of a transaction.",
		errors: []spec.Code{spec.NotFound}, schema: transactionRecordSchema, serve: (*server).getTransaction,
	},
	{
		method: "GET", path: "/v1/self", name: "GetSelf", doc: "The gateway's organisation, and what the key may do.",
		schema: selfSchema, serve: (*server).getSelf,
	},
}

var (
	cursorParameter = parameter{"cursor", "Where to go on, as the page before said.", spec.Schema{"type": "string"}}
	limitParameter  = parameter{"limit", "Items a page; 100 when absent.", spec.Schema{"type": "integer", "minimum": 1, "maximum": app.MaxPage}}
)

func addressParameter(name, doc string) parameter {
	return parameter{name, doc, spec.Schema{"type": "string", "pattern": fieldSchema(&spec.GetBalance{}, "address")["pattern"]}}
}

func stateParameter(enum protoreflect.EnumDescriptor) parameter {
	return parameter{"state", "Only those in this state.", spec.Schema{"type": "string", "enum": spec.EnumTexts(enum)}}
}

// guarded serves a route of the gateway's own to who has its scope.
func (s *server) guarded(route ownRoute) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		principal, err := s.principal(r, route.needs())
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, p := range route.parameters {
			known[p.name] = true
		}
		values := r.URL.Query()
		for _, name := range sortedNames(values) {
			if !known[name] {
				return spec.FieldErrorf(spec.UnknownField, name, "is not a query parameter of this path")
			}
			if len(values[name]) > 1 {
				return spec.FieldErrorf(spec.DuplicateField, name, "may stand once in the query")
			}
			if values[name][0] == "" {
				return spec.FieldErrorf(spec.InvalidField, name, "must not be empty; leave it out")
			}
		}
		return route.serve(s, principal, w, r)
	}
}

func (s *server) listListings(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	var query app.ListingQuery
	var err error
	if query.Seller, err = addressOf(r, "seller"); err != nil {
		return err
	}
	query.Category = r.URL.Query().Get("category")
	state, err := enumOf(r, "state", spec.ListingState(0).Descriptor())
	if err != nil {
		return err
	}
	query.State = spec.ListingState(state)
	if query.Cursor, query.Limit, err = pageOf(r); err != nil {
		return err
	}
	page, err := s.options.Lists.Listings(r.Context(), query)
	return writePage(w, page, err)
}

func (s *server) listOrders(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	var query app.OrderQuery
	var err error
	if query.Buyer, err = addressOf(r, "buyer"); err != nil {
		return err
	}
	if query.Seller, err = addressOf(r, "seller"); err != nil {
		return err
	}
	state, err := enumOf(r, "state", spec.OrderState(0).Descriptor())
	if err != nil {
		return err
	}
	query.State = spec.OrderState(state)
	if query.Cursor, query.Limit, err = pageOf(r); err != nil {
		return err
	}
	page, err := s.options.Lists.Orders(r.Context(), query)
	return writePage(w, page, err)
}

func (s *server) listTransfers(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	var query app.TransferQuery
	var err error
	if query.Account, err = addressOf(r, "account"); err != nil {
		return err
	}
	if query.Cursor, query.Limit, err = pageOf(r); err != nil {
		return err
	}
	page, err := s.options.Lists.Transfers(r.Context(), query)
	return writePage(w, page, err)
}

func addressOf(r *http.Request, name string) (*spec.Address, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return nil, nil
	}
	address, err := spec.ParseAddress(text)
	if err != nil {
		return nil, spec.FieldErrorf(spec.InvalidField, name, "%s", err)
	}
	return &address, nil
}

// enumOf returns the number of an enum's value, 0 when the parameter is absent.
func enumOf(r *http.Request, name string, enum protoreflect.EnumDescriptor) (protoreflect.EnumNumber, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	for i := 1; i < enum.Values().Len(); i++ {
		if number := enum.Values().Get(i).Number(); spec.EnumText(enum, number) == text {
			return number, nil
		}
	}
	return 0, spec.FieldErrorf(spec.InvalidField, name, "must be one of %s", strings.Join(spec.EnumTexts(enum), ", "))
}

func pageOf(r *http.Request) (cursor string, limit int, err error) {
	values := r.URL.Query()
	cursor, limit = values.Get("cursor"), app.MaxPage
	if text := values.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
		if err != nil || !plainNumber(text) || limit < 1 || limit > app.MaxPage {
			return "", 0, spec.FieldErrorf(spec.InvalidField, "limit", "must be a whole number from 1 to %d", app.MaxPage)
		}
	}
	return cursor, limit, nil
}

// pageAnswer is the body of a list.
type pageAnswer struct {
	Items      []json.RawMessage `json:"items"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

func writePage(w http.ResponseWriter, page app.Page, err error) error {
	if err != nil {
		return err
	}
	answer := pageAnswer{Items: make([]json.RawMessage, len(page.Items)), NextCursor: page.NextCursor}
	for i, item := range page.Items {
		answer.Items[i] = item
	}
	return writeJSON(w, http.StatusOK, answer)
}

// transactionAnswer is the body of a transaction's lookup.
type transactionAnswer struct {
	Transaction string          `json:"transaction"`
	State       string          `json:"state"`
	Block       *uint64         `json:"block,omitempty"`
	Code        string          `json:"code,omitempty"`
	Operation   string          `json:"operation,omitempty"`
	Creator     string          `json:"creator,omitempty"`
	Time        string          `json:"time,omitempty"`
	Result      json.RawMessage `json:"result,omitempty"`
}

func transactionRecordSchema() spec.Schema {
	text := func(doc string) spec.Schema { return spec.Schema{"type": "string", "description": doc} }
	return spec.Schema{
		"type": "object", "additionalProperties": false, "required": []string{"transaction", "state"},
		"properties": spec.Schema{
			"transaction": transactionSchema,
			"state":       spec.Schema{"type": "string", "enum": []string{"pending", "committed", "invalid"}, "description": "Pending: this gateway sent it, and no block with it was seen."},
			"block":       spec.Schema{"type": "integer", "minimum": 0, "description": "The block that holds it."},
			"code":        text("Fabric's validation code; VALID took effect."),
			"operation":   text("The operation that was called."),
			"creator":     text("The membership service provider of who signed."),
			"time":        spec.Schema{"type": "string", "format": "date-time", "description": "The transaction's timestamp."},
			"result":      spec.Schema{"type": "object", "description": "What the operation answered."},
		},
	}
}

func transactionPath(id string) string { return "/v1/transactions/" + id }

func (s *server) getTransaction(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	record, err := s.options.UseCases.Transaction(r.Context(), r.PathValue("transaction"))
	if err != nil {
		return err
	}
	answer := transactionAnswer{
		Transaction: record.Transaction, State: string(record.State), Code: record.Code, Operation: record.Operation, Creator: record.Creator,
	}
	if record.State != app.TransactionPending {
		answer.Block = &record.Block
	}
	if !record.Time.IsZero() {
		answer.Time = record.Time.UTC().Format(time.RFC3339)
	}
	if json.Valid(record.Result) && record.State == app.TransactionCommitted {
		answer.Result = record.Result
	}
	return writeJSON(w, http.StatusOK, answer)
}

// selfAnswer is the body of what the gateway says of itself and the caller.
type selfAnswer struct {
	Organisation string       `json:"organisation"`
	MSPID        string       `json:"msp_id"`
	Address      string       `json:"address"`
	Key          string       `json:"key,omitempty"`
	KeyName      string       `json:"key_name,omitempty"`
	Scopes       []spec.Scope `json:"scopes"`
	Accounts     []string     `json:"accounts"`
}

func selfSchema() spec.Schema {
	text := func(doc string) spec.Schema { return spec.Schema{"type": "string", "description": doc} }
	return spec.Schema{
		"type": "object", "additionalProperties": false, "required": []string{"organisation", "msp_id", "address", "scopes", "accounts"},
		"properties": spec.Schema{
			"organisation": text("The gateway's organisation."),
			"msp_id":       text("Its membership service provider."),
			"address":      text("Its own account."),
			"key":          text("The identifier of the caller's API key."),
			"key_name":     text("The key's name."),
			"scopes":       spec.Schema{"type": "array", "items": spec.Schema{"type": "string", "enum": scopeTexts()}, "description": "What the key may do."},
			"accounts":     spec.Schema{"type": "array", "items": spec.Schema{"type": "string"}, "description": "Whom it may act for: * is the organisation and all sub-accounts, @organisation the organisation alone, others are sub-accounts' labels."},
		},
	}
}

func scopeTexts() []string {
	texts := make([]string, len(spec.Scopes))
	for i, scope := range spec.Scopes {
		texts[i] = string(scope)
	}
	return texts
}

func (s *server) getSelf(principal app.Principal, w http.ResponseWriter, _ *http.Request) error {
	name, mspID, address := s.options.UseCases.Organisation()
	answer := selfAnswer{
		Organisation: name, MSPID: mspID, Address: address.String(), Key: principal.KeyID, KeyName: principal.Name,
		Scopes: principal.Scopes, Accounts: append([]string{}, principal.Accounts...),
	}
	return writeJSON(w, http.StatusOK, answer)
}
